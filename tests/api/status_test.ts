/** `/status` and what all routes share: problems, methods, negotiation. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createApi } from "../../mod/api/mod.ts";
import { isAcceptable } from "../../mod/api/negotiate.ts";
import { perSnapshot, snapshotSource, SnapshotUnavailable } from "../../mod/api/source.ts";
import { Snapshot } from "../../mod/snapshot.ts";
import { check, fakeContext, router, snapshot } from "./fixture.ts";

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  const body = await response.json();
  assertEquals(body.status, response.status);
  for (const member of ["type", "title", "detail", "instance"]) {
    assertEquals(typeof body[member], "string", member);
  }
  return body;
}

Deno.test("GET /status is the snapshot", async () => {
  const response = await createApi(fakeContext()).request("/status");
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(Snapshot.parse(await response.json()), snapshot());
});

Deno.test("GET /status/virtual_routers/:name and /status/checks/:name are one entry", async () => {
  const name = "web / öffentlich";
  const current = snapshot({ virtual_routers: [router(), router({ name })] });
  const app = createApi(fakeContext({ snapshot: () => Promise.resolve(current) }));
  assertEquals(await (await app.request("/status/virtual_routers/VI_1")).json(), router());
  assertEquals(
    await (await app.request(`/status/virtual_routers/${encodeURIComponent(name)}`)).json(),
    router({ name }),
  );
  assertEquals(await (await app.request("/status/checks/nginx")).json(), check());
});

Deno.test("an unknown name is a 404 that lists the known ones", async () => {
  const problem = await problemOf(await createApi(fakeContext()).request("/status/checks/ngin"));
  assertEquals(problem, {
    type: "urn:vipd:problem:unknown-name",
    title: "Unknown check",
    status: 404,
    detail: 'There is no check "ngin"; known: nginx, uplink',
    instance: "/status/checks/ngin",
    known: ["nginx", "uplink"],
  });
});

Deno.test("an unknown path is a 404 problem", async () => {
  assertEquals((await problemOf(await createApi(fakeContext()).request("/statuss")))["status"], 404);
});

Deno.test("a wrong method is a 405 problem that names the allowed ones", async () => {
  const app = createApi(fakeContext());
  for (
    const [method, path, allow] of [["POST", "/status", "GET, HEAD"], ["GET", "/reload", "POST"]] as const
  ) {
    const response = await app.request(path, { method });
    assertEquals(response.headers.get("allow"), allow);
    assertEquals((await problemOf(response))["status"], 405);
  }
});

Deno.test("an Accept that excludes the resource is a 406 problem", async () => {
  const app = createApi(fakeContext());
  for (const path of ["/status", "/healthz", "/readyz", "/metrics", "/events", "/openapi.json", "/"]) {
    const problem = await problemOf(await app.request(path, { headers: { accept: "image/png" } }));
    assertEquals(problem["status"], 406, path);
  }
});

Deno.test("isAcceptable() lets the most specific range decide", () => {
  const rows: [string, boolean][] = [
    ["application/json", true],
    ["APPLICATION/JSON; q=0.1", true],
    ["application/*", true],
    ["text/html, */*;q=0.1", true],
    ["text/html", false],
    ["application/json;q=0, */*", false],
    ["application/*;q=0, */*", false],
    ["*/*;q=0", false],
  ];
  for (const [accept, expected] of rows) {
    assertEquals(isAcceptable(accept, "application/json"), expected, accept);
  }
});

Deno.test("HEAD answers like GET without a body", async () => {
  const app = createApi(fakeContext());
  for (const path of ["/status", "/healthz", "/readyz", "/metrics", "/events", "/openapi.json", "/"]) {
    const response = await app.request(path, { method: "HEAD" });
    assertEquals([response.status, await response.text()], [200, ""], path);
  }
});

Deno.test("a snapshot that cannot be had is a 503 problem with the reason", async () => {
  const app = createApi(fakeContext({ snapshot: () => Promise.reject(new Error("worker is gone")) }));
  const problem = await problemOf(await app.request("/status"));
  assertEquals([problem["status"], problem["detail"]], [
    503,
    "The engine could not be asked: worker is gone",
  ]);
});

Deno.test("a bug is a 500 problem that tells nothing of the inside", async () => {
  const app = createApi(fakeContext({ reload: () => Promise.reject(new Error("secret")) }));
  const response = await app.request("/reload", {
    method: "POST",
    headers: { authorization: "Bearer s3cret" },
  });
  const problem = await problemOf(response);
  assertEquals(problem["status"], 500);
  assert(!JSON.stringify(problem).includes("secret"));
});

Deno.test("snapshotSource() asks once for all who wait, and gives up in time", async () => {
  let asked = 0;
  const current = snapshot();
  const source = snapshotSource(() => {
    asked++;
    return new Promise((resolve) => setTimeout(() => resolve(current), 5));
  });
  const answers = await Promise.all([source(), source(), source()]);
  assertEquals(asked, 1);
  for (const answer of answers) assertStrictEquals(answer, current);
  await source();
  assertEquals(asked, 2);

  const silent = snapshotSource(() => new Promise(() => {}), 10);
  const failure = await silent().catch((error: unknown) => error);
  assert(failure instanceof SnapshotUnavailable);
});

Deno.test("perSnapshot() renders the same object once, even when the result is empty", () => {
  let renderings = 0;
  const render = perSnapshot(() => void renderings++);
  const [one, two] = [snapshot(), snapshot()];
  for (const current of [one, one, two, one]) render(current);
  assertEquals(renderings, 2);
});
