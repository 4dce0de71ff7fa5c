/** How late the engine keeps its deadlines: a histogram that costs no allocation to count into. */
import type { Lateness } from "../snapshot.ts";

/** Upper bounds of the buckets, milliseconds; one more holds everything above. */
const BOUNDS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000] as const;

export class LatenessHistogram {
  readonly #counts = new Float64Array(BOUNDS_MS.length + 1);
  #sumMs = 0;

  note(lateMs: number): void {
    let i = 0;
    while (i < BOUNDS_MS.length && lateMs > BOUNDS_MS[i]!) i++;
    this.#counts[i]!++;
    this.#sumMs += lateMs;
  }

  /** Cumulative, as Prometheus wants them. */
  report(): Lateness {
    let count = 0;
    const buckets = BOUNDS_MS.map((le_ms, i) => ({ le_ms, count: count += this.#counts[i]! }));
    return { buckets, count: count + this.#counts[BOUNDS_MS.length]!, sum_ms: this.#sumMs };
  }
}

/** No deadline yet. */
export function noLateness(): Lateness {
  return new LatenessHistogram().report();
}
