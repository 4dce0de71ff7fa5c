/**
 * Advertisements on their way out. Those that are due at the same moment leave together, with one call for
 * each socket.
 */
import { type Prepared, SenderBatch } from "../../ffi/sender_batch.ts";
import type { Instance } from "./instance.ts";

/** So many datagrams leave with one call. */
const BATCH = 32;

export interface OutboxEvents {
  /** The kernel has taken the advertisement for at least one of its destinations. */
  sent(instance: Instance, priority: number): void;
  /** It has refused it for one of them. */
  refused(instance: Instance, errno: number): void;
}

/** One place of the batch: whose datagram is there. */
interface Entry {
  instance: Instance | null;
  priority: number;
  /** It is the last of its advertisement. */
  isLast: boolean;
}

export class Outbox {
  readonly #batch: SenderBatch;
  readonly #entries: readonly Entry[];
  /** The socket that all of the batch is for. */
  #fd = -1;
  /** Some datagram of the advertisement that is being counted went out. */
  #isOut = false;

  constructor(readonly events: OutboxEvents, batch: SenderBatch = new SenderBatch(BATCH)) {
    this.#batch = batch;
    this.#entries = Array.from(
      { length: batch.capacity },
      (): Entry => ({ instance: null, priority: 0, isLast: false }),
    );
  }

  /**
   * `copies`: the advertisement for each of its destinations. They wait until `flush`, or until there is no
   * room left.
   */
  post(instance: Instance, priority: number, fd: number, copies: readonly Prepared[]): void {
    if (fd !== this.#fd) this.flush();
    this.#fd = fd;
    for (let i = 0; i < copies.length; i++) {
      if (this.#batch.count === this.#batch.capacity) this.flush();
      const entry = this.#entries[this.#batch.count]!;
      entry.instance = instance;
      entry.priority = priority;
      entry.isLast = i === copies.length - 1;
      this.#batch.add(copies[i]!);
    }
  }

  /** What waits goes out, in order. To be called before a socket that something waits for is closed. */
  flush(): void {
    const { count } = this.#batch;
    if (count === 0) return;
    const results = this.#batch.send(this.#fd);
    for (let i = 0; i < count; i++) {
      const { instance, priority, isLast } = this.#entries[i]!;
      if (results[i]! >= 0) this.#isOut = true;
      else this.events.refused(instance!, -results[i]!);
      if (!isLast) continue;
      if (this.#isOut) this.events.sent(instance!, priority);
      this.#isOut = false;
    }
  }
}
