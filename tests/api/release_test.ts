/** `POST /virtual_routers/NAME/handover` and `POST /maintenance`. */
import { assertEquals } from "@std/assert";
import { createApi } from "../../mod/api/mod.ts";
import type { ApiContext } from "../../mod/api/context.ts";
import { fakeContext, snapshot } from "./fixture.ts";

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
  const asked: [string, boolean][] = [];
  await post(path, { back: true }, {
    handOver: (name, back) => {
      asked.push([name, back]);
      return Promise.resolve(stays);
    },
  });
  assertEquals(asked, [["VI_1", true]]);
});

Deno.test("POST maintenance: on for a time, forced, off; and what it is not", async () => {
  const orders: unknown[] = [];
  const context: Partial<ApiContext> = {
    beginMaintenance: (order) => {
      orders.push(order);
      return Promise.resolve([{ name: "VI_1", ok: true, detail: "VI_1 was handed over" }]);
    },
    endMaintenance: () => {
      orders.push("end");
      return Promise.resolve();
    },
  };
  const [status, answer] = await post("/maintenance", { on: true, for_ms: 600_000 }, context);
  assertEquals([status, answer], [200, {
    maintenance: null,
    virtual_routers: [{ name: "VI_1", ok: true, detail: "VI_1 was handed over" }],
  }]);
  await post("/maintenance", { on: true, force: true }, context);
  await post("/maintenance", { on: false }, context);
  assertEquals(orders, [{ forMs: 600_000, force: false }, { forMs: null, force: true }, "end"]);
  for (const body of [undefined, { on: 1 }, { on: true, for_ms: -1 }, { on: false, force: true }, [], "on"]) {
    assertEquals((await post("/maintenance", body, context))[0], 400);
  }
  assertEquals(orders.length, 3);
});

Deno.test("maintenance is shown by the probes, the metrics and the page", async () => {
  const current = snapshot();
  const out = snapshot({
    node: { ...current.node, maintenance: { since: current.at, until: "2026-11-20T06:10:00.000Z" } },
  });
  const app = createApi(fakeContext({ snapshot: () => Promise.resolve(out) }));
  const ready = await app.request("/readyz");
  assertEquals([ready.status, (await ready.json()).reasons], [503, [
    "maintenance until 2026-11-20T06:10:00.000Z",
  ]]);
  assertEquals((await (await app.request("/metrics")).text()).includes("\nvipd_maintenance 1\n"), true);
  assertEquals((await (await app.request("/")).text()).includes("Maintenance until 2026-11-20T06:10"), true);
});
