/**
 * A service as haproxy shall have it: a frontend, a backend, and a place for every server that may ever
 * serve, so that a server that fails and returns needs no new configuration. PURE.
 */
import type { HaproxyOptions } from "../../config/haproxy.ts";
import type { RealServerConfig, VirtualServerConfig } from "../../config/virtual_server.ts";
import {
  type Destination,
  endpointKey,
  type Family,
  type Persistence,
  type Service,
  serviceKey,
} from "../model.ts";
import { type Algorithm, algorithmOf, scaleWeight } from "./schedulers.ts";
import { digest, identifier } from "./words.ts";

/** What a server may get: new connections, none but those that belong to it already, none at all. */
export type SlotState = "ready" | "drain" | "maint";

/** A server's place in a backend. */
export interface Slot {
  /** Unique in its backend, as haproxy takes it. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Serves only while no other does. */
  readonly isSorry: boolean;
  /** 0: no limit. */
  readonly connectionsMax: number;
  /** What the cookie says; the same on every node. */
  readonly cookie: string;
  readonly state: SlotState;
  /** 1..256. */
  readonly weight: number;
}

/** One frontend and the backend behind it, both of this name. */
export interface Proxy {
  /** `serviceKey` of the service. */
  readonly key: string;
  readonly name: string;
  readonly mode: "tcp" | "http";
  readonly family: Family;
  readonly address: string;
  readonly port: number;
  readonly algorithm: Algorithm;
  readonly persistence: Persistence | null;
  readonly options: HaproxyOptions;
  readonly slots: readonly Slot[];
}

export interface Proxies {
  readonly proxies: readonly Proxy[];
  /** What haproxy cannot do: the service has no proxy. */
  readonly problems: readonly string[];
}

/**
 * The proxies of these services. What is not said by a service is in the configuration of its virtual
 * server.
 */
export function proxiesOf(
  services: readonly Service[],
  configs: Readonly<Record<string, VirtualServerConfig>>,
): Proxies {
  const owners = ownersOf(configs);
  const proxies: Proxy[] = [];
  const problems: string[] = [];
  for (const service of services) {
    const key = serviceKey(service.match);
    const owner = owners.get(key);
    const made = owner === undefined ? "no virtual server has this address" : proxyOf(service, key, owner);
    if (typeof made === "string") problems.push(`${key}: ${made}`);
    else proxies.push(made);
  }
  return { proxies, problems };
}

interface Owner {
  readonly name: string;
  readonly config: VirtualServerConfig;
}

function ownersOf(configs: Readonly<Record<string, VirtualServerConfig>>): Map<string, Owner> {
  const owners = new Map<string, Owner>();
  for (const [name, config] of Object.entries(configs)) {
    for (const address of config.addresses) {
      if (address.kind !== "address") continue;
      const { family, address: text, port } = address;
      const key = serviceKey({ kind: "address", family, protocol: config.protocol, address: text, port });
      owners.set(key, { name, config });
    }
  }
  return owners;
}

function proxyOf(service: Service, key: string, { name, config }: Owner): Proxy | string {
  const { match, scheduler, persistence } = service;
  if (match.kind === "fwmark") return "haproxy knows no firewall marks";
  if (match.protocol !== "tcp") return `haproxy carries tcp, not ${match.protocol}`;
  if (match.port === 0) return "haproxy needs a port";
  const found = config.options.balance === undefined
    ? algorithmOf(scheduler)
    : custom(config.options.balance);
  if (found === null) return `haproxy has no scheduler like ${scheduler}`;
  // One address has the name alone; of several each has its own.
  const isGroup = config.addresses.length > 1;
  const { family, address, port } = match;
  return {
    key,
    name: identifier(isGroup ? `${name}:${endpointKey(match)}` : name),
    mode: config.mode,
    family,
    address,
    port,
    algorithm: found,
    persistence,
    options: config.options,
    slots: slotsOf(service, port, config, found),
  };
}

/** In the operator's own words; whether weights count is haproxy's business. */
function custom(words: string): Algorithm {
  return { words, ignoresWeights: false, isHash: true };
}

type Place = Pick<Slot, "name" | "address" | "port" | "isSorry" | "connectionsMax"> & { weight: number };

function slotsOf(
  { destinations }: Service,
  port: number,
  config: VirtualServerConfig,
  algorithm: Algorithm,
): Slot[] {
  const inService = new Map(destinations.map((destination) => [endpointKey(destination), destination]));
  const places = placesOf(destinations, port, config);
  const highest = Math.max(
    ...places.map(({ weight }) => weight),
    ...destinations.map(({ weight }) => weight),
  );
  return places.map((place) => {
    const destination = inService.get(endpointKey(place));
    const weight = destination === undefined || destination.weight === 0 ? place.weight : destination.weight;
    return {
      ...place,
      cookie: digest(place.name).slice(0, 8),
      state: stateOf(destination),
      weight: algorithm.ignoresWeights ? 1 : Math.max(1, scaleWeight(weight, highest)),
    };
  });
}

function stateOf(destination: Destination | undefined): SlotState {
  if (destination === undefined) return "maint";
  return destination.weight === 0 ? "drain" : "ready";
}

/** Every server of the configuration, and whatever else the service names; each endpoint once. */
function placesOf(destinations: readonly Destination[], port: number, config: VirtualServerConfig): Place[] {
  const { real_server, sorry_server: sorry } = config;
  const places = new Map<string, Place>();
  const add = (place: Place): void => {
    const key = endpointKey(place);
    if (!places.has(key)) places.set(key, place);
  };
  for (const server of real_server) add(realPlace(server, port));
  if (sorry !== undefined) {
    const at = { address: sorry.address, port: sorry.port === 0 ? port : sorry.port };
    add({ ...at, name: "sorry_server", isSorry: true, connectionsMax: 0, weight: 1 });
  }
  for (const { address, port, weight, upperThreshold } of destinations) {
    const name = endpointKey({ address, port });
    add({ name: identifier(name), address, port, isSorry: false, connectionsMax: upperThreshold, weight });
  }
  return unique([...places.values()]);
}

function realPlace(server: RealServerConfig, servicePort: number): Place {
  const { name, address, upper_threshold: connectionsMax, weight } = server;
  const port = server.port === 0 ? servicePort : server.port;
  return { name: identifier(name), address, port, isSorry: false, connectionsMax, weight };
}

/** A real server may be called as the sorry server is. */
function unique(places: readonly Place[]): Place[] {
  const taken = new Set<string>();
  return places.map((place) => {
    const name = taken.has(place.name) ? identifier(endpointKey(place)) : place.name;
    taken.add(name);
    return { ...place, name };
  });
}
