/** What keeps a virtual router from taking part, in every combination of link, address, checks and blocks. */
import { assertEquals } from "@std/assert";
import { type Conditions, conditionsOf, findPrimaryAddress } from "../../mod/vrrp/conditions.ts";
import type { TrackerState } from "../../mod/vrrp/messages.ts";
import { LinkTable } from "../../mod/kernel/links.ts";
import { address, bytes, instanceOf, link, links, type Written } from "./fixture.ts";

const fine: Conditions = { type: "conditions", waiting: [], faults: [], reachable: true };
const NONE = new Set<string>();

function withLinks(...all: Parameters<LinkTable["load"]>): LinkTable {
  const table = new LinkTable();
  table.load(...all);
  return table;
}

interface Row {
  readonly name: string;
  readonly written?: Written;
  readonly primary?: string | null;
  readonly trackers?: readonly TrackerState[];
  readonly table?: LinkTable;
  readonly expected: Partial<Conditions>;
}

const dead: TrackerState = { check: "nginx", state: "down", reason: "it is dead" };
const unknown: TrackerState = { check: "nginx", state: "unknown", reason: "" };

const ROWS: readonly Row[] = [
  { name: "all is well", expected: {} },
  {
    name: "the interface is missing",
    table: withLinks([], []),
    primary: null,
    expected: { waiting: ["interface eth0 does not exist"], reachable: false },
  },
  {
    name: "the interface is down: one reason is enough",
    table: withLinks([link(2, "eth0", { up: false, running: false })], []),
    primary: null,
    expected: { faults: ["eth0 is down"], reachable: false },
  },
  {
    name: "no carrier",
    table: withLinks([link(2, "eth0", { running: false })], [address(2, "192.0.2.1/24")]),
    expected: { faults: ["eth0 has no carrier"], reachable: false },
  },
  {
    name: "no IPv4 address",
    primary: null,
    expected: { waiting: ["eth0 has no IPv4 address"], reachable: false },
  },
  {
    name: "no IPv6 link-local address",
    written: { addresses: ["2001:db8::1/64"] },
    primary: null,
    expected: { waiting: ["eth0 has no usable IPv6 link-local address"], reachable: false },
  },
  {
    name: "the unicast source is not here",
    written: { unicast_peers: ["192.0.2.2"], unicast_source: "192.0.2.77" },
    primary: null,
    expected: { waiting: ["unicast_source 192.0.2.77 is not on this host"], reachable: false },
  },
  {
    name: "an address belongs on an interface that is missing: it can still speak",
    written: { addresses: ["192.0.2.100/24", { address: "192.0.2.101", interface: "eth7" }] },
    expected: { waiting: ["interface eth7 of 192.0.2.101 does not exist"] },
  },
  {
    name: "the interface of an address has no carrier: it can still speak",
    written: { addresses: ["192.0.2.100/24", { address: "192.0.2.101", interface: "eth7" }] },
    table: withLinks([link(2, "eth0"), link(7, "eth7", { running: false })], [address(2, "192.0.2.1/24")]),
    expected: { faults: ["eth7 has no carrier"] },
  },
  {
    name: "the interface of a virtual router MAC address is down, as ever while not active",
    written: { virtual_mac: true },
    table: withLinks(
      [link(2, "eth0"), link(7, "vrrp.51", { up: false, running: false })],
      [address(2, "192.0.2.1/24")],
    ),
    expected: {},
  },
  {
    name: "the interface of two addresses is down: told once, and other interfaces do not matter",
    written: {
      addresses: [{ address: "192.0.2.101", interface: "eth7" }, {
        address: "192.0.2.102",
        interface: "eth7",
      }],
    },
    table: withLinks(
      [link(2, "eth0"), link(7, "eth7", { up: false }), link(8, "eth8", { up: false })],
      [address(2, "192.0.2.1/24")],
    ),
    expected: { faults: ["eth7 is down"] },
  },
  {
    name: "a check without weight fails: it can still speak",
    written: { track: ["nginx"] },
    trackers: [dead],
    expected: { faults: ["nginx: it is dead"] },
  },
  {
    name: "a check without weight has not decided",
    written: { track: ["nginx"] },
    trackers: [unknown],
    expected: { waiting: ["check nginx has not decided yet"] },
  },
  {
    name: "a weighted check decides nothing",
    written: { track: [{ check: "nginx", weight: -9 }] },
    trackers: [dead],
    expected: {},
  },
];

for (const { name, written = {}, table = links(), expected, ...others } of ROWS) {
  Deno.test(`conditionsOf(): ${name}`, () => {
    assertEquals(conditionsOf(instanceOf(written, others), table, 0), { ...fine, ...expected });
  });
}

Deno.test("conditionsOf(): a running router does not wait for a check that a reload has added", () => {
  const instance = instanceOf({ track: ["nginx"] });
  for (const name of ["backup", "active"] as const) {
    instance.state = { ...instance.state, name } as typeof instance.state;
    assertEquals(conditionsOf(instance, links(), 0), fine);
  }
});

Deno.test("conditionsOf(): the block after a refused address ends by itself", () => {
  const instance = instanceOf();
  instance.blocked = { reason: "cannot add 192.0.2.100", untilMs: 1000 };
  assertEquals(conditionsOf(instance, links(), 999).faults, ["cannot add 192.0.2.100"]);
  assertEquals(conditionsOf(instance, links(), 1000), fine);
});

Deno.test("findPrimaryAddress(): the interface's first address that is not virtual", () => {
  const table = withLinks([link(2, "eth0")], [address(2, "192.0.2.100/24"), address(2, "192.0.2.1/24")]);
  assertEquals(findPrimaryAddress(instanceOf(), table, NONE), bytes("192.0.2.100"));
  assertEquals(findPrimaryAddress(instanceOf(), table, new Set(["192.0.2.100"])), bytes("192.0.2.1"));
  assertEquals(findPrimaryAddress(instanceOf({ interface: "eth9" }), table, NONE), null);
});

Deno.test("findPrimaryAddress(): a unicast source counts on any interface, but has to be there", () => {
  const unicast = { unicast_peers: ["198.51.100.2"], unicast_source: "198.51.100.1" };
  assertEquals(findPrimaryAddress(instanceOf(unicast), links(), NONE), bytes("198.51.100.1"));
  assertEquals(
    findPrimaryAddress(instanceOf({ ...unicast, unicast_source: "198.51.100.9" }), links(), NONE),
    null,
  );
});
