/** exec: runs a program of the operator's; exit code 0 passes. */
import * as z from "zod";
import { type CheckContext, type CommandResult, defineCheck, fail } from "./check.ts";
import { inspectCommand } from "./command.ts";

const program = z.string({ error: "expected a program" }).min(1, { error: "expected a program" });

const options = z.strictObject({
  command: z.tuple([program], z.string())
    .describe('Program and arguments, such as ["/etc/vipd/check_app.sh", "--quick"]'),
});
type Options = z.output<typeof options>;

export const exec = defineCheck({
  type: "exec",
  summary:
    "Passes when the program exits with 0; never runs a shell, and refuses a program that others could change.",
  options,
  commands: ["command"],
  probe,
});

async function probe(context: CheckContext, { command }: Options, signal: AbortSignal): Promise<string> {
  const problem = inspectCommand(command[0]);
  if (problem !== undefined) return fail(`not run: ${problem}`);
  const result = await runAs(context, command, signal);
  return result.code === 0 ? lastLine(result) : fail(describeEnd(result));
}

/** Runs argv as the check's user. */
export function runAs(
  { host, user }: Pick<CheckContext, "host" | "user">,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<CommandResult> {
  return host.run(user === undefined ? { argv } : { argv, user }, signal);
}

/** "exit code 2: disk full": how a command failed, with the last line that it wrote. */
export function describeEnd(result: CommandResult): string {
  const end = result.signal === null ? `exit code ${result.code}` : `ended by ${result.signal}`;
  const line = lastLine(result);
  return line === "" ? end : `${end}: ${line}`;
}

function lastLine({ output }: CommandResult): string {
  return output.trimEnd().split("\n").at(-1)?.trim().slice(0, 200) ?? "";
}
