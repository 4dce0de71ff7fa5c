/** What is counted of each connection's packets, and whose source address is replaced. PURE. */
import { type Destination, type Match, type Service } from "../model.ts";
import { isLoopback } from "./nat.ts";
import { destinationName, inCounter, outCounter } from "./names.ts";
import type { Chain, Hook, Table, Thing } from "./objects.ts";
import {
  anyOf,
  concat,
  ct,
  IS_REDIRECTED,
  type Json,
  L4PROTO,
  match,
  meta,
  type Rule,
} from "./statements.ts";

const AFTER_DNAT = -99;

type AddressMatch = Extract<Match, { kind: "address" }>;
/** A destination of a service that has an address. */
interface Pair {
  readonly service: AddressMatch;
  readonly destination: Destination;
}

/** Pairs that one lookup finds: of one family and protocol, with a port or with every port. */
export interface Group {
  readonly name: string;
  readonly family: 4 | 6;
  readonly protocol: string;
  readonly hasPort: boolean;
  readonly pairs: readonly Pair[];
}

/**
 * Packets by connection and direction. Each passes one of the two hooks once: `lo` is left out, because what
 * this host sends to itself has passed `output`. Of a service by mark nothing is counted but connections:
 * what a packet was marked with is not known on its way back.
 */
export function trafficThings(services: readonly Service[]): Thing[] {
  const all = groups(services);
  if (all.length === 0) return [];
  const rules = all.map((group): Rule => [
    IS_REDIRECTED,
    match(L4PROTO, group.protocol),
    ...withoutExact(group, all),
    {
      counter: {
        map: { key: concat(ct("direction"), ...connectionOf(group)), data: `@traffic-${group.name}` },
      },
    },
  ]);
  return [
    ...all.map(trafficMap),
    hooked(
      "traffic-in",
      { type: "filter", hook: "prerouting", prio: AFTER_DNAT },
      rules.map((rule) => [
        match(meta("iifname"), "lo", "!="),
        ...rule,
      ]),
    ),
    hooked("traffic-out", { type: "filter", hook: "output", prio: AFTER_DNAT }, rules),
  ];
}

function hooked(name: string, hook: Hook, rules: readonly Rule[]): Chain {
  return { kind: "chain", family: "inet", name, owner: null, hook, rules };
}

/** The connection's original destination, then who answers: the same in both directions. */
export function connectionOf({ family, hasPort }: Group): Json[] {
  const ip = family === 4 ? "ip" : "ip6";
  const [to, from] = [ct(`${ip} daddr`, "original"), ct(`${ip} saddr`, "reply")];
  return hasPort ? [to, ct("proto-dst", "original"), from, ct("proto-src", "reply")] : [to, from];
}

function trafficMap(group: Group): Table {
  const { name, family, hasPort, pairs } = group;
  const address = family === 4 ? "ipv4_addr" : "ipv6_addr";
  const elements = pairs.flatMap((pair): [string, Json][] => {
    const counted = destinationName(pair.service, pair.destination);
    return [["original", inCounter(counted)] as const, ["reply", outCounter(counted)] as const]
      .map(([direction, counter]) => [
        counter,
        [concat(direction, ...pairKey(group, pair)), counter],
      ]);
  });
  const type = hasPort
    ? ["ct_dir", address, "inet_service", address, "inet_service"]
    : ["ct_dir", address, address];
  return {
    kind: "map",
    family: "inet",
    name: `traffic-${name}`,
    owner: null,
    type,
    elements: new Map(elements),
  };
}

export function pairKey({ hasPort }: Group, { service, destination }: Pair): Json[] {
  return hasPort
    ? [service.address, service.port, destination.address, destination.port]
    : [service.address, destination.address];
}

/** The same address may have a service for one port and another one for all the rest. */
function withoutExact({ family, protocol, hasPort }: Group, all: readonly Group[]): Json[] {
  const exact = hasPort
    ? undefined
    : all.find((other) => other.hasPort && other.family === family && other.protocol === protocol);
  if (exact === undefined) return [];
  const endpoints = new Map(exact.pairs.map(({ service: { address, port } }) => [
    `${address} ${port}`,
    concat(address, port),
  ]));
  const to = concat(ct(`${family === 4 ? "ip" : "ip6"} daddr`, "original"), ct("proto-dst", "original"));
  return [match(to, anyOf(...endpoints.values()), "!=")];
}

/** What is sent to this host's own loopback answers from an address that is not known beforehand. */
export function groups(
  services: readonly Service[],
  accepts: (destination: Destination) => boolean = () => true,
): Group[] {
  const byName = new Map<string, Group & { readonly pairs: Pair[] }>();
  for (const { match: service, destinations } of services) {
    if (service.kind !== "address") continue;
    const { family, protocol } = service;
    const hasPort = service.port !== 0;
    const name = `ipv${family}-${protocol}${hasPort ? "" : "-any"}`;
    const group = byName.get(name) ?? { name, family, protocol, hasPort, pairs: [] };
    byName.set(name, group);
    for (const destination of destinations) {
      if (!isLoopback(destination.address) && accepts(destination)) {
        group.pairs.push({ service, destination });
      }
    }
  }
  return [...byName.values()].filter(({ pairs }) => pairs.length > 0);
}
