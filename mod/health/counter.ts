/** Rise and fall: turns single results of a check into its state. PURE. */
import type { CheckState } from "../snapshot.ts";

/** Consecutive results needed: `rise` passes for up, `fall` failures for down. */
export interface Thresholds {
  readonly rise: number;
  readonly fall: number;
}

/** A check's state and how many results in a row speak against it; the other kind resets them. */
export interface Counter {
  readonly state: CheckState;
  /** Consecutive passes while not up. */
  readonly passes: number;
  /** Consecutive failures while not down. */
  readonly failures: number;
}

/** A counter that has seen nothing. `unknown` leaves it to the first `rise` passes or `fall` failures. */
export function startCounter(state: CheckState): Counter {
  return { state, passes: 0, failures: 0 };
}

/** Counts one result. The first result decides alone only where its threshold is 1. */
export function count(counter: Counter, passed: boolean, thresholds: Thresholds): Counter {
  return passed ? countPass(counter, thresholds.rise) : countFailure(counter, thresholds.fall);
}

function countPass({ state, passes }: Counter, rise: number): Counter {
  if (state === "up" || passes + 1 >= rise) return startCounter("up");
  return { state, passes: passes + 1, failures: 0 };
}

function countFailure({ state, failures }: Counter, fall: number): Counter {
  if (state === "down" || failures + 1 >= fall) return startCounter("down");
  return { state, passes: 0, failures: failures + 1 };
}

/** Recoveries in a row, and when those of the last hour began; forgotten after a long time without one. */
export interface RecoveryHistory {
  readonly inARow: number;
  /** The last one is the last. */
  readonly startsMs: readonly number[];
}

/** The history with one more recovery, or why there is none. */
export type NextRecovery =
  | { readonly kind: "run"; readonly history: RecoveryHistory }
  | { readonly kind: "refused"; readonly reason: string };

const firstPauseMs = 10_000;
const longestPauseMs = 300_000;
const hourMs = 3_600_000;

/**
 * Whether there may be one more recovery: not sooner than 10 s after the first, twice as long after each
 * further one up to 5 min, and never more than `limit` in an hour, so that a service that dies again and
 * again fails instead of being restarted for ever.
 */
export function nextRecovery(
  history: RecoveryHistory | undefined,
  limit: number,
  nowMs: number,
): NextRecovery {
  const startsMs = (history?.startsMs ?? []).filter((startMs) => nowMs - startMs < hourMs);
  if (startsMs.length >= limit) {
    const times = limit === 1 ? "once" : `${limit} times`;
    return { kind: "refused", reason: `recovered ${times} within an hour, which is all that is tried` };
  }
  const elapsedMs = nowMs - (startsMs.at(-1) ?? -Infinity);
  const inARow = history === undefined || elapsedMs >= 2 * longestPauseMs ? 0 : history.inARow;
  const pauseMs = inARow === 0 ? 0 : Math.min(firstPauseMs * 2 ** (inARow - 1), longestPauseMs);
  if (elapsedMs < pauseMs) return { kind: "refused", reason: "recovered too recently to try again" };
  return { kind: "run", history: { inARow: inARow + 1, startsMs: [...startsMs, nowMs] } };
}
