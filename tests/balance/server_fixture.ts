/** A virtual server of two real servers, in rows: state and event in, state, effects and service out. */
import { assertEquals } from "@std/assert";
import { destinationsOf } from "../../mod/balance/destinations.ts";
import { type Effect, type Event, step } from "../../mod/balance/server.ts";
import type { CheckView, Drain, RealServerState, State } from "../../mod/balance/state.ts";
import type { RealServerConfig, VirtualServerConfig } from "../../mod/config/virtual_server.ts";
import { realServer, virtualServer } from "./settings.ts";

export const A = "10.0.0.1:80";
export const B = "10.0.0.2:80";
export const UP: CheckView = { isUp: true, weight: null, reason: "ok" };
export const DOWN: CheckView = { isUp: false, weight: null, reason: "refused" };

/** As a real server is when its one check passes. */
export function server(changes: Partial<RealServerState> = {}): RealServerState {
  return { checks: [UP], ramp: null, weight: null, drain: null, sinceMs: 0, reason: "ok", ...changes };
}

export const down = (sinceMs: number): RealServerState =>
  server({ checks: [DOWN], sinceMs, reason: "refused" });

export function state(a: RealServerState, b: RealServerState, changes: Partial<State> = {}): State {
  return { hasQuorum: true, sinceMs: 0, sorry: "out", realServers: { [A]: a, [B]: b }, ...changes };
}

export const fails = (realServer: string, index = 0): Event => ({
  type: "check",
  realServer,
  index,
  isUp: false,
  reason: "refused",
});
export const passes = (realServer: string): Event => ({
  type: "check",
  realServer,
  index: 0,
  isUp: true,
  reason: "ok",
});
export const weighs = (realServer: string, weight: number | null): Event => ({
  type: "checkWeight",
  realServer,
  index: 0,
  weight,
});
export const drains = (realServer: string, timeoutMs = 0): Event => ({
  type: "drain",
  realServer,
  timeoutMs,
});
export const counts = (counts: Record<string, number | null>): Event => ({ type: "connections", counts });

export const draining = (deadlineMs: number | null = null, zeros = 0): Drain => ({
  state: "draining",
  deadlineMs,
  zeros,
});

export const wentDown = (realServer: string): Effect[] => [
  { type: "phase", realServer, from: "up", to: "down", reason: "refused" },
  { type: "health", realServer, isUp: false, reason: "refused" },
];
export const cameUp = (realServer: string): Effect[] => [
  { type: "phase", realServer, from: "down", to: "up", reason: "ok" },
  { type: "health", realServer, isUp: true, reason: "ok" },
];
export const phase = (realServer: string, from: string, to: string, reason: string): Effect =>
  ({ type: "phase", realServer, from, to, reason }) as Effect;

/** Settings of the virtual server and of each of its two real servers. */
export interface Settings {
  readonly vs?: Partial<VirtualServerConfig>;
  readonly rs?: Partial<RealServerConfig>;
}

/** What is in the service, as `address weight`. */
export type Row = readonly [
  what: string,
  settings: Settings,
  before: State,
  event: Event,
  after: State,
  effects: readonly Effect[],
  destinations: string,
];

export const SORRY = {
  address: "127.0.0.1",
  port: 8080,
  forward: { method: "nat" },
  on_failure: "remove",
} as const;
export const both = state(server(), server());
export const sorry = { vs: { sorry_server: SORRY } };
export const quiet = { vs: { sorry_server: { ...SORRY, on_failure: "quiesce" as const } } };
export const noQuorum = { hasQuorum: false, sinceMs: 50 };
export const lost = (reason: string): Effect => ({ type: "quorum", isUp: false, reason });
export const gained = (reason: string): Effect => ({ type: "quorum", isUp: true, reason });
export const slow = { rs: { slow_start: 1000, weight: 100 } };
export const W1 = "live weight 1, quorum 1";

export function config({ vs = {}, rs = {} }: Settings): VirtualServerConfig {
  return virtualServer({ ...vs, real_server: [A, B].map((name) => realServer(name, rs)) });
}

export function inService(settings: Settings, state: State): string {
  return destinationsOf(config(settings), state).map(({ address, weight }) => `${address} ${weight}`).join(
    ", ",
  );
}

export async function judge(t: Deno.TestContext, rows: readonly Row[]): Promise<void> {
  for (const [what, settings, before, event, after, effects, destinations] of rows) {
    await t.step(what, () => {
      assertEquals(step(config(settings), before, event, 100), { state: after, effects });
      assertEquals(inService(settings, after), destinations);
    });
  }
}
