/** process: enough processes of a name or command line are alive; a death is learnt from a pidfd at once. */
import * as z from "zod";
import {
  type CheckContext,
  defineCheck,
  fail,
  type Host,
  type Process,
  type ProcessFilter,
  regex,
} from "./check.ts";
import { containersOption, followProcesses } from "./follow.ts";

const options = z.strictObject({
  process: z.string().min(1).optional()
    .describe("Name of the process as in /proc/PID/comm (the first 15 bytes count)"),
  match: regex.optional().describe("Regular expression that the full command line must match"),
  containers: containersOption,
  minimum: z.int().min(1).default(1).describe("Processes that must be alive"),
  maximum: z.int().min(1).optional().describe("More processes than this fail the check"),
}).refine(({ process, match }) => process !== undefined || match !== undefined, {
  error: "give process, match or both",
  path: ["process"],
}).refine(({ minimum, maximum }) => maximum === undefined || maximum >= minimum, {
  error: "maximum is smaller than minimum",
  path: ["maximum"],
});
type Options = z.output<typeof options>;

export const process = defineCheck({
  type: "process",
  summary: "Passes while enough processes of a name or command line are alive; a death is seen at once.",
  options,
  probe,
  watch: ({ host }, options, signal, report) =>
    followProcesses(host, () => find(host, options), options.minimum, report, signal),
});

function probe({ host }: CheckContext, options: Options): string {
  const { length } = find(host, options);
  const { minimum, maximum } = options;
  if (length < minimum) return fail(`${length} of at least ${minimum} ${plural(minimum)} alive`);
  if (maximum !== undefined && length > maximum) {
    return fail(`${length} processes alive, at most ${maximum} allowed`);
  }
  return `${length} ${plural(length)} alive`;
}

function find(host: Host, { process, match, containers }: Options): Process[] {
  const filter: ProcessFilter = {
    containers,
    ...(process === undefined ? {} : { comm: process }),
    ...(match === undefined ? {} : { commandLine: (line: string) => match.test(line) }),
  };
  return host.processes(filter);
}

function plural(count: number): string {
  return count === 1 ? "process" : "processes";
}
