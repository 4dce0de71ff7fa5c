/** Virtual servers in the API: one by name, what operators order, metrics, readiness, the page. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RealServerOrderResult } from "../../mod/api/context.ts";
import { renderMetrics } from "../../mod/api/metrics.ts";
import { createApi } from "../../mod/api/mod.ts";
import { renderPage } from "../../mod/api/page/page.ts";
import { parseExposition } from "./exposition_parser.ts";
import { fakeContext, realServer, snapshot, virtualServer } from "./fixture.ts";

const UNIX = { transport: "unix" } as const;
const PATH = "/virtual_servers/web/real_servers/192.168.121.21:80";

Deno.test("GET /status/virtual_servers/:name is one virtual server", async () => {
  const app = createApi(fakeContext());
  assertEquals(await (await app.request("/status/virtual_servers/web")).json(), virtualServer());
  const missing = await app.request("/status/virtual_servers/wob");
  assertEquals([missing.status, (await missing.json()).known], [404, ["web"]]);
});

async function post(
  path: string,
  body: unknown,
  result: RealServerOrderResult = { ok: true },
): Promise<{ status: number; answer: Record<string, unknown>; orders: unknown[] }> {
  const orders: unknown[] = [];
  const app = createApi(fakeContext({
    orderRealServer: (...order) => {
      orders.push(order);
      return result;
    },
  }));
  const text = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  const response = await app.request(path, { method: "POST", ...text }, UNIX);
  return { status: response.status, answer: await response.json(), orders };
}

Deno.test("POST drain, undrain and weight: the order, and a sentence about it", async () => {
  const name = "192.168.121.21:80";
  const rows: [deed: string, body: unknown, order: unknown, detail: string][] = [
    [
      "drain",
      undefined,
      { type: "drain", persist: false },
      "gets no new connections; it is out when its last one has ended",
    ],
    [
      "drain",
      { timeout_ms: 1500, persist: true },
      { type: "drain", persist: true, timeoutMs: 1500 },
      "gets no new connections; it is out when its last one has ended, or in 1.5 s",
    ],
    ["undrain", {}, { type: "undrain", persist: false }, "gets connections again while its checks pass"],
    ["weight", { weight: 0 }, { type: "weight", weight: 0, persist: false }, "has weight 0"],
    [
      "weight",
      { weight: null },
      { type: "weight", weight: null, persist: false },
      "has its own weight again",
    ],
  ];
  for (const [deed, body, order, detail] of rows) {
    assertEquals(await post(`${PATH}/${deed}`, body), {
      status: 200,
      answer: { name: `web/${name}`, ok: true, detail: `web/${name} ${detail}` },
      orders: [["web", name, order]],
    });
  }
  const odd = await post(
    `/virtual_servers/${encodeURIComponent("a/b")}/real_servers/${encodeURIComponent("[::1]:80")}/drain`,
    {},
  );
  assertEquals(odd.orders, [["a/b", "[::1]:80", { type: "drain", persist: false }]]);
});

Deno.test("POST drain, undrain and weight: bodies that are not understood change nothing", async () => {
  const rows: [deed: string, body: unknown][] = [
    ["drain", "no JSON"],
    ["drain", []],
    ["drain", { timeout_ms: -1 }],
    ["drain", { timeout_ms: 1.5 }],
    ["drain", { timeout_ms: 604_800_001 }],
    ["drain", { timeout: 5 }],
    ["undrain", { persist: "yes" }],
    ["undrain", { timeout_ms: 5 }],
    ["weight", undefined],
    ["weight", { weight: "auto" }],
    ["weight", { weight: 65_536 }],
    ["weight", { weight: -1 }],
  ];
  for (const [deed, body] of rows) {
    const { status, answer, orders } = await post(`${PATH}/${deed}`, body);
    assertEquals(
      [status, answer["type"], orders],
      [400, "urn:vipd:problem:invalid-request", []],
      JSON.stringify(body),
    );
  }
});

Deno.test("POST drain: unknown names, and an order that cannot be kept", async () => {
  const unknown = (message: string): RealServerOrderResult => ({ ok: false, kind: "not_found", message });
  const real = await post("/virtual_servers/web/real_servers/x/drain", {}, unknown("there is none"));
  assertEquals([real.status, real.answer["detail"], real.answer["known"]], [
    404,
    "there is none",
    ["192.168.121.21:80", "rs2", "rs3"],
  ]);
  const virtual = await post("/virtual_servers/x/real_servers/rs2/drain", {}, unknown("there is none"));
  assertEquals([virtual.status, virtual.answer["known"]], [404, ["web"]]);
  const failed = await post(`${PATH}/drain`, { persist: true }, {
    ok: false,
    kind: "failed",
    message: "read-only",
  });
  assertEquals([failed.status, failed.answer["type"], failed.answer["detail"]], [
    409,
    "urn:vipd:problem:not-kept",
    "read-only",
  ]);
});

Deno.test("POST drain needs the token over TCP", async () => {
  const app = createApi(fakeContext());
  assertEquals((await app.request(`${PATH}/drain`, { method: "POST" })).status, 401);
  const headers = { authorization: "Bearer s3cret" };
  assertEquals((await app.request(`${PATH}/drain`, { method: "POST", headers })).status, 200);
});

Deno.test("GET /readyz is 503 while an engine does not carry a virtual server as it should", async () => {
  const problem = "no engine can carry it";
  const current = snapshot({ virtual_servers: [virtualServer({ problem })] });
  const lost = virtualServer({ quorum: { ...virtualServer().quorum, up: false } });
  const ask = async (now: typeof current): Promise<unknown> => {
    const app = createApi(fakeContext({ snapshot: () => Promise.resolve(now) }));
    return (await (await app.request("/readyz")).json()).reasons;
  };
  assertEquals(await ask(current), [`virtual server web: ${problem}`]);
  assertEquals(
    await ask(snapshot({ virtual_servers: [lost] })),
    undefined,
    "the other node has no quorum either",
  );
});

Deno.test("renderMetrics() gives virtual servers, their services and their real servers", () => {
  const families = parseExposition(renderMetrics(snapshot(), false));
  const rows = (name: string): unknown[] =>
    (families.get(name)?.samples ?? []).map(({ labels, value }) => [...Object.values(labels), value]);
  const SERVICE = "tcp 192.168.121.120:80";
  const RS1 = "192.168.121.21:80";
  const expected: [name: string, rows: unknown[]][] = [
    ["vipd_virtual_server_quorum", [["web", 1]]],
    ["vipd_virtual_server_quorum_required", [["web", 2]]],
    ["vipd_virtual_server_live_weight", [["web", 4]]],
    ["vipd_virtual_server_problem", [["web", 0]]],
    ["vipd_virtual_server_sorry_server", [["web", 0]]],
    ["vipd_virtual_server_engine", [["web", "ipvs", 1]]],
    ["vipd_virtual_server_healed_total", [["web", 1]]],
    ["vipd_virtual_server_service_present", [["web", SERVICE, 1]]],
    ["vipd_virtual_server_connections_total", [["web", SERVICE, 90]]],
    ["vipd_virtual_server_received_bytes_total", [["web", SERVICE, 90_000]]],
    ["vipd_virtual_server_sent_bytes_total", []],
    ["vipd_real_server_up", [["web", RS1, 1], ["web", "rs2", 0], ["web", "rs3", 1]]],
    ["vipd_real_server_weight", [["web", RS1, 1], ["web", "rs3", 0]]],
    ["vipd_real_server_active_connections", [["web", RS1, 3], ["web", "rs3", 2]]],
    ["vipd_real_server_sent_packets_total", [["web", RS1, 650], ["web", "rs3", 650]]],
    ["vipd_real_server_check_up", [["web", RS1, `web/${RS1}`, "tcp", 1], [
      "web",
      "rs2",
      "web/rs2",
      "tcp",
      0,
    ]]],
  ];
  for (const [name, samples] of expected) assertEquals(rows(name), samples, name);
  const states = rows("vipd_real_server_state").filter((row) => (row as unknown[]).includes("rs3"));
  assertEquals(states, [
    ["web", "rs3", "up", 0],
    ["web", "rs3", "down", 0],
    ["web", "rs3", "draining", 1],
    ["web", "rs3", "drained", 0],
  ]);
});

Deno.test("GET / shows virtual servers, escaped; and none where none is configured", () => {
  const page = renderPage(snapshot());
  for (
    const part of [
      "Virtual servers",
      SORRY,
      "connection refused",
      "draining",
      "tcp 192.168.121.120:80",
      "0 of 1",
    ]
  ) {
    assertStringIncludes(page, part);
  }
  const evil = realServer({ name: "<b>", reason: "<script>alert(1)</script>" });
  const escaped = renderPage(
    snapshot({ virtual_servers: [virtualServer({ problem: "<i>", real_servers: [evil] })] }),
  );
  for (const raw of ["<b>", "<i>", "<script>alert"]) assert(!escaped.includes(raw), raw);
  assertStringIncludes(page.replaceAll(/\s+/g, " "), "undone: 1; 20s ago service was missing");
  assert(!renderPage(snapshot({ virtual_servers: [] })).includes("Virtual servers"));
  const warned = virtualServer({ warnings: ["ip_forward is <0>"] });
  assertStringIncludes(renderPage(snapshot({ virtual_servers: [warned] })), "ip_forward is &lt;0&gt;");
});

const SORRY = "sorry server 127.0.0.1:8080 stands by";

Deno.test("GET / of a virtual server with very many real servers shows those that are not up first", () => {
  const many = Array.from({ length: 500 }, (_, i) => realServer({ name: `rs${i}` }));
  const real_servers = [...many, realServer({ name: "dead", state: "down" })];
  const page = renderPage(snapshot({ virtual_servers: [virtualServer({ real_servers })] }));
  assertStringIncludes(page, "<td>dead");
  assertStringIncludes(page, "rs198");
  assert(!page.includes("rs199"));
});
