/** What a reload changes, and how it is told. */
import { assertEquals } from "@std/assert";
import { type Changes, changesOf, refusal, summaryOf } from "../../mod/config/changes.ts";
import { load } from "./fixture.ts";

const WEB = `[virtual_router.web]\ninterface = "eth0"\nvrid = 51\naddresses = ["192.0.2.1/24"]\n`;
const MAIL = `[virtual_router.mail]\ninterface = "eth0"\nvrid = 52\naddresses = ["192.0.2.2/24"]\n`;
const CHECK = `[check.app]\ntype = "run"\ncommand = ["/bin/true"]\n`;

async function changes(before: string, after: string): Promise<Changes> {
  return changesOf(await load(before), await load(after));
}

const POOL = `[virtual_server.pool]\naddress = "192.0.2.1:80"\n` +
  `[[virtual_server.pool.real_server]]\naddress = "192.0.2.21:80"\n`;

const ROWS: readonly [name: string, before: string, after: string, summary: string][] = [
  ["nothing", WEB + CHECK, WEB + CHECK, "virtual_router: unchanged; check: unchanged"],
  [
    "nothing but the spelling",
    `${WEB}advertisement_interval = "1s"`,
    `${WEB}advertisement_interval = "1000ms"`,
    "virtual_router: unchanged; check: unchanged",
  ],
  [
    "a virtual server more",
    WEB,
    WEB + POOL,
    "virtual_router: unchanged; check: unchanged; virtual_server: 1 added (pool)",
  ],
  [
    "a real server's weight, and a setting of all",
    WEB + POOL,
    `${WEB}${POOL}weight = 3\n[balance]\nflush = true`,
    "virtual_router: unchanged; check: unchanged; virtual_server: 1 changed (pool); balance: 1 changed (flush)",
  ],
  ["a router more", WEB, WEB + MAIL, "virtual_router: 1 added (mail); check: unchanged"],
  ["a router less", WEB + MAIL, MAIL, "virtual_router: 1 removed (web); check: unchanged"],
  [
    "one added, one removed, one changed",
    WEB + CHECK,
    `${MAIL}${CHECK}rise = 7`,
    "virtual_router: 1 added (mail), 1 removed (web); check: 1 changed (app)",
  ],
  [
    "two changed",
    WEB + MAIL,
    `${WEB}priority = 9\n${MAIL}priority = 9`,
    [
      "virtual_router: 2 changed (web, mail)",
      "check: unchanged",
    ].join("; "),
  ],
  [
    "what only a start takes up",
    WEB,
    `${WEB}[log]\nlevel = "debug"\n[node]\nrealtime = false\n[api]\nlisten = ["127.0.0.1:9"]\nexporter_names = true`,
    "virtual_router: unchanged; check: unchanged; " +
    "at the next start: api.listen, api.exporter_names, node.realtime, log",
  ],
];

for (const [name, before, after, summary] of ROWS) {
  Deno.test(`changesOf() and summaryOf(): ${name}`, async () => {
    assertEquals(summaryOf(await changes(before, after)), summary);
  });
}

Deno.test("changesOf() tells two regular expressions apart", async () => {
  const config = await load(WEB + CHECK);
  const matching = (pattern: RegExp): typeof config => ({
    ...config,
    check: { app: { ...config.check["app"]!, options: { match: pattern } } },
  });
  const changed = (a: RegExp, b: RegExp): readonly string[] | undefined =>
    changesOf(matching(a), matching(b)).tables[1]?.changed;
  assertEquals(changed(/a/u, /b/u), ["app"]);
  assertEquals(changed(/a/u, /a/u), []);
});

Deno.test("summaryOf() counts what would be too many names", async () => {
  const names = Array.from({ length: 10 }, (_, i) => `r${i}`);
  const many = names.map((name, i) =>
    `[virtual_router.${name}]\ninterface = "eth0"\nvrid = ${i + 1}\naddresses = ["192.0.2.${i + 1}/24"]\n`
  ).join("");
  const summary = summaryOf(await changes("", many));
  assertEquals(
    summary,
    "virtual_router: 10 added (r0, r1, r2, r3, r4, r5, r6, r7 and 2 more); check: unchanged",
  );
});

Deno.test("refusal() is for a reload that would end all virtual routers at once", async () => {
  const [none, some] = [await load(""), await load(WEB)];
  assertEquals(
    refusal(some, none),
    "expected at least one virtual router, got none (to stop serving, stop vipd)",
  );
  assertEquals([refusal(none, none), refusal(none, some), refusal(some, some)], [null, null, null]);
});
