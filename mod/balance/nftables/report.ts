/** Counters of nftables as reports of services. PURE. */
import {
  type Destination,
  type DestinationReport,
  type Service,
  serviceKey,
  type ServiceReport,
  type Traffic,
} from "../model.ts";
import type { Counts } from "./connections.ts";
import { destinationName, inCounter, outCounter } from "./names.ts";

interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

/** `connections`: by the destination's name; null where nobody can tell. */
export function reportOf(
  service: Service,
  counters: ReadonlyMap<string, Counted>,
  connections: ReadonlyMap<string, Counts> | null,
): ServiceReport {
  const destinations = service.destinations.map((destination) => {
    const counts = connections?.get(destinationName(service.match, destination));
    return {
      ...destinationReport(service, destination, counters),
      activeConnections: connections === null ? null : counts?.active ?? 0,
      inactiveConnections: connections === null ? null : counts?.inactive ?? 0,
    };
  });
  const traffic = destinations.map(({ traffic }) => traffic).filter((traffic) => traffic !== null);
  return { key: serviceKey(service.match), traffic: traffic.reduce(sum, NOTHING), destinations };
}

const NOTHING: Traffic = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };

function destinationReport(
  { match }: Service,
  destination: Destination,
  counters: ReadonlyMap<string, Counted>,
): Omit<DestinationReport, "activeConnections" | "inactiveConnections"> {
  const name = destinationName(match, destination);
  const connections = counters.get(name)?.packets;
  const [incoming, outgoing] = match.kind === "fwmark"
    ? [undefined, undefined]
    : [counters.get(inCounter(name)), counters.get(outCounter(name))];
  return {
    address: destination.address,
    port: destination.port,
    weight: destination.weight,
    persistentConnections: null,
    traffic: connections === undefined ? null : {
      connections,
      packetsIn: incoming?.packets ?? null,
      packetsOut: outgoing?.packets ?? null,
      bytesIn: incoming?.bytes ?? null,
      bytesOut: outgoing?.bytes ?? null,
    },
  };
}

/** A sum that lacks a part cannot be told. */
function sum(a: Traffic, b: Traffic): Traffic {
  return {
    connections: a.connections + b.connections,
    packetsIn: both(a.packetsIn, b.packetsIn),
    packetsOut: both(a.packetsOut, b.packetsOut),
    bytesIn: both(a.bytesIn, b.bytesIn),
    bytesOut: both(a.bytesOut, b.bytesOut),
  };
}

function both(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}
