/**
 * Counters over reloads: every worker counts from zero, and those of before a reload go on beside the new one
 * until their last connection ends. PURE.
 */
import type { DestinationReport, ServiceReport, Traffic } from "../model.ts";
import type { Counters } from "./answers.ts";
import { slotKey } from "./plan.ts";
import type { Proxy } from "./proxy.ts";

type Sum = Pick<Counters, "current" | "sessions" | "bytesIn" | "bytesOut">;
type Sums = ReadonlyMap<string, Sum>;

const NOTHING: Sum = { current: 0, sessions: 0, bytesIn: 0, bytesOut: 0 };

/** What workers that are gone have counted, and what each that lives said last. */
export interface Ledger {
  readonly past: Sums;
  readonly workers: ReadonlyMap<number, Sums>;
}

export const EMPTY_LEDGER: Ledger = { past: new Map(), workers: new Map() };

/** A reading of all workers that live, by pid. */
export function enter(ledger: Ledger, readings: ReadonlyMap<number, readonly Counters[]>): Ledger {
  const gone = [...ledger.workers].filter(([pid]) => !readings.has(pid)).map(([, sums]) => sums);
  const workers = [...readings].map(([pid, rows]): [number, Sums] => [pid, sumsOf(rows)]);
  return { past: gone.reduce(added, ledger.past), workers: new Map(workers) };
}

function sumsOf(rows: readonly Counters[]): Sums {
  return new Map(rows.map(({ proxy, row, ...sum }) => [slotKey(proxy, row), sum]));
}

/** What has ended holds no connection any more. */
function added(past: Sums, gone: Sums): Sums {
  const sums = new Map(past);
  for (const [key, sum] of gone) sums.set(key, plus(past.get(key) ?? NOTHING, { ...sum, current: 0 }));
  return sums;
}

function plus(a: Sum, b: Sum): Sum {
  return {
    current: a.current + b.current,
    sessions: a.sessions + b.sessions,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
  };
}

/**
 * For the status: what haproxy has of these. A proxy that waits for its configuration is not there, and a
 * server that may not serve is there only while it has a connection.
 */
export function reportsOf({ past, workers }: Ledger, proxies: readonly Proxy[]): ServiceReport[] {
  const sumOf = (key: string): Sum =>
    [past, ...workers.values()].reduce((sum, sums) => plus(sum, sums.get(key) ?? NOTHING), NOTHING);
  const isThere = (key: string): boolean => [...workers.values()].some((sums) => sums.has(key));
  return proxies.filter(({ name }) => isThere(slotKey(name, "FRONTEND"))).map(({ key, name, slots }) => ({
    key,
    traffic: trafficOf(sumOf(slotKey(name, "FRONTEND"))),
    destinations: slots.flatMap(({ name: slot, address, port, state, weight }): DestinationReport[] => {
      const sum = sumOf(slotKey(name, slot));
      if (!isThere(slotKey(name, slot)) || (state === "maint" && sum.current === 0)) return [];
      return [{
        address,
        port,
        weight: state === "ready" ? weight : 0,
        activeConnections: sum.current,
        inactiveConnections: null,
        persistentConnections: null,
        traffic: trafficOf(sum),
      }];
    }),
  }));
}

function trafficOf({ sessions, bytesIn, bytesOut }: Sum): Traffic {
  return { connections: sessions, packetsIn: null, packetsOut: null, bytesIn, bytesOut };
}
