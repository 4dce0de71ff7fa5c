/** Tests, arithmetic and text filters of the shell, on text that is known; see shell_run.ts. */
import { readOptions } from "./command_line.ts";
import { NotUnderstood } from "./shell_tokens.ts";

/** Stands for text that nobody can know beforehand, such as a page. */
export const UNKNOWN = "\u{10FFFF}";

/** What cannot be decided without knowing the text is not decided. */
export function known(text: string): string {
  if (text.includes(UNKNOWN)) throw new NotUnderstood("what the program prints decides");
  return text;
}

/** `[ … ]`, `[[ … ]]` and `test …`: exit status. */
export function testStatus(words: readonly string[]): number {
  return holds(words.map(known)) ? 0 : 1;
}

function holds(words: readonly string[]): boolean {
  for (const [word, both] of [["-o", false], ["-a", true]] as const) {
    const at = words.indexOf(word);
    if (at <= 0) continue;
    const [left, right] = [holds(words.slice(0, at)), holds(words.slice(at + 1))];
    return both ? left && right : left || right;
  }
  if (words[0] === "!") return !holds(words.slice(1));
  const [first = "", operator = "", second = ""] = words;
  if (words.length <= 1) return first !== "";
  if (words.length === 2 && first === "-z") return operator === "";
  if (words.length === 2 && first === "-n") return operator !== "";
  if (words.length !== 3) throw new NotUnderstood(`the test "${words.join(" ")}"`);
  if (operator === "=" || operator === "==") return first === second;
  if (operator === "!=") return first !== second;
  const compare = COMPARISONS[operator.replace(/^-/, "")];
  if (compare === undefined) throw new NotUnderstood(`the test "${words.join(" ")}"`);
  return compare(number(first), number(second));
}

const COMPARISONS: Readonly<Record<string, ((a: number, b: number) => boolean) | undefined>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

function number(text: string): number {
  if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new NotUnderstood(`"${text}" where a number belongs`);
  return Number(text);
}

/** `k = 0`, `k++`, `k < 2`, `count + 1`; sets variables. */
export function arithmetic(source: string, variables: Map<string, string>): number {
  const text = source.replace(/\$\{?(\w+)\}?/g, "$1").trim();
  const value = (operand: string): number =>
    number(/^\d+$/.test(operand) ? operand : variables.get(operand) ?? "0");
  const set = (name: string, result: number): number => {
    variables.set(name, String(result));
    return result;
  };
  if (text === "") return 1;
  const [, counted, step] = /^(\w+)\s*(\+\+|--)$/.exec(text) ?? [];
  if (counted !== undefined) return set(counted, value(counted) + (step === "++" ? 1 : -1));
  const [, name, sign, rest] = /^([a-z_]\w*)\s*(\+|-)?=(?!=)\s*(.+)$/i.exec(text) ?? [];
  if (name !== undefined && rest !== undefined) {
    const given = arithmetic(rest, variables);
    return set(name, sign === "+" ? value(name) + given : sign === "-" ? value(name) - given : given);
  }
  const [, left, operator, right] = /^(\w+)\s*(==|!=|<=|>=|<|>|\+|-|\*)\s*(\w+)$/.exec(text) ?? [];
  if (left === undefined || operator === undefined || right === undefined) {
    if (/^\w+$/.test(text)) return value(text);
    throw new NotUnderstood(`the arithmetic "${text}"`);
  }
  const [a, b] = [value(left), value(right)];
  if (operator === "+") return a + b;
  if (operator === "-") return a - b;
  if (operator === "*") return a * b;
  return COMPARISONS[operator]!(a, b) ? 1 : 0;
}

export interface Result {
  readonly status: number;
  readonly output: string;
}

/** A program that reads what another one printed; undefined: it is none that is known. */
export function filter(argv: readonly string[], input: string): Result | undefined {
  const [program = "", ...args] = argv;
  const lines = input.split("\n").filter((line, i, all) => line !== "" || i < all.length - 1);
  const text = (kept: readonly string[]): string => kept.map((line) => `${line}\n`).join("");
  switch (program) {
    case "wc":
      if (args.join() !== "-l") throw new NotUnderstood("wc with other options than -l");
      return { status: 0, output: `${known(input) === "" ? 0 : lines.length}\n` };
    case "grep":
    case "egrep":
    case "fgrep":
      return grep(args, known(input), lines);
    case "head":
    case "tail":
      return { status: 0, output: text(lines.slice(0, 1)) };
    case "tr":
      return { status: 0, output: args[0] === "-d" ? input.replace(/\s+$/, "") : input };
    case "awk": {
      const [, column] = /^\{\s*print\s+\$(\d+)\s*;?\s*\}$/.exec(args[0] ?? "") ?? [];
      if (column === undefined) throw new NotUnderstood("an awk program");
      const pick = (line: string): string => line.trim().split(/\s+/)[Number(column) - 1] ?? "";
      return { status: 0, output: text(lines.map((line) => pick(known(line)))) };
    }
  }
  return undefined;
}

/** The pattern of `grep PATTERN`, unless options change what it means. */
export function grepPattern(
  args: readonly string[],
): { pattern: string; negated: boolean; flags: ReadonlySet<string> } {
  const table = { flags: ["-v", "-c", "-q", "-i", "-w", "-E", "-F", "-o", "-s"], values: ["-e"] };
  const line = readOptions(args, table);
  const [pattern, ...files] = [...(line?.values["-e"] ?? []), ...(line?.rest ?? [])];
  if (line === undefined || pattern === undefined || files.length > 0) {
    throw new NotUnderstood("this use of grep");
  }
  return { pattern, negated: line.flags.has("-v"), flags: line.flags };
}

function grep(args: readonly string[], input: string, lines: readonly string[]): Result {
  const { pattern, negated, flags } = grepPattern(args);
  if (/[\\^$*+?|()]/.test(pattern)) throw new NotUnderstood("a pattern of grep");
  const needle = pattern.replace(/\[(.)\]/g, "$1");
  const matches = input === "" ? [] : lines.filter((line) => line.includes(needle) !== negated);
  const printed = flags.has("-c")
    ? `${matches.length}\n`
    : flags.has("-q")
    ? ""
    : matches.map((line) => `${line}\n`).join("");
  return { status: matches.length > 0 ? 0 : 1, output: printed };
}
