/** Desired against actual: every combination of wanted, held, there, owned and tagged. */
import { assertEquals } from "@std/assert";
import {
  type Action,
  type ActualAddress,
  type ManagedAddress,
  planAddress,
  planLeftovers,
  planResumption,
} from "../../mod/kernel/plan.ts";
import { bytes } from "../vrrp/fixture.ts";

const managed: ManagedAddress = {
  address: bytes("192.0.2.100"),
  prefix: 24,
  interface: "eth0",
  scope: 0,
  ifindex: 2,
  held: false,
};
const there: ActualAddress = { address: bytes("192.0.2.100"), prefix: 24, ifindex: 2 };
const ours: ActualAddress = { ...there, proto: 18 };

type Row = readonly [
  wanted: boolean,
  held: boolean,
  actual: readonly ActualAddress[],
  owner: boolean,
  action: Action,
];
const ROWS: readonly Row[] = [
  [true, false, [], false, "add"],
  [true, false, [], true, "add"],
  [true, false, [there], false, "adopt"],
  [true, false, [ours], false, "adopt"],
  [true, false, [there], true, "spare"],
  [true, false, [ours], true, "adopt"],
  [true, true, [there], false, "none"],
  [true, true, [ours], true, "none"],
  [true, true, [], false, "add"],
  [true, true, [], true, "add"],
  [false, true, [there], false, "remove"],
  [false, true, [], false, "remove"],
  [false, true, [ours], true, "remove"],
  [false, false, [], false, "none"],
  [false, false, [there], false, "none"],
  [false, false, [ours], true, "none"],
];
for (const [wanted, held, actual, owner, action] of ROWS) {
  const words = [
    wanted ? "wanted" : "not wanted",
    held ? "held" : "not held",
    actual.length === 0 ? "not there" : actual[0]!.proto === 18 ? "there with our tag" : "there",
    owner ? "owned" : "not owned",
  ];
  Deno.test(`planAddress(): ${words.join(", ")}: ${action}`, () => {
    assertEquals(planAddress({ ...managed, held }, wanted, actual, owner), action);
  });
}

const OTHERS: readonly (readonly [name: string, other: ActualAddress])[] = [
  ["another prefix", { ...there, prefix: 32 }],
  ["another interface", { ...there, ifindex: 3 }],
  ["another address", { ...there, address: bytes("192.0.2.101") }],
];
for (const [name, other] of OTHERS) {
  Deno.test(`planAddress(): ${name} is not the same address`, () => {
    assertEquals(planAddress(managed, true, [other], false), "add");
    assertEquals(planAddress({ ...managed, held: true }, true, [other], false), "add");
  });
}

Deno.test("planLeftovers() finds our addresses whatever prefix or interface they have, not those that are held", () => {
  const found = [ours, { ...there, prefix: 32 }, { ...there, ifindex: 3 }, {
    ...there,
    address: bytes("192.0.2.1"),
  }];
  assertEquals(planLeftovers([managed], found, false), found.slice(0, 3));
  assertEquals(planLeftovers([{ ...managed, held: true }], found, false), []);
  assertEquals(planLeftovers([], found, false), []);
});

Deno.test("planLeftovers() leaves an owner its own addresses, but not what carries our tag", () => {
  assertEquals(planLeftovers([managed], [there, ours], true), [ours]);
});

const RESUMPTIONS: readonly (readonly [name: string, actual: readonly ActualAddress[], held: boolean])[] = [
  ["nothing is there", [], false],
  ["ours, under a lease that runs", [{ ...ours, validLft: 2 }], true],
  ["ours, but for ever: nobody renews it", [{ ...ours, validLft: Infinity }], false],
  ["a lease without a tag, as old kernels have it", [{ ...there, validLft: 2 }], true],
  ["somebody else's lease", [{ ...there, proto: 3, validLft: 2 }], false],
  ["added by hand, for ever", [there], false],
  ["ours with another prefix", [{ ...ours, prefix: 32, validLft: 2 }], false],
  ["ours on another interface", [{ ...ours, ifindex: 3, validLft: 2 }], false],
];
for (const [name, actual, held] of RESUMPTIONS) {
  Deno.test(`planResumption(): ${name}: ${held ? "held" : "not held"}`, () => {
    const links = {
      indexOf: (ifname: string) => ifname === "eth0" ? 2 : 0,
      addressesOf: (ifindex: number) => actual.filter((address) => address.ifindex === ifindex),
    };
    assertEquals(planResumption([{ ...managed, ifindex: 0 }], links), [
      { ...managed, ifindex: held ? 2 : 0, held },
    ]);
  });
}

Deno.test("planResumption() leaves alone what another virtual router holds now", () => {
  const links = { indexOf: () => 2, addressesOf: () => [{ ...ours, validLft: 2 }] };
  assertEquals(planResumption([managed], links, [ours]), [managed]);
});
