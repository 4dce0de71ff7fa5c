/** Lines of keepalived.conf to statements and blocks; whatever the braces are like, all of it is read. */
import { isOpen, pieces, words } from "./lexer.ts";
import { type Row, teller } from "./report.ts";
import type { Line, Place, Statement, Word } from "./tree.ts";

interface Open {
  keyword: Word;
  args: readonly Word[];
  line: string;
  /** Null until a brace opens it. */
  children: Open[] | null;
}

/** One level of braces: what stands in it, and whose it is (null: nobody's, it is dropped). */
interface Level {
  readonly owner: Open | null;
  readonly at: Place;
  readonly children: Open[];
  /** Something that a brace may still open. */
  candidate: Open | null;
}

/** Blocks within blocks; keepalived's own go down to five. */
const DEPTH_MAX = 32;

/** Of braces and quotes so many problems are told: one that is missing makes all that follow wrong. */
const PROBLEMS_MAX = 20;

/** The statements of the outermost level; what is wrong with braces and quotes goes into `rows`. */
export function parse(lines: Iterable<Line>, rows: Row[]): Statement[] {
  const problems: Row[] = [];
  const statements = build(lines, problems);
  rows.push(...problems.slice(0, PROBLEMS_MAX));
  return statements;
}

function build(lines: Iterable<Line>, rows: Row[]): Statement[] {
  const root: Level = { owner: null, at: { file: "", line: 0, column: 0 }, children: [], candidate: null };
  const levels = [root];
  for (const line of lines) {
    if (isOpen(line.text)) {
      teller(rows, line.at, "").refuse("a double quote has no end on this line");
    }
    for (const piece of pieces(line)) take(piece, levels, rows);
  }
  for (const { owner, at } of levels.slice(1)) {
    const name = owner === null ? "{" : titleOf(owner);
    teller(rows, at, owner?.keyword.text ?? "").refuse(`\`${name}\` is never closed: a } is missing`);
  }
  return root.children.map(frozen);
}

function take(piece: Line, levels: Level[], rows: Row[]): void {
  const level = levels.at(-1)!;
  if (piece.text === "{") return open(piece, levels, rows);
  if (piece.text === "}") {
    if (levels.length > 1) levels.pop();
    else teller(rows, piece.at, "").refuse("this } closes nothing");
    levels.at(-1)!.candidate = null;
    return;
  }
  const [keyword, ...args] = words(piece);
  if (keyword === undefined) return;
  const statement = { keyword, args, line: piece.text, children: null };
  level.children.push(statement);
  level.candidate = statement;
}

function open(piece: Line, levels: Level[], rows: Row[]): void {
  const level = levels.at(-1)!;
  const owner = level.candidate;
  level.candidate = null;
  const tell = teller(rows, piece.at, "");
  if (owner === null) tell.refuse("this { opens nothing: no keyword stands before it");
  else owner.children = [];
  const at = owner?.keyword.at ?? piece.at;
  const isTooDeep = levels.length >= DEPTH_MAX;
  if (levels.length === DEPTH_MAX) tell.refuse(`blocks within blocks, more than ${DEPTH_MAX} deep`);
  levels.push({ owner, at, children: isTooDeep ? [] : owner?.children ?? [], candidate: null });
}

/** `vrrp_instance VI_1` */
function titleOf({ keyword, args }: Pick<Open, "keyword" | "args">): string {
  return [keyword, ...args].map(({ text }) => text).join(" ");
}

function frozen({ keyword, args, line, children }: Open): Statement {
  const block = children === null ? null : children.map(frozen);
  const raw = block === null ? null : block.map((inner) => [inner.keyword, ...inner.args]);
  return { keyword, args, line, block, raw };
}
