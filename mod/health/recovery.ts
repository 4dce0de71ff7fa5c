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

const lookAgainMs = 100;

/**
 * Runs the command and looks until the check passes or the time is over; just once more when the command
 * fails.
 */
export async function recover(recovery: Recovery, signal: AbortSignal): Promise<Result> {
  const endMs = performance.now() + recovery.timeoutMs;
  const problem = await runRecovery(recovery, signal);
  for (;;) {
    const result = await recovery.look();
    if (result.passed === true) return result;
    if (problem !== undefined || performance.now() >= endMs || signal.aborted) {
      const program = recovery.argv[0] ?? "";
      return { passed: false, reason: `${result.reason}; ${program} did not help${problem ?? ""}` };
    }
    await sleep(lookAgainMs, signal);
  }
}

/** What kept the command from succeeding, if anything. */
async function runRecovery(
  { argv, runAs, timeoutMs, host }: Recovery,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const late = `not done within ${formatMs(timeoutMs)}`;
    const result = await within(timeoutMs, late, signal, (limit) => host.run({ argv, ...runAs }, limit));
    return result.code === 0 ? undefined : `: ${describeEnd(result)}`;
  } catch (error) {
    return `: ${describe(error)}`;
  }
}
