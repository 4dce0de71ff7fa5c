/** `vipd convert FILE`: a keepalived.conf to a vipd.toml that means the same, and what to know about it. */
import { hostname } from "node:os";
import { convertKeepalived } from "../config/keepalived/convert.ts";
import type { Draft } from "../config/keepalived/draft.ts";
import type { Files } from "../config/keepalived/expand.ts";
import { commentRefusals, placeOf } from "../config/keepalived/partial.ts";
import { type Row, teller } from "../config/keepalived/report.ts";
import { writeToml } from "../config/keepalived/toml_writer.ts";
import { expandGlob } from "../config/glob.ts";
import { loadWithWarnings } from "../config/load.ts";
import { ConfigError, type Problem, UsageError } from "../errors.ts";
import { countOutcomes, reportLines, summaryLine } from "./convert_report.ts";
import type { Hooks } from "./hooks.ts";
import { type Io, useColor } from "./io.ts";
import { parseOptions } from "./options.ts";

/** Files to read and the one to write; tests pass a fake. */
export interface ConvertFiles extends Files {
  /** Rejects with `Deno.errors.AlreadyExists` when it is there and `replaces` is false. */
  write(path: string, text: string, replaces: boolean): Promise<void>;
}

interface Options {
  readonly path: string;
  readonly output?: string;
  readonly id: string;
  readonly json: boolean;
  readonly force: boolean;
  readonly partial: boolean;
  readonly mend: boolean;
}

/** The text of a vipd.toml, or null when there is none that could be used. */
interface Result {
  readonly toml: string | null;
  readonly rows: readonly Row[];
}

/** 0 converted, 1 not written, 2 cannot be converted: all reasons are on standard error. */
export async function convert(
  args: string[],
  io: Io,
  _hooks?: Pick<Hooks, never>,
  files: ConvertFiles = systemFiles(),
): Promise<number> {
  const options = parse(args);
  const { toml, rows } = await convertFile(options, io, files);
  const problem = toml === null || options.output === undefined
    ? null
    : await write(options.output, toml, options.force, files);
  if (options.json) io.out(JSON.stringify(asJson(options, toml, rows, problem), null, 2));
  else print(options, toml, rows, problem, io);
  return toml === null ? 2 : problem === null ? 0 : 1;
}

function parse(args: string[]): Options {
  const operand = args.findIndex((arg, i) => !arg.startsWith("-") && !takesValue(args[i - 1]));
  const path = args[operand];
  if (path === undefined) throw new UsageError("Name the keepalived.conf");
  const { output, id, json, force, partial, mend } = parseOptions(args.toSpliced(operand, 1), {
    boolean: ["json", "force", "partial", "mend"],
    string: ["output", "id"],
    alias: { o: "output" },
  });
  return {
    path,
    ...(typeof output === "string" ? { output } : {}),
    // keepalived's own default: the first label of the host's name.
    id: typeof id === "string" ? id : hostname().split(".")[0]!,
    ...{ json: json === true, force: force === true, partial: partial === true, mend: mend === true },
  };
}

function takesValue(arg: string | undefined): boolean {
  return arg === "-o" || arg === "--output" || arg === "--id";
}

async function convertFile({ path, id, partial, mend }: Options, io: Io, files: Files): Promise<Result> {
  const converted = convertKeepalived(path, files, { id, env: (name) => io.env(name) }, mend);
  const { draft } = converted;
  const rows = [...converted.rows];
  if (rows.some(({ blocks }) => blocks) && !partial) return { toml: null, rows };
  const head = [
    `Converted from ${path} by vipd convert. Comments say where each table comes from, and what to know.`,
    ...commentRefusals(draft, rows),
  ];
  const toml = writeToml(draft, head);
  const isUsable = await check(toml, draft, path, rows);
  return { toml: isUsable ? toml : null, rows };
}

/** Whether vipd would load it; what it, or this host, has against it goes into `rows`. */
async function check(toml: string, draft: Draft, path: string, rows: Row[]): Promise<boolean> {
  const tell = ({ path: key, message: whole }: Problem, prefix: string | null): void => {
    const at = placeOf(draft, key) ?? { file: path, line: 0, column: 0 };
    const { refuse, note } = teller(rows, at, key);
    // Lines of a file that nobody has seen.
    const message = whole.replace(/ at vipd\.toml:\d+:\d+$/, "");
    if (prefix === null) refuse(message);
    else note(`${prefix}: ${message}`);
  };
  try {
    const { commands, warnings } = await loadWithWarnings("vipd.toml", { readFile: () => toml });
    for (const problem of commands) tell(problem, "on this host");
    for (const problem of warnings) tell(problem, "worth a look");
    return true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) tell(problem, null);
    return false;
  }
}

async function write(
  path: string,
  toml: string,
  force: boolean,
  files: ConvertFiles,
): Promise<string | null> {
  try {
    await files.write(path, toml, force);
    return null;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return `${path} is there already: --force replaces it`;
    return `cannot write ${path}: ${problemOf(error)}`;
  }
}

/** What the conversion says of a line that is several. */
const SAME_LINE = "stands on the same line";

function print(
  { output, partial }: Options,
  toml: string | null,
  rows: readonly Row[],
  problem: string | null,
  io: Io,
): void {
  for (const line of reportLines(rows, useColor(io))) io.err(line);
  io.err(summaryLine(rows));
  if (toml === null) {
    io.err(
      partial
        ? "Nothing is written: what --partial leaves is not usable."
        : "Nothing is written. --partial leaves out what cannot be converted, with a comment in its place.",
    );
    if (rows.some(({ message }) => message.includes(SAME_LINE))) {
      io.err(
        "Have line breaks been lost, as on web pages? --mend puts them back; look at what it makes of it.",
      );
    }
  } else if (problem !== null) io.err(`vipd convert: ${problem}`);
  else if (output === undefined) io.out(toml.trimEnd());
  else io.err(`Written: ${output}. Next: vipd validate ${output}`);
}

/** `vipd convert --json`; the text is in it unless it went to a file. */
function asJson(
  { path, output }: Options,
  toml: string | null,
  rows: readonly Row[],
  problem: string | null,
): unknown {
  return {
    file: path,
    ok: toml !== null && problem === null,
    output: toml === null || problem !== null ? null : output ?? null,
    problem,
    counts: countOutcomes(rows),
    rows: rows.map(({ at: { file, line, column }, keyword, outcome, message, blocks }) => ({
      ...{ file, line, column, keyword, outcome, message, blocks },
    })),
    ...(output === undefined ? { toml } : {}),
  };
}

/** This host's files. */
function systemFiles(): ConvertFiles {
  return {
    read(path): ReturnType<Files["read"]> {
      try {
        return { text: Deno.readTextFileSync(path) };
      } catch (error) {
        return { problem: problemOf(error) };
      }
    },
    glob: (pattern) => expandGlob(pattern, listDirectory),
    write: writeWhole,
  };
}

/** Never half written; readable by its owner and group only: it may hold a password. */
async function writeWhole(path: string, text: string, replaces: boolean): Promise<void> {
  if (!replaces) return await Deno.writeTextFile(path, text, { createNew: true, mode: 0o640 });
  const beside = `${path}.${crypto.randomUUID().slice(0, 8)}`;
  await Deno.writeTextFile(beside, text, { createNew: true, mode: 0o640 });
  try {
    await Deno.rename(beside, path);
  } catch (error) {
    await Deno.remove(beside);
    throw error;
  }
}

/** A directory that may not be read matches nothing, as in glob(7). */
function listDirectory(path: string): string[] {
  try {
    return Array.from(Deno.readDirSync(path), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return [];
    throw error;
  }
}

function problemOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return error instanceof Error ? error.message : String(error);
}
