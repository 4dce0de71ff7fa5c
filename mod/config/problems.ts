/**
 * What zod found wrong, in the words of the operator: expected, got, "did you mean", "not supported by this
 * version".
 */
import * as z from "zod";
import { type Finding, type Path, show, valueAt } from "./document.ts";
import { didYouMean } from "./suggest.ts";
import { isUnsupportedCheckType, isUnsupportedKey, UNSUPPORTED } from "./unsupported.ts";

/** Separates the known keys of a table in a message that only `describe` reads. */
const SEPARATOR = "\0";
/** The message of a union: its branches know better. */
const SEE_BRANCHES = "\0";

type Issue = z.core.$ZodIssue;

/**
 * The parsed value, or every problem that the schema has with the data. Messages show what `raw`, the data as
 * written, holds.
 */
export function validate<T>(
  schema: z.ZodType<T>,
  data: unknown,
  raw: unknown,
): { value: T } | { findings: Finding[] } {
  const result = schema.safeParse(data, { error: message });
  if (result.success) return { value: result.data };
  return { findings: result.error.issues.flatMap((issue) => toFindings(issue, [], raw)) };
}

function toFindings(issue: Issue, parent: Path, raw: unknown): Finding[] {
  const path = [...parent, ...issue.path.map((key) => typeof key === "symbol" ? String(key) : key)];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], issue.message.split(SEPARATOR)));
    case "invalid_key":
      return [{ path, at: "key", message: `${issue.issues[0]?.message ?? "expected another name"}` }];
    case "invalid_union":
      if (issue.discriminator !== undefined) return [badType(path, issue.message.split(SEPARATOR), raw)];
      if (issue.message === SEE_BRANCHES) return branchFindings(issue.errors, path, raw);
  }
  return [{ path, message: withGot(issue.message, path, raw) }];
}

/** Completes "expected ..." with what stands there. Other messages say all themselves. */
export function withGot(message: string, path: Path, raw: unknown): string {
  if (!message.startsWith("expected ")) return message;
  const value = valueAt(raw, path);
  return value === undefined ? `missing, ${message}` : `${message}, got ${show(value, path)}`;
}

function unknownKey(path: Path, known: readonly string[]): Finding {
  const message = isUnsupportedKey(path)
    ? UNSUPPORTED
    : `unknown key${didYouMean(String(path.at(-1)), known)}`;
  return { path, at: "key", message };
}

/** A check whose `type` is missing, unknown, or of a later version. */
function badType(path: Path, known: readonly string[], raw: unknown): Finding {
  const type = valueAt(raw, path);
  if (typeof type !== "string") {
    return { path, message: withGot(`expected a check type: ${oneOf(known)}`, path, raw) };
  }
  if (isUnsupportedCheckType(type)) return { path, message: `check type "${type}" is ${UNSUPPORTED}` };
  return {
    path,
    message: `unknown check type ${show(type, path)}${
      didYouMean(type, known) || `, expected ${oneOf(known)}`
    }`,
  };
}

/** Of the branches of a union the one counts that the value was meant for: whose own type it has. */
function branchFindings(branches: readonly Issue[][], path: Path, raw: unknown): Finding[] {
  const meant = branches.find((issues) =>
    !issues.some((issue) => issue.path.length === 0 && issue.code === "invalid_type")
  );
  if (meant !== undefined) return meant.flatMap((issue) => toFindings(issue, path, raw));
  const expected = branches.flat().map((issue) => issue.message.replace(/^expected /, ""));
  return [{ path, message: withGot(`expected ${[...new Set(expected)].join(" or ")}`, path, raw) }];
}

/** zod's error map: what schemas say that bring no words of their own. */
function message(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
    case "too_small":
      return `expected ${atLeast(issue.origin, Number(issue.minimum))}`;
    case "too_big":
      return `expected at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "invalid_value":
      return `expected ${oneOf(issue.values)}`;
    case "invalid_format":
      return formatMessage(issue);
    case "not_multiple_of":
      return `expected a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return knownKeys(issue.inst).join(SEPARATOR);
    case "invalid_union":
      return issue.discriminator === undefined ? SEE_BRANCHES : optionsOf(issue.options).join(SEPARATOR);
    default:
      return undefined;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a text in quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "an array",
  tuple: "an array",
  object: "a table",
  record: "a table",
};

function atLeast(origin: string, minimum: number): string {
  if (origin === "string" && minimum === 1) return "a text that is not empty";
  if (origin === "array" && minimum === 1) return "an array that is not empty";
  return `at least ${minimum}${unitOf(origin)}`;
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " elements" : "";
}

function formatMessage(
  { format, prefix, pattern }: z.core.$ZodRawIssue & {
    format?: unknown;
    prefix?: unknown;
    pattern?: unknown;
  },
): string {
  if (format === "starts_with") return `expected a text that starts with ${JSON.stringify(prefix)}`;
  if (format === "regex") return `expected a text that matches ${String(pattern)}`;
  return `expected a ${String(format)}`;
}

function oneOf(values: readonly unknown[]): string {
  const shown = values.map((value) => JSON.stringify(value));
  const last = shown.pop() ?? "";
  return shown.length === 0 ? last : `${shown.join(", ")} or ${last}`;
}

function optionsOf(options: unknown): string[] {
  return Array.isArray(options) ? options.map(String) : [];
}

/** Keys of the table that the issue comes from. */
function knownKeys(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
