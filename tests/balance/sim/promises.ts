/** What must be true of a virtual server after every event, told in other words than the core uses. */
import { assert, assertEquals } from "@std/assert";
import type { Destination, Service } from "../../../mod/balance/model.ts";
import { endpointKey } from "../../../mod/balance/model.ts";
import type { Effect, Step } from "../../../mod/balance/server.ts";
import type { RealServerState, State } from "../../../mod/balance/state.ts";
import type { RealServerConfig, VirtualServerConfig } from "../../../mod/config/virtual_server.ts";

export interface Moment {
  readonly config: VirtualServerConfig;
  /** Null: it has just begun, which is no news. */
  readonly before: State | null;
  readonly after: Step;
  readonly destinations: readonly Destination[];
  readonly services: readonly Service[];
  readonly nowMs: number;
}

/** Throws when a promise is broken; the message names it. */
export function judge(moment: Moment): void {
  theQuorumRuleHolds(moment);
  noTimerOutlivesItsState(moment);
  weightsFit(moment);
  theSorryServerStandsIn(moment);
  everyServerIsWhereItBelongs(moment);
  whatHappensIsTold(moment);
  stateIsPlain(moment);
}

function weightsFit({ services }: Moment): void {
  for (const { destinations } of services) {
    const keys = destinations.map(endpointKey);
    assertEquals(keys.length, new Set(keys).size, "one destination is twice in a service");
    for (const { weight } of destinations) {
      assert(Number.isInteger(weight) && weight >= 0 && weight <= 65_535, `a weight of ${weight}`);
    }
  }
}

const passes = ({ checks }: RealServerState): boolean => !checks.some(({ isUp }) => !isUp);

/** The weight without its rise: the operator's, or the configured one and what each check adds. */
function target(config: RealServerConfig, { weight, checks }: RealServerState): number {
  if (weight !== null) return weight;
  let sum = config.weight;
  for (const check of checks) if (check.weight !== null) sum += check.weight - config.weight;
  return sum < 0 ? 0 : sum > 65_535 ? 65_535 : sum;
}

function everyServerIsWhereItBelongs({ config, after: { state }, destinations }: Moment): void {
  for (const server of config.real_server) {
    if (isSorry(config, server)) continue;
    const now = state.realServers[server.name]!;
    const weight = destinations.find((one) => endpointKey(one) === endpointKey(server))?.weight;
    const rest = server.on_failure === "quiesce" ? 0 : undefined;
    const where = `${server.name} has weight ${weight}: `;
    if (now.drain?.state === "drained") assertEquals(weight, undefined, `${where}drained`);
    else if (!passes(now)) assertEquals(weight, rest, `${where}down`);
    else if (now.drain !== null) assertEquals(weight, 0, `${where}draining`);
    else if (state.sorry === "in") assertEquals(weight, rest, `${where}the sorry server is in`);
    else if (now.ramp === null) assertEquals(weight, target(server, now), `${where}up`);
    else assert(weight !== undefined && weight <= target(server, now), `${where}rising`);
    const isTaken = now.ramp !== null && state.sorry !== "in" && target(server, now) > 0;
    if (isTaken) assert(weight! > 0, `${where}a rising server takes nothing`);
  }
}

function isSorry({ sorry_server }: VirtualServerConfig, server: RealServerConfig): boolean {
  return sorry_server !== undefined && endpointKey(sorry_server) === endpointKey(server);
}

function theSorryServerStandsIn({ config, after: { state }, services }: Moment): void {
  const { sorry_server: sorry } = config;
  assertEquals(state.sorry === "in", sorry !== undefined && !state.hasQuorum, "the sorry server stands in");
  if (sorry === undefined) return;
  const weight = services[0]!.destinations.find((one) => endpointKey(one) === endpointKey(sorry))?.weight;
  if (state.sorry === "in") assertEquals(weight, 1, "the sorry server stands in with weight 1");
  else if (sorry.on_failure === "quiesce") assert(weight !== undefined, "a sorry server that quiesces stays");
  else if (!config.real_server.some((server) => isSorry(config, server))) assertEquals(weight, undefined);
}

/** Gained from quorum + hysteresis, lost below quorum - hysteresis or with nothing, else as it was. */
function theQuorumRuleHolds({ config, before, after: { state } }: Moment): void {
  let live = 0;
  let all = 0;
  for (const server of config.real_server) {
    const now = state.realServers[server.name]!;
    all += server.weight;
    if (passes(now) && now.drain === null) live += target(server, now);
  }
  const quorum = config.quorum > all ? all : config.quorum;
  const hysteresis = config.hysteresis >= quorum ? Math.max(0, quorum - 1) : config.hysteresis;
  const expected = live === 0 || live < quorum - hysteresis
    ? false
    : live >= quorum + hysteresis
    ? true
    : before?.hasQuorum ?? true;
  assertEquals(state.hasQuorum, expected, `the quorum rule: live ${live}, quorum ${quorum} +- ${hysteresis}`);
}

function noTimerOutlivesItsState({ config, after: { state }, nowMs }: Moment): void {
  for (const { name, slow_start } of config.real_server) {
    const { ramp, drain, ...server } = state.realServers[name]!;
    if (ramp !== null) {
      assert(passes({ ramp, drain, ...server }) && drain === null, "a timer outlives a rise");
      assert(slow_start > 0 && ramp.step >= 1 && ramp.step < 10, "a rise has its steps");
      assert(ramp.nextMs <= nowMs + slow_start / 10, "a step is too far away");
    }
    if (drain?.state !== "draining") continue;
    assert(passes({ ramp, drain, ...server }) || isQuiescing(config, name), "a drain waits for nothing");
  }
}

function isQuiescing({ real_server }: VirtualServerConfig, name: string): boolean {
  return real_server.some((server) => server.name === name && server.on_failure === "quiesce");
}

const phase = (server: RealServerState): string => server.drain?.state ?? (passes(server) ? "up" : "down");

function whatHappensIsTold({ config, before, after: { state, effects } }: Moment): void {
  if (before === null) return assertEquals(effects, [], "a start is no news");
  const expected: unknown[] = [];
  const told: unknown[] = [];
  for (const { name } of config.real_server) {
    const [was, is] = [before.realServers[name], state.realServers[name]!];
    if (was === undefined) continue;
    if (phase(was) !== phase(is)) expected.push([name, phase(was), phase(is)]);
    if (passes(was) !== passes(is)) expected.push([name, passes(is)]);
  }
  if (before.hasQuorum !== state.hasQuorum) expected.push(state.hasQuorum);
  for (const effect of effects) told.push(...short(effect));
  assertEquals(told, expected, "what happens is told, and nothing else");
}

function short(effect: Effect): unknown[] {
  switch (effect.type) {
    case "phase":
      return [[effect.realServer, effect.from, effect.to]];
    case "health":
      return [[effect.realServer, effect.isUp]];
    case "quorum":
      return [effect.isUp];
    case "weight":
      return [];
  }
}

/** It goes through an upgrade of the program as JSON. */
function stateIsPlain({ after: { state } }: Moment): void {
  assertEquals(JSON.parse(JSON.stringify(state)), state, "the state is plain JSON");
}
