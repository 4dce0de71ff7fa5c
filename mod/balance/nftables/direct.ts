/**
 * Services whose destinations are reached by direct routing: a packet for the virtual address is passed on as
 * it came, before the kernel takes it for its own, to the MAC address of the server, which answers the client
 * itself. Connection tracking does not see it, so that sets remember which flow went to whom. PURE.
 */
import { type Destination, type Service, serviceKey } from "../model.ts";
import { addressRules } from "./nat.ts";
import { closingSet, destinationName, flowSet, inCounter, serviceName, stickySet } from "./names.ts";
import type { Chain, Counter, LearningSet, Thing } from "./objects.ts";
import { fallThrough, pick, stickyKey } from "./picking.ts";
import {
  concat,
  DADDR,
  DPORT,
  ETHER_TYPE,
  forget,
  goto,
  type Json,
  match,
  meta,
  remember,
  type Rule,
  SADDR,
  SPORT,
  TCP_FLAGS,
} from "./statements.ts";

/** By which interface a real server is reached, or that it is this host. */
export type Hop =
  | { readonly kind: "device"; readonly device: string }
  | { readonly kind: "here" }
  | { readonly kind: "none"; readonly why: string };

export interface Surroundings {
  /** Interfaces by which packets may come in. */
  readonly devices: readonly string[];
  /** By the real server's address. */
  readonly hops: ReadonlyMap<string, Hop>;
}

export const NOWHERE: Surroundings = { devices: [], hops: new Map() };

/** Seconds without a packet after which a flow is forgotten. */
export interface FlowTimeouts {
  readonly tcp: number;
  readonly tcpfin: number;
  readonly udp: number;
}

/** What IPVS does unless it is told otherwise. */
export const FLOW_TIMEOUTS: FlowTimeouts = { tcp: 900, tcpfin: 120, udp: 300 };

const IS_SYN = match({ "&": [TCP_FLAGS, { "|": ["syn", "ack"] }] }, "syn");

export function isDirect({ destinations }: Service): boolean {
  return destinations.some(({ forward }) => forward.method === "dr");
}

export function directThings(
  services: readonly Service[],
  { devices, hops }: Surroundings,
  timeouts: FlowTimeouts,
): Thing[] {
  if (services.length === 0) return [];
  const hop = ({ address }: Destination): Hop => hops.get(address) ?? { kind: "none", why: "" };
  return [
    ...services.flatMap((service) => serviceThings(service, hop, timeouts)),
    ...devices.map((device) => ingress(device, services)),
  ];
}

/** Where packets come in, by one interface. Tagged ones are met again on the interface of their VLAN. */
function ingress(device: string, services: readonly Service[]): Chain {
  const matches = services.map(({ match }) => match);
  const ours = ([4, 6] as const).flatMap((family): Rule[] =>
    addressRules(matches, DADDR[family], family).map((rule) => [
      match(ETHER_TYPE, family === 4 ? "ip" : "ip6"),
      match(meta("pkttype"), "host"),
      ...rule,
    ])
  );
  const hook = { type: "filter", hook: "ingress", prio: 0, dev: device } as const;
  return { kind: "chain", family: "netdev", name: `ingress-${device}`, owner: null, hook, rules: ours };
}

function serviceThings(service: Service, hop: (to: Destination) => Hop, timeouts: FlowTimeouts): Thing[] {
  const owner = serviceKey(service.match);
  const reachable = service.destinations.filter((destination) => hop(destination).kind !== "none");
  const own = { ...service, destinations: reachable };
  const isTcp = service.match.kind === "address" && service.match.protocol === "tcp";
  const name = serviceName(service.match);
  const chain = (name: string, rules: readonly Rule[]): Chain => ({
    kind: "chain",
    family: "netdev",
    name,
    owner,
    hook: null,
    rules,
  });
  return [
    ...service.destinations.flatMap((destination) =>
      counters(destinationName(service.match, destination), owner)
    ),
    ...learned(own, isTcp),
    ...reachable.flatMap((destination): Chain[] => {
      const to = destinationName(service.match, destination);
      const fresh = chain(fresher(to), [[{ counter: to }], [goto(to)]]);
      const rules = destinationRules(service, destination, hop(destination), isTcp, timeouts);
      return destination.weight === 0 ? [chain(to, rules)] : [fresh, chain(to, rules)];
    }),
    ...isTcp ? [chain(`${name}/again`, againRules(own))] : [],
    chain(`${name}/pick`, pickRules(own)),
    chain(name, serviceRules(own, isTcp)),
  ];
}

function counters(name: string, owner: string): Counter[] {
  return [name, inCounter(name)].map((name) => ({ kind: "counter", family: "netdev", name, owner }));
}

/** Chain of a destination's new flows. */
function fresher(destination: string): string {
  return `${destination}/new`;
}

function learned({ match: service, destinations, persistence }: Service, isTcp: boolean): LearningSet[] {
  const owner = serviceKey(service);
  const address = service.family === 4 ? "ipv4_addr" : "ipv6_addr";
  const everyPort = service.kind === "address" && service.port === 0;
  const flow = [address, "inet_service", ...everyPort ? ["inet_service"] : []];
  const set = (name: string, type: Json): LearningSet => ({
    kind: "set",
    family: "netdev",
    name,
    owner,
    type,
  });
  return [
    ...isTcp ? [set(closingSet(serviceName(service)), flow)] : [],
    ...destinations.map((destination) => set(flowSet(destinationName(service, destination)), flow)),
    ...persistence === null ? [] : destinations.filter(({ weight }) => weight > 0)
      .map((destination) => set(stickySet(destinationName(service, destination)), address)),
  ];
}

/** What tells a flow from others of its service. */
function flowKey({ match: service }: Service): Json {
  const everyPort = service.kind === "address" && service.port === 0;
  return concat(SADDR[service.family], SPORT, ...everyPort ? [DPORT] : []);
}

/** A flow that is known goes on to where it went; who begins anew on a port that was closed is new. */
function serviceRules(service: Service, isTcp: boolean): Rule[] {
  const key = flowKey(service);
  const name = serviceName(service.match);
  const names = service.destinations.map((destination) => destinationName(service.match, destination));
  return [
    ...isTcp ? [[IS_SYN, match(key, `@${closingSet(name)}`), goto(`${name}/again`)]] : [],
    ...names.map((to) => [match(key, `@${flowSet(to)}`), goto(to)]),
    [goto(`${name}/pick`)],
  ];
}

function againRules(service: Service): Rule[] {
  const key = flowKey(service);
  const name = serviceName(service.match);
  return [
    [forget(closingSet(name), key)],
    ...service.destinations.map((destination) => [
      forget(flowSet(destinationName(service.match, destination)), key),
    ]),
    [goto(`${name}/pick`)],
  ];
}

/** What nobody is picked for meets the chains of the other table, which refuse it. */
function pickRules(service: Service): Rule[] {
  const names = service.destinations.map((destination) => destinationName(service.match, destination));
  return pick(service, names, names.map(fresher));
}

function destinationRules(
  service: Service,
  destination: Destination,
  hop: Hop,
  isTcp: boolean,
  timeouts: FlowTimeouts,
): Rule[] {
  const { persistence } = service;
  const key = flowKey(service);
  const name = destinationName(service.match, destination);
  const isSticky = persistence !== null && destination.weight > 0;
  return [
    ...isTcp ? tcpFlow(flowSet(name), closingSet(serviceName(service.match)), key, timeouts) : [
      [remember(flowSet(name), key, timeouts.udp)],
    ],
    ...isSticky ? [[remember(stickySet(name), stickyKey(service, persistence), persistence.seconds)]] : [],
    [{ counter: inCounter(name) }],
    [passed(destination, hop)],
  ];
}

/**
 * Only the client is heard here. Once it ends or breaks off, not much will follow; and as long as it has only
 * knocked, it may not even exist.
 */
function tcpFlow(flows: string, closing: string, key: Json, { tcp, tcpfin }: FlowTimeouts): Rule[] {
  const isEnd = match({ "&": [TCP_FLAGS, { "|": ["fin", "rst"] }] }, 0, "!=");
  return [
    [isEnd, remember(closing, key, tcpfin)],
    [match(key, `@${closing}`), remember(flows, key, tcpfin)],
    [match(key, `@${closing}`, "!="), remember(flows, key, tcp)],
    [IS_SYN, remember(flows, key, tcpfin)],
  ];
}

/** The kernel finds the server's MAC address itself, and asks for it when it has to. */
function passed({ address }: Destination, hop: Hop): Json {
  if (hop.kind !== "device") return { accept: null };
  return { fwd: { dev: hop.device, family: address.includes(":") ? "ip6" : "ip", addr: address } };
}

/**
 * In the other table: what got past, because nobody is there or because it comes from this host itself, must
 * not reach a server of this host that listens on every address.
 */
export function refusals(services: readonly Service[], { hops }: Surroundings): Thing[] {
  return services
    .filter(({ destinations }) => !destinations.some(({ address }) => hops.get(address)?.kind === "here"))
    .map(({ match }): Chain => ({
      kind: "chain",
      family: "inet",
      name: serviceName(match),
      owner: serviceKey(match),
      hook: null,
      rules: fallThrough(match),
    }));
}
