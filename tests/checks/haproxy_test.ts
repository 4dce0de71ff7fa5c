/** The haproxy check: what haproxy's answers mean, and answers that are none. */
import { assertEquals, assertThrows } from "@std/assert";
import { haproxy, judge } from "../../checks/haproxy.ts";
import { parseTable } from "../../checks/haproxy_table.ts";
import { Peer } from "./peer.ts";
import { verdict } from "./verdict.ts";

const info = "Name: HAProxy\nVersion: 2.6.12-1\nUptime_sec: 7\nStopping: 0\n\n";
const header = "# pxname,svname,qcur,status,last_chk\n";
const stat = header + [
  "web,FRONTEND,0,OPEN,",
  "old,FRONTEND,0,STOP,",
  "app,a,0,UP,",
  'app,b,0,UP 1/3,"* L7, ""late"""',
  "app,c,0,no check,",
  "app,d,0,DOWN,",
  "app,e,0,MAINT,",
  "app,BACKEND,0,UP,",
  "none,BACKEND,0,UP,",
].join("\n") + "\n\n";
const answer = info + stat;

const rows: [name: string, text: string, options: Record<string, unknown>, verdict: string][] = [
  ["it answers", answer, {}, "pass: haproxy 2.6.12-1"],
  ["an open frontend", answer, { frontends: ["web"] }, "pass: haproxy 2.6.12-1, web open"],
  ["a closed frontend", answer, { frontends: ["web", "old"] }, "frontend old is STOP"],
  ["an unknown frontend", answer, { frontends: ["app"] }, "haproxy has no frontend app"],
  [
    "enough servers",
    answer,
    { backend: "app", min_up: 3 },
    "pass: haproxy 2.6.12-1, 3 of 5 servers of app up",
  ],
  [
    "too few servers",
    answer,
    { backend: "app", min_up: 4 },
    "3 of 5 servers of app up, expected 4: d DOWN, e MAINT",
  ],
  ["no servers at all", answer, { backend: "none" }, "0 of 0 servers of none up, expected 1"],
  ["an unknown backend", answer, { backend: "web" }, "haproxy has no backend web"],
  ["stopping", answer.replace("Stopping: 0", "Stopping: 1"), {}, "haproxy is stopping"],
  ["nothing", "", {}, "not haproxy's answer: nothing"],
  ["something else", "HTTP/1.0 400 Bad\r\n", {}, 'not haproxy\'s answer: "HTTP/1.0 400 Bad\\r\\n"'],
  ["no table", info, { backend: "app" }, "haproxy lists no proxies: " + JSON.stringify(info)],
  [
    "half a table",
    info + "# pxname,svname\n\n",
    { backend: "app" },
    'haproxy lists no proxies: "# pxname,svname\\n\\n"',
  ],
  [
    "cut off",
    info + stat.slice(0, 120),
    { backend: "app", min_up: 2 },
    "haproxy's answer is cut off",
  ],
];

for (const [name, text, options, expected] of rows) {
  Deno.test(`haproxy: ${name}`, async () => {
    await using peer = new Peer(text);
    assertEquals(await verdict(haproxy, { address: `127.0.0.1:${peer.port}`, ...options }), expected);
    assertEquals(peer.requests, ["show info;show stat -1 7 -1\n"]);
  });
}

Deno.test("haproxy: over a unix socket", async () => {
  const path = await Deno.makeTempFile({ prefix: "vipd-haproxy-" });
  await Deno.remove(path);
  using listener = Deno.listen({ transport: "unix", path });
  const serving = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(100));
    await connection.write(new TextEncoder().encode(answer));
    connection.close();
  })();
  assertEquals(await verdict(haproxy, { address: path }), "pass: haproxy 2.6.12-1");
  await serving;
  listener.close();
  assertEquals(
    await verdict(haproxy, { address: path }),
    `cannot connect to ${path}: no such file or directory`,
  );
});

Deno.test("haproxy: quotes in a table, and what is no table", () => {
  const [, , , b] = parseTable(stat.trimEnd(), ["last_chk", "svname"]);
  assertEquals(b, ['* L7, "late"', "b"]);
  assertThrows(() => parseTable("pxname,svname\n", ["pxname"]), Error, "no table");
  assertThrows(() => judge(info, { frontends: [], backend: "x", min_up: 1 }));
});
