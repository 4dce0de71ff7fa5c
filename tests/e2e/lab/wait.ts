/** Waiting for the outside world, always with a limit. */
import { sleep } from "../../../mod/sleep.ts";

export { sleep };

/** Where looking is costly, as in an emulated machine, the environment says how often is often enough. */
const POLL_LEAST_MS = Number(Deno.env.get("VIPD_TESTS_POLL_MS") ?? 0);

/** For what comes soon, on a machine that does other things as well. */
export const PATIENCE_MS = 20_000;
/** For a program to start or to end, in an emulated guest as well. */
export const PROGRAM_MS = 60_000;

/**
 * Polls until the condition returns something truthy and returns that; throws with `what` (and the last
 * error, if the condition threw) when `timeoutMs` have passed.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = PATIENCE_MS,
  pollMs = 20,
): Promise<NonNullable<T>> {
  const startedMs = performance.now();
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() - startedMs > timeoutMs) {
      const why = lastError instanceof Error ? `: ${lastError.message}` : "";
      throw new Error(`Gave up after ${timeoutMs} ms waiting for ${what}${why}`);
    }
    await sleep(Math.max(pollMs, POLL_LEAST_MS));
  }
}
