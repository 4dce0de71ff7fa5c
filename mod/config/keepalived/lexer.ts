/** Lines and words of keepalived.conf: comments, quotes, escapes and braces as keepalived reads them. */
import type { Line, Place, Word } from "./tree.ts";

/** A line of a file without its comment. */
export interface Bare {
  readonly text: string;
  /** Blanks before the text. */
  readonly indent: number;
  /** A backslash at its end: a definition goes on in the next line. */
  readonly continues: boolean;
}

const BLANKS = /^[ \t]*/;
const BLANKS_AT_END = /[ \t]+$/;

/**
 * Without comment (`#` and `!` begin one anywhere outside double quotes, in the middle of a word as well),
 * blanks around it, and the backslash of `\#` and `\!`.
 */
export function bare(line: string): Bare {
  const indent = BLANKS.exec(line)?.[0].length ?? 0;
  let text = "";
  let isOpen = false;
  let continues = false;
  for (let i = indent; i < line.length; i++) {
    const char = line[i]!;
    if (char === '"') isOpen = !isOpen;
    if (char === "\\") {
      const next = line[i + 1];
      if (next === undefined) {
        continues = true;
        break;
      }
      text += !isOpen && (next === "#" || next === "!") ? next : char + next;
      i++;
      continue;
    }
    if (!isOpen && (char === "#" || char === "!")) break;
    text += char;
  }
  return { text: text.replace(BLANKS_AT_END, ""), indent, continues };
}

/** Whether a double quote has no end. */
export function isOpen(text: string): boolean {
  return (text.replaceAll(/\\./g, "").split('"').length - 1) % 2 === 1;
}

/** The line in pieces, each a brace or what stands between braces; none of them empty. */
export function pieces({ text, at, isVerbatim }: Line): Line[] {
  const found: Line[] = [];
  let start = 0;
  const end = (until: number): void => {
    const whole = text.slice(start, until);
    const piece = whole.trim();
    const offset = start + whole.length - whole.trimStart().length;
    if (piece !== "") found.push({ text: piece, at: isVerbatim ? right(at, offset) : at, isVerbatim });
    start = until;
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') {
      const close = text.indexOf('"', i + 1);
      i = close < 0 ? text.length : close;
    } else if (char === "{" || char === "}") {
      end(i);
      end(i + 1);
    }
  }
  end(text.length);
  return found;
}

/** Split at blanks; what stands in double quotes is one word, whatever stands before it. */
export function words({ text, at, isVerbatim }: Line): Word[] {
  const found: Word[] = [];
  for (const match of text.matchAll(/"([^"]*)"?|[^\s"]+/g)) {
    const [whole, quoted] = match;
    const isQuoted = whole.startsWith('"');
    found.push({
      text: isQuoted ? quoted ?? "" : whole,
      quoted: isQuoted,
      at: isVerbatim ? right(at, match.index) : at,
    });
  }
  return found;
}

function right(at: Place, columns: number): Place {
  return columns === 0 ? at : { ...at, column: at.column + columns };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * A command as keepalived splits it: single and double quotes hold words together, and a backslash begins an
 * escape as in C, everywhere. `keeps`: the escape stays as it is, for a second splitting. Null when a quote
 * or an escape has no end.
 */
export function splitCommand(text: string, keeps = false): string[] | null {
  const found: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\") {
      const escape = keeps ? kept(text, i) : readEscape(text, i + 1);
      if (escape === null) return null;
      word = (word ?? "") + escape.text;
      i = escape.last;
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word = (word ?? "") + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== null) found.push(word);
      word = null;
    } else word = (word ?? "") + char;
  }
  if (quote !== "") return null;
  if (word !== null) found.push(word);
  return found;
}

function kept(text: string, i: number): { text: string; last: number } | null {
  return i + 1 < text.length ? { text: text.slice(i, i + 2), last: i + 1 } : null;
}

/** What the escape after a backslash at `i - 1` stands for, and where it ends. */
function readEscape(text: string, i: number): { text: string; last: number } | null {
  const rest = text.slice(i, i + 3);
  const char = rest[0];
  if (char === undefined) return null;
  const hex = /^x([0-9a-fA-F]{1,2})/.exec(rest);
  if (hex !== null) return { text: String.fromCharCode(parseInt(hex[1]!, 16)), last: i + hex[0].length - 1 };
  const octal = /^[0-7]{1,3}/.exec(rest);
  if (octal !== null) {
    return { text: String.fromCharCode(parseInt(octal[0], 8) & 0xff), last: i + octal[0].length - 1 };
  }
  if (char === "c" && rest.length > 1) {
    return { text: String.fromCharCode(rest.charCodeAt(1) & 0x1f), last: i + 1 };
  }
  return { text: Object.hasOwn(ESCAPES, char) ? ESCAPES[char]! : char, last: i };
}
