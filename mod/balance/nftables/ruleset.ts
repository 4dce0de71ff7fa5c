/** Services -> all that has to be in vipd's own tables, and what of the services cannot be. PURE. */
import { type Service, serviceKey } from "../model.ts";
import { detourChain } from "./detours.ts";
import {
  directThings,
  FLOW_TIMEOUTS,
  type FlowTimeouts,
  isDirect,
  NOWHERE,
  refusals,
  type Surroundings,
} from "./direct.ts";
import { masqueradeThings } from "./masquerade.ts";
import { serviceName } from "./names.ts";
import { doors, natThings } from "./nat.ts";
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

export function rulesetOf(
  services: readonly Service[],
  surroundings: Surroundings = NOWHERE,
  timeouts: FlowTimeouts = FLOW_TIMEOUTS,
): Ruleset {
  const checked = services.map((service) => ({ service, problem: problemOf(service) }));
  const possible = checked.filter(({ problem }) => problem === null).map(({ service }) => service);
  const direct = possible.filter(isDirect);
  const nat = possible.filter((service) => !isDirect(service));
  const refused = refusals(direct, surroundings);
  const entered = possible.map(({ match }) => match)
    .filter((match) =>
      nat.some((one) => one.match === match) || refused.some(({ name }) => name === serviceName(match))
    );
  return {
    things: [
      ...natThings(nat),
      ...refused,
      ...doors(entered),
      ...trafficThings(nat),
      ...masqueradeThings(nat),
      ...detourChain(nat),
      ...directThings(direct, surroundings, timeouts),
    ],
    services: possible,
    problems: [
      ...checked.flatMap(({ service, problem }) =>
        problem === null ? [] : [`${serviceKey(service.match)}: ${problem}`]
      ),
      ...direct.flatMap((service) => unreachable(service, surroundings)),
    ],
    notes: possible.flatMap((service) =>
      notesOf(service).map((note) => `${serviceKey(service.match)}: ${note}`)
    ),
  };
}

function problemOf({ scheduler, flags, destinations, match }: Service): string | null {
  const methods = new Set(destinations.map(({ forward }) => forward.method));
  if (schedule(scheduler, flags, []) === null) return `nftables has nothing like the scheduler ${scheduler}`;
  if (methods.has("tunnel")) return "nftables cannot forward by tunnel";
  if (methods.size > 1) return "nftables forwards to all real servers of a virtual server in the same way";
  if (methods.has("dr") && match.kind === "fwmark") {
    return "nftables forwards by dr before anybody sets marks";
  }
  const foreign = destinations.find(({ address }) => (address.includes(":") ? 6 : 4) !== match.family);
  return foreign === undefined
    ? null
    : `${foreign.address} is not of its address family, which takes a tunnel`;
}

function unreachable({ match, destinations }: Service, { hops }: Surroundings): string[] {
  return destinations.flatMap(({ address }) => {
    const hop = hops.get(address);
    return hop?.kind === "none" ? [`${serviceKey(match)}: ${address} ${hop.why}`] : [];
  });
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
