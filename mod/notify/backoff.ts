/** How long to wait before something that has failed is tried again. PURE. */

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** A quarter more or less, so that many who failed together do not come back together. */
const JITTER = 0.25;

/** After so many failures in a row, 1 or more; `random` is 0..1. */
export function backoffMs({ firstMs, maxMs }: Backoff, failures: number, random: number): number {
  const waitMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(waitMs * (1 - JITTER + 2 * JITTER * random));
}
