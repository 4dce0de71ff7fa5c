/** A reload: who is known goes on, who is new begins, what follows is told. */
import { assertEquals } from "@std/assert";
import type { RealServerConfig, VirtualServerConfig } from "../../mod/config/virtual_server.ts";
import { destinationsOf } from "../../mod/balance/destinations.ts";
import { type Arrivals, reconfigure } from "../../mod/balance/server.ts";
import type { CheckView, RealServerState, State } from "../../mod/balance/state.ts";
import { realServer, virtualServer } from "./settings.ts";

const UP: CheckView = { isUp: true, weight: null, reason: "ok" };
const SORRY = {
  address: "127.0.0.1",
  port: 8080,
  forward: { method: "nat" },
  on_failure: "quiesce",
} as const;

function server(changes: Partial<RealServerState> = {}): RealServerState {
  return { checks: [UP], ramp: null, weight: null, drain: null, sinceMs: 0, reason: "ok", ...changes };
}

function config(
  realServers: readonly RealServerConfig[],
  changes: Partial<VirtualServerConfig> = {},
): VirtualServerConfig {
  return virtualServer({ real_server: realServers, ...changes });
}

function state(realServers: Record<string, RealServerState>, changes: Partial<State> = {}): State {
  return { hasQuorum: true, sinceMs: 0, sorry: "out", realServers, ...changes };
}

const A = realServer("10.0.0.1:80");
const B = realServer("10.0.0.2:80");
const drain = { state: "draining", deadlineMs: null, zeros: 0 } as const;
const allUp: Arrivals = () => ({ checks: [UP] });

Deno.test("real servers of the same address and port go on, whatever they are called", () => {
  const before = {
    config: config([A, B]),
    state: state({ [A.name]: server({ drain, weight: 5 }), [B.name]: server() }),
  };
  const renamed = { ...A, name: "first" };
  const { state: after, effects } = reconfigure(before, config([renamed, B]), allUp, 100);
  const expected = server({ drain, weight: 5, reason: "drained by the operator" });
  assertEquals(after, state({ first: expected, [B.name]: server() }));
  assertEquals(effects, []);
});

Deno.test("a name that means another address now is a newcomer, without what was ordered for the old one", () => {
  const before = { config: config([A]), state: state({ [A.name]: server({ weight: 5 }) }) };
  const moved = { ...A, address: "10.0.0.9" };
  const { state: after } = reconfigure(before, config([moved]), allUp, 100);
  assertEquals(after, state({ [A.name]: server({ sinceMs: 100 }) }));
});

Deno.test("a newcomer begins as its checks say, one that goes leaves nothing", () => {
  const before = { config: config([A]), state: state({ [A.name]: server() }) };
  const arrivals: Arrivals = () => ({ checks: [{ ...UP, isUp: false, reason: "not checked yet" }] });
  const { state: after, effects } = reconfigure(before, config([B], { sorry_server: SORRY }), arrivals, 100);
  const newcomer = server({ sinceMs: 100, ...{ checks: arrivals(B).checks }, reason: "not checked yet" });
  assertEquals(after, state({ [B.name]: newcomer }, { hasQuorum: false, sinceMs: 100, sorry: "in" }));
  assertEquals(effects, [{ type: "quorum", isUp: false, reason: "live weight 0, quorum 1" }]);
});

Deno.test("another weight is set, not added anew; another quorum decides by its own numbers", () => {
  const before = { config: config([A, B]), state: state({ [A.name]: server(), [B.name]: server() }) };
  const heavier = config([{ ...A, weight: 3 }, B], { quorum: 9 });
  const { state: after, effects } = reconfigure(before, heavier, allUp, 100);
  assertEquals(after, before.state);
  assertEquals(destinationsOf(heavier, after).map(({ weight }) => weight), [3, 1]);
  assertEquals(effects, []);
});

Deno.test("checks that are others now decide at once, and it is told", () => {
  const before = { config: config([A]), state: state({ [A.name]: server() }) };
  const arrivals: Arrivals = () => ({ checks: [UP, { ...UP, isUp: false, reason: "refused" }] });
  const { effects } = reconfigure(before, config([A]), arrivals, 100);
  assertEquals(effects.map(({ type }) => type), ["phase", "health", "quorum"]);
});

Deno.test("a sorry server comes and goes with its configuration", () => {
  const before = { config: config([A]), state: state({ [A.name]: server() }) };
  const quiet = config([A], { sorry_server: SORRY });
  const after = reconfigure(before, quiet, allUp, 100);
  assertEquals(after, { state: { ...before.state, sorry: "quiesced" }, effects: [] });
  const removed = reconfigure({ config: quiet, state: after.state }, config([A]), allUp, 100);
  assertEquals(removed.state, before.state);
});

Deno.test("another slow start: sooner, or not at all", () => {
  const slow = { ...A, slow_start: 1000, weight: 100 };
  const before = {
    config: config([slow]),
    state: state({ [A.name]: server({ ramp: { step: 2, nextMs: 150 } }) }),
  };
  assertEquals(reconfigure(before, before.config, allUp, 100).state, before.state);
  const faster = reconfigure(before, config([{ ...slow, slow_start: 200 }]), allUp, 100);
  assertEquals(faster.state, state({ [A.name]: server({ ramp: { step: 2, nextMs: 120 } }) }));
  const { state: after } = reconfigure(before, config([{ ...slow, slow_start: 0 }]), allUp, 100);
  assertEquals(after, state({ [A.name]: server() }));
});
