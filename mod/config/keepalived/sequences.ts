/** `~SEQ`, `~SEQx` and `~LST` of keepalived.conf: a line again and again, with variables that count. */

/** What the variables become in each round, and the line that they go into. */
export interface Sequence {
  readonly names: readonly string[];
  readonly rounds: readonly (readonly string[])[];
  readonly text: string;
}

const ROUNDS_MAX = 10_000;

export function isSequence(text: string): boolean {
  return /^~(?:SEQ|LST)/.test(text);
}

/**
 * The sequence that a line begins with, or what is wrong with it. `replace` puts definitions into the
 * numbers.
 */
export function readSequence(text: string, replace: (text: string) => string): Sequence | string {
  return text.startsWith("~LST") ? readList(text) : readNumbers(text, replace);
}

function readNumbers(text: string, replace: (text: string) => string): Sequence | string {
  const match = /^~SEQ(x?)[ \t]*\([ \t]*([^ \t,)]+)[ \t]*,([^)]*)\)[ \t]*(.*)$/s.exec(text);
  if (match === null) return "expected ~SEQ(variable, first, step, last) and a line";
  const [, hex, name = "", given = "", line = ""] = match;
  const parts = replace(given).split(",").map((part) => part.trim());
  if (parts.length > 3 || !parts.every((part) => /^-?(?:0x[0-9a-f]+|\d+)$/i.test(part))) {
    return "expected one to three whole numbers in ~SEQ(variable, first, step, last)";
  }
  const { first, step, last } = bounds(parts.map(integer));
  if (hex === "x" && (first < 0 || last < 0)) return "~SEQx counts positive numbers only";
  if (step === 0 || (last - first) * step < 0) return "this ~SEQ never comes to its last number";
  const count = Math.floor((last - first) / step) + 1;
  if (!(count <= ROUNDS_MAX)) return `expected at most ${ROUNDS_MAX} numbers`;
  const base = hex === "x" ? 16 : 10;
  const rounds = Array.from({ length: count }, (_, i) => [(first + i * step).toString(base)]);
  return { names: [name], rounds, text: line };
}

/** C's notation: 0x is hexadecimal, a leading 0 octal. */
function integer(text: string): number {
  const [, sign = "", digits = ""] = /^(-?)(.*)$/.exec(text) ?? [];
  const base = /^0x/i.test(digits) ? 16 : /^0\d/.test(digits) ? 8 : 10;
  return (sign === "-" ? -1 : 1) * parseInt(digits.replace(/^0x/i, ""), base);
}

/** `(last)`, `(first, last)` or `(first, step, last)`. */
function bounds([one = 0, two, three]: readonly number[]): { first: number; step: number; last: number } {
  if (two === undefined) return { first: one < 0 ? -1 : 1, step: one < 1 ? -1 : 1, last: one };
  if (three === undefined) return { first: one, step: one <= two ? 1 : -1, last: two };
  return { first: one, step: two, last: three };
}

const LIST = "expected ~LST({a,b}, {1,2}, {3,4}) or ~LST(a, 1, 2), and a line";

function readList(text: string): Sequence | string {
  const open = /^~LST[ \t]*\(/.exec(text);
  if (open === null) return LIST;
  const groups: string[][] = [];
  let rest = text.slice(open[0].length);
  for (;;) {
    const match = /^[ \t]*(?:\{([^{}]*)\}|([^{},()]*))[ \t]*([,)])/.exec(rest);
    if (match === null || groups.length > ROUNDS_MAX) return LIST;
    const [whole, braced, plain = "", end] = match;
    groups.push((braced ?? plain).split(",").map((value) => value.trim()));
    rest = rest.slice(whole.length);
    if (end === ")") break;
  }
  const [names = [], ...rounds] = groups;
  if (rounds.length === 0 || names.some((name) => !/^[A-Za-z_]\w*$/.test(name))) return LIST;
  if (rounds.some((values) => values.length > names.length)) return "~LST has more values than variables";
  return {
    names,
    rounds: rounds.map((values) => names.map((_, i) => values[i] ?? "")),
    text: rest.trimStart(),
  };
}
