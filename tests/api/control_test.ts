/** `POST /reload`: what the operator reads back. */
import { assertEquals } from "@std/assert";
import { createApi } from "../../mod/api/mod.ts";
import { fakeContext } from "./fixture.ts";

const UNIX = { transport: "unix" } as const;

Deno.test("POST /reload answers with the summary", async () => {
  const response = await createApi(fakeContext()).request("/reload", { method: "POST" }, UNIX);
  assertEquals([response.status, await response.json()], [200, {
    ok: true,
    summary: "1 virtual router unchanged",
  }]);
});

Deno.test("POST /reload answers a bad file with every problem", async () => {
  const problems = [
    {
      file: "vipd.toml",
      line: 14,
      column: 12,
      path: "virtual_router.VI_1.priority",
      message: "expected 1..254, got 300",
    },
    { file: "other.toml", line: 0, column: 0, path: "", message: "not found" },
  ];
  const app = createApi(fakeContext({ reload: () => Promise.resolve({ ok: false, problems }) }));
  const response = await app.request("/reload", { method: "POST" }, UNIX);
  const body = await response.json();
  assertEquals([response.status, response.headers.get("content-type")], [422, "application/problem+json"]);
  assertEquals(body.problems, problems);
  assertEquals(
    body.detail,
    "vipd.toml:14:12: virtual_router.VI_1.priority: expected 1..254, got 300\nother.toml: not found",
  );
});
