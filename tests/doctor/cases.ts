/** Rows of one thing wrong in a healthy node's facts, and how they are tested. */
import { assert, assertEquals } from "@std/assert";
import { EXAMINATIONS } from "../../mod/doctor/examinations.ts";
import type { Facts, HeardFacts, PeerFacts } from "../../mod/doctor/facts.ts";
import type { Finding } from "../../mod/doctor/finding.ts";
import type { VirtualRouterStatus } from "../../mod/snapshot.ts";
import { router } from "../api/fixture.ts";
import { eth0, facts } from "./fixture.ts";

export const PEER_MAC = "02:00:00:00:00:02";
export const STRANGER = "02:00:00:00:00:66";

export const heard: HeardFacts = {
  interface: "eth0",
  family: 4,
  source: "192.0.2.2",
  mac: PEER_MAC,
  hopLimit: 255,
  version: 3,
  vrid: 51,
  priority: 150,
  intervalMs: 1_000,
  addresses: ["192.0.2.10"],
  multicast: true,
};
const [known] = router().peers;
export const peer = { ...known!, address: "192.0.2.2", priority: 150, addresses: ["192.0.2.10"] };
export const backup: Partial<VirtualRouterStatus> = {
  state: "BACKUP",
  active_router: "192.0.2.2",
  peers: [peer],
};
export const vip = { address: "192.0.2.10", interface: "eth0", what: "virtual" } as const;
export const nothing: PeerFacts = {
  name: "lb2",
  config: null,
  status: null,
  problem: null,
  clockAheadMs: null,
  comparison: [],
};
export const parameters = (values: Readonly<Record<string, string>>): Pick<Facts, "parameters"> => ({
  parameters: new Map([["net/ipv6/conf/eth0/disable_ipv6", "0"], ...Object.entries(values)]),
});
export const macvlan = {
  ...eth0,
  name: "vrrp.51",
  index: 3,
  kind: "macvlan",
  below: "eth0",
  mac: "00:00:5e:00:01:33",
  addresses: [],
};

export function judge(given: Facts): Finding[] {
  return EXAMINATIONS.flatMap(({ judge }) => [...judge(given)]);
}

/** Name, facts, keys of the virtual router and further tables, what is said: `severity about: message`. */
export type Row = readonly [
  name: string,
  changes: Partial<Facts>,
  says: RegExp | null,
  keys?: string,
  more?: string,
];

/** Neither a problem nor a warning. */
export function testHealthy(rows: readonly Row[]): void {
  for (const [name, changes, , keys, more] of rows) {
    Deno.test(`doctor is content: ${name}`, async () => {
      const found = judge(await facts(changes, keys, more)).filter(({ severity }) => severity !== "note");
      assertEquals(found.map(({ message }) => message), []);
    });
  }
}

/** What is expected is among the findings; whatever is wrong is said with what shows it, or with a fix. */
export function testFound(rows: readonly Row[]): void {
  for (const [name, changes, says, keys, more] of rows) {
    Deno.test(`doctor finds: ${name}`, async () => {
      const found = judge(await facts(changes, keys, more));
      const texts = found.map(({ severity, about, message }) => `${severity} ${about}: ${message}`);
      assert(texts.some((text) => says!.test(text)), `${says} is not among:\n${texts.join("\n")}`);
      for (const { severity, message, evidence, fix } of found) {
        assert(severity === "note" || evidence.length + fix.length > 0, message);
      }
    });
  }
}
