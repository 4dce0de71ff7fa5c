/**
 * Brings the advertisements of many virtual routers into step: each comes a little sooner, until all of equal
 * interval go out together. One wake-up then serves them all, here and at their backups. PURE.
 */
import type { Active, VirtualRouter } from "./state.ts";
import { intervalMs } from "./timers.ts";

/** An advertisement may come so much sooner than its interval says; never later. */
const SLACK = 1 / 100;
/** At most so many of an interface are in step, by VRID; the next ones follow a part of an interval later. */
const ROUTERS_IN_STEP = 64;
const STEPS = 256 / ROUTERS_IN_STEP;
/** Of an interval: what a double cannot hold. */
const ROUNDING = 1e-6;

/**
 * The state after an advertisement, with the next one up to a hundredth of the interval nearer to the common
 * moments: the multiples of the interval on the clock of `adverAtMs`. The lease is renewed with one of the
 * advertisements, too.
 */
export function inStep({ vrid, advertisementInterval }: VirtualRouter, state: Active): Active {
  const everyMs = intervalMs(advertisementInterval);
  const offsetMs = Math.floor(vrid / ROUTERS_IN_STEP) * everyMs / STEPS;
  const adverAtMs = Math.max(
    lastBefore(state.adverAtMs, everyMs, offsetMs),
    state.adverAtMs - everyMs * SLACK,
  );
  const renewAtMs = lastBefore(state.renewAtMs, everyMs, adverAtMs);
  return { ...state, adverAtMs, renewAtMs: renewAtMs > state.sentAtMs ? renewAtMs : state.renewAtMs };
}

/** The last of the moments `everyMs` apart, one of which is `offsetMs`, that is not after `atMs`. */
function lastBefore(atMs: number, everyMs: number, offsetMs: number): number {
  if (atMs === Infinity) return atMs;
  return Math.floor((atMs - offsetMs) / everyMs + ROUNDING) * everyMs + offsetMs;
}
