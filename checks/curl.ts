/** curl: runs the host's curl with the flags of the configuration. */
import * as z from "zod";
import { type CheckContext, defineCheck, fail } from "./check.ts";
import { describeEnd, runAs } from "./exec.ts";

const options = z.strictObject({
  args: z.array(z.string()).min(1)
    .describe('Arguments for curl, such as ["-sfL", "--connect-timeout", "3", "http://localhost/"]'),
});
type Options = z.output<typeof options>;

export const curl = defineCheck({
  type: "curl",
  summary: "Passes when the host's curl, run with these arguments, exits with 0.",
  options,
  programs: ["curl"],
  probe,
});

async function probe(context: CheckContext, { args }: Options, signal: AbortSignal): Promise<void> {
  const result = await runAs(context, ["curl", ...quiet(args), ...args], signal);
  if (result.code !== 0) fail(describeEnd(result));
}

/** Keeps the page, which is of no use and may be long, from hiding the message of a failure. */
function quiet(args: readonly string[]): string[] {
  const hasOutput = args.some((arg) => /^(-[a-zA-Z]*[oO]|--output|--remote-name)/.test(arg));
  return hasOutput ? ["--show-error"] : ["--show-error", "--output", "/dev/null"];
}
