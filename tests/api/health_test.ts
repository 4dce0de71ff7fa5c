/** `/healthz` and `/readyz`: which states count, with their reasons. */
import { assertEquals } from "@std/assert";
import { createApi } from "../../mod/api/mod.ts";
import type { NodeStatus, RouterState, Snapshot } from "../../mod/snapshot.ts";
import { fakeContext, router, snapshot } from "./fixture.ts";

function nodeIn(engine: NodeStatus["engine"], ...states: RouterState[]): Snapshot {
  const { node } = snapshot();
  const virtual_routers = states.map((state, i) =>
    router({ name: `VI_${i + 1}`, state, reason: `because ${i + 1}` })
  );
  return snapshot({ node: { ...node, engine }, virtual_routers });
}

async function probe(path: string, current: Snapshot): Promise<[number, unknown]> {
  const response = await createApi(fakeContext({ snapshot: () => Promise.resolve(current) })).request(path);
  const body = await response.json();
  return [response.status, response.status === 200 ? body : body.reasons];
}

Deno.test("GET /healthz is 503 only when the engine is stalled or stopped", async () => {
  assertEquals(await probe("/healthz", nodeIn("starting", "INIT")), [200, { status: "ok" }]);
  assertEquals(await probe("/healthz", nodeIn("running", "FAULT")), [200, { status: "ok" }]);
  assertEquals(await probe("/healthz", nodeIn("stalled", "ACTIVE")), [503, ["the engine is stalled"]]);
  assertEquals(await probe("/healthz", nodeIn("stopped")), [503, ["the engine is stopped"]]);
});

Deno.test("GET /readyz waits for the engine and for every virtual router", async () => {
  const rows: [Snapshot, number, unknown][] = [
    [nodeIn("running", "ACTIVE", "BACKUP"), 200, { status: "ok" }],
    [nodeIn("running"), 200, { status: "ok" }],
    [nodeIn("starting", "ACTIVE"), 503, ["the engine is starting"]],
    [nodeIn("running", "ACTIVE", "INIT"), 503, ["VI_2 is in INIT: because 2"]],
    [nodeIn("running", "FAULT", "BACKUP"), 503, ["VI_1 is in FAULT: because 1"]],
    [nodeIn("stalled", "INIT"), 503, ["the engine is stalled", "VI_1 is in INIT: because 1"]],
  ];
  for (const [current, status, answer] of rows) {
    assertEquals(await probe("/readyz", current), [status, answer]);
  }
});

Deno.test("GET /readyz waits for the addresses of direct routing", async () => {
  for (const present of [true, false]) {
    const addresses = [{ address: "192.0.2.10", present, restored: 0 }];
    const current = snapshot({
      ...nodeIn("running"),
      direct_routing: [{ name: "web", interface: "lo", addresses, problem: null }],
    });
    const reasons = ["direct routing web: 192.0.2.10 is not on lo"];
    assertEquals(await probe("/readyz", current), present ? [200, { status: "ok" }] : [503, reasons]);
  }
});

Deno.test("both probes say so when the engine does not answer", async () => {
  const app = createApi(fakeContext({ snapshot: () => Promise.reject(new Error("worker is gone")) }));
  for (const path of ["/healthz", "/readyz"]) {
    const response = await app.request(path);
    assertEquals(response.status, 503);
    assertEquals((await response.json()).reasons, ["The engine could not be asked: worker is gone"]);
  }
});
