/** What a query must say: options and judgement that the checks of databases share. */
import * as z from "zod";
import { fail } from "./check.ts";
import type { Refinement } from "./service.ts";

const shownMax = 80;

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** What one query answers, and which part in the replication the server must have. */
export const queryFields = {
  query: z.string().min(1).optional().describe(
    "One statement to run; without `expect` it passes when the server runs it",
  ),
  expect: z.union([scalar, z.array(scalar).min(1)], {
    error: "expected a text, a number, a boolean, or a list of them",
  }).optional()
    .describe("What the query must say, or a list of which it must say one: last column of the first row"),
} as const;

/** There is nothing to expect without a query. */
export const expectQuery: Refinement<{ readonly query?: string | undefined; readonly expect?: unknown }> = [
  ({ query, expect }) => expect === undefined || query !== undefined,
  { error: "there is no query to expect this of", path: ["expect"] },
];

export type Expected = z.output<typeof queryFields.expect>;

export const roleField = z.enum(["primary", "replica", "any"]).default("any")
  .describe("Part that the server must have in the replication");

/** `CheckFailed` when the server has another part in the replication than it shall have. */
export function judgeRole(actual: "primary" | "replica", wanted: "primary" | "replica" | "any"): void {
  if (wanted !== "any" && actual !== wanted) fail(`the server is a ${actual}, expected a ${wanted}`);
}

/** The value as part of a note: `the query says "4"`; `CheckFailed` when it is not what was expected. */
export function judgeAnswer(
  rows: readonly (readonly unknown[])[],
  expected: Expected,
  what: "query" | "command" = "query",
): string {
  const value = rows[0]?.at(-1);
  const said = `the ${what} says ${shown(value)}`;
  if (expected === undefined) return said;
  const wanted = [expected].flat();
  if (wanted.some((one) => isSame(value, one))) return said;
  return fail(`${said}, expected ${wanted.map((one) => JSON.stringify(one)).join(" or ")}`);
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing: there is no row";
  if (value === null) return "NULL";
  const text = String(value);
  return JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text);
}

/** Servers send text: "1", "t" and "true" are true. */
function isSame(value: unknown, expected: string | number | boolean): boolean {
  if (value === null || value === undefined) return false;
  const text = String(value);
  if (typeof expected === "boolean") return (expected ? TRUE : FALSE).includes(text.toLowerCase());
  return text === String(expected) ||
    (typeof expected === "number" && text !== "" && Number(text) === expected);
}

const TRUE: readonly string[] = ["1", "t", "true", "on", "yes"];
const FALSE: readonly string[] = ["0", "f", "false", "off", "no"];
