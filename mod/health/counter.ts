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

/** Recoveries in a row and when the last began; forgotten after a long time without one. */
export interface RecoveryHistory {
  readonly inARow: number;
  readonly lastMs: number;
}

const firstPauseMs = 10_000;
const longestPauseMs = 300_000;

/**
 * The history with one more recovery, or undefined when it is too soon: 10 s after the first, twice as long
 * after each further one up to 5 min, so that a service that dies again and again fails instead of being
 * restarted for ever.
 */
export function nextRecovery(
  history: RecoveryHistory | undefined,
  nowMs: number,
): RecoveryHistory | undefined {
  if (history === undefined) return { inARow: 1, lastMs: nowMs };
  const elapsedMs = nowMs - history.lastMs;
  if (elapsedMs >= 2 * longestPauseMs) return { inARow: 1, lastMs: nowMs };
  const pauseMs = Math.min(firstPauseMs * 2 ** (history.inARow - 1), longestPauseMs);
  return elapsedMs < pauseMs ? undefined : { inARow: history.inARow + 1, lastMs: nowMs };
}
