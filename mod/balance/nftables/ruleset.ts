/** Services -> all that has to be in vipd's own tables, and what of the services cannot be. PURE. */
import { type Service, serviceKey } from "../model.ts";
import { detourChain } from "./detours.ts";
import { natThings } from "./nat.ts";
import type { Thing } from "./objects.ts";
import { schedule, STAND_INS } from "./schedule.ts";
import { trafficThings } from "./traffic.ts";

export interface Ruleset {
  readonly things: readonly Thing[];
  /** The services that are in it. */
  readonly services: readonly Service[];
  /** Sentences: services that are left out, and why. */
  readonly problems: readonly string[];
  /** Sentences: what is done otherwise than with IPVS. */
  readonly notes: readonly string[];
}

export function rulesetOf(services: readonly Service[]): Ruleset {
  const checked = services.map((service) => ({ service, problem: problemOf(service) }));
  const possible = checked.filter(({ problem }) => problem === null).map(({ service }) => service);
  return {
    things: [...natThings(possible), ...trafficThings(possible), ...detourChain(possible)],
    services: possible,
    problems: checked.flatMap(({ service, problem }) =>
      problem === null ? [] : [`${serviceKey(service.match)}: ${problem}`]
    ),
    notes: possible.flatMap((service) =>
      notesOf(service).map((note) => `${serviceKey(service.match)}: ${note}`)
    ),
  };
}

function problemOf({ scheduler, flags, destinations, match }: Service): string | null {
  const methods = new Set(destinations.map(({ forward }) => forward.method));
  if (schedule(scheduler, flags, []) === null) return `nftables has nothing like the scheduler ${scheduler}`;
  if (methods.has("tunnel")) return "nftables cannot forward by tunnel";
  if (methods.has("dr")) return "nftables cannot forward by dr";
  if (methods.size > 1) return "nftables forwards to all real servers of a virtual server in the same way";
  const foreign = destinations.find(({ address }) => (address.includes(":") ? 6 : 4) !== match.family);
  return foreign === undefined
    ? null
    : `${foreign.address} is not of its address family, which takes a tunnel`;
}

function notesOf({ scheduler, persistence, onePacket, destinations }: Service): string[] {
  const standIn = STAND_INS[scheduler];
  return [
    ...standIn === undefined
      ? []
      : [`nftables counts no connections, so ${standIn} stands in for ${scheduler}`],
    ...persistence?.engine === "sip" ? ["nftables keeps a client by its address, not by its SIP call"] : [],
    ...onePacket ? ["nftables schedules a client's port once, not every packet"] : [],
    ...destinations.some(({ upperThreshold }) => upperThreshold > 0)
      ? ["nftables counts no connections, so thresholds are not heeded"]
      : [],
  ];
}
