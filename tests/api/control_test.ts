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

Deno.test("POST /upgrade answers that the other program is about to take over", async () => {
  const app = createApi(fakeContext());
  const asked = await app.request("/upgrade", { method: "POST" }, UNIX);
  const named = await app.request("/upgrade", { method: "POST", body: '{"binary":"/opt/vipd"}' }, UNIX);
  assertEquals([asked.status, await asked.json()], [202, {
    ok: true,
    from: "0.1.0",
    to: "0.2.0",
    program: "/usr/local/bin/vipd",
  }]);
  assertEquals([named.status, (await named.json()).program], [202, "/opt/vipd"]);
});

Deno.test("POST /upgrade refuses what it does not understand, and says what speaks against the rest", async () => {
  const problem = "vipd 0.2.0 does not accept vipd.toml: vipd.toml:3:1: vrid: expected 1..255, got 0";
  const app = createApi(fakeContext({ upgrade: () => Promise.resolve({ ok: false, problem }) }));
  const token = { authorization: "Bearer s3cret" };
  const rows = [
    [{}, UNIX, 409, problem],
    [{ body: "rm -rf" }, UNIX, 400, 'Expected no body, or {"binary": "/path/of/vipd"}'],
    [{ body: '{"binray":"/opt/vipd"}' }, UNIX, 400, 'Expected no body, or {"binary": "/path/of/vipd"}'],
    [{ headers: token }, {}, 409, problem],
    [
      { headers: token, body: '{"binary":"/opt/vipd"}' },
      {},
      403,
      "Over TCP only the program at its own place can take over; use the unix socket to name another",
    ],
    [{}, {}, 401, "This request needs the bearer token of api.token_file"],
  ] as const;
  for (const [init, connection, status, detail] of rows) {
    const response = await app.request("/upgrade", { method: "POST", ...init }, connection);
    assertEquals([response.status, (await response.json()).detail], [status, detail]);
  }
});
