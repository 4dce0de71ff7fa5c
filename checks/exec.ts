/** exec: runs a program of the operator's; exit code 0 passes. */
import * as z from "zod";
import { type CheckContext, type CommandResult, defineCheck, fail, type Pass } from "./check.ts";

const program = z.string({ error: "expected a program" }).min(1, { error: "expected a program" });

const options = z.strictObject({
  command: z.tuple([program], z.string())
    .describe('Program and arguments, such as ["/etc/vipd/check_app.sh", "--quick"]'),
  weight_from_exit: z.boolean().default(false).describe(
    "Of a real server: exit codes 2 to 255 pass too, and set its weight to the code less 2; 0 sets the " +
      "configured one",
  ),
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

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string | Pass> {
  const { command, weight_from_exit } = options;
  const result = await runAs(context, command, signal);
  if (result.code === 0) return lastLine(result);
  if (!weight_from_exit || result.code === null || result.code < 2) return fail(describeEnd(result));
  return { note: describeEnd(result), weight: result.code - 2 };
}

/** Runs argv as the check's user. */
export function runAs(
  { host, runAs }: Pick<CheckContext, "host" | "runAs">,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<CommandResult> {
  return host.run({ argv, ...runAs }, signal);
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
