/**
 * `vipd validate FILE...`: everything that is wrong or doubtful in configuration files, and what they mean
 * together.
 */
import { parseArgs } from "@std/cli/parse-args";
import { compareNodes, type Node, withCounterpart } from "../config/compare.ts";
import type { Finding } from "../config/document.ts";
import { engineFindings, type EnginesHere } from "../config/engines_here.ts";
import { lint } from "../config/lint.ts";
import { type Loaded, loadWithWarnings } from "../config/load.ts";
import { summarize } from "../config/summary.ts";
import { MIN_TOKEN_LENGTH } from "../config/token.ts";
import { ConfigError, formatProblem, type Problem, UsageError } from "../errors.ts";
import type { Config } from "../config/schema.ts";
import type { Hooks } from "./hooks.ts";
import { type Io, useColor } from "./io.ts";

/** One file's result; the JSON of `--json` is an array of these under `files`. */
interface Report {
  readonly file: string;
  readonly ok: boolean;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly summary: readonly string[];
}

/** Asks this host for the engines of a configuration's virtual servers. */
type AskEngines = (config: Config) => Promise<EnginesHere>;

/**
 * `validate FILE... [--json] [--any-host]`: exit code 0 when every file can be used (with warnings or not), 2
 * otherwise.
 */
export async function validate(
  args: string[],
  io: Io,
  _hooks?: Pick<Hooks, never>,
  ask: AskEngines = enginesHere,
): Promise<number> {
  const { files, json, anyHost } = parse(args);
  const host = anyHost ? null : ask;
  const results = await Promise.all(files.map((file) => load(file, io, host)));
  const loaded = results.filter((result): result is Valid => "loaded" in result);
  const nodes = loaded.map(({ file, loaded }): Node => ({ file, config: loaded.config }));
  const warnings = await Promise.all(loaded.map((_, i) => warningsOf(loaded, nodes, i, anyHost ? null : io)));
  const reports = results.map((result): Report => {
    if ("errors" in result) return { ...result, ok: false, warnings: [], summary: [] };
    const { file, loaded: { config } } = result;
    return {
      file,
      ok: true,
      errors: [],
      warnings: warnings[loaded.indexOf(result)] ?? [],
      summary: summarize(config),
    };
  });
  const ok = reports.every((report) => report.ok);
  if (json) io.out(JSON.stringify({ ok, files: reports }, null, 2));
  else print(reports, io);
  return ok ? 0 : 2;
}

function parse(args: string[]): { files: string[]; json: boolean; anyHost: boolean } {
  const { _: files, json, "any-host": anyHost } = parseArgs(args, {
    boolean: ["json", "any-host"],
    unknown: (argument: string, key?: string) => {
      if (key !== undefined) throw new UsageError(`Unknown option "${argument}"`);
    },
  });
  if (files.length === 0) throw new UsageError("Name at least one file");
  return { files: files.map(String), json: json === true, anyHost: anyHost === true };
}

type Valid = { readonly file: string; readonly loaded: Loaded };
type Invalid = { readonly file: string; readonly errors: readonly Problem[] };

/**
 * A file that asks for an engine or a program that this host does not have is as unusable as one with a wrong
 * key.
 */
async function load(file: string, io: Io, ask: AskEngines | null): Promise<Valid | Invalid> {
  try {
    const options = {
      env: (name: string) => io.env(name),
      readFile: (path: string) => io.readTextFile(path),
    };
    const loaded = await loadWithWarnings(file, options);
    if (ask === null) return { file, loaded };
    const engines = engineFindings(loaded.config, await ask(loaded.config), loaded.isSet);
    const errors = [...engines.map(loaded.locate), ...loaded.commands.map(judgedBy)];
    return errors.length === 0 ? { file, loaded } : { file, errors: errors.sort(byPlace) };
  } catch (error) {
    if (error instanceof ConfigError) return { file, errors: error.problems };
    throw error;
  }
}

/** Whether a program may run is judged for whoever runs this, who need not be the one who runs vipd. */
function judgedBy(problem: Problem): Problem {
  const uid = Deno.uid();
  if (uid === 0) return problem;
  return { ...problem, message: `${problem.message} (as uid ${uid} sees it; --any-host leaves this out)` };
}

/** Loaded only when there is something to ask: it knows the kernel. */
async function enginesHere(config: Config): Promise<EnginesHere> {
  const wishes = Object.values(config.virtual_server).map(({ engine }) => engine);
  if (wishes.length === 0) return new Map();
  const { chooseEngines, ENGINES } = await import("../balance/engines.ts");
  return await chooseEngines(wishes, ENGINES, { config: () => config, note: () => undefined });
}

/**
 * What this file alone, its neighbours and this machine have to say about it, in the order of its lines; of
 * this machine nothing when `io` is null.
 */
async function warningsOf(
  all: readonly Valid[],
  nodes: readonly Node[],
  index: number,
  io: Io | null,
): Promise<Problem[]> {
  const { config, isSet, locate } = all[index]!.loaded;
  const compared = compareNodes(nodes).filter(({ node }) => node === index).map(({ finding }) => finding);
  const judged = withCounterpart(nodes, index);
  const findings = [
    ...lint(config, isSet, (name) => judged.has(name)),
    ...compared,
    ...io === null ? [] : await tokenFindings(config.api, io),
  ];
  return findings.map(locate).sort(byPlace);
}

function byPlace(a: Problem, b: Problem): number {
  return a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column;
}

/** The daemon may run as another user on another host, so an unreadable token is no error here. */
async function tokenFindings({ token_file }: Loaded["config"]["api"], io: Io): Promise<Finding[]> {
  if (token_file === undefined) return [];
  const path = ["api", "token_file"];
  try {
    const token = await io.readTextFile(token_file);
    const { length } = token.trim();
    if (length >= MIN_TOKEN_LENGTH) return [];
    const what = length === 0 ? "is empty" : `has only ${length} characters`;
    return [{
      path,
      message: `${token_file} ${what}: vipd does not start with less than ${MIN_TOKEN_LENGTH}`,
    }];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return [{ path, message: `cannot read ${token_file} here (${error.name})` }];
  }
}

const RED = "\x1b[31m";
const YELLOW = "\x1b[33m";
const GREEN = "\x1b[32m";

function print(reports: readonly Report[], io: Io): void {
  const paint = (text: string, color: string): string => useColor(io) ? `${color}${text}\x1b[0m` : text;
  for (const { file, ok, errors, warnings, summary } of reports) {
    for (const problem of errors) io.err(paint(formatProblem(problem), RED));
    for (const problem of warnings) io.err(paint(formatWarning(problem), YELLOW));
    const counted = [count(errors, "problem"), count(warnings, "warning")].filter((text) => text !== "").join(
      ", ",
    );
    if (!ok) io.err(`${file}: ${counted}`);
    else io.out(`${file}: ${paint("fine", GREEN)}${counted === "" ? "" : `, ${counted}`}`);
    for (const line of summary) io.out(`  ${line}`);
  }
}

/** As compilers write it, so that editors find the place: `vipd.toml:14:12: warning: ...`. */
function formatWarning(problem: Problem): string {
  return formatProblem({ ...problem, path: problem.path === "" ? "warning" : `warning: ${problem.path}` });
}

function count(problems: readonly Problem[], noun: string): string {
  if (problems.length === 0) return "";
  return `${problems.length} ${noun}${problems.length === 1 ? "" : "s"}`;
}
