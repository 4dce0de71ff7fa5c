/**
 * Configuration files: whatever they hold, they end in a configuration or in a ConfigError whose problems
 * stand where it says, and both parsers think the same.
 */
import { assert, assertEquals } from "@std/assert";
import { loadConfig, type LoadOptions, loadWithWarnings } from "../../mod/config/load.ts";
import { ConfigError, type Problem } from "../../mod/errors.ts";
import type { Random } from "../sim/random.ts";
import { files } from "./toml_cases.ts";
import { smallerList, smallerText } from "./smaller.ts";
import type { Target } from "./target.ts";

/** The files that there are, the one to load first; `«3000000×x»` stands for so many repetitions. */
export interface TomlCase {
  readonly files: readonly (readonly [path: string, text: string])[];
}

/** Must never be shown. */
const SECRET = "hunter2-from-the-environment";
const ENVIRONMENT: Readonly<Record<string, string>> = { VIPD_TEST_SECRET: SECRET, VIPD_TEST_DIR: "conf.d" };

export const toml: Target<TomlCase> = {
  count: 1_000_000,
  limitMs: 20_000,
  generate: (random: Random) => ({ files: files(random) }),
  judge,
  *smaller({ files }: TomlCase): Generator<TomlCase> {
    const [main, ...others] = files;
    if (main === undefined) return;
    for (const less of smallerList(others)) yield { files: [main, ...less] };
    for (const [i, [path, text]] of files.entries()) {
      const lines = text.split("\n");
      for (const less of smallerList(lines)) yield { files: files.with(i, [path, less.join("\n")]) };
      for (const less of smallerText(text)) yield { files: files.with(i, [path, less]) };
    }
  },
  toRow: ({ files }) => files.flat(),
  fromRow: (row) => ({
    files: Array.from({ length: row.length / 2 }, (_, i) => [row[2 * i]!, row[2 * i + 1]!] as const),
  }),
};

/** `«3×ab»` -> `ababab` */
function unfolded(text: string): string {
  return text.replaceAll(
    /«(\d{1,8})×([^»]*)»/g,
    (_, count: string, what: string) => what.repeat(Number(count)),
  );
}

async function judge({ files }: TomlCase): Promise<string> {
  const texts = new Map(files.map(([path, text]) => [path, unfolded(text)]));
  const options = optionsFor(texts);
  const [main = ""] = files[0] ?? [];
  const quick = await outcome(() => loadConfig(main, options), texts);
  // What the quick parser does not take, the strict one has judged already.
  if (!quick.startsWith("{")) return "refused";
  const strict = await outcome(async () => (await loadWithWarnings(main, options)).config, texts);
  assertEquals(quick, strict, "the parsers disagree");
  return "valid";
}

/** Files in memory and nothing else. */
function optionsFor(texts: ReadonlyMap<string, string>): LoadOptions {
  return {
    hostName: "testhost",
    inspectCommand: () => undefined,
    inspectAccount: () => undefined,
    env: (name) => ENVIRONMENT[name],
    readFile(path): string {
      const text = texts.get(path);
      if (text === undefined) throw new Deno.errors.NotFound(path);
      return text;
    },
    listDirectory(directory): string[] {
      const inside = [...texts.keys()].filter((path) => path.startsWith(`${directory}/`));
      if (inside.length === 0) throw new Deno.errors.NotFound(directory);
      return inside.map((path) => path.slice(directory.length + 1));
    },
  };
}

/** The configuration as JSON, or what is wrong. */
async function outcome(load: () => Promise<unknown>, texts: ReadonlyMap<string, string>): Promise<string> {
  try {
    return JSON.stringify(await load());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert(error.problems.length > 0, "refused without a problem");
    for (const problem of error.problems) judgeProblem(problem, texts);
    return error.message;
  }
}

function judgeProblem(
  { file, line, column, path, message }: Problem,
  texts: ReadonlyMap<string, string>,
): void {
  assert(message !== "" && !message.includes("\n"), `a message of no or several lines: ${message}`);
  assert(!`${path} ${message}`.includes(SECRET), "a secret is shown");
  const text = texts.get(file);
  // The file itself cannot be read.
  if (line === 0) return assert(text === undefined || text.length > 100_000, "a problem without a place");
  if (text === undefined) throw new Error(`a problem in ${file}, which is no file`);
  const lines = text.split("\n");
  assert(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
  const columns = lines[line - 1]!.length + 1;
  assert(column >= 1 && column <= columns, `column ${column} of ${columns} in line ${line}`);
}
