/**
 * Where keys and values stand in TOML text. Loads a second, strict parser: only for a file that has something
 * to tell.
 */
import type { AST, ParseError } from "toml-eslint-parser";
import { isTable, type Path, type Table, valueAt } from "./document.ts";

/** 1-based line and column. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A document read by the strict parser: its values, and the place of each key and value. */
export interface Positions {
  /** What is set twice has its first value. */
  readonly data: Table;
  readonly duplicates: readonly Duplicate[];
  /** The place of what is at the path, or of the nearest thing around it that the text names. */
  find(path: Path, at: "key" | "value"): Place & { readonly depth: number };
}

/** A key that the text sets a second time: its path, its place there, and where it was first. */
export interface Duplicate {
  readonly path: Path;
  readonly place: Place;
  readonly first: Place;
}

/** Why the text is no TOML, and where. */
export interface SyntaxFault extends Place {
  readonly message: string;
}

/** A text with more mistakes of one kind is not worth more messages. */
const DUPLICATES_MAX = 100;
/** Each of them has the text read once more: so much of it at most. */
const REREAD_LENGTH_MAX = 500_000;

/** Deeper than any configuration, and far from what a recursive function can bear. */
export const NESTING_MAX = 64;
export const TOO_DEEP: SyntaxFault = {
  line: 1,
  column: 1,
  message: "tables and arrays are nested too deeply",
};

/**
 * Reads the text; a fault is a value, since broken input is what this is for. The parser stops at a key that
 * is set twice:
 * it is then renamed and the text read again, so that this is no reason to hide all other problems.
 */
export async function readPositions(text: string): Promise<Positions | SyntaxFault> {
  const { getStaticTOMLValue, parseTOML, ParseError } = await import("toml-eslint-parser");
  const renamed: Renamed[] = [];
  for (let current = text;;) {
    try {
      const program = parseTOML(current, { tomlVersion: "1.0.0" });
      const places = collect(program);
      const data = getStaticTOMLValue(program) as Table;
      const duplicates = renamed.map((key) => toDuplicate(key, places, data));
      return { data, duplicates, find: (path, at) => nearest(places, path, at) };
    } catch (error) {
      // The parser recurses: brackets by the thousand exhaust the stack.
      if (error instanceof RangeError) return TOO_DEEP;
      if (!(error instanceof ParseError)) throw error;
      const isWorthIt = renamed.length < Math.min(DUPLICATES_MAX, REREAD_LENGTH_MAX / text.length);
      const stumble = inOriginal(error, renamed);
      const again = isWorthIt ? rename(current, error, stumble, renamed.length) : undefined;
      if (again === undefined) return toFault(stumble, text);
      renamed.push(again);
      current = again.text;
    }
  }
}

/** A duplicate under a name that the text does not have. */
interface Renamed {
  readonly text: string;
  readonly key: string;
  readonly placeholder: string;
  /** In the text as it was given. */
  readonly place: Place;
  /** Where the placeholder begins in its line of `text`, from 0; how much longer than the key it is. */
  readonly column: number;
  readonly added: number;
}

type Stumble = Pick<ParseError, "message" | "lineNumber" | "column">;

/** Where it was before the keys in front of it in its line were renamed. */
function inOriginal({ message, lineNumber, column }: Stumble, renamed: readonly Renamed[]): Stumble {
  const before = renamed.filter(({ place }) => place.line === lineNumber).toReversed();
  const original = before.reduce(
    (at, key) => at > key.column ? Math.max(key.column, at - key.added) : at,
    column,
  );
  return { message, lineNumber, column: original };
}

function rename(
  text: string,
  error: Pick<ParseError, "message" | "index" | "column">,
  { lineNumber, column }: Stumble,
  count: number,
): Renamed | undefined {
  if (!error.message.startsWith("Defining a key multiple times")) return undefined;
  const [key] = /^(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[\w-]+)/.exec(text.slice(error.index)) ?? [];
  if (key === undefined) return undefined;
  const placeholder = `set-twice-${count}-of-${text.length}`;
  return {
    text: text.slice(0, error.index) + placeholder + text.slice(error.index + key.length),
    key: /^["']/.test(key) ? key.slice(1, -1) : key,
    placeholder,
    place: { line: lineNumber, column: column + 1 },
    column: error.column,
    added: placeholder.length - key.length,
  };
}

/** Finds where the renamed key has come to be, and takes it out of the data. */
function toDuplicate({ key, placeholder, place }: Renamed, places: Places, data: Table): Duplicate {
  const found = places.keys.keys().map((path): (string | number)[] => JSON.parse(path))
    .find((path) => path.at(-1) === placeholder);
  const parent = found?.slice(0, -1) ?? [];
  const holder = valueAt(data, parent);
  if (isTable(holder)) delete holder[placeholder];
  const path = [...parent, key];
  return { path, place, first: places.keys.get(JSON.stringify(path)) ?? place };
}

/** The parser's words for the mistakes that are made most, turned into what to do. */
const REWORDED: readonly [RegExp, string][] = [
  [/^Must be a newline/, "expected the end of the line (is a text without quotes?)"],
  [/^Unexpected character/, "unexpected character (is a text without quotes?)"],
  [/^Unspecified values/, "expected a value after ="],
  [/^Expected equal/, "expected = after the key"],
  [/^The key, equals sign, and value/, "expected a key, = and a value, or a header with its ], on one line"],
  [/^Defining a key multiple times/, "set twice"],
];

const KEEPALIVED_CONF = /^\s*(?:vrrp_instance|vrrp_script|virtual_server|global_defs)\b[^\n=]*\{/m;

function toFault(error: Stumble, text: string): SyntaxFault {
  const reworded = REWORDED.find(([pattern]) => pattern.test(error.message))?.[1];
  const hint = KEEPALIVED_CONF.test(text) ? "; this looks like a keepalived.conf, vipd reads TOML" : "";
  const message = (reworded ?? lowerFirst(error.message)) + hint;
  const lines = text.split("\n");
  const atLineStart = error.column === 0 && /^(Unspecified|Unterminated|The key, equals)/.test(error.message);
  // A value that is missing at the end of a line is noticed on the next one.
  if (!atLineStart || error.lineNumber < 2) {
    return { line: error.lineNumber, column: error.column + 1, message };
  }
  const line = error.lineNumber - 1;
  return { line, column: (lines[line - 1] ?? "").trimEnd().length + 1, message };
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

interface Places {
  readonly keys: Map<string, Place>;
  readonly values: Map<string, Place>;
}

function collect(program: AST.TOMLProgram): Places {
  const places: Places = { keys: new Map(), values: new Map() };
  const [top] = program.body;
  for (const node of top.body) {
    if (node.type === "TOMLKeyValue") addPair(places, node, []);
    else addTable(places, node);
  }
  return places;
}

/** The header is the place of the table and, unless something came before, of the tables around it. */
function addTable(places: Places, table: AST.TOMLTable): void {
  for (let length = 1; length <= table.resolvedKey.length; length++) {
    addFirst(places.keys, table.resolvedKey.slice(0, length), table.key);
  }
  for (const pair of table.body) addPair(places, pair, table.resolvedKey);
}

function addPair(places: Places, pair: AST.TOMLKeyValue, parent: Path): void {
  const keys = pair.key.keys.map((key) => key.type === "TOMLBare" ? key.name : key.value);
  for (const [i, key] of pair.key.keys.entries()) {
    addFirst(places.keys, [...parent, ...keys.slice(0, i + 1)], key);
  }
  addValue(places, pair.value, [...parent, ...keys]);
}

function addValue(places: Places, value: AST.TOMLContentNode, path: Path): void {
  addFirst(places.values, path, value);
  if (value.type === "TOMLArray") {
    for (const [i, element] of value.elements.entries()) addValue(places, element, [...path, i]);
  } else if (value.type === "TOMLInlineTable") {
    for (const pair of value.body) addPair(places, pair, path);
  }
}

function addFirst(map: Map<string, Place>, path: Path, node: AST.TOMLNode): void {
  // A key of a thousand dots has a thousand paths, each of them longer than the one before.
  if (path.length > NESTING_MAX) throw new RangeError("nested too deeply");
  const key = JSON.stringify(path);
  if (!map.has(key)) map.set(key, { line: node.loc.start.line, column: node.loc.start.column + 1 });
}

/**
 * `depth` tells how much of the path the text names: of several files, the one with the greatest holds the
 * finding.
 */
function nearest({ keys, values }: Places, path: Path, at: "key" | "value"): Place & { depth: number } {
  for (let depth = path.length; depth > 0; depth--) {
    const key = JSON.stringify(path.slice(0, depth));
    // What is around a missing thing is best shown by its name.
    const place = at === "value" && depth === path.length
      ? values.get(key) ?? keys.get(key)
      : keys.get(key) ?? values.get(key);
    if (place !== undefined) return { ...place, depth };
  }
  return { line: 1, column: 1, depth: 0 };
}
