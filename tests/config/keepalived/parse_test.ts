/** Statements and blocks, with braces wherever people put them. */
import { assertEquals } from "@std/assert";
import { expand } from "../../../mod/config/keepalived/expand.ts";
import { parse } from "../../../mod/config/keepalived/parse.ts";
import { formatPlace, type Row } from "../../../mod/config/keepalived/report.ts";
import type { Statement } from "../../../mod/config/keepalived/tree.ts";
import { filesOf } from "./files.ts";

function parsed(text: string): { tree: string; told: string[] } {
  const rows: Row[] = [];
  const lines = expand("k", filesOf({ k: text }), { id: null, env: () => undefined }, rows);
  const tree = parse(lines, rows).map(shown).join("; ");
  return { tree, told: rows.map(({ at, message }) => `${formatPlace(at)} ${message}`) };
}

function shown({ keyword, args, block }: Statement): string {
  const words = [keyword, ...args].map(({ text }) => text).join(" ");
  return block === null ? words : `${words} {${block.map(shown).join("; ")}}`;
}

const CASES: readonly (readonly [text: string, tree: string, told?: readonly string[]])[] = [
  ["a b {\n c d\n e {\n f\n }\n}\ng", "a b {c d; e {f}}; g"],
  ["a\n{\nb\n}", "a {b}"],
  ["a{b}c{d}", "a {b}; c {d}"],
  ["a {}", "a {}"],
  ["a {\nb\n", "a {b}", ["k:1:1 `a` is never closed: a } is missing"]],
  ["a\n}\nb", "a; b", ["k:2:1 this } closes nothing"]],
  ["{\na\n}\nb", "b", ["k:1:1 this { opens nothing: no keyword stands before it"]],
  ["a {\n}\n{\nb\n}", "a {}", ["k:3:1 this { opens nothing: no keyword stands before it"]],
  ['a "b\nc', "a b; c", ["k:1:1 a double quote has no end on this line"]],
];

for (const [text, tree, told = []] of CASES) {
  Deno.test(`parse: ${JSON.stringify(text)}`, () => assertEquals(parsed(text), { tree, told: [...told] }));
}

Deno.test("parse: any depth is survived, and told once", () => {
  const { told } = parsed(`${"a {\n".repeat(5_000)}${"}\n".repeat(5_000)}`);
  assertEquals(told, ["k:32:3 blocks within blocks, more than 32 deep"]);
});

Deno.test("parse: the values of a block are its lines", () => {
  const lines = expand("k", filesOf({ k: "v {\n 192.0.2.1/24 dev eth0\n 192.0.2.2\n}" }), {
    id: null,
    env: () => undefined,
  }, []);
  const [statement] = parse(lines, []);
  assertEquals(statement?.raw?.map((line) => line.map(({ text }) => text)), [
    ["192.0.2.1/24", "dev", "eth0"],
    ["192.0.2.2"],
  ]);
});
