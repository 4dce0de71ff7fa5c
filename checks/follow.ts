/** Follows processes: a death is pushed by the host, a birth is found by polling while there are too few. */
import * as z from "zod";
import type { Host, Process, Report } from "./check.ts";
import { sleep } from "./deadline.ts";

export const containersOption = z.boolean().default(false)
  .describe("Look at the processes of containers too (pid namespaces below vipd's own)");

const shortestPollMs = 100;
const longestPollMs = 1000;
/**
 * Polling takes at most one part in this many of the time, unless it would become slower than
 * `longestPollMs`.
 */
const pollShare = 50;
const followedAtMost = 64;

/**
 * Reports whether `find` returns `enough` processes, whenever one of them ends or is born. Runs until the
 * abort.
 */
export async function followProcesses(
  host: Host,
  find: () => readonly Process[],
  enough: number,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  let costMs = Infinity;
  while (!signal.aborted) {
    const startMs = performance.now();
    const found = find();
    const isEnough = found.length >= enough;
    // The cheapest look so far: in the others this process had to wait for a CPU.
    costMs = Math.min(costMs, performance.now() - startMs);
    report(isEnough);
    const pauseMs = Math.min(longestPollMs, Math.max(shortestPollMs, pollShare * costMs));
    await oneEnds(host, found, isEnough ? Infinity : pauseMs, signal);
  }
}

/** Resolves when one of the processes has ended, at the abort, or after `ms`. */
async function oneEnds(
  host: Host,
  processes: readonly Process[],
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const stop = (): void => done.abort();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const waits = processes.slice(0, followedAtMost).map((process) => host.processExit(process, done.signal));
  if (ms !== Infinity) waits.push(sleep(ms, done.signal));
  try {
    await Promise.race(waits);
  } finally {
    done.abort();
    signal.removeEventListener("abort", stop);
    await Promise.all(waits);
  }
}
