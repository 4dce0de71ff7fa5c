/** The services that one virtual server asks of its engine: one an address, the same servers in all. PURE. */
import type { VirtualAddressConfig, VirtualServerConfig } from "../config/virtual_server.ts";
import { type Destination, endpointKey, type Match, type Service } from "./model.ts";

/** In the order of the configuration. Of two destinations that are the same endpoint the first one counts. */
export function servicesOf(config: VirtualServerConfig, destinations: readonly Destination[]): Service[] {
  const { scheduler, flags, one_packet: onePacket, persistence } = config;
  return config.addresses.map((address) => ({
    match: matchOf(config, address),
    scheduler,
    flags,
    onePacket,
    persistence,
    destinations: distinct(destinations.map((destination) => withPort(destination, address))),
  }));
}

function matchOf({ protocol }: VirtualServerConfig, address: VirtualAddressConfig): Match {
  return address.kind === "fwmark" ? address : { ...address, protocol };
}

/** A server without a port of its own is reached at the port of each service. */
function withPort(destination: Destination, address: VirtualAddressConfig): Destination {
  if (destination.port !== 0 || address.kind === "fwmark") return destination;
  return { ...destination, port: address.port };
}

function distinct(destinations: readonly Destination[]): Destination[] {
  const byKey = new Map<string, Destination>();
  for (const destination of destinations) {
    const key = endpointKey(destination);
    if (!byKey.has(key)) byKey.set(key, destination);
  }
  return [...byKey.values()];
}
