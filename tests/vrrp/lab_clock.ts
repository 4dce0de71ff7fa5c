/**
 * The clock of an engine that a test turns by hand. Time passes as it really does, but no further than the
 * test meant to wait: a machine that is busy with something else, or stands still, makes nothing late.
 */
import { monotonicMs } from "../../ffi/clock.ts";

/** What may pass between two looks at the clock. */
const WORK_MS = 0.5;

export class LabClock {
  #seenMs = monotonicMs();
  #nowMs = this.#seenMs;

  readonly now = (): number => this.#pass(WORK_MS);

  /** Something was waited for, so long at most. */
  waited(ms: number): void {
    this.#pass(ms + WORK_MS);
  }

  /** Stands still, on purpose. */
  stall(ms: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    this.#pass(ms);
  }

  #pass(limitMs: number): number {
    const realMs = monotonicMs();
    this.#nowMs += Math.min(realMs - this.#seenMs, limitMs);
    this.#seenMs = realMs;
    return this.#nowMs;
  }
}
