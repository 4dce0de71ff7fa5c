/** The three advertisement settings that everything is measured with, and what the protocol makes of them. */

export interface Timing {
  readonly name: string;
  readonly version: 2 | 3;
  readonly intervalMs: number;
}

export const TIMINGS: readonly Timing[] = [
  { name: "v2, 1 s", version: 2, intervalMs: 1000 },
  { name: "v3, 100 ms", version: 3, intervalMs: 100 },
  { name: "v3, 10 ms", version: 3, intervalMs: 10 },
];

/** IPv6 is version 3 only. */
export const IPV6_TIMINGS: readonly Timing[] = [
  { name: "v3, 1 s", version: 3, intervalMs: 1000 },
  ...TIMINGS.slice(1),
];

/** RFC 9568 §6.1, RFC 3768 §6.1: how long a backup of this priority waits after a resignation. */
export function skewMs({ version, intervalMs }: Timing, priority: number): number {
  return (256 - priority) / 256 * (version === 2 ? 1000 : intervalMs);
}

/** The same: how long it waits after the last advertisement. */
export function activeDownMs(timing: Timing, priority: number): number {
  return 3 * timing.intervalMs + skewMs(timing, priority);
}
