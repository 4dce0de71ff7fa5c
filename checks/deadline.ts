/** Limits in time: work that an abort or a deadline ends, and a sleep that an abort cuts short. */
import { CheckFailed } from "./check.ts";

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
  const endTimer = startTimer(ms, () => limit.abort(new CheckFailed(reason)));
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

/**
 * Calls `expire` after `ms`; returns what ends the timer. When the timer comes late, this process has been
 * held up and has not read what came in time: it gets as much time as it lost, and at least one turn of the
 * event loop, to do so.
 */
function startTimer(ms: number, expire: () => void): () => void {
  const dueMs = performance.now() + ms;
  let timer = setTimeout(() => {
    const lateMs = performance.now() - dueMs;
    timer = setTimeout(expire, Math.min(ms, Math.max(1, lateMs)));
  }, ms);
  return () => clearTimeout(timer);
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
