/** The read model: how old a snapshot may be, an engine that does not answer, whose reason is shown. */
import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { ReadModel, type Sources } from "../mod/read_model.ts";
import { type CheckStatus, Snapshot } from "../mod/snapshot.ts";
import { noLateness } from "../mod/vrrp/lateness.ts";
import { check, hook, notifyStatus, router } from "./api/fixture.ts";

const NODE = {
  name: "lb1",
  version: "0.1.0",
  pid: 1,
  started: "2026-11-20T05:00:00.000Z",
  config_file: "/etc/vipd/vipd.toml",
  config_loaded: "2026-11-20T05:00:00.000Z",
  last_reload_error: null,
  state_file: { path: "/var/lib/vipd/state.json", problem: null },
  maintenance: null,
  last_upgrade: null,
  last_upgrade_error: null,
  realtime: false,
};

interface Sleeper {
  readonly ms: number;
  wake(): void;
}

/** A model over an engine that can be silenced, at a time that is set by hand. */
function lab(checks: readonly CheckStatus[] = []): {
  model: ReadModel;
  set: { nowMs: number; failure: unknown; asked: number; sleeping: Sleeper[] };
} {
  const set = { nowMs: 1_000, failure: undefined as unknown, asked: 0, sleeping: [] as Sleeper[] };
  const sources: Sources = {
    report: () => {
      set.asked++;
      if (set.failure !== undefined) return Promise.reject(set.failure);
      return Promise.resolve({
        lateness: noLateness(),
        virtual_routers: [router({ name: `asked ${set.asked}` })],
        sync_groups: [],
        foreign_routers: [],
      });
    },
    checks: () => [...checks],
    directRouting: () => [],
    hooks: (kind, name) => [hook({ hook: `${kind} ${name}` })],
    notify: () => notifyStatus(),
    virtualServers: () => Promise.resolve([]),
    node: () => NODE,
    now: () => set.nowMs,
    sleep: (ms) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      set.sleeping.push({ ms, wake: resolve });
      return promise;
    },
  };
  return { model: new ReadModel(sources), set };
}

Deno.test("a snapshot is valid, and shared by all who ask within a tenth of a second", async () => {
  const { model, set } = lab();
  const first = await model.snapshot();
  Snapshot.parse(first);
  assertEquals(first.at, "1970-01-01T00:00:01.000Z");
  set.nowMs += 99;
  assertStrictEquals(await model.snapshot(), first);
  set.nowMs += 1;
  assertNotStrictEquals(await model.snapshot(), first);
  assertEquals(set.asked, 2);
});

Deno.test("many who ask at once cost one question to the engine", async () => {
  const { model, set } = lab();
  await Promise.all(Array.from({ length: 20 }, () => model.snapshot()));
  assertEquals(set.asked, 1);
});

Deno.test("after something happened the next snapshot is a new one", async () => {
  const { model, set } = lab();
  await model.snapshot();
  set.nowMs += 20;
  model.invalidate();
  await model.snapshot();
  assertEquals([set.asked, set.sleeping], [2, []]);
});

Deno.test("when things happen all the time, snapshots are 20 ms apart and none is older than its answer", async () => {
  const { model, set } = lab();
  await model.snapshot();
  set.nowMs += 5;
  model.invalidate();
  const second = model.snapshot();
  model.invalidate();
  const third = model.snapshot();
  assertEquals([set.asked, set.sleeping.map(({ ms }) => ms)], [1, [15]]);
  set.nowMs += 15;
  set.sleeping[0]?.wake();
  assertEquals((await second).virtual_routers[0]?.name, "asked 2");
  assertStrictEquals(await third, await second);
  model.invalidate();
  const fourth = model.snapshot();
  assertEquals([set.asked, set.sleeping.length], [2, 2]);
  set.nowMs += 20;
  set.sleeping[1]?.wake();
  assertEquals((await fourth).virtual_routers[0]?.name, "asked 3");
});

Deno.test("an engine that does not answer is stalled, beside the last that it said", async () => {
  const { model, set } = lab();
  assertEquals((await model.snapshot()).node.engine, "running");
  set.failure = new Error("no answer within 1 s");
  set.nowMs += 100;
  const stalled = await model.snapshot();
  assertEquals([stalled.node.engine, stalled.virtual_routers[0]?.name], ["stalled", "asked 1"]);
  set.failure = undefined;
  set.nowMs += 100;
  assertEquals((await model.snapshot()).node.engine, "running");
});

Deno.test("an engine that never answered leaves an empty snapshot, not an error", async () => {
  const { model, set } = lab([check()]);
  set.failure = new Error("no answer within 1 s");
  const { node, virtual_routers, checks, lateness } = Snapshot.parse(await model.snapshot());
  assertEquals([node.engine, virtual_routers, checks.length, lateness.count], ["stalled", [], 1, 0]);
});

Deno.test("what is no Error is a mistake of ours and is not hidden", async () => {
  const { model, set } = lab();
  set.failure = "nonsense";
  const failure = await model.snapshot().then(() => null, (reason: unknown) => reason);
  assertEquals(failure, "nonsense");
});

Deno.test("the reason of a tracked check is that of its last result; of one that is gone, what the router knows", async () => {
  const { model } = lab([check({ name: "nginx", reason: "status 502 (1 of 3 failures)" })]);
  const [first] = (await model.snapshot()).virtual_routers;
  assertEquals(first?.contributions.map(({ check, reason }) => [check, reason]), [
    ["nginx", "status 502 (1 of 3 failures)"],
    ["uplink", "eth1 has no carrier"],
  ]);
});
