/** process: enough processes of a name or command line are alive; a death is learnt from a pidfd at once. */
import * as z from "zod";
import {
  type CheckContext,
  defineCheck,
  duration,
  fail,
  type Host,
  type Process,
  type ProcessFilter,
  regex,
} from "./check.ts";
import { formatMs } from "./deadline.ts";
import { containersOption, followProcesses } from "./follow.ts";

const options = z.strictObject({
  process: z.string().min(1).optional()
    .describe("Name of the process as in /proc/PID/comm (the first 15 bytes count)"),
  match: regex.optional().describe("Regular expression that the full command line must match"),
  containers: containersOption,
  minimum: z.int().min(1).default(1).describe("Processes that must be alive"),
  maximum: z.int().min(1).optional().describe("More processes than this fail the check"),
  fork_delay: duration.prefault("0s").describe("So long must enough of them be alive before they count"),
  terminate_delay: duration.prefault("0s").describe(
    "So long must too few of them be alive before that counts",
  ),
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
  watch: ({ host }, options, signal, report) => {
    let timer: number | undefined;
    const settled = (isEnough: boolean | undefined): void => {
      clearTimeout(timer);
      const { passes, leftMs } = settle(options, isEnough === true);
      report(passes);
      if (leftMs > 0) timer = setTimeout(() => settled(isEnough), leftMs);
    };
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    return followProcesses(host, () => find(host, options), options.minimum, settled, signal);
  },
});

function probe({ host }: CheckContext, options: Options): string {
  const { length } = find(host, options);
  const { minimum, maximum = Infinity } = options;
  const tooFew = `${length} of at least ${minimum} ${plural(minimum)} alive`;
  const isFine = length >= minimum && length <= maximum;
  const note = isFine
    ? `${length} ${plural(length)} alive`
    : length < minimum
    ? tooFew
    : `${length} processes alive, at most ${maximum} allowed`;
  const { passes, leftMs } = settle(options, isFine);
  const reason = leftMs > 0 ? `${note}, which counts in ${formatMs(leftMs)}` : note;
  return passes ? reason : fail(reason);
}

/** What was seen last and since when, and what counts. */
interface Settling {
  readonly seen: boolean;
  readonly sinceMs: number;
  readonly passes: boolean;
}

const settlings = new WeakMap<Options, Settling>();

/** What counts by now, and when what is seen will; the first look counts at once. */
function settle(options: Options, seen: boolean): { passes: boolean; leftMs: number } {
  const nowMs = performance.now();
  const before = settlings.get(options) ?? { seen, sinceMs: nowMs, passes: seen };
  const sinceMs = before.seen === seen ? before.sinceMs : nowMs;
  const delayMs = seen ? options.fork_delay : options.terminate_delay;
  const leftMs = seen === before.passes ? 0 : Math.max(0, sinceMs + delayMs - nowMs);
  const passes = leftMs > 0 ? before.passes : seen;
  settlings.set(options, { seen, sinceMs, passes });
  return { passes, leftMs };
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
