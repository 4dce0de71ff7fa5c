/**
 * Fuzzing as far as it belongs into every test run: all that is kept in the corpora, and a fixed number of
 * cases of chance. For more: `deno task fuzz`.
 */
import { assert, assertEquals } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { Random } from "../sim/random.ts";
import { ANSWERS } from "./corpus/answers.ts";
import { API } from "./corpus/api.ts";
import { DATABASES } from "./corpus/databases.ts";
import { HTTP } from "./corpus/http.ts";
import { KEEPALIVED } from "./corpus/keepalived.ts";
import { NETLINK } from "./corpus/netlink.ts";
import { PACKETS } from "./corpus/packets.ts";
import { TOML } from "./corpus/toml.ts";
import { caseOf, type Corpus, run, shrink } from "./target.ts";
import { TARGETS } from "./targets.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

/** Kind -> what is kept, cases of chance, and outcomes that chance must reach: else it proves nothing. */
const KINDS: readonly (readonly [kind: string, kept: Corpus, cases: number, reaches: readonly string[]])[] = [
  ["packets", PACKETS, 100_000, PACKETS.map(([, outcome]) => outcome)],
  ["netlink", NETLINK, 8_000, [
    "links: answered",
    "routes: ENOBUFS",
    "link: ETIMEDOUT",
    "news: answered",
    ...["services", "destinations"].map((one) => `${one}: answered`),
  ]],
  ["toml", TOML, 1_000, ["valid", "refused"]],
  ["keepalived", KEEPALIVED, 300, ["converted", "in part"]],
  ["api", API, 5_000, ["200", "401", "403", "404", "405", "406", "421", "422", "503"]],
  ["http", HTTP, 5, []],
  ["answers", ANSWERS, 5_000, ["200", "204", "failed"]],
  [
    "databases",
    DATABASES,
    500,
    ["mysql", "postgres", "redis", "haproxy"].flatMap((type) => [`${type}: passes`, `${type}: fails`]),
  ],
];

const SEED = 1;

for (const [kind, kept, cases, reaches] of KINDS) {
  const target = TARGETS[kind]!;
  for (const [name, outcome, ...row] of kept) {
    Deno.test(`${kind}: ${name}`, async () => {
      const input = target.fromRow(row);
      assertEquals(target.toRow(input), row);
      assertEquals(await target.judge(input), outcome);
      await target.close?.();
    });
  }

  Deno.test(`${kind}: names are unique`, () =>
    assertEquals(new Set(kept.map(([name]) => name)).size, kept.length));

  Deno.test(`${kind}: ${cases} cases of chance`, async () => {
    const { find, outcomes } = await run(target, { seed: SEED, first: 0, step: 1, end: cases });
    await target.close?.();
    if (find !== null) {
      const row = JSON.stringify(target.toRow(await shrink(target, find.input)));
      throw new Error(`seed ${SEED}, case ${find.index}: ${find.message}\n${row}`);
    }
    assertEquals(reaches.filter((outcome) => !outcomes.has(outcome)), []);
  });

  Deno.test(`${kind}: the same case from the same seed, and as a row and back`, () => {
    for (let index = 0; index < 100; index++) {
      const row = target.toRow(caseOf(target, SEED, index));
      assertEquals(target.toRow(caseOf(target, SEED, index)), row);
      assertEquals(target.toRow(target.fromRow(row)), row);
    }
  });
}

Deno.test("a case that breaks a promise is found, and made as small as it gets", async () => {
  const target = {
    count: 1,
    limitMs: 1_000,
    generate: (random: Random) => Array.from({ length: 50 }, () => random.integer(0, 99)),
    judge(numbers: readonly number[]): string {
      if (numbers.includes(13)) throw new Error(`${numbers.length} numbers, and 13 among them`);
      return "fine";
    },
    *smaller(numbers: readonly number[]): Generator<readonly number[]> {
      for (const i of numbers.keys()) yield numbers.toSpliced(i, 1);
    },
    toRow: (numbers: readonly number[]) => numbers.map(String),
    fromRow: (row: readonly string[]) => row.map(Number),
  };
  const { find } = await run(target, { seed: 1, first: 0, step: 1, end: 1_000 });
  if (find === null) throw new Error("nothing was found");
  assert(find.message.includes("and 13 among them"));
  assertEquals(await shrink(target, find.input), [13]);
});
