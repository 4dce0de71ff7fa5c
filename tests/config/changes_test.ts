/** What a reload changes, and how it is told. */
import { assertEquals } from "@std/assert";
import { type Changes, changesOf, summaryOf } from "../../mod/config/changes.ts";
import { load } from "./fixture.ts";

const WEB = `[virtual_router.web]\ninterface = "eth0"\nvrid = 51\naddresses = ["192.0.2.1/24"]\n`;
const MAIL = `[virtual_router.mail]\ninterface = "eth0"\nvrid = 52\naddresses = ["192.0.2.2/24"]\n`;
const CHECK = `[check.app]\ntype = "run"\ncommand = ["/bin/true"]\n`;

async function changes(before: string, after: string): Promise<Changes> {
  return changesOf(await load(before), await load(after));
}

const ROWS: readonly [name: string, before: string, after: string, summary: string][] = [
  ["nothing", WEB + CHECK, WEB + CHECK, "virtual_router: unchanged; check: unchanged"],
  [
    "nothing but the spelling",
    `${WEB}advertisement_interval = "1s"`,
    `${WEB}advertisement_interval = "1000ms"`,
    "virtual_router: unchanged; check: unchanged",
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
