/** What operators order of virtual routers: who is asked, what is kept, and what is there after a restart. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { Operators, type OperatorsParts } from "../../mod/daemon/operators.ts";
import { StandingOrders } from "../../mod/daemon/standing_orders.ts";
import { noLateness } from "../../mod/vrrp/lateness.ts";
import type { Released } from "../../mod/vrrp/messages.ts";
import { router } from "../api/fixture.ts";

// Loaded once for the process, thus before any test, or it would count as a leak of the first.
libc();

const DONE: Released = { name: "VI_1", ok: true, detail: "VI_1 was handed over in 4 ms" };
const STAYS: Released = { name: "VI_1", ok: false, detail: "VI_1 stays ACTIVE" };
const CONFIG = { node: { name: "lb1" }, virtual_router: { VI_1: { priority: 100 } }, sync_group: {} };

interface Scene {
  readonly operators: Operators;
  /** What the engine was told, in order. */
  readonly said: unknown[];
  readonly told: string[];
}

function open(
  path: string,
  released: Released = DONE,
  config: ReturnType<OperatorsParts["config"]> = CONFIG,
): Scene {
  const said: unknown[] = [];
  const told: string[] = [];
  const operators = new Operators({
    engine: {
      handOver: (name, { back }) => {
        said.push(["handOver", name, back]);
        return Promise.resolve(name === "VI_1" ? released : null);
      },
      holdBack: (reasons) => void said.push(["holdBack", reasons]),
      maintain: (order) => {
        said.push(["maintain", order?.reason ?? null]);
        return Promise.resolve([released]);
      },
      override: (all) => void said.push(["override", Object.keys(all)]),
      report: () =>
        Promise.resolve({
          lateness: noLateness(),
          virtual_routers: [router()],
          sync_groups: [],
          foreign_routers: [],
        }),
    },
    orders: new StandingOrders(path),
    inherited: null,
    config: () => config,
    tell: (...words) => void told.push(words.join(" | ")),
  });
  return { operators, said, told };
}

async function inFile(body: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-operators-" });
  try {
    await body(`${directory}/state.json`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a handover that is to be kept holds back the next run, until that has to serve", () =>
  inFile(async (path) => {
    const first = open(path);
    assertEquals(await first.operators.handOver("VI_1", { back: false, persist: true }), DONE);
    const second = open(path);
    const [said] = second.said as [[string, Record<string, string>]];
    assertEquals(said[0], "holdBack");
    assertMatch(said[1]["VI_1"] ?? "", /^handed over on demand at 20/);
    second.operators.hearRouter("VI_1", "BACKUP");
    assertEquals(open(path).said.length, 1);
    second.operators.hearRouter("VI_1", "ACTIVE");
    assertEquals(open(path).said, []);
  }));

Deno.test("a handover that came to nothing, or was called back, is not kept", () =>
  inFile(async (path) => {
    assertEquals(await open(path, STAYS).operators.handOver("VI_1", { back: false, persist: true }), STAYS);
    assertEquals(open(path).said, []);
    assertEquals(await open(path).operators.handOver("nobody", { back: false, persist: true }), null);
    assertEquals(open(path).said, []);
    await open(path).operators.handOver("VI_1", { back: false, persist: true });
    await open(path).operators.handOver("VI_1", { back: true, persist: false });
    assertEquals(open(path).said, []);
  }));

Deno.test("a handover ends a preference, and only that", () =>
  inFile(async (path) => {
    const { operators, said, told } = open(path);
    assert((await operators.override("VI_1", { by: "prefer", forMs: null, persist: true }))?.ok);
    await operators.handOver("VI_1", { back: false, persist: false });
    assertEquals(said.at(-1), ["override", []]);
    assertEquals(told.at(-1), "override | VI_1 | preferred | configured | handed over by the operator");
    assertEquals(await operators.override("constructor", { by: "prefer", end: true }), null);
  }));

Deno.test("maintenance that is to be kept is on before anything else is said, and ends for good", () =>
  inFile(async (path) => {
    const first = open(path);
    const begun = await first.operators.beginMaintenance({ forMs: null, force: false, persist: true });
    assertEquals(begun, { ok: true, virtual_routers: [DONE] });
    assertEquals(first.told, ["node | lb1 | in service | maintenance | ordered until it is ended"]);
    const second = open(path);
    assertEquals(second.said, [["maintain", "maintenance until it is ended"]]);
    const { since, ...status } = second.operators.maintenance()!;
    assertEquals([since, status], [first.operators.maintenance()?.since, { until: null, persisted: true }]);
    assertEquals(await second.operators.endMaintenance(), { ok: true, virtual_routers: [] });
    assertEquals(second.told, ["node | lb1 | maintenance | in service | ended by the operator"]);
    assertEquals(open(path).said, []);
  }));

Deno.test("maintenance that is not to be kept takes the place of one that was, and ends by its time", () =>
  inFile(async (path) => {
    const { operators, said } = open(path);
    await operators.beginMaintenance({ forMs: 600_000, force: true, persist: true });
    await operators.beginMaintenance({ forMs: 1, force: false, persist: false });
    assertEquals(open(path).said, []);
    await new Promise((resolve) => setTimeout(resolve, 5));
    operators.tick();
    assertEquals([said.at(-1), operators.maintenance()], [["maintain", null], null]);
  }));

Deno.test("maintenance that was over before the start is forgotten; what cannot be kept is not done", () =>
  inFile(async (path) => {
    const times = { since: "2020-01-01T00:00:00.000Z", until: "2020-01-01T00:10:00.000Z" };
    new StandingOrders(path).setMaintenance({ ...times, force: false });
    assertEquals(open(path).said, []);
    assertEquals(new StandingOrders(path).maintenance, null);
    Deno.writeTextFileSync(path, "{");
    const { operators, said } = open(path);
    const refused = await operators.beginMaintenance({ forMs: null, force: false, persist: true });
    assertMatch(refused.ok ? "" : refused.message, /^nothing is done, as it cannot be kept: /);
    const release = await operators.handOver("VI_1", { back: false, persist: true });
    assertMatch(release?.detail ?? "", /^nothing is done, as it cannot be kept: /);
    assertEquals(said, []);
  }));

Deno.test("a sync group: preferred together, each its own priority, and held back together", () =>
  inFile(async (path) => {
    const config = {
      node: { name: "lb1" },
      virtual_router: { VI_1: { priority: 100 }, VI_2: { priority: 90 } },
      sync_group: { G: { members: ["VI_1", "VI_2"] } },
    };
    const { operators, said } = open(path, DONE, config);
    await operators.override("VI_2", { by: "prefer", forMs: null, persist: false });
    assertEquals(said.at(-1), ["override", ["VI_1", "VI_2"]]);
    await operators.override("G", { by: "prefer", end: true });
    await operators.override("VI_2", { by: "priority", priority: 50, forMs: null, persist: false });
    assertEquals(said.at(-1), ["override", ["VI_2"]]);
    await operators.handOver("VI_1", { back: false, persist: true });
    const [again] = open(path, DONE, config).said as [[string, Record<string, string>]];
    assertEquals(Object.keys(again[1]), ["VI_1", "VI_2"]);
  }));
