/**
 * CLOCK_MONOTONIC in milliseconds: one clock for every thread, the kernel's timers and its timestamps; and
 * whether anybody keeps the time of day right.
 */

import { libc } from "./libc.ts";
import { i64, struct } from "./struct.ts";

/** struct timespec, clock_gettime(3) */
export const timespec = struct({ tv_sec: i64, tv_nsec: i64 });

export const CLOCK_MONOTONIC = 1;
/** The answer of adjtimex(2) while nobody keeps the clock synchronised. */
const TIME_ERROR = 5;
/** struct timex, and room for what later kernels may add. */
const TIMEX_BYTES = 256;

const now = new Uint32Array(timespec.size / 4);
const nowBytes = new Uint8Array(now.buffer);

/**
 * Milliseconds since boot (without suspend), fractional to the nanosecond as far as a double holds it. Same
 * value on every thread, unlike `performance.now()`, which counts from the start of each worker. The low
 * words are enough: 136 years.
 */
export function monotonicMs(): number {
  libc().clock_gettime(CLOCK_MONOTONIC, nowBytes);
  return (now[0] ?? 0) * 1000 + (now[2] ?? 0) / 1e6;
}

/** Whether the clock is kept synchronised, by whatever program; null when the kernel does not say. */
export function clockSynchronised(): boolean | null {
  // All zero asks, and sets nothing.
  const state = libc().adjtimex(new Uint8Array(TIMEX_BYTES));
  return state < 0 ? null : state !== TIME_ERROR;
}
