/**
 * Services whose destinations are reached by DNAT: the first packet of a connection meets these chains, and
 * connection tracking does the rest. PURE.
 */
import { type Destination, type Match, type Service, serviceKey } from "../model.ts";
import { destinationName, inCounter, outCounter, serviceName, stickySet } from "./names.ts";
import type { Chain, Counter, LearningSet, Thing } from "./objects.ts";
import { fallThrough, pick, stickyKey } from "./picking.ts";
import {
  concat,
  DADDR,
  dispatch,
  DPORT,
  type Json,
  L4PROTO,
  MARK,
  match,
  meta,
  remember,
  type Rule,
} from "./statements.ts";

/** Before other tables' DNAT, so that a container's published port does not take the VIP's. */
const BEFORE_DNAT = -110;

const PROTOCOLS = ["tcp", "udp", "sctp"] as const;

export function natThings(services: readonly Service[]): Thing[] {
  return services.flatMap(ownThings);
}

function ownThings(service: Service): Thing[] {
  const owner = serviceKey(service.match);
  const live = service.destinations.filter(({ weight }) => weight > 0);
  const counters = service.destinations.flatMap((destination): Counter[] => {
    const name = destinationName(service.match, destination);
    return [name, inCounter(name), outCounter(name)].map((name) => ({
      kind: "counter",
      family: "inet",
      name,
      owner,
    }));
  });
  const sticky = service.persistence === null ? [] : live.map((destination): LearningSet => ({
    kind: "set",
    family: "inet",
    name: stickySet(destinationName(service.match, destination)),
    owner,
    type: service.match.family === 4 ? "ipv4_addr" : "ipv6_addr",
  }));
  return [
    ...counters,
    ...sticky,
    ...live.map((destination) => destinationChain(service, destination)),
    {
      kind: "chain",
      family: "inet",
      name: serviceName(service.match),
      owner,
      hook: null,
      rules: serviceRules(service),
    },
  ];
}

function serviceRules(service: Service): Rule[] {
  const names = service.destinations.map((destination) => destinationName(service.match, destination));
  return [...pick(service, names, names), ...fallThrough(service.match)];
}

function destinationChain(service: Service, destination: Destination): Chain {
  const { persistence, match } = service;
  const name = destinationName(match, destination);
  const sticky = persistence === null
    ? []
    : [[remember(stickySet(name), stickyKey(service, persistence), persistence.seconds)]];
  return {
    kind: "chain",
    family: "inet",
    name,
    owner: serviceKey(match),
    hook: null,
    rules: [[{ counter: name }], ...sticky, ...redirections(match, destination)],
  };
}

/** The port can be said only where it is known what has ports. */
function redirections(service: Match, destination: Destination): Rule[] {
  if (destination.port === 0) return [[redirection(service, destination)]];
  const protocols = service.kind === "address" ? [service.protocol] : PROTOCOLS;
  return protocols.map((protocol) => [match(L4PROTO, protocol), redirection(service, destination)]);
}

/**
 * The kernel drops what comes from outside for a loopback address: who gives one means a server on this host,
 * so the packet goes to the address that it came in by.
 */
function redirection({ family }: Match, { address, port }: Destination): Json {
  const toPort = port === 0 ? {} : { port };
  if (isLoopback(address)) return port === 0 ? { redirect: null } : { redirect: toPort };
  return { dnat: { family: family === 4 ? "ip" : "ip6", addr: address, ...toPort } };
}

export function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/** The chains where the kernel's packets come in: from the network, and from this host itself. */
export function doors(matches: readonly Match[]): Chain[] {
  if (matches.length === 0) return [];
  const rules = doorRules(matches);
  const door = (hook: "prerouting" | "output"): Chain => ({
    kind: "chain",
    family: "inet",
    name: hook,
    owner: null,
    hook: { type: "nat", hook, prio: BEFORE_DNAT },
    rules,
  });
  return [door("prerouting"), door("output")];
}

/** As with IPVS a mark counts before an address, and a port before every port. */
function doorRules(matches: readonly Match[]): Rule[] {
  const rows = (belongs: (match: Match) => boolean, value: (match: Match) => Json): [Json, string][] =>
    matches.filter(belongs).map((match) => [value(match), serviceName(match)]);
  const marks = rows(
    ({ kind }) => kind === "fwmark",
    (match) => concat(`ipv${match.family}`, match.kind === "fwmark" ? match.fwmark : 0),
  );
  const rules: Rule[] = marks.length === 0 ? [] : [[dispatch(concat(meta("nfproto"), MARK), marks)]];
  for (const family of [4, 6] as const) {
    rules.push(...addressRules(matches, DADDR[family], family));
  }
  return rules;
}

/** One lookup for all services with a port, one for those with every port. */
export function addressRules(matches: readonly Match[], daddr: Json, family: 4 | 6): Rule[] {
  const addresses = matches.filter((match) => match.kind === "address").filter((match) =>
    match.family === family
  );
  const exact = addresses.filter(({ port }) => port !== 0)
    .map((match) => [concat(match.protocol, match.address, match.port), serviceName(match)] as const);
  const any = addresses.filter(({ port }) => port === 0)
    .map((match) => [concat(match.protocol, match.address), serviceName(match)] as const);
  return [
    ...exact.length === 0 ? [] : [[dispatch(concat(L4PROTO, daddr, DPORT), exact)]],
    ...any.length === 0 ? [] : [[dispatch(concat(L4PROTO, daddr), any)]],
  ];
}
