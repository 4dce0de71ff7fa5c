/**
 * Style that is executed: the rules of tests/tidy/rules.ts over the whole tree, and each rule shown to fail.
 */
import { assert, assertEquals } from "@std/assert";
import { type Facts, factsOf } from "./tidy/facts.ts";
import * as rules from "./tidy/rules.ts";

const ROOT = new URL("../", import.meta.url);
const SOURCE = ["main.ts", "mod", "checks", "ffi", "tests"];
const TEXTS = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs", "install.sh", ".ci", "deno.json"];
const ENTRIES = ["main.ts", "mod/vrrp/worker.ts"];

/** Source that only the end-to-end tests run, and what runs it there. */
const TESTED_END_TO_END = new Map([
  ["main.ts", "starts every subcommand"],
  ["mod/cli/run.ts", "starts the daemon"],
  ["mod/daemon/balancing.ts", "the virtual servers of a daemon"],
  ["mod/daemon/balancing/status.ts", "their status"],
  ["mod/daemon/balancing/sync.ts", "the sync daemon"],
  ["mod/daemon/balancing/teller.ts", "what is told of them"],
  ["mod/daemon/direct_routing.ts", "what keeps a real server's virtual addresses"],
  ["mod/daemon/estate.ts", "what an upgrade hands on"],
  ["mod/daemon/heartbeat.ts", "the watch over the VRRP thread"],
  ["mod/daemon/program.ts", "the program that takes over, looked at before"],
  ["mod/daemon/supervisor.ts", "the daemon's words to its supervisor"],
  ["mod/daemon/upgrade.ts", "the upgrade in place"],
  ["mod/daemon.ts", "the daemon itself: start, reload, stop, heartbeat"],
  ["mod/vrrp/worker.ts", "the engine's own thread"],
  ["mod/vrrp/handle.ts", "the main thread's end of the engine"],
]);

/** Paths from the root, of files whose name fits. */
function walk(path: string, pattern: RegExp): string[] {
  const info = statOrNull(path);
  if (info === null) return [];
  if (!info.isDirectory) return pattern.test(path) ? [path] : [];
  return [...Deno.readDirSync(new URL(path, ROOT))]
    .flatMap(({ name }) => walk(`${path}/${name}`, pattern)).sort();
}

function statOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(new URL(path, ROOT));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

const files = SOURCE.flatMap((path) => walk(path, /\.tsx?$/)).map((path) => factsOf(path, read(path)));
const product = files.filter(({ path }) => !path.startsWith("tests/"));

function assertTidy(problems: readonly string[]): void {
  assert(problems.length === 0, `\n${problems.join("\n")}`);
}

Deno.test("tidy: imports follow the arrows", () => assertTidy(files.flatMap(rules.wrongArrows)));

Deno.test("tidy: PURE files know no kernel, no runtime, no clock and no chance", () => {
  assert(product.some(({ path }) => rules.isPure(path)));
  assertTidy(rules.impurities(product));
});

Deno.test("tidy: arguments, signals, libc and import.meta have one place each", () => {
  assertTidy(files.flatMap(rules.reservedNames));
});

Deno.test("tidy: no file, function or line is too long", () => assertTidy(files.flatMap(rules.tooLong)));

Deno.test("tidy: no any, no empty catch, a doc comment on top", () => {
  assertTidy(files.flatMap(rules.badManners));
});

Deno.test("tidy: no banned word in any text", () => {
  const texts = [...SOURCE, ...TEXTS].flatMap((path) => walk(path, /./));
  assertTidy(texts.flatMap((path) => rules.bannedWords(path, read(path))));
});

Deno.test("tidy: no file is dead", () => assertTidy(rules.unreachable(product, ENTRIES)));

Deno.test("tidy: no export is dead", () => assertTidy(rules.unusedExports(files)));

Deno.test("tidy: no ring of imports", () => assertTidy(rules.cycles(product)));

Deno.test("tidy: every source file is tested", () => assertTidy(rules.untested(files, TESTED_END_TO_END)));

/** A bad sample: rule, path, source, the one problem it must find ("" = none). */
type Sample = readonly [rule: (facts: Facts) => string[], path: string, source: string, problem: string];

const purity = (facts: Facts): string[] => rules.impurities([facts]);
const banned = ({ path, source }: Facts): string[] => rules.bannedWords(path, source);
const long = (lines: number): string => `/** Doc. */\nfunction f() {\n${"f();\n".repeat(lines - 2)}}\n`;

const SAMPLES: readonly Sample[] = [
  [
    rules.wrongArrows,
    "ffi/a.ts",
    `import { a } from "../mod/errors.ts";`,
    "ffi/a.ts: may not import mod/errors.ts (value)",
  ],
  [rules.wrongArrows, "ffi/a.ts", `import { a } from "./b.ts";`, ""],
  [
    rules.wrongArrows,
    "checks/a.ts",
    `import { a } from "../ffi/b.ts";`,
    "checks/a.ts: may not import ffi/b.ts (value)",
  ],
  [
    rules.wrongArrows,
    "mod/api/a.ts",
    `import { a } from "../vrrp/b.ts";`,
    "mod/api/a.ts: may not import mod/vrrp/b.ts (value)",
  ],
  [
    rules.wrongArrows,
    "mod/api/a.ts",
    `await import("../vrrp/b.ts");`,
    "mod/api/a.ts: may not import mod/vrrp/b.ts (dynamic)",
  ],
  [
    rules.wrongArrows,
    "mod/api/a.ts",
    `export * from "../vrrp/b.ts";`,
    "mod/api/a.ts: may not import mod/vrrp/b.ts (value)",
  ],
  [
    rules.wrongArrows,
    "mod/cli/a.ts",
    `import { a } from "../../ffi/b.ts";`,
    "mod/cli/a.ts: may not import ffi/b.ts (value)",
  ],
  [rules.wrongArrows, "mod/demo/a.ts", `import { a } from "../../ffi/b.ts";`, ""],
  [
    rules.wrongArrows,
    "mod/cli/a.ts",
    `import { a } from "../demo/b.ts";`,
    "mod/cli/a.ts: may not import mod/demo/b.ts (value)",
  ],
  [
    rules.wrongArrows,
    "main.ts",
    `import { a } from "./mod/vrrp/b.ts";`,
    "main.ts: may not import mod/vrrp/b.ts (value)",
  ],
  [rules.wrongArrows, "mod/vrrp/a.ts", `import type { A } from "../config/b.ts";`, ""],
  [rules.wrongArrows, "mod/vrrp/a.ts", `import { type A } from "../config/b.ts";`, ""],
  [
    rules.wrongArrows,
    "mod/vrrp/a.ts",
    `import { a } from "../config/b.ts";`,
    "mod/vrrp/a.ts: may not import mod/config/b.ts (value)",
  ],
  [
    rules.wrongArrows,
    "mod/vrrp/a.ts",
    `import { a } from "hono";`,
    "mod/vrrp/a.ts: hono is not for this part (vrrp)",
  ],
  [rules.wrongArrows, "mod/api/a.ts", `import { a } from "hono/html";`, ""],
  [
    rules.wrongArrows,
    "mod/api/a.ts",
    `import { a } from "honolulu";`,
    "mod/api/a.ts: honolulu is not in the table of libraries",
  ],
  [rules.wrongArrows, "lib/a.ts", ``, "lib/a.ts: belongs to no part of the tree"],
  [purity, "mod/wire/a.ts", `const a = Deno.args;`, "mod/wire/a.ts:1: PURE, but names Deno"],
  [purity, "mod/wire/a.ts", `\nconst a = Date.now();`, "mod/wire/a.ts:2: PURE, but names Date"],
  [purity, "mod/wire/a.ts", `const a = { performance };`, "mod/wire/a.ts:1: PURE, but names performance"],
  [purity, "mod/vrrp/timers.ts", `setTimeout(f, 1);`, "mod/vrrp/timers.ts:1: PURE, but names setTimeout"],
  [
    purity,
    "mod/vrrp/router.ts",
    `const a = Math.random();`,
    "mod/vrrp/router.ts:1: PURE, but names Math.random",
  ],
  [purity, "mod/vrrp/router.ts", `const a = event.Date; const b = { Date: 1 }; Math.max(1);`, ""],
  [
    purity,
    "mod/kernel/plan.ts",
    `import { a } from "../../ffi/b.ts";`,
    "mod/kernel/plan.ts: PURE, but imports ffi/b.ts",
  ],
  [
    purity,
    "mod/kernel/plan.ts",
    `import { a } from "node:fs";`,
    "mod/kernel/plan.ts: PURE, but imports node:fs",
  ],
  [purity, "mod/kernel/reconcile.ts", `const a = Deno.args;`, ""],
  [purity, "mod/cli/a.ts", `/**\n * A. PURE.\n */\nf(Date.now());`, "mod/cli/a.ts:4: PURE, but names Date"],
  [purity, "mod/cli/a.ts", `/** A. PURE. */\nf(Date.parse(a));`, ""],
  [purity, "mod/cli/a.ts", `/** A. */\n/** PURE */\nf(Date.now());`, ""],
  [purity, "mod/api/a.ts", `/** A. PURE. */\nf(Date.now());`, ""],
  [
    rules.reservedNames,
    "mod/cli/a.ts",
    `f(Deno.args);`,
    "mod/cli/a.ts:1: Deno.args: main.ts is the only reader of arguments",
  ],
  [rules.reservedNames, "main.ts", `f(Deno.args, import.meta.url);`, ""],
  [
    rules.reservedNames,
    "mod/a.ts",
    `Deno.dlopen("x", {});`,
    "mod/a.ts:1: Deno.dlopen: libc is called in ffi/ only",
  ],
  [
    rules.reservedNames,
    "mod/a.ts",
    `f(import.meta.url);`,
    "mod/a.ts:1: import.meta is another file's once bundled; main.ts passes URLs down",
  ],
  [rules.tooLong, "mod/a.ts", long(71), "mod/a.ts:2: f has 71 lines, at most 70"],
  [rules.tooLong, "mod/a.ts", long(70), ""],
  [rules.tooLong, "mod/a.ts", "// x\n".repeat(401), "mod/a.ts: 401 lines, at most 400"],
  [rules.tooLong, "main.ts", "// x\n".repeat(81), "main.ts: 81 lines, at most 80"],
  [rules.tooLong, "mod/a.ts", `const a = "${"x".repeat(108)}";`, ""],
  [rules.tooLong, "mod/a.ts", `// ${"x".repeat(108)}`, "mod/a.ts:1: 111 columns, at most 110"],
  [rules.badManners, "mod/a.ts", `/** Doc. */\nlet a: any;`, "mod/a.ts:2: any"],
  [
    rules.badManners,
    "mod/a.ts",
    `/** Doc. */\ntry { f(); } catch {}`,
    "mod/a.ts:2: an empty catch says nothing about what is swallowed and why",
  ],
  [rules.badManners, "mod/a.ts", `// Doc.\nf();`, "mod/a.ts: opens with no doc comment"],
  [rules.badManners, "mod/a.ts", `#!/bin/x\n/** Doc. */\nf("any");`, ""],
  [
    banned,
    "mod/a.ts",
    `// TO${"DO"}: later`,
    `mod/a.ts:1: TO${"DO"}: unfinished work is an issue, not a comment`,
  ],
  [banned, "docs/a.md", `// see /ro${"ot"}/x`, `docs/a.md:1: /ro${"ot"}/: a path of one machine`],
  [
    banned,
    "docs/a.md",
    `// from npm${"js"}.org`,
    `docs/a.md:1: npm${"js"}.org: a registry's host; bare names are mapped in deno.json`,
  ],
];

Deno.test("tidy: every rule of one file finds its bad sample and lets the good one pass", () => {
  for (const [rule, path, source, problem] of SAMPLES) {
    assertEquals(rule(factsOf(path, source)), problem === "" ? [] : [problem], source);
  }
});

Deno.test("tidy: every rule of the whole tree finds its bad sample", () => {
  const tree = (sources: Record<string, string>): Facts[] =>
    Object.entries(sources).map(([path, source]) => factsOf(path, source));
  const broken = tree({
    "main.ts": `import { a } from "./mod/a.ts"; a();`,
    "mod/a.ts": `import { b } from "./b.ts"; export function a() { b; } export const spare = 1;`,
    "mod/b.ts": `import { a } from "./a.ts"; export const b = a;`,
    "mod/dead.ts": `f(() => 1);`,
    "tests/b_test.ts": `import "../mod/b.ts";`,
  });
  assertEquals(rules.unreachable(broken, ["main.ts", "tests/b_test.ts"]), [
    "mod/dead.ts: nothing imports it",
  ]);
  assertEquals(rules.unusedExports(broken), ["mod/a.ts:1: nobody imports spare"]);
  assertEquals(rules.cycles(broken), ["mod/a.ts -> mod/b.ts -> mod/a.ts"]);
  assertEquals(
    rules.untested(broken, new Map([["main.ts", "e2e"], ["mod/b.ts", "e2e"], ["mod/c.ts", "e2e"]])),
    [
      "mod/dead.ts: no test imports it",
      "mod/b.ts: listed as tested elsewhere, but a test imports it",
      "mod/c.ts: listed as tested elsewhere, but is gone",
    ],
  );
  const seep = tree({
    "mod/wire/a.ts": `import { b } from "../b.ts";`,
    "mod/b.ts": `export const b = Date.now();`,
  });
  assertEquals(rules.impurities(seep), ["mod/b.ts:1: PURE (imported by mod/wire/a.ts), but names Date"]);
});
