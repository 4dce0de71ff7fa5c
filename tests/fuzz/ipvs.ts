/** What is asked of IPVS in fuzzing, what a kernel has answered to it, and what must hold of every answer. */
import { assert, assertEquals } from "@std/assert";
import { findFamily } from "../../ffi/genetlink.ts";
import * as v from "../../ffi/ipvs.ts";
import type { Netlink } from "../../ffi/netlink.ts";
import { actualEntry, destinationReport } from "../../mod/balance/ipvs/translate.ts";
import { EXCHANGES } from "../golden/ipvs.ts";

const SERVICE: v.IpvsServiceId = { family: 4, protocol: 6, address: Uint8Array.of(192, 0, 2, 10), port: 80 };
const of = (netlink: Netlink): v.Ipvs => ({ netlink, family: { id: 32, version: 1 } });

/** Each by its name; throws a NetlinkError at most. */
export const IPVS_QUESTIONS: Readonly<Record<string, (netlink: Netlink) => void>> = {
  family(netlink): void {
    const id = findFamily(netlink, "IPVS");
    assert(id === null || isWhole(id, 0xffff));
  },
  services: (netlink) => v.listServices(of(netlink)).forEach(judgeService),
  destinations: (netlink) => v.listDestinations(of(netlink), SERVICE).forEach(judgeDestination),
  daemons: (netlink) =>
    v.listDaemons(of(netlink)).forEach(({ state, mcastIfn, syncId }) => {
      assert(isWhole(state) && isWhole(syncId) && typeof mcastIfn === "string");
    }),
  timeouts: (netlink) => assert(Object.values(v.getTimeouts(of(netlink))).every((one) => isWhole(one))),
};

/** Steps of the recorded session that answer each question. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  family: ["find IPVS"],
  services: ["all of them", "it is so", "nothing is left"],
  destinations: ["all destinations", "both families", "destinations of nothing"],
  daemons: ["both", "the groups"],
  timeouts: ["timeouts then"],
};

/** As answers to request number 1: question, name of the answer, datagram. */
export const IPVS_CAPTURES: readonly (readonly [question: string, name: string, datagram: string])[] = Object
  .entries(STEPS).flatMap(([question, steps]) =>
    EXCHANGES.filter(([step, way]) => way === "received" && steps.includes(step))
      .map(([step, , datagram]) => [question, `ipvs: ${step}`, numberedOne(datagram)] as const)
  );

/** The sequence number of every message of the datagram becomes 1. */
function numberedOne(datagram: string): string {
  const bytes = Uint8Array.fromHex(datagram);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 16 <= bytes.length; at += view.getUint32(at, true) + 3 & ~3) {
    view.setUint32(at + 8, 1, true);
  }
  return bytes.toHex();
}

function judgeService(service: v.IpvsService): void {
  const { id, options, stats } = service;
  if ("fwmark" in id) assert(isWhole(id.fwmark));
  else {
    assertEquals(id.address.length, id.family === 4 ? 4 : 16);
    assert(isWhole(id.port, 0xffff) && isWhole(id.protocol, 0xffff));
  }
  assert(isWhole(options.flags) && isWhole(options.timeout) && isWhole(options.netmask));
  assert(Object.values(stats).every((count) => count >= 0));
  const entry = actualEntry(service, []);
  assert(entry === null || entry.match.family === id.family);
}

function judgeDestination(destination: v.IpvsDestination): void {
  const { id, options, stats } = destination;
  assert(id.address.length === 4 || id.address.length === 16);
  assert(isWhole(id.port, 0xffff) && Object.values(options).every((value) => isWhole(value)));
  assert(Object.values(stats).every((count) => count >= 0));
  assert(destinationReport(destination).address !== "");
}

function isWhole(value: number, most = 0xffffffff): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}
