/** What is known of one virtual server and its real servers: plain values, plain JSON. PURE. */
import type { RealServerConfig, VirtualServerConfig } from "../config/virtual_server.ts";
import { dynamicWeight } from "./arithmetic.ts";

/** What one check of a real server says. */
export interface CheckView {
  readonly isUp: boolean;
  /** The weight that it wants; null: the configured one. */
  readonly weight: number | null;
  readonly reason: string;
}

/** The operator takes a real server out: no new connections, and out of it all when the old have gone. */
export type Drain =
  | {
    readonly state: "draining";
    /** Out at the latest; null: only when no connection is left. */
    readonly deadlineMs: number | null;
    /** Reports in a row that knew of no connection. */
    readonly zeros: number;
  }
  | { readonly state: "drained" };

/** A returning server's weight rises by steps. */
export interface Ramp {
  /** Steps that are done, at least one. */
  readonly step: number;
  readonly nextMs: number;
}

export interface RealServerState {
  readonly checks: readonly CheckView[];
  readonly ramp: Ramp | null;
  /** What the operator wants the weight to be; null: what configuration and checks say. */
  readonly weight: number | null;
  readonly drain: Drain | null;
  /** Since when its phase is what it is, and why. */
  readonly sinceMs: number;
  readonly reason: string;
}

/** As operators see a real server. */
export type Phase = "up" | "down" | "draining" | "drained";

/** All moments are of one monotonic clock. */
export interface State {
  readonly hasQuorum: boolean;
  readonly sinceMs: number;
  /** quiesced: in the service with weight 0, so that it keeps the connections that it has. */
  readonly sorry: "out" | "in" | "quiesced";
  readonly realServers: Readonly<Record<string, RealServerState>>;
}

export function isUp({ checks }: RealServerState): boolean {
  return checks.every(({ isUp }) => isUp);
}

export function phaseOf(server: RealServerState): Phase {
  return server.drain?.state ?? (isUp(server) ? "up" : "down");
}

/** What it would have if it were up and at full weight. */
export function fullWeight({ weight }: RealServerConfig, server: RealServerState): number {
  return server.weight ?? dynamicWeight(weight, server.checks.map(({ weight }) => weight));
}

/** What counts for the quorum: the weight of servers that take new connections, ramp or not. */
export function liveWeight({ real_server }: VirtualServerConfig, { realServers }: State): number {
  return real_server.reduce((sum, config) => {
    const server = realServers[config.name]!;
    return phaseOf(server) === "up" ? sum + fullWeight(config, server) : sum;
  }, 0);
}

/** The next moment at which something is to be done without an event; Infinity: none. */
export function deadlineMs({ realServers }: State): number {
  const moments = Object.values(realServers).flatMap(({ ramp, drain }) => [
    ramp?.nextMs ?? Infinity,
    drain?.state === "draining" ? drain.deadlineMs ?? Infinity : Infinity,
  ]);
  return moments.reduce((first, moment) => Math.min(first, moment), Infinity);
}
