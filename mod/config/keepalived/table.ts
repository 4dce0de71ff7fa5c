/**
 * The shape of the keyword tables, one a block of keepalived.conf, and how the statements of a block are
 * taken through one: each is converted, told as obsolete or without effect, or refused.
 */
import { closest } from "../suggest.ts";
import { type Outcome, type Row, type Tell, teller } from "./report.ts";
import type { Statement } from "./tree.ts";

/** One keyword of a block; `Context` is what the block's statements are gathered in. */
interface Keyword<Context> {
  readonly keyword: string;
  readonly outcome: Outcome;
  /**
   * What becomes of it, for the table in the documentation: the key of vipd.toml where that says all, what
   * behaves otherwise, what replaces it, or why it is refused.
   */
  readonly why: string;
  /** Refused, but the rest means the same without it. */
  readonly optional?: true;
  /** Puts it where it belongs; what it has to say goes to `tell`. */
  readonly convert?: (statement: Statement, context: Context, tell: Tell) => void;
}

/** The keywords of one block. */
export type Keywords<Context> = readonly Keyword<Context>[];

/** Keywords that have the same thing said about them. */
export function rows(
  outcome: Outcome,
  why: string,
  keywords: readonly string[],
  optional = false,
): Keywords<unknown> {
  return keywords.map((keyword) => ({ keyword, outcome, why, ...(optional ? { optional } : {}) }));
}

/** Where a walk tells what it finds, and asks for the blocks that know a word which this one does not. */
interface Telling {
  readonly rows: Row[];
  readonly blocksOf: (keyword: string) => readonly string[];
  /** How many words were no keywords so far. */
  readonly unknown: { count: number };
}

/** To look for a similar keyword takes a while, and a file that is no keepalived.conf has none. */
const SUGGESTIONS_MAX = 200;

/** Takes the statements of a block through its table; `block` is its name in messages. */
export function walk<Context>(
  block: string,
  table: Keywords<Context>,
  statements: readonly Statement[],
  context: Context,
  { rows, blocksOf, unknown }: Telling,
): void {
  const known = new Map(table.map((row) => [row.keyword, row]));
  for (const statement of statements) {
    const { keyword: { text, at } } = statement;
    const tell = teller(rows, at, text);
    const row = known.get(text);
    if (row === undefined) {
      const candidates = unknown.count++ < SUGGESTIONS_MAX ? [...known.keys()] : [];
      tell.refuse(describeUnknown(text, block, candidates, blocksOf(text)));
      continue;
    }
    const second = statement.args.find(({ text, quoted }) => !quoted && known.has(text));
    if (second !== undefined && row.convert !== undefined) {
      const place = `column ${second.at.column}`;
      tell.refuse(
        `\`${second.text}\` (${place}) stands on the same line: keepalived does not see it; start a new line`,
      );
      continue;
    }
    const before = rows.length;
    if (row.outcome === "refused" && statement.block?.length === 0) tell.nothing("there is nothing in it");
    else if (row.convert === undefined) settle(row, tell);
    else row.convert(statement, context, tell);
    if (!rows.slice(before).some((row) => row.at === at)) tell.note("");
  }
}

/** What the table alone says. */
function settle({ outcome, why, optional }: Keyword<never>, tell: Tell): void {
  switch (outcome) {
    case "converted":
      return tell.note(why);
    case "obsolete":
      return tell.obsolete(why);
    case "nothing to do":
      return tell.nothing(why);
    case "refused":
      return optional ? tell.omit(why) : tell.refuse(why);
  }
}

/** Why a word is no keyword here. `others` are the blocks that it belongs to. */
function describeUnknown(
  word: string,
  block: string,
  known: readonly string[],
  others: readonly string[],
): string {
  const where = block === "" ? "" : ` in ${block}`;
  if (others.includes("")) {
    return `unknown${where}: it belongs to the outermost level; is a } missing before it?`;
  }
  const near = closest(word, known);
  if (near !== undefined) return `unknown${where}: did you mean ${JSON.stringify(near)}?`;
  if (others.length > 0) return `unknown${where}: it belongs into ${others.join(" or ")}`;
  return `unknown${where}; keepalived would pass over it`;
}
