/** Which claims are conflicts, and which are a group's own affair. */
import { assertEquals } from "@std/assert";
import { conflictBy, isAlive, type Witnesses } from "../../mod/vrrp/conflicts.ts";
import { advertisement } from "./fixture.ts";

const STRANGER = "02:00:00:00:00:66";
const PEER = "02:00:00:00:00:02";
const VMAC = "00:00:5e:00:01:33";
const peer = (lastSeen: number): Witnesses["peers"][number] => ({
  address: "192.0.2.2",
  advertisement,
  lastSeen,
});

const facts: Witnesses = {
  ownMacs: new Set(["02:00:00:00:00:01"]),
  peers: [peer(9_000)],
  macs: new Map([["192.0.2.2", PEER]]),
  family: 4,
  vrid: 51,
  version: 3,
  advertisementInterval: 100,
  now: 10_000,
};
const silent: Partial<Witnesses> = { peers: [peer(5_000)] };
const alone: Partial<Witnesses> = { peers: [], macs: new Map() };

type Row = readonly [
  name: string,
  mac: string,
  change: Partial<Witnesses>,
  here: boolean,
  who: string | null,
];

const ROWS: readonly Row[] = [
  ["this host's own", "02:00:00:00:00:01", {}, true, null],
  ["a stranger", STRANGER, {}, true, STRANGER],
  ["a router that is there", PEER, {}, true, null],
  [
    "one that has been silent",
    PEER,
    silent,
    true,
    `${PEER}, the router 192.0.2.2, which is not heard any more`,
  ],
  ["one that has not answered for itself", PEER, { macs: new Map() }, true, PEER],
  ["the shared MAC address of one that is there", VMAC, {}, true, null],
  [
    "the shared one of nobody",
    VMAC,
    alone,
    true,
    `${VMAC}, the virtual router MAC address: a router that is not heard`,
  ],
  ["another group's shared one", "00:00:5e:00:01:34", {}, true, "00:00:5e:00:01:34"],
  ["on a link where a router that is there cannot be told", STRANGER, {}, false, null],
  ["there, when no router is there", STRANGER, silent, false, STRANGER],
];

for (const [name, mac, change, here, who] of ROWS) {
  Deno.test(`conflictBy(): ${name}`, () => {
    assertEquals(conflictBy(mac, { ...facts, ...change }, { here }), who);
  });
}

Deno.test("isAlive(): who waited for its silence does not take it for alive", () => {
  const { version, advertisementInterval } = facts;
  const at = (now: number): boolean => isAlive(peer(0), { version, advertisementInterval, now });
  // Three intervals and the smallest skew, less half an interval.
  assertEquals([at(2_500), at(2_510), at(3_004)], [true, false, false]);
});
