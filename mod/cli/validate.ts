/**
 * `vipd validate FILE...`: everything that is wrong or doubtful in configuration files, and what they mean
 * together.
 */
import { parseArgs } from "@std/cli/parse-args";
import { compareNodes, type Node, withCounterpart } from "../config/compare.ts";
import type { Finding } from "../config/document.ts";
import { lint } from "../config/lint.ts";
import { type Loaded, loadWithWarnings } from "../config/load.ts";
import { summarize } from "../config/summary.ts";
import { ConfigError, formatProblem, type Problem, UsageError } from "../errors.ts";
import { type Io, useColor } from "./io.ts";

/** One file's result; the JSON of `--json` is an array of these under `files`. */
interface Report {
  readonly file: string;
  readonly ok: boolean;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly summary: readonly string[];
}

/**
 * `validate FILE... [--json]`: exit code 0 when every file can be used (with warnings or not), 2 otherwise.
 */
export async function validate(args: string[], io: Io): Promise<number> {
  const { files, json } = parse(args);
  const results = await Promise.all(files.map((file) => load(file, io)));
  const loaded = results.filter((result): result is Valid => "loaded" in result);
  const nodes = loaded.map(({ file, loaded }): Node => ({ file, config: loaded.config }));
  const warnings = await Promise.all(loaded.map((_, i) => warningsOf(loaded, nodes, i, io)));
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

function parse(args: string[]): { files: string[]; json: boolean } {
  const { _: files, json } = parseArgs(args, {
    boolean: ["json"],
    unknown: (argument: string, key?: string) => {
      if (key !== undefined) throw new UsageError(`Unknown option "${argument}"`);
    },
  });
  if (files.length === 0) throw new UsageError("Name at least one file");
  return { files: files.map(String), json: json === true };
}

type Valid = { readonly file: string; readonly loaded: Loaded };
type Invalid = { readonly file: string; readonly errors: readonly Problem[] };

async function load(file: string, io: Io): Promise<Valid | Invalid> {
  try {
    const options = {
      env: (name: string) => io.env(name),
      readFile: (path: string) => io.readTextFile(path),
    };
    return { file, loaded: await loadWithWarnings(file, options) };
  } catch (error) {
    if (error instanceof ConfigError) return { file, errors: error.problems };
    throw error;
  }
}

/** What this file alone, its neighbours and this machine have to say about it, in the order of its lines. */
async function warningsOf(
  all: readonly Valid[],
  nodes: readonly Node[],
  index: number,
  io: Io,
): Promise<Problem[]> {
  const { config, isSet, commands, locate } = all[index]!.loaded;
  const compared = compareNodes(nodes).filter(({ node }) => node === index).map(({ finding }) => finding);
  const judged = withCounterpart(nodes, index);
  const findings = [
    ...lint(config, isSet, (name) => judged.has(name)),
    ...compared,
    ...commands,
    ...await tokenFindings(config.api, io),
  ];
  return findings.map(locate).sort((a, b) =>
    a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column
  );
}

/** The daemon may run as another user on another host, so an unreadable token is no error here. */
async function tokenFindings({ token_file }: Loaded["config"]["api"], io: Io): Promise<Finding[]> {
  if (token_file === undefined) return [];
  const path = ["api", "token_file"];
  try {
    const token = await io.readTextFile(token_file);
    return token.trim() === ""
      ? [{ path, message: `${token_file} is empty: every request would be refused` }]
      : [];
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
