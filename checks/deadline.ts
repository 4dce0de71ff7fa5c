/** Limits in time: work that an abort or a deadline ends, and a sleep that an abort cuts short. */
import { CheckFailed } from "./check.ts";
import { deadline } from "./timers.ts";

/**
 * Runs `work` with a signal that aborts when `signal` does, and after `ms` with `CheckFailed(reason)`.
 * Once that has happened the result is that abort's reason, whatever `work` threw because of it.
 */
export async function within<T>(
  ms: number,
  reason: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const forward = (): void => limit.abort(signal.reason);
  signal.addEventListener("abort", forward, { once: true });
  const endTimer = deadline(ms, () => limit.abort(new CheckFailed(reason)));
  try {
    return await work(limit.signal);
  } catch (error) {
    limit.signal.throwIfAborted();
    throw error;
  } finally {
    endTimer();
    signal.removeEventListener("abort", forward);
  }
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return Promise.resolve();
  const timer = setTimeout(resolve, ms);
  const cut = (): void => {
    clearTimeout(timer);
    resolve();
  };
  signal.addEventListener("abort", cut, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", cut));
}

/** "200 ms", "3 s": a duration as operators read it. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(3))} s`;
}
