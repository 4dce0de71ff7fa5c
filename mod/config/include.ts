/**
 * Reads a configuration file and what it includes, and merges them: a key that two files set is an error,
 * never a choice.
 */
import { dirname, isAbsolute, join, resolve } from "node:path";
import { type Finding, isTable, type Path, type Table } from "./document.ts";
import { interpolate } from "./env.ts";
import { expandGlob, type ListDirectory } from "./glob.ts";
import { NESTING_MAX, type Positions, readPositions, type SyntaxFault, TOO_DEEP } from "./positions.ts";
import { parseToml } from "./toml.ts";

/** One file as read: its values, or why its text is no TOML. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly parsed: Parsed;
}

type Parsed = { readonly data: Table; readonly positions?: Positions } | { readonly fault: SyntaxFault };

export interface Document {
  readonly data: Table;
  /** In the order of reading; the first is the file asked for. */
  readonly sources: readonly Source[];
  readonly findings: readonly Finding[];
  /** Every file was found and read: what is missing in `data` is missing. */
  readonly isComplete: boolean;
}

export interface Files {
  /** The text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string | Promise<string>;
  readonly listDirectory: ListDirectory;
  /** The caller needs positions anyway: spare the quick parser. */
  readonly strict: boolean;
  /** Environment variables of `${NAME}` in the paths of `include`. */
  readonly env: (name: string) => string | undefined;
}

/** A chain of includes that is longer is a mistake; so are so many files. */
const DEPTH_MAX = 16;
const FILES_MAX = 1_000;
/** Of all files together. The strict parser makes half a kilobyte of an octet, and all of it is kept. */
const LENGTH_MAX = 1_000_000;

/** What has been read so far. */
interface Reading {
  readonly files: Files;
  readonly data: Table;
  readonly sources: Source[];
  readonly findings: Finding[];
  /** Keys set twice; they do not keep the rest from being complete. */
  readonly duplicates: Finding[];
  /** Key, as the JSON of its path -> the file that set it first. */
  readonly origin: Map<string, string>;
}

/** The entry that includes a file. */
type Includer = { readonly path: Path; readonly file: string };

/**
 * Reads `path` and its includes; whatever is wrong with one file is a finding, and the others are read all
 * the same.
 */
export async function readDocument(path: string, files: Files): Promise<Document> {
  const reading: Reading = { files, data: {}, sources: [], findings: [], duplicates: [], origin: new Map() };
  await readFile(reading, path, [], { path: [], file: path });
  const { data, sources, findings, duplicates } = reading;
  const isComplete = findings.length === 0 && !sources.some(({ parsed }) => "fault" in parsed);
  return { data, sources, findings: [...findings, ...duplicates], isComplete };
}

/** `chain` holds the absolute paths of the files that led to this one. */
async function readFile(
  reading: Reading,
  file: string,
  chain: readonly string[],
  from: Includer,
): Promise<void> {
  const { files, sources, findings, duplicates } = reading;
  const read = sources.reduce((sum, { text }) => sum + text.length, 0);
  const text = await readText(file, files, LENGTH_MAX - read);
  if (text instanceof Error) {
    findings.push({ ...from, message: chain.length === 0 ? text.message : `${file}: ${text.message}` });
    return;
  }
  const parsed = await parse(text, files.strict);
  sources.push({ file, text, parsed });
  if ("fault" in parsed) return;
  for (const { path, place, first } of parsed.positions?.duplicates ?? []) {
    const message = `set twice, first at ${file}:${first.line}:${first.column}`;
    duplicates.push({ path, file, place, message });
  }
  const { include, ...rest } = parsed.data;
  merge(reading, reading.data, rest, file, []);
  if (include !== undefined) await includeAll(reading, include, file, [...chain, resolve(file)]);
}

async function includeAll(
  reading: Reading,
  include: unknown,
  file: string,
  chain: readonly string[],
): Promise<void> {
  const { files, findings } = reading;
  // A wrong type is the schema's to tell; it sees the first file's `include` only.
  if (!Array.isArray(include) || !include.every((entry) => typeof entry === "string")) {
    const message = 'expected an array of paths such as ["conf.d/*.toml"]';
    findings.push({ path: ["include"], file, message });
    return;
  }
  const { value, findings: unset } = interpolate(include, files.env);
  findings.push(...unset.map(({ path, message }) => ({ path: ["include", ...path], file, message })));
  for (const [i, entry] of (value as string[]).entries()) {
    const from = { path: ["include", i], file };
    if (/\p{Cc}/u.test(entry)) {
      findings.push({ ...from, message: "expected a path without control characters" });
    } else {for (const path of resolveInclude(reading, entry, from)) {
        await includeOne(reading, path, chain, from);
      }}
  }
}

function resolveInclude({ files, findings }: Reading, entry: string, from: Includer): readonly string[] {
  const pattern = isAbsolute(entry) ? entry : join(dirname(from.file), entry);
  try {
    return expandGlob(pattern, files.listDirectory);
  } catch (error) {
    findings.push({ ...from, message: `cannot list ${entry}: ${reason(error)}` });
    return [];
  }
}

async function includeOne(
  reading: Reading,
  file: string,
  chain: readonly string[],
  from: Includer,
): Promise<void> {
  const message = refusal(reading.sources, file, chain);
  if (message === undefined) await readFile(reading, file, chain, from);
  else reading.findings.push({ ...from, message });
}

/** Why a file may not be included here, if so. */
function refusal(sources: readonly Source[], file: string, chain: readonly string[]): string | undefined {
  const absolute = resolve(file);
  if (chain.includes(absolute)) return `${file} includes itself: ${[...chain, absolute].join(" -> ")}`;
  if (sources.some((source) => resolve(source.file) === absolute)) return `${file} is included twice`;
  if (chain.length >= DEPTH_MAX) return `expected at most ${DEPTH_MAX} files that include one another`;
  return sources.length >= FILES_MAX ? `expected at most ${FILES_MAX} files` : undefined;
}

function merge(reading: Reading, into: Table, from: Table, file: string, path: Path): void {
  const { duplicates, origin } = reading;
  for (const [key, value] of Object.entries(from)) {
    const inner = [...path, key];
    const present = Object.hasOwn(into, key) ? into[key] : undefined;
    if (present === undefined) {
      define(into, key, isTable(value) ? {} : value);
      origin.set(JSON.stringify(inner), file);
      if (isTable(value)) merge(reading, into[key] as Table, value, file, inner);
    } else if (isTable(present) && isTable(value)) merge(reading, present, value, file, inner);
    else {
      const first = origin.get(JSON.stringify(inner));
      const other = { path: inner, ...(first === undefined ? {} : { file: first }) };
      duplicates.push({ path: inner, at: "key", file, message: "set twice, first", other });
    }
  }
}

/** The quick parser first: what it takes without doubt needs no second opinion. */
async function parse(text: string, strict: boolean): Promise<Parsed> {
  const data = strict ? undefined : parseToml(text);
  if (data !== undefined) return isDeep(data, NESTING_MAX) ? { fault: TOO_DEEP } : { data };
  const result = await readPositions(text);
  if (!("find" in result)) return { fault: result };
  return isDeep(result.data, NESTING_MAX) ? { fault: TOO_DEEP } : { data: result.data, positions: result };
}

function isDeep(value: unknown, levels: number): boolean {
  if (!Array.isArray(value) && !isTable(value)) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeep(inner, levels - 1));
}

/** As an own property, whatever the key: `__proto__` is a legal TOML key. */
function define(table: Table, key: string, value: unknown): void {
  Object.defineProperty(table, key, { value, enumerable: true, writable: true, configurable: true });
}

async function readText(file: string, { readFile }: Files, limit: number): Promise<string | Error> {
  try {
    const text = await readFile(file);
    if (text.length > limit) return new Error(`larger than ${LENGTH_MAX / 1_000_000} MB, with all files`);
    return plainLines(text.startsWith("\ufeff") ? text.slice(1) : text);
  } catch (error) {
    return new Error(`cannot read: ${reason(error)}`);
  }
}

/**
 * Without the line ends of Windows: in a text of several lines one parser would keep them, the other not.
 * Where there is any other carriage return, only the strict parser can tell.
 */
function plainLines(text: string): string {
  const plain = text.replaceAll("\r\n", "\n");
  return plain.includes("\r") ? text : plain;
}

/** What the system said, without the call and the path that Deno adds. */
function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return error instanceof Error ? error.message : String(error);
}
