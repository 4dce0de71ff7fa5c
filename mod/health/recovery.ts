/** Recovery: one try to bring back what a check watches, before the check fails. */
import { describe, type Host, type RunAs } from "../../checks/check.ts";
import { formatMs, sleep, within } from "../../checks/deadline.ts";
import { describeEnd } from "../../checks/exec.ts";

/** What one look said. */
export interface Result {
  /** Undefined: nothing can be said yet. */
  readonly passed: boolean | undefined;
  readonly reason: string;
  /** See `Pass`. */
  readonly weight?: number;
  /** See `Pass`. */
  readonly factor?: number;
}

export interface Recovery {
  readonly argv: readonly string[];
  readonly runAs: RunAs;
  /** For the command and for what it started to show. */
  readonly timeoutMs: number;
  readonly host: Host;
  /** One attempt of the check. */
  look(): Promise<Result>;
}

/** What became of a recovery; the output is the end of what the command wrote. */
export interface Recovered {
  readonly result: Result;
  readonly helped: boolean;
  readonly exitCode: number | null;
  readonly output: string;
  /** What kept the command from succeeding; null when nothing did. */
  readonly problem: string | null;
}

const lookAgainMs = 100;
const outputLimit = 1000;

/**
 * Runs the command and looks until the check passes or the time is over; just once more when the command
 * fails.
 */
export async function recover(recovery: Recovery, signal: AbortSignal): Promise<Recovered> {
  const endMs = performance.now() + recovery.timeoutMs;
  const run = await runRecovery(recovery, signal);
  for (;;) {
    const result = await recovery.look();
    if (result.passed === true) return { ...run, result, helped: true };
    if (run.problem !== null || performance.now() >= endMs || signal.aborted) {
      const program = recovery.argv[0] ?? "";
      const why = run.problem === null ? "" : `: ${run.problem}`;
      const reason = `${result.reason}; ${program} did not help${why}`;
      return { ...run, result: { passed: false, reason }, helped: false };
    }
    await sleep(lookAgainMs, signal);
  }
}

async function runRecovery(
  { argv, runAs, timeoutMs, host }: Recovery,
  signal: AbortSignal,
): Promise<Omit<Recovered, "result" | "helped">> {
  try {
    const late = `not done within ${formatMs(timeoutMs)}`;
    const result = await within(timeoutMs, late, signal, (limit) => host.run({ argv, ...runAs }, limit));
    const output = result.output.trim().slice(-outputLimit);
    return { exitCode: result.code, output, problem: result.code === 0 ? null : describeEnd(result) };
  } catch (error) {
    return { exitCode: null, output: "", problem: describe(error) };
  }
}
