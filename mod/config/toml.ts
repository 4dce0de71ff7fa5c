/** TOML text to values by the quick parser, and when its verdict is not enough. */
import { parse } from "@std/toml/parse";
import { isTable, type Table } from "./document.ts";

/** The values of a document; undefined when the quick parser cannot read it. */
export function parseToml(text: string): Table | undefined {
  const assignments = countAssignments(text);
  if (assignments === undefined) return undefined;
  try {
    const data = parse(text);
    return assignments === countLeaves(data) ? data : undefined;
  } catch (error) {
    // Whatever it stumbled over (it throws more than SyntaxErrors), the strict parser finds the place and the
    // words.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/**
 * Strings and comments, whose insides must not be taken for structure; the structure that is counted; times
 * of day.
 */
const TOKEN =
  /"""(?:\\[\s\S]|[^\\])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|=\s*\{?|\[\[|[[\]{}\n]|\d:\d/g;

/** Control characters that TOML allows nowhere, not even in a comment. */
// deno-lint-ignore no-control-regex -- these are what it looks for
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/;

/** The quick parser takes halves of characters and digits that are none. */
const CHARACTER_BY_NUMBER = /\\[uU]/;

/** The quick parser takes quadratic time for what is between two headers: seconds for a thousand keys. */
const CROWD_MAX = 200;

/**
 * How many values the text sets; undefined when only the strict parser can tell. The quick one lets a key
 * that is set twice win silently, joins a table to an inline one, and takes several things on one line. Each
 * leaves a trace that is cheap to see: fewer values than assignments, a dotted key, a bracket or a second
 * assignment after a value. A false alarm only costs a second parse. An array of tables is a value that no
 * assignment sets; one that anything else touches (`Headers`) raises the alarm.
 */
function countAssignments(text: string): number | undefined {
  if (CONTROL.test(text) || CHARACTER_BY_NUMBER.test(text)) return undefined;
  let assignments = 0;
  let crowd = 0;
  let depth = 0;
  /** Inline tables since the header: a second one of the name would be joined, a value take its place. */
  const inline = new Set<string>();
  const headers = new Headers();
  /** Since the last line break outside of brackets: a header, or an assignment whose value starts here. */
  let line: { start: number; isHeader?: boolean; valueAt?: number } = { start: 0 };
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const before = text.slice(line.start, index);
    // A time of day, which is a text to the quick parser.
    if (/^\d/.test(token)) return undefined;
    if (token === "[[") {
      const isHeader = depth === 0 && line.valueAt === undefined && before.trim() === "";
      if (!isHeader) return undefined;
      headers.begin(text.slice(index, index + HEADER_MAX));
      line.isHeader = true;
      crowd = 0;
      inline.clear();
      depth += 2;
    } else if (token === "\n") {
      if (depth === 0) line = { start: index + 1 };
    } else if (token.startsWith("=")) {
      // A value on the line after its = is none.
      if (++crowd > CROWD_MAX || token.includes("\n")) return undefined;
      if (depth === 0 && (line.isHeader || line.valueAt !== undefined || /[."']/.test(before))) {
        return undefined;
      }
      if (depth > 0 && /\.\s*[\w-]*\s*$/.test(before)) return undefined;
      if (depth === 0) line.valueAt = index + 1;
      const key = nameOf(before, depth);
      if (inline.has(key)) return undefined;
      if (depth === 0) headers.assign(before.trim());
      if (token.endsWith("{")) {
        inline.add(key);
        depth++;
      } else assignments++;
    } else if (token === "[" || token === "{") {
      if (depth === 0 && text.slice(line.valueAt ?? line.start, index).trim() !== "") return undefined;
      if (depth === 0 && line.valueAt === undefined) {
        line.isHeader = true;
        crowd = 0;
        inline.clear();
        headers.begin(text.slice(index, index + HEADER_MAX));
      }
      depth++;
    } else if (token === "]" || token === "}") depth--;
  }
  return headers.isPlain() ? assignments + headers.arrays : undefined;
}

/** A header of more characters is left to the strict parser. */
const HEADER_MAX = 300;

const SEGMENT = /[\w-]+|"[^"\\\n]*"|'[^'\n]*'/.source;
const NAME = new RegExp(`^\\[\\[?[ \\t]*((?:${SEGMENT})(?:[ \\t]*\\.[ \\t]*(?:${SEGMENT}))*)[ \\t]*\\]`);

/** The headers of a text, and what is set under each: by names whose parts end in a NUL. */
class Headers {
  readonly #arrays = new Set<string>();
  readonly #tables = new Set<string>();
  readonly #assigned = new Set<string>();
  /** The present one. */
  #name = "";
  #isOdd = false;

  begin(text: string): void {
    const parts = NAME.exec(text)?.[1]?.match(new RegExp(SEGMENT, "g"));
    if (parts === undefined || parts === null) this.#isOdd = true;
    else {
      this.#name = parts.map((part) => `${part.replace(/^["'](.*)["']$/, "$1")}\0`).join("");
      (text.startsWith("[[") ? this.#arrays : this.#tables).add(this.#name);
    }
  }

  assign(key: string): void {
    this.#assigned.add(`${this.#name}${key}\0`);
  }

  get arrays(): number {
    return this.#arrays.size;
  }

  /** No table is within what an assignment has set; no array of tables is something else, or has tables. */
  isPlain(): boolean {
    const isOther = (name: string): boolean => this.#tables.has(name) || this.#assigned.has(name);
    return !this.#isOdd && ![...this.#arrays].some(isOther) &&
      ![...this.#arrays, ...this.#tables].some((name) => this.#isWithin(name));
  }

  #isWithin(name: string): boolean {
    for (let end = name.indexOf("\0"); end < name.length - 1; end = name.indexOf("\0", end + 1)) {
      const part = name.slice(0, end + 1);
      if (this.#arrays.has(part) || this.#assigned.has(part)) return true;
    }
    return false;
  }
}

/** The key in front of an `=`, as far as it takes to see it come again. */
function nameOf(before: string, depth: number): string {
  const [key = ""] = /(?:[\w-]+|"[^"]*"|'[^']*')\s*$/.exec(before.slice(-200)) ?? [];
  return `${depth} ${key.trim().replaceAll(/["']/g, "")}`;
}

/**
 * Values that are no tables; those of inline tables in an array count one by one, beside the array itself.
 */
function countLeaves(value: unknown): number {
  if (isTable(value)) return Object.values(value).reduce<number>((sum, inner) => sum + countLeaves(inner), 0);
  return Array.isArray(value) ? 1 + value.reduce<number>((sum, inner) => sum + countInArray(inner), 0) : 1;
}

function countInArray(element: unknown): number {
  if (Array.isArray(element)) return element.reduce<number>((sum, inner) => sum + countInArray(inner), 0);
  return isTable(element) ? countLeaves(element) : 0;
}
