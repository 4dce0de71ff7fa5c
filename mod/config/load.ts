/**
 * Loads vipd.toml: read, include, substitute, validate, cross-check; every problem at once, each with file,
 * line and column.
 */
import { hostname } from "node:os";
import type * as z from "zod";
import { inspectAccount, inspectSwitch } from "../../checks/account.ts";
import { inspectCommand } from "../../checks/command.ts";
import { checkTypes } from "../../checks/mod.ts";
import { ConfigError, type Problem } from "../errors.ts";
import { type CheckType } from "./check.ts";
import { commandFindings, type InspectAccount, type InspectCommand } from "./commands.ts";
import { crossCheck } from "./cross_check.ts";
import { type Finding, formatPath, type Path, unsafeKeys, valueAt } from "./document.ts";
import { interpolate, scrub } from "./env.ts";
import type { ListDirectory } from "./glob.ts";
import { type Document, readDocument } from "./include.ts";
import { type IsSet, lint } from "./lint.ts";
import { validate, withGot } from "./problems.ts";
import { salvage } from "./salvage.ts";
import { type Config, configSchema } from "./schema.ts";
import { virtualServerFields } from "./virtual_server.ts";

export interface LoadOptions {
  /** Environment variables of `${NAME}`; default: the process's. */
  readonly env?: (name: string) => string | undefined;
  readonly readFile?: (path: string) => string | Promise<string>;
  readonly listDirectory?: ListDirectory;
  /** Default: the registry of `checks/`. */
  readonly checkTypes?: readonly CheckType[];
  /** Default: looks at the file system of this host. */
  readonly inspectCommand?: InspectCommand;
  /** Default: looks at the users and groups of this host. */
  readonly inspectAccount?: InspectAccount;
  /** Default of `node.name`; default: the host's. */
  readonly hostName?: string;
}

/** A configuration that can be used, and what is still worth a second look (in the order of the lines). */
export interface Loaded {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** Whether the file says so itself, as opposed to a default. */
  readonly isSet: IsSet;
  /** Errors on this host: programs that it does not have or must not run, users that it does not have. */
  readonly commands: readonly Problem[];
  /** The files that were read, the one asked for first. */
  readonly files: readonly string[];
  /** Where a path of the configuration stands, for findings that need more than this one configuration. */
  locate(finding: Finding): Problem;
}

/** The configuration in `path` and its includes. Rejects with a `ConfigError` that holds every problem. */
export async function loadConfig(path: string, options: LoadOptions = {}): Promise<Config> {
  const examined = examine(await read(path, options, false), options);
  // Problems need places, and the strict parser's opinion of the text: only then it is read once more.
  return "config" in examined ? examined.config : (await loadWithWarnings(path, options)).config;
}

/**
 * What a daemon needs: like `loadConfig`, with the warnings, and rejects also for programs that must not run
 * here. The strict parser, whose tree of a long file takes tens of megabytes that a daemon would keep, is
 * loaded only when there is something to point at.
 */
export async function loadToRun(
  path: string,
  given: LoadOptions = {},
): Promise<Pick<Loaded, "config" | "warnings">> {
  const options = { ...given, inspectAccount: given.inspectAccount ?? inspectSwitch };
  const document = await read(path, options, false);
  const examined = examine(document, options);
  const isClean = "config" in examined && lint(examined.config, setIn(document)).length === 0 &&
    unusable(examined.config, options).length === 0;
  if (isClean) return { config: examined.config, warnings: [] };
  const loaded = await loadWithWarnings(path, options);
  if (loaded.commands.length > 0) throw new ConfigError(loaded.commands);
  return loaded;
}

/** Like `loadConfig`, with the warnings of `lint.ts`; reads positions always: a few milliseconds more. */
export async function loadWithWarnings(path: string, options: LoadOptions = {}): Promise<Loaded> {
  const document = await read(path, options, true);
  const examined = examine(document, options);
  const locate = locator(document, examined.secrets);
  if (!("config" in examined)) throw new ConfigError(problems(document, examined.findings, locate));
  const { config } = examined;
  const isSet = setIn(document);
  const ordered = (findings: readonly Finding[]): Problem[] => inOrder(document, findings.map(locate));
  return {
    config,
    warnings: ordered(lint(config, isSet)),
    isSet,
    commands: ordered(unusable(config, options)),
    files: document.sources.map(({ file }) => file),
    locate,
  };
}

function unusable(config: Config, options: LoadOptions): Finding[] {
  return commandFindings(config, options.checkTypes ?? checkTypes, {
    command: options.inspectCommand ?? inspectCommand,
    account: options.inspectAccount ?? inspectAccount,
  });
}

function setIn({ data }: Document): IsSet {
  return (path) => valueAt(data, path) !== undefined;
}

function read(path: string, options: LoadOptions, strict: boolean): Promise<Document> {
  return readDocument(path, {
    readFile: options.readFile ?? Deno.readTextFileSync,
    listDirectory: options.listDirectory ?? listDirectory,
    env: environment(options),
    strict,
  });
}

function listDirectory(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name);
}

function environment({ env }: LoadOptions): (name: string) => string | undefined {
  return env ?? ((name) => Deno.env.get(name));
}

type Examined = ({ readonly config: Config } | { readonly findings: readonly Finding[] }) & {
  /** What came from the environment. */
  readonly secrets: readonly string[];
};

function examine(document: Document, options: LoadOptions): Examined {
  const { data: raw, findings } = document;
  // With a file unread, what the others refer to would seem to be missing.
  if (!document.isComplete) return { findings, secrets: [] };
  const { value, findings: unset, secrets } = interpolate(raw, environment(options));
  const types = options.checkTypes ?? checkTypes;
  const { schema, serverFields } = schemaFor(types, options.hostName ?? hostname());
  const result = validate(schema, value, raw);
  const crossed = crossCheck(salvage(value, types, serverFields)).map((finding) => completed(finding, raw));
  const told = "findings" in result ? result.findings : [];
  const found = [...told, ...crossed, ...unsafe(raw, told)];
  // A variable that is not set leaves a hole; what others think of the hole is no news.
  const holes = new Set(unset.map(({ path }) => formatPath(path)));
  const all = [...findings, ...unset, ...found.filter(({ path }) => !holes.has(formatPath(path)))];
  return "value" in result && all.length === 0
    ? { config: result.value, secrets }
    : { findings: all, secrets };
}

interface Schemas {
  readonly types: readonly CheckType[];
  readonly hostName: string;
  readonly schema: z.ZodType<Config>;
  readonly serverFields: ReturnType<typeof virtualServerFields>;
}

/** Made once: making and compiling them takes longer than all that they then do to a file. */
let lastSchemas: Schemas | undefined;

function schemaFor(types: readonly CheckType[], hostName: string): Schemas {
  if (lastSchemas?.types !== types || lastSchemas.hostName !== hostName) {
    const serverFields = virtualServerFields(types);
    lastSchemas = { types, hostName, schema: configSchema(types, hostName, serverFields), serverFields };
  }
  return lastSchemas;
}

function unsafe(raw: unknown, told: readonly Finding[]): Finding[] {
  const known = new Set(told.map(({ path }) => formatPath(path)));
  return unsafeKeys(raw).filter((path) => !known.has(formatPath(path)))
    .map((path) => ({ path, at: "key", message: "expected another name" }));
}

function completed(finding: Finding, raw: unknown): Finding {
  return { ...finding, message: withGot(finding.message, finding.path, raw) };
}

type Locate = (finding: Finding) => Problem;

/** Findings get their place from the file that names most of their path. */
function locator({ sources }: Document, secrets: readonly string[]): Locate {
  const files = sources.flatMap(({ file, parsed }) =>
    "positions" in parsed && parsed.positions !== undefined ? [{ file, positions: parsed.positions }] : []
  );

  function place(
    path: Path,
    at: "key" | "value",
    file?: string,
  ): { file: string; line: number; column: number } {
    const candidates = files.filter((candidate) => file === undefined || candidate.file === file)
      .map(({ file, positions }) => ({ file, ...positions.find(path, at) }))
      .sort((a, b) => b.depth - a.depth);
    const { depth: _, ...best } = candidates[0] ??
      { file: file ?? sources[0]?.file ?? "", line: 0, column: 0, depth: 0 };
    return best;
  }

  return ({ path, message, at, file, place: fixed, other }) => {
    const there = other === undefined ? undefined : place(other.path, "key", other.file);
    const suffix = there === undefined ? "" : ` at ${there.file}:${there.line}:${there.column}`;
    return {
      ...place(path, at ?? "value", file),
      ...fixed,
      path: formatPath(path),
      message: scrub(message, secrets) + suffix,
    };
  };
}

/** Findings and syntax faults in the order of the files and their lines. */
function problems(document: Document, findings: readonly Finding[], locate: Locate): Problem[] {
  const faults = document.sources.flatMap(({ file, parsed }) =>
    "fault" in parsed ? [{ file, path: "", ...parsed.fault }] : []
  );
  return inOrder(document, [...faults, ...findings.map(locate)]);
}

function inOrder({ sources }: Document, problems: readonly Problem[]): Problem[] {
  const order = sources.map(({ file }) => file);
  return problems.toSorted((a, b) =>
    order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column
  );
}
