/** Events go in, wishes and effects come out, and one timer follows the states. */
import { assertEquals } from "@std/assert";
import { VirtualServers } from "../../mod/balance/virtual_servers.ts";
import type { Arrival, Effect } from "../../mod/balance/server.ts";
import type { CheckView } from "../../mod/balance/state.ts";
import { waitFor } from "../e2e/lab/wait.ts";
import { realServer, virtualServer } from "./settings.ts";

const RS = "10.0.0.1:80";
const view = (isUp: boolean): CheckView => ({ isUp, weight: null, reason: isUp ? "ok" : "refused" });
const arrival = (): Arrival => ({ checks: [view(true)] });

function lab(
  inherited = {},
): { servers: VirtualServers; changes: () => number; effects: [string, Effect][] } {
  let changes = 0;
  const effects: [string, Effect][] = [];
  const servers = new VirtualServers({
    nowMs: () => performance.now(),
    changed: () => void changes++,
    effect: (name, effect) => void effects.push([name, effect]),
    inherited,
  });
  return { servers, changes: () => changes, effects };
}

function weights(servers: VirtualServers): number[][] {
  return servers.wishes().map(({ services }) => services[0]!.destinations.map(({ weight }) => weight));
}

Deno.test("only what changes a service is a change; everything worth telling is told", () => {
  const { servers, changes, effects } = lab();
  servers.configure({ web: virtualServer({ real_server: [realServer(RS)] }) }, arrival);
  assertEquals([changes(), weights(servers)], [1, [[1]]]);
  const check = { type: "check", realServer: RS, index: 0, reason: "refused" } as const;
  servers.dispatch("web", { ...check, isUp: true });
  assertEquals([changes(), effects], [1, []]);
  servers.dispatch("web", { ...check, isUp: false });
  assertEquals([changes(), weights(servers)], [2, [[]]]);
  assertEquals(effects.map(([name, { type }]) => `${name} ${type}`), [
    "web phase",
    "web health",
    "web quorum",
  ]);
  servers.dispatch("gone", { ...check, isUp: false });
  assertEquals(changes(), 2);
  servers.stop();
});

Deno.test("deadlines come true: a drain ends, a weight rises", async () => {
  const { servers, effects } = lab();
  const config = virtualServer({ real_server: [realServer(RS, { slow_start: 100, weight: 100 })] });
  servers.configure({ web: config }, arrival);
  servers.dispatch("web", { type: "drain", realServer: RS, timeoutMs: 50 });
  assertEquals(weights(servers), [[0]]);
  await waitFor("drained", () => weights(servers)[0]?.length === 0, 10_000);
  assertEquals(effects.at(-1)?.[1], {
    type: "phase",
    realServer: RS,
    from: "draining",
    to: "drained",
    reason: "the deadline has passed",
  });
  servers.dispatch("web", { type: "undrain", realServer: RS });
  assertEquals(weights(servers), [[10]]);
  await waitFor("full weight", () => weights(servers)[0]?.[0] === 100, 10_000);
  servers.stop();
});

Deno.test("the next image of the program goes on, unless the configuration is another one by then", () => {
  const first = lab();
  const config = virtualServer({ real_server: [realServer(RS, { check: [{} as never] })] });
  first.servers.configure({ web: config }, arrival);
  first.servers.dispatch("web", { type: "weight", realServer: RS, weight: 9 });
  const states = JSON.parse(JSON.stringify(first.servers.states()));
  first.servers.stop();

  const next = lab(states);
  next.servers.configure({ web: config }, arrival);
  assertEquals([weights(next.servers), next.effects], [[[9]], []]);
  next.servers.stop();

  const other = lab(states);
  other.servers.configure({ web: { ...config, real_server: [realServer("10.0.0.2:80")] } }, arrival);
  assertEquals(weights(other.servers), [[1]]);
  other.servers.stop();
});

Deno.test("a reload tells what follows from it, after the services are what they have to be", () => {
  const { servers, effects } = lab();
  const config = virtualServer({ real_server: [realServer(RS)] });
  servers.configure({ web: config }, arrival);
  servers.configure({ web: config, other: config }, () => ({ checks: [view(false)] }));
  assertEquals(weights(servers), [[], []]);
  assertEquals(effects.map(([name, { type }]) => `${name} ${type}`), [
    "web phase",
    "web health",
    "web quorum",
  ]);
  servers.stop();
});
