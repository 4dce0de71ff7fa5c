/**
 * A queue of messages to somebody who may not be there: one at a time, in order, tried again ever more
 * slowly, and never more than a bounded number of them.
 */
import { sleep } from "../../checks/deadline.ts";
import { describe } from "../../checks/check.ts";
import { type Backoff, backoffMs } from "./backoff.ts";

/** An attempt has failed for good: trying again would be of no use. */
export class Undeliverable extends Error {}

/** An attempt has failed, and the receiver says when to try again. */
export class TryLater extends Error {
  constructor(message: string, readonly waitMs: number) {
    super(message);
  }
}

export interface DeliveryOptions<T> {
  /** What waits; the oldest is dropped when there is one more. */
  readonly capacity: number;
  readonly attempts: number;
  readonly backoff: Backoff;
  /** Takes what goes together from the front of what waits, at least one. */
  take(waiting: T[]): T[] | Promise<T[]>;
  /** Rejects when it did not work. */
  deliver(batch: readonly T[], signal: AbortSignal): Promise<void>;
  dropped(item: T): void;
  failed(problem: string, isFinal: boolean): void;
  random(): number;
}

export interface DeliveryCounts {
  readonly queued: number;
  readonly delivered: number;
  readonly failed: number;
  readonly dropped: number;
  readonly last_problem: string | null;
}

/** A receiver must not hold up everything behind it for longer. */
const MAX_WAIT_MS = 300_000;

export class Deliveries<T> {
  readonly #options: DeliveryOptions<T>;
  readonly #waiting: T[] = [];
  /** Waits are cut short by the first, attempts by the second. */
  readonly #hurry = new AbortController();
  readonly #end = new AbortController();
  #batch: readonly T[] = [];
  #work: Promise<void> | null = null;
  #delivered = 0;
  #failed = 0;
  #dropped = 0;
  #problem: string | null = null;
  #isSuspended = false;

  constructor(options: DeliveryOptions<T>) {
    this.#options = options;
  }

  push(item: T): void {
    this.#waiting.push(item);
    if (this.#waiting.length > this.#options.capacity) {
      this.#dropped++;
      this.#options.dropped(this.#waiting.shift()!);
    }
    this.#start();
  }

  /** Aborts when everything shall come to its end soon. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  counts(): DeliveryCounts {
    return {
      queued: this.#waiting.length + this.#batch.length,
      delivered: this.#delivered,
      failed: this.#failed,
      dropped: this.#dropped,
      last_problem: this.#problem,
    };
  }

  /** Everything is tried once more; what is not delivered within this time is lost. */
  async stop(limitMs: number): Promise<void> {
    this.#hurry.abort();
    const timer = setTimeout(() => this.#end.abort(new Error("vipd stops")), limitMs);
    await this.#work;
    clearTimeout(timer);
  }

  /** Ends what is under way for good: what is not delivered, and what comes from now on, is in `waiting`. */
  async suspend(): Promise<void> {
    this.#isSuspended = true;
    this.#hurry.abort();
    this.#end.abort(new Error("vipd is upgraded"));
    await this.#work;
  }

  get waiting(): readonly T[] {
    return this.#waiting;
  }

  #start(): void {
    if (this.#work !== null || this.#isSuspended) return;
    this.#work = this.#run();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#end.signal.aborted) {
      this.#batch = await this.#options.take(this.#waiting);
      const isDone = await this.#deliver(this.#batch);
      if (!isDone && this.#isSuspended) this.#waiting.unshift(...this.#batch);
      this.#batch = [];
    }
    // In this very turn: what comes in the next one must not wait for a worker that has gone.
    this.#work = null;
  }

  /** False: it was not decided before the end. */
  async #deliver(batch: readonly T[]): Promise<boolean> {
    const { attempts, backoff, deliver, failed, random } = this.#options;
    for (let attempt = 1;; attempt++) {
      try {
        await deliver(batch, this.#end.signal);
        this.#delivered += batch.length;
        this.#problem = null;
        return true;
      } catch (error) {
        if (this.#isSuspended) return false;
        const isFinal = error instanceof Undeliverable || attempt >= attempts || this.#hurry.signal.aborted;
        this.#problem = describe(error);
        failed(this.#problem, isFinal);
        if (isFinal) {
          this.#failed += batch.length;
          return true;
        }
        const waitMs = error instanceof TryLater
          ? Math.min(MAX_WAIT_MS, error.waitMs)
          : backoffMs(backoff, attempt, random());
        await sleep(waitMs, this.#hurry.signal);
      }
    }
  }
}
