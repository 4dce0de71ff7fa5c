/**
 * The text of keepalived.conf to the lines that it means: comments go, files are included, `@id` lines
 * chosen, definitions put in, sequences counted out. It always ends: what grows beyond bounds is refused.
 */
import { type Definitions, readDefinition, replaceDefinitions, type Surroundings } from "./definitions.ts";
import { type IncludeKind, includeOf } from "./include.ts";
import { bare } from "./lexer.ts";
import { type Row, teller } from "./report.ts";
import { isSequence, readSequence } from "./sequences.ts";
import type { Part } from "./mend.ts";
import type { Line, Place } from "./tree.ts";

/** The files that a configuration may consist of. */
export interface Files {
  /** The whole text, or why it cannot be read. */
  read(path: string): { readonly text: string } | { readonly problem: string };
  /** The files that a path with wildcards names, in their order; without wildcards the path itself. */
  glob(pattern: string): readonly string[];
}

/** Of a line with its end, as keepalived reads it. */
const LINE_BYTES_MAX = 1_023;
/** Lines that definitions and sequences may make; characters of all lines and files. */
const LINES_MAX = 20_000;
const CHARS_MAX = 16_000_000;
const DEPTH_MAX = 40;

interface Expansion {
  readonly files: Files;
  readonly surroundings: Surroundings;
  readonly rows: Row[];
  readonly definitions: Definitions;
  /** A file's text to its lines. */
  readonly linesOf: (text: string) => readonly Part[];
  /** Lines and characters that may still come. */
  left: { lines: number; chars: number };
  /** The files that are being read, each included by the one before. */
  readonly reading: string[];
}

/** One physical line's text, with where it stands. */
interface Source {
  readonly text: string;
  readonly at: Place;
  readonly isVerbatim: boolean;
}

/** The lines of the file `path`; what is wrong with it goes into `rows`. */
export function expand(
  path: string,
  files: Files,
  surroundings: Surroundings,
  rows: Row[],
  linesOf: Expansion["linesOf"] = asTheyAre,
): Line[] {
  const expansion: Expansion = {
    ...{ files, surroundings, rows, linesOf, definitions: new Map(), reading: [] },
    left: { lines: LINES_MAX, chars: CHARS_MAX },
  };
  const lines: Line[] = [];
  readFile(expansion, path, { file: path, line: 0, column: 0 }, "demanded", lines);
  return lines;
}

function asTheyAre(text: string): Part[] {
  return text.split("\n").map((text, i) => ({ text, line: i + 1, offset: 0 }));
}

function readFile(
  expansion: Expansion,
  path: string,
  from: Place,
  kind: IncludeKind,
  into: Line[],
): void {
  const { files, rows, reading, left } = expansion;
  const tell = teller(rows, from, reading.length === 0 ? "" : "include");
  if (reading.includes(path)) return tell.refuse(`${path} includes itself`);
  if (reading.length >= DEPTH_MAX) {
    return tell.refuse(`more than ${DEPTH_MAX} files that include one another`);
  }
  const answer = files.read(path);
  if ("problem" in answer) {
    const message = `cannot read ${path}: ${answer.problem}`;
    // keepalived goes on without it and says nothing.
    return kind === "silent"
      ? tell.note(`${message}; keepalived goes on without it, and so does this`)
      : tell.refuse(message);
  }
  const template = templateIn(answer.text);
  if (template !== null) {
    return teller(rows, { file: path, ...template }, "").refuse(
      `${template.what} of a template: let the tool that it is for fill it in, and convert what comes out`,
    );
  }
  left.chars -= answer.text.length;
  reading.push(path);
  for (const source of sources(expansion, path, answer.text)) {
    if (!resolve(expansion, source, into, 0)) break;
  }
  reading.pop();
}

/** The marks of Jinja2, Go and ERB templates: with them braces mean nothing. */
function templateIn(text: string): { what: string; line: number; column: number } | null {
  for (const [i, line] of text.split("\n").entries()) {
    const match = /\{\{|\{%|<%/.exec(bare(line).text);
    if (match !== null) return { what: match[0], line: i + 1, column: line.indexOf(match[0]) + 1 };
  }
  return null;
}

/** Lines without comments, definitions of several lines taken out. */
function* sources(expansion: Expansion, file: string, text: string): Generator<Source> {
  let defining: { name: string; lines: string[] } | null = null;
  const plain = text.startsWith("\ufeff") ? text.slice(1) : text;
  for (const { text: raw, line: number, offset } of expansion.linesOf(plain)) {
    const { text: line, indent, continues } = bare(raw.replace(/\r+$/, ""));
    const at = { file, line: number, column: offset + indent + 1 };
    if (
      raw.length * 3 >= LINE_BYTES_MAX && line !== "" &&
      new TextEncoder().encode(raw).length >= LINE_BYTES_MAX
    ) {
      teller(expansion.rows, at, "").refuse(
        `longer than ${LINE_BYTES_MAX - 1} bytes: keepalived passes over it`,
      );
      continue;
    }
    if (defining !== null) {
      if (line !== "") defining.lines.push(line);
      if (!continues) {
        expansion.definitions.set(defining.name, defining.lines);
        defining = null;
      }
      continue;
    }
    const definition = continues ? readDefinition(chosen(line, expansion.surroundings.id) ?? "") : null;
    if (definition === null) {
      if (line !== "") yield { text: line, at, isVerbatim: true };
    } else defining = { name: definition.name, lines: definition.value === "" ? [] : [definition.value] };
  }
  if (defining !== null) expansion.definitions.set(defining.name, defining.lines);
}

/** The line that `@id` or `@^id` is before, or null when it is for another instance. */
function chosen(text: string, id: string | null): string | null {
  const match = /^@(\^?)([^ \t]*)(?:[ \t]+(.*))?$/s.exec(text);
  if (match === null) return text;
  const [, inverted, name, rest = ""] = match;
  return (name === id) === (inverted === "") ? rest : null;
}

/** False: there is no room for more. */
function resolve(expansion: Expansion, source: Source, into: Line[], depth: number): boolean {
  const { rows, definitions, surroundings, left } = expansion;
  const tell = teller(rows, source.at, "");
  const text = chosen(source.text, surroundings.id);
  if (text === null || text === "") return true;
  if (depth > 0) left.lines--;
  left.chars -= text.length;
  if (left.lines < 0 || left.chars < 0 || depth > DEPTH_MAX) {
    tell.refuse("definitions, sequences and files grow beyond all bounds here");
    left.lines = -1;
    return false;
  }
  const at = { ...source.at, column: source.at.column + source.text.length - text.length };
  const definition = readDefinition(text);
  if (definition !== null) {
    definitions.set(definition.name, [definition.value]);
    return true;
  }
  if (isSequence(text)) return count(expansion, { ...source, text }, into, depth);
  const file = source.at.file;
  const replaced = text.includes("$") ? replaceDefinitions(text, definitions, surroundings, file) : null;
  if (replaced === null && text.includes("$")) {
    tell.refuse("a definition contains itself");
    return true;
  }
  if (replaced === null || (replaced.text === text && replaced.after.length === 0)) {
    return emit(expansion, { text, at, isVerbatim: source.isVerbatim }, into);
  }
  for (const problem of replaced.problems) tell.refuse(problem);
  const derived = (text: string): Source => ({ text: bare(text).text, at: source.at, isVerbatim: false });
  return [replaced.text, ...replaced.after].every((one, i) =>
    // What is left of `$` in the first line is not defined: nothing would replace it now.
    i === 0 && !isSequence(one.trimStart()) && !one.startsWith("@")
      ? emit(expansion, derived(one), into)
      : resolve(expansion, derived(one), into, depth + 1)
  );
}

function count(expansion: Expansion, { text, at }: Source, into: Line[], depth: number): boolean {
  const { rows, definitions, surroundings } = expansion;
  const replace = (text: string): string =>
    replaceDefinitions(text, definitions, surroundings, at.file)?.text ?? text;
  const sequence = readSequence(text, replace);
  if (typeof sequence === "string") {
    teller(rows, at, "").refuse(sequence);
    return true;
  }
  return sequence.rounds.every((values) => {
    for (const [i, name] of sequence.names.entries()) definitions.set(name, [values[i] ?? ""]);
    return resolve(expansion, { text: sequence.text, at, isVerbatim: false }, into, depth + 1);
  });
}

/** `${NAME}` anywhere, or `$NAME` as a word of its own outside quotes: nothing has defined it. */
function unfilledIn(text: string): string | null {
  const braced = /\$\{[A-Za-z_]\w*[^}]*\}/.exec(text);
  const plain = /(?<=[ \t])\$[A-Za-z_]\w*(?=[ \t]|$)/.exec(
    text.replaceAll(/"[^"]*"?/g, (quoted) => "_".repeat(quoted.length)),
  );
  return braced?.[0] ?? plain?.[0] ?? null;
}

/** A line as it is at last: one to keep, or one to include files. */
function emit(expansion: Expansion, line: Line, into: Line[]): boolean {
  if (line.text === "") return true;
  const unfilled = unfilledIn(line.text);
  if (unfilled !== null) {
    teller(expansion.rows, line.at, unfilled).refuse(
      "not defined: keepalived takes it as it stands; if this is a template (envsubst), fill it in first",
    );
    return true;
  }
  const include = includeOf(line.text);
  if (include === null) {
    into.push(line);
    return true;
  }
  const { files, rows, left } = expansion;
  const found = include.patterns(line.at.file).flatMap((pattern) => files.glob(pattern));
  if (found.length === 0) {
    const message = `no file matches ${include.path}`;
    if (include.kind === "silent") teller(rows, line.at, "include").note(`${message}: nothing is included`);
    else teller(rows, line.at, "include").refuse(message);
  }
  for (const path of found) readFile(expansion, path, line.at, include.kind, into);
  return left.lines >= 0;
}
