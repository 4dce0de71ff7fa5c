/**
 * The command line: finds the subcommand in the table, loads it and turns its refusals into messages and exit
 * codes.
 */
import { didYouMean } from "../config/suggest.ts";
import { ConfigError, formatProblem, UsageError } from "../errors.ts";
import { type Command, COMMANDS, findCommand } from "./commands.ts";
import { commandHelp, overview } from "./help.ts";
import type { Hooks } from "./hooks.ts";
import type { Io } from "./io.ts";

export type { Hooks, Signals } from "./hooks.ts";

/** Options that stand for a subcommand when they come first. */
const ALIASES: Readonly<Record<string, string>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-V": "version",
};

/**
 * Runs `vipd ARGS...`; resolves with the exit code: 0 fine, 1 failed, 2 wrong usage or configuration.
 * Anything unexpected rejects: a bug shall crash visibly.
 */
export async function dispatch(args: readonly string[], io: Io, hooks: Hooks): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    io.err(overview());
    return 2;
  }
  const alias = ALIASES[first];
  // `vipd --config FILE` is `vipd run --config FILE`.
  const [name, own] = alias !== undefined
    ? [alias, rest]
    : first.startsWith("-")
    ? ["run", [...args]]
    : [first, rest];
  const command = findCommand(name);
  if (command === undefined) {
    io.err(
      `vipd: Unknown command "${name}"${
        didYouMean(name, COMMANDS.map((entry) => entry.name))
      }; see "vipd help"`,
    );
    return 2;
  }
  if (asksForHelp(own)) {
    io.out(commandHelp(command));
    return 0;
  }
  return await call(command, own, io, hooks);
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}

async function call(command: Command, args: string[], io: Io, hooks: Hooks): Promise<number> {
  try {
    const run = await command.load();
    return await run(args, io, hooks);
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`vipd ${command.name}: ${error.message}`);
      io.err(`Usage: ${command.usage}`);
      return 2;
    }
    if (error instanceof ConfigError) {
      for (const problem of error.problems) io.err(formatProblem(problem));
      return 2;
    }
    throw error;
  }
}
