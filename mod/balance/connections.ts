/** What the engines report of one real server, over all services of its virtual server. PURE. */
import type { RealServerConfig, VirtualServerConfig } from "../config/virtual_server.ts";
import {
  type DestinationReport,
  type Service,
  serviceKey,
  type ServiceReport,
  type Traffic,
} from "./model.ts";

export interface Connections {
  readonly active: number | null;
  readonly inactive: number | null;
  readonly persistent: number | null;
  readonly traffic: Traffic | null;
}

const UNKNOWN: Connections = { active: null, inactive: null, persistent: null, traffic: null };

/** By address: what was reported of the destinations of a virtual server; null: a service is not reported. */
export type Reported = ReadonlyMap<string, readonly DestinationReport[]> | null;

export function reportedOf(
  services: readonly Service[],
  reports: ReadonlyMap<string, ServiceReport>,
): Reported {
  const byAddress = new Map<string, DestinationReport[]>();
  for (const { match } of services) {
    const report = reports.get(serviceKey(match));
    if (report === undefined) return null;
    for (const destination of report.destinations) {
      const known = byAddress.get(destination.address);
      if (known === undefined) byAddress.set(destination.address, [destination]);
      else known.push(destination);
    }
  }
  return byAddress;
}

/** The sums; null what an engine cannot tell, or has not told yet. */
export function connectionsOf(server: RealServerConfig, reported: Reported): Connections {
  if (reported === null) return UNKNOWN;
  const found = destinationsIn(server, reported);
  return {
    active: sum(found.map(({ activeConnections }) => activeConnections)),
    inactive: sum(found.map(({ inactiveConnections }) => inactiveConnections)),
    persistent: sum(found.map(({ persistentConnections }) => persistentConnections)),
    traffic: sumTraffic(found.map(({ traffic }) => traffic)),
  };
}

/**
 * How many connections a drain still has to wait for; null where nobody can tell, and while an engine has not
 * been told of the drain. Clients that come back to their server by persistence count, as do the flows of a
 * protocol without connections.
 */
export function remaining(
  { protocol }: VirtualServerConfig,
  server: RealServerConfig,
  reported: Reported,
): number | null {
  if (reported === null || destinationsIn(server, reported).some(({ weight }) => weight !== 0)) return null;
  const { active, inactive, persistent } = connectionsOf(server, reported);
  if (active === null || (protocol === "udp" && inactive === null)) return null;
  return active + (persistent ?? 0) + (protocol === "udp" ? inactive ?? 0 : 0);
}

function destinationsIn(
  { address, port }: RealServerConfig,
  reported: NonNullable<Reported>,
): readonly DestinationReport[] {
  const found = reported.get(address) ?? [];
  return port === 0 ? found : found.filter((one) => one.port === port);
}

function sum(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce((total, number) => total === null || number === null ? null : total + number, 0);
}

function sumTraffic(all: readonly (Traffic | null)[]): Traffic | null {
  const known = all.filter((traffic) => traffic !== null);
  if (known.length === 0 || known.length < all.length) return null;
  return {
    connections: known.reduce((total, { connections }) => total + connections, 0),
    packetsIn: sum(known.map(({ packetsIn }) => packetsIn)),
    packetsOut: sum(known.map(({ packetsOut }) => packetsOut)),
    bytesIn: sum(known.map(({ bytesIn }) => bytesIn)),
    bytesOut: sum(known.map(({ bytesOut }) => bytesOut)),
  };
}
