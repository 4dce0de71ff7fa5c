/** `vipd help`: the subcommands, or all about one of them, from the table. */
import { didYouMean } from "../config/suggest.ts";
import { UsageError } from "../errors.ts";
import { type Command, COMMANDS, findCommand } from "./commands.ts";
import type { Io } from "./io.ts";

/** `help [COMMAND]`; exit code 0, or UsageError for an unknown name. */
export function help(args: string[], io: Io): Promise<number> {
  const [name] = args;
  const command = name === undefined ? null : findCommand(name);
  if (command === undefined) {
    throw new UsageError(
      `Unknown command "${name}"${didYouMean(name ?? "", COMMANDS.map((entry) => entry.name))}`,
    );
  }
  io.out(command === null ? overview() : commandHelp(command));
  return Promise.resolve(0);
}

/** `vipd help` */
export function overview(): string {
  return [
    "vipd keeps a virtual IP on a healthy host: VRRP failover, health checks, status API.",
    "",
    "Usage: vipd [run] --config FILE",
    "       vipd COMMAND [OPTION]...",
    "",
    ...columns(COMMANDS.map(({ name, summary }) => [name, summary])),
    "",
    "`vipd help COMMAND` or `vipd COMMAND --help` says more.",
    "Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration.",
  ].join("\n");
}

/** `vipd help status` */
export function commandHelp({ name, summary, usage, description, options, examples = [] }: Command): string {
  return [
    `vipd ${name}: ${summary}`,
    "",
    `Usage: ${usage}`,
    ...(description === undefined ? [] : ["", description]),
    "",
    ...columns(options),
    ...(examples.length === 0 ? [] : ["", "Examples:", ...examples.map((example) => `  ${example}`)]),
  ].join("\n");
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
