/** One virtual server: what happens to its real servers, and what follows for the whole. PURE. */
import type { RealServerConfig, VirtualServerConfig } from "../config/virtual_server.ts";
import { effectiveQuorum, hasQuorum, RAMP_STEPS } from "./arithmetic.ts";
import { endpointKey } from "./model.ts";
import {
  type CheckView,
  type Drain,
  fullWeight,
  isUp,
  liveWeight,
  type Phase,
  phaseOf,
  type Ramp,
  type RealServerState,
  type State,
} from "./state.ts";

/** Reports in a row without a connection that end a drain: a connection that is just made is not in one. */
const ZEROS = 2;

export type Event =
  | {
    readonly type: "check";
    readonly realServer: string;
    readonly index: number;
    readonly isUp: boolean;
    readonly reason: string;
  }
  /** A check wants this weight, null the configured one. */
  | {
    readonly type: "checkWeight";
    readonly realServer: string;
    readonly index: number;
    readonly weight: number | null;
  }
  /** By the operator, as the rest; `timeoutMs` 0: only when no connection is left. */
  | { readonly type: "drain"; readonly realServer: string; readonly timeoutMs: number }
  | { readonly type: "undrain"; readonly realServer: string }
  | { readonly type: "weight"; readonly realServer: string; readonly weight: number | null }
  /** Connections that an engine has left for real servers of weight 0; null where it cannot tell. */
  | { readonly type: "connections"; readonly counts: Readonly<Record<string, number | null>> }
  | { readonly type: "deadline" };

/** What is worth telling, in the order in which it happened. */
export type Effect =
  | {
    readonly type: "phase";
    readonly realServer: string;
    readonly from: Phase;
    readonly to: Phase;
    readonly reason: string;
  }
  /** Its checks have decided otherwise, whatever the operator does with it. */
  | {
    readonly type: "health";
    readonly realServer: string;
    readonly isUp: boolean;
    readonly reason: string;
  }
  | {
    readonly type: "weight";
    readonly realServer: string;
    readonly from: number;
    readonly to: number;
  }
  | { readonly type: "quorum"; readonly isUp: boolean; readonly reason: string };

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** What is known of a real server that comes: what its checks say, in order, and the operator's will. */
export interface Arrival {
  readonly checks: readonly CheckView[];
  readonly weight?: number | null;
  readonly drain?: Drain | null;
}

export type Arrivals = (realServer: RealServerConfig) => Arrival;

/** The state before anything has happened: not a change of anything, so nothing is told. */
export function begin(config: VirtualServerConfig, arrivals: Arrivals, nowMs: number): State {
  const realServers = config.real_server.map((server) => [server.name, newcomer(arrivals(server), nowMs)]);
  const state: State = {
    hasQuorum: true,
    sinceMs: nowMs,
    sorry: "out",
    realServers: Object.fromEntries(realServers),
  };
  return settle(config, state, state, nowMs).state;
}

/**
 * Another configuration: real servers of the same address and port go on as they are, whatever they are
 * called.
 */
export function reconfigure(
  before: { readonly config: VirtualServerConfig; readonly state: State },
  config: VirtualServerConfig,
  arrivals: Arrivals,
  nowMs: number,
): Step {
  const known = new Map(
    before.config.real_server.map((server) => [endpointKey(server), before.state.realServers[server.name]!]),
  );
  const entries = config.real_server.map((server): [string, RealServerState, RealServerState] => {
    const arrival = arrivals(server);
    const old = known.get(endpointKey(server)) ?? newcomer(arrival, nowMs);
    const ramp = old.ramp && hasten(server, old.ramp, nowMs);
    return [server.name, old, { ...old, checks: arrival.checks, ramp }];
  });
  const old: State = {
    ...before.state,
    realServers: Object.fromEntries(entries.map(([name, old]) => [name, old])),
  };
  const realServers = Object.fromEntries(entries.map(([name, , now]) => [name, now]));
  return settle(config, old, { ...old, realServers }, nowMs);
}

/** An event for a real server that is not there changes nothing: a reload has been faster. */
export function step(config: VirtualServerConfig, state: State, event: Event, nowMs: number): Step {
  const realServers = config.real_server.map((server): [string, RealServerState] => {
    const before = state.realServers[server.name]!;
    const isMeant = !("realServer" in event) || event.realServer === server.name;
    return [server.name, isMeant ? change(server, before, event, nowMs) : before];
  });
  return settle(config, state, { ...state, realServers: Object.fromEntries(realServers) }, nowMs);
}

function newcomer({ checks, weight = null, drain = null }: Arrival, nowMs: number): RealServerState {
  const server = { checks, ramp: null, weight, drain, sinceMs: nowMs, reason: "" };
  return { ...server, reason: healthReason(server) };
}

/** What the event does to one real server by itself. */
function change(
  config: RealServerConfig,
  server: RealServerState,
  event: Event,
  nowMs: number,
): RealServerState {
  switch (event.type) {
    case "check":
      return withCheck(server, event.index, { isUp: event.isUp, reason: event.reason });
    case "checkWeight":
      return withCheck(server, event.index, { weight: event.weight });
    case "drain":
      return { ...server, drain: beginDrain(server.drain, event.timeoutMs, nowMs) };
    case "undrain":
      return undrain(config, server, nowMs);
    case "weight":
      return { ...server, weight: event.weight };
    case "connections":
      return { ...server, drain: count(server.drain, event.counts[config.name] ?? null) };
    case "deadline":
      return {
        ...server,
        ramp: climb(config, server.ramp, nowMs),
        drain: expire(server.drain, nowMs),
      };
  }
}

function withCheck(server: RealServerState, index: number, news: Partial<CheckView>): RealServerState {
  return {
    ...server,
    checks: server.checks.map((check, at) => at === index ? { ...check, ...news } : check),
  };
}

/** Asked for again, it gets the new deadline; what is out already stays out. */
function beginDrain(drain: Drain | null, timeoutMs: number, nowMs: number): Drain {
  if (drain?.state === "drained") return drain;
  return { state: "draining", deadlineMs: timeoutMs === 0 ? null : nowMs + timeoutMs, zeros: 0 };
}

/** One that has lost its connections comes back as a failed one does. */
function undrain(config: RealServerConfig, server: RealServerState, nowMs: number): RealServerState {
  const isBack = server.drain?.state === "drained" && isUp(server);
  return { ...server, drain: null, ramp: isBack ? startRamp(config, nowMs) : server.ramp };
}

function count(drain: Drain | null, connections: number | null): Drain | null {
  if (drain?.state !== "draining" || connections === null) return drain;
  if (connections > 0) return { ...drain, zeros: 0 };
  return drain.zeros + 1 >= ZEROS ? { state: "drained" } : { ...drain, zeros: drain.zeros + 1 };
}

function expire(drain: Drain | null, nowMs: number): Drain | null {
  if (drain?.state !== "draining" || nowMs < (drain.deadlineMs ?? Infinity)) return drain;
  return { state: "drained" };
}

function startRamp({ slow_start }: RealServerConfig, nowMs: number): Ramp | null {
  return slow_start === 0 ? null : { step: 1, nextMs: nowMs + slow_start / RAMP_STEPS };
}

/** A step a tenth of the time; who is late makes up for it. */
function climb({ slow_start }: RealServerConfig, ramp: Ramp | null, nowMs: number): Ramp | null {
  if (ramp === null || nowMs < ramp.nextMs) return ramp;
  const steps = 1 + Math.floor((nowMs - ramp.nextMs) * RAMP_STEPS / slow_start);
  const step = ramp.step + steps;
  return step >= RAMP_STEPS ? null : { step, nextMs: ramp.nextMs + steps * slow_start / RAMP_STEPS };
}

/** Where a rise shall take less time now, its next step is not further away than a step is. */
function hasten(config: RealServerConfig, { step, nextMs }: Ramp, nowMs: number): Ramp | null {
  const first = startRamp(config, nowMs);
  return first && { step, nextMs: Math.min(nextMs, first.nextMs) };
}

/** What follows from the change of single real servers, and what is told of all that. */
function settle(config: VirtualServerConfig, before: State, changed: State, nowMs: number): Step {
  const realServers = config.real_server.map((server): [string, RealServerState] => {
    const { [server.name]: old } = before.realServers;
    return [server.name, follow(server, old!, changed.realServers[server.name]!, nowMs)];
  });
  const servers = { ...changed, realServers: Object.fromEntries(realServers) };
  const live = liveWeight(config, servers);
  const settings = effectiveQuorum(config, config.real_server.map(({ weight }) => weight));
  const has = hasQuorum(before.hasQuorum, live, settings);
  const state: State = {
    ...servers,
    hasQuorum: has,
    sinceMs: has === before.hasQuorum ? before.sinceMs : nowMs,
    sorry: sorryOf(config, has),
  };
  const effects = config.real_server.flatMap((server) => tell(server, before, state));
  if (has === before.hasQuorum) return { state, effects };
  const reason = `live weight ${live}, quorum ${settings.quorum}` +
    (settings.hysteresis > 0 ? ` with hysteresis ${settings.hysteresis}` : "");
  return { state, effects: [...effects, { type: "quorum", isUp: has, reason }] };
}

/** What its own change brings one real server. */
function follow(
  config: RealServerConfig,
  before: RealServerState,
  changed: RealServerState,
  nowMs: number,
): RealServerState {
  const [wasUp, is] = [isUp(before), isUp(changed)];
  // Whoever is out of the service has no connection left to wait for.
  const isOut = !is && config.on_failure === "remove" && changed.drain?.state === "draining";
  const drain: Drain | null = isOut ? { state: "drained" } : changed.drain;
  const isBack = is && !wasUp && drain === null;
  const ramp = isBack ? startRamp(config, nowMs) : is && drain === null ? changed.ramp : null;
  const server = { ...changed, drain, ramp };
  const isNews = phaseOf(before) !== phaseOf(server);
  return {
    ...server,
    sinceMs: isNews ? nowMs : before.sinceMs,
    reason: reasonOf(before, server, isNews, nowMs),
  };
}

function reasonOf(before: RealServerState, server: RealServerState, isNews: boolean, nowMs: number): string {
  switch (phaseOf(server)) {
    case "up":
    case "down":
      return healthReason(server);
    case "draining":
      return "drained by the operator";
    case "drained":
      if (!isNews) return before.reason;
      if (!isUp(server)) return "drained by the operator, and down";
      return nowMs >= deadlineOf(before.drain) ? "the deadline has passed" : "no connection is left";
  }
}

function deadlineOf(drain: Drain | null): number {
  return drain?.state === "draining" ? drain.deadlineMs ?? Infinity : Infinity;
}

function healthReason(server: RealServerState): string {
  const decisive = server.checks.find(({ isUp }) => !isUp) ?? server.checks[0];
  return decisive?.reason ?? "not checked";
}

function sorryOf({ sorry_server }: VirtualServerConfig, hasQuorum: boolean): State["sorry"] {
  if (sorry_server === undefined) return "out";
  if (!hasQuorum) return "in";
  return sorry_server.on_failure === "quiesce" ? "quiesced" : "out";
}

function tell(config: RealServerConfig, before: State, now: State): Effect[] {
  const realServer = config.name;
  const [was, is] = [before.realServers[realServer]!, now.realServers[realServer]!];
  const [from, to] = [phaseOf(was), phaseOf(is)];
  const [oldWeight, weight] = [fullWeight(config, was), fullWeight(config, is)];
  const effects: Effect[] = [];
  if (from !== to) effects.push({ type: "phase", realServer, from, to, reason: is.reason });
  if (isUp(was) !== isUp(is)) {
    effects.push({ type: "health", realServer, isUp: isUp(is), reason: healthReason(is) });
  }
  if (oldWeight !== weight) effects.push({ type: "weight", realServer, from: oldWeight, to: weight });
  return effects;
}
