/** `POST /virtual_routers/NAME/handover` and `POST /maintenance`. */
import { assertEquals } from "@std/assert";
import { createApi } from "../../mod/api/mod.ts";
import type { ApiContext, HandoverOrder, OverrideOrder } from "../../mod/api/context.ts";
import { fakeContext, router, snapshot } from "./fixture.ts";

const HANDED_OVER = { name: "VI_1", ok: true, detail: "VI_1 was handed over" };
const UNIX = { transport: "unix" } as const;

async function post(
  path: string,
  body: unknown,
  changes: Partial<ApiContext> = {},
): Promise<[number, unknown]> {
  const app = createApi(fakeContext(changes));
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await app.request(path, { method: "POST", ...text }, UNIX);
  return [response.status, await response.json()];
}

Deno.test("POST handover: done, not done, no such router, not understood", async () => {
  const path = "/virtual_routers/VI_1/handover";
  assertEquals(await post(path, undefined), [200, {
    name: "VI_1",
    ok: true,
    detail: "VI_1 was handed over",
  }]);
  const stays = { name: "VI_1", ok: false, detail: "VI_1 stays ACTIVE: nobody took over within 1500 ms" };
  const [status, problem] = await post(path, {}, { handOver: () => Promise.resolve(stays) });
  assertEquals([status, (problem as { detail: string }).detail], [409, stays.detail]);
  const [missing, unknown] = await post("/virtual_routers/x/handover", {}, {
    handOver: () => Promise.resolve(null),
  });
  assertEquals([missing, (unknown as { known: string[] }).known], [404, ["VI_1"]]);
  assertEquals((await post(path, { bakc: true }))[0], 400);
  const asked: [string, HandoverOrder][] = [];
  await post(path, { back: true }, {
    handOver: (name, order) => {
      asked.push([name, order]);
      return Promise.resolve(stays);
    },
  });
  assertEquals(asked, [["VI_1", { back: true, persist: false }]]);
});

Deno.test("POST maintenance: on for a time, forced, off; and what it is not", async () => {
  const orders: unknown[] = [];
  const context: Partial<ApiContext> = {
    beginMaintenance: (order) => {
      orders.push(order);
      return Promise.resolve({ ok: true, virtual_routers: [HANDED_OVER] });
    },
    endMaintenance: () => {
      orders.push("end");
      return Promise.resolve({ ok: true, virtual_routers: [] });
    },
  };
  const [status, answer] = await post("/maintenance", { on: true, for_ms: 600_000 }, context);
  assertEquals([status, answer], [200, {
    maintenance: null,
    virtual_routers: [HANDED_OVER],
  }]);
  await post("/maintenance", { on: true, force: true, persist: true }, context);
  await post("/maintenance", { on: false }, context);
  assertEquals(orders, [
    { forMs: 600_000, force: false, persist: false },
    { forMs: null, force: true, persist: true },
    "end",
  ]);
  const full: Partial<ApiContext> = {
    beginMaintenance: () => Promise.resolve({ ok: false, message: "nothing is done: disk full" }),
  };
  const [refused, why] = await post("/maintenance", { on: true, persist: true }, full);
  assertEquals([refused, (why as { detail: string }).detail], [409, "nothing is done: disk full"]);
  for (const body of [undefined, { on: 1 }, { on: true, for_ms: -1 }, { on: false, force: true }, [], "on"]) {
    assertEquals((await post("/maintenance", body, context))[0], 400);
  }
  assertEquals(orders.length, 3);
});

Deno.test("maintenance is shown by the probes, the metrics and the page", async () => {
  const current = snapshot();
  const out = snapshot({
    node: {
      ...current.node,
      maintenance: { since: current.at, until: "2026-11-20T06:10:00.000Z", persisted: false },
    },
  });
  const app = createApi(fakeContext({ snapshot: () => Promise.resolve(out) }));
  const ready = await app.request("/readyz");
  assertEquals([ready.status, (await ready.json()).reasons], [503, [
    "maintenance until 2026-11-20T06:10:00.000Z",
  ]]);
  assertEquals((await (await app.request("/metrics")).text()).includes("\nvipd_maintenance 1\n"), true);
  assertEquals((await (await app.request("/")).text()).includes("Maintenance until 2026-11-20T06:10"), true);
});

Deno.test("POST prefer and priority: every body they take, and those they do not", async () => {
  const orders: OverrideOrder[] = [];
  const context: Partial<ApiContext> = {
    overrideRouter: (name, order) => {
      orders.push(order);
      return Promise.resolve({ ok: true, virtual_routers: [{ name, ok: false, detail: "not now" }] });
    },
  };
  const prefer = "/virtual_routers/VI_1/prefer";
  const priority = "/virtual_routers/VI_1/priority";
  const [status, answer] = await post(prefer, undefined, context);
  assertEquals([status, answer], [200, {
    virtual_routers: [{ name: "VI_1", ok: false, detail: "not now" }],
  }]);
  await post(prefer, { for_ms: 60_000, persist: true }, context);
  await post(prefer, { on: false }, context);
  await post(priority, { priority: 1 }, context);
  await post(priority, { priority: 254, for_ms: 5, persist: true }, context);
  await post(priority, { priority: null }, context);
  assertEquals(orders, [
    { by: "prefer", forMs: null, persist: false },
    { by: "prefer", forMs: 60_000, persist: true },
    { by: "prefer", end: true },
    { by: "priority", priority: 1, forMs: null, persist: false },
    { by: "priority", priority: 254, forMs: 5, persist: true },
    { by: "priority", end: true },
  ]);
  const bad: [string, unknown][] = [
    [prefer, { on: false, for_ms: 5 }],
    [prefer, { for_ms: 0 }],
    [prefer, { for_ms: 7 * 24 * 3_600_000 + 1 }],
    [prefer, []],
    [priority, undefined],
    [priority, { priority: 0 }],
    [priority, { priority: 255 }],
    [priority, { priority: null, for_ms: 5 }],
    [priority, { priority: 1.5 }],
  ];
  for (const [path, body] of bad) {
    assertEquals((await post(path, body, context))[0], 400, JSON.stringify(body));
  }
  assertEquals(orders.length, 6);
});

Deno.test("POST prefer: refused, no such router, and never without the token", async () => {
  const path = "/virtual_routers/VI_1/prefer";
  const message = "VI_1 owns its addresses";
  const [refused, why] = await post(path, {}, {
    overrideRouter: () => Promise.resolve({ ok: false, message }),
  });
  assertEquals([refused, (why as { detail: string }).detail], [409, message]);
  const [missing, unknown] = await post(path, {}, { overrideRouter: () => Promise.resolve(null) });
  assertEquals([missing, (unknown as { known: string[] }).known], [404, ["VI_1"]]);
  const app = createApi(fakeContext());
  for (const deed of ["prefer", "priority"]) {
    const response = await app.request(`/virtual_routers/VI_1/${deed}`, { method: "POST" });
    assertEquals(response.status, 401);
  }
});

Deno.test("an override is shown by the metrics and the page", async () => {
  const since = snapshot().at;
  const override = { by: "priority", priority: 120, since, until: null, persisted: false } as const;
  const overridden = snapshot({ virtual_routers: [router({ override: { ...override, suspended: null } })] });
  const app = createApi(fakeContext({ snapshot: () => Promise.resolve(overridden) }));
  const metrics = await (await app.request("/metrics")).text();
  assertEquals(/\nvipd_virtual_router_overridden\{name="VI_1"[^}]*\} 1\n/.test(metrics), true);
  const page = await (await app.request("/")).text();
  assertEquals(page.includes("VI_1 has priority 120 instead of 100, by the operator"), true);
});
