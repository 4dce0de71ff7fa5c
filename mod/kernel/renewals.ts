/**
 * Lease renewals, which nobody waits for: the kernel changes addresses under a lock of its whole network
 * configuration, and while somebody else holds it (a container host that takes a namespace down, for one) no
 * advertisement may be late. One batch is under way at a time.
 */
import type { NetlinkPost, NetlinkRequest } from "../../ffi/netlink.ts";

/** A batch that has no answer after so long has none any more. */
const ABANDON_MS = 10_000;
/** While a batch is under way and others wait, its answers are looked for so often. */
const LOOK_MS = 20;
/** Who removes addresses waits so long for the answers: the removal itself needs the same lock. */
const SETTLE_MS = 2_000;

export class Renewals<Owner> {
  readonly #due = new Map<Owner, readonly NetlinkRequest[]>();
  /** The owner of each request. */
  #underWay: readonly Owner[] = [];
  #sinceMs = 0;
  #lookedMs = 0;

  /** `refused` hears what the kernel did not renew, and why. */
  constructor(
    readonly netlink: NetlinkPost,
    readonly refused: (owner: Owner, problem: string, nowMs: number) => void,
  ) {}

  /** When `turn` has something to do although nothing has happened; Infinity when nothing waits. */
  get deadlineMs(): number {
    return this.#due.size > 0 ? this.#lookedMs + LOOK_MS : Infinity;
  }

  /** For the next batch; replaces what the owner has there. */
  add(owner: Owner, requests: readonly NetlinkRequest[]): void {
    if (requests.length > 0) this.#due.set(owner, requests);
  }

  /** Reads what has been answered and sends what is due. Waits for nothing. */
  turn(nowMs: number): void {
    if (this.#due.size === 0) return;
    this.#lookedMs = nowMs;
    if (this.#underWay.length > 0) {
      const isLost = nowMs - this.#sinceMs >= ABANDON_MS;
      this.#finish(isLost ? this.netlink.abandon() : this.netlink.collect(0), nowMs);
      if (this.#underWay.length > 0) return;
    }
    const batch = [...this.#due].flatMap(([owner, requests]) =>
      requests.map((request) => ({ owner, request }))
    );
    this.#due.clear();
    this.#underWay = batch.map(({ owner }) => owner);
    this.#sinceMs = nowMs;
    this.netlink.post(batch.map(({ request }) => request));
  }

  /** Before addresses of the owner are removed: a renewal that comes after that would bring them back. */
  settle(owner: Owner, nowMs: number): void {
    this.#due.delete(owner);
    if (this.#underWay.includes(owner)) this.#finish(this.netlink.collect(SETTLE_MS), nowMs);
  }

  /** Before this process may end: what is due has reached the kernel when this returns. */
  complete(nowMs: number): void {
    if (this.#underWay.length > 0) this.#finish(this.netlink.collect(SETTLE_MS), nowMs);
    this.turn(nowMs);
    if (this.#underWay.length > 0) this.#finish(this.netlink.collect(SETTLE_MS), nowMs);
  }

  #finish(errors: readonly (Error | null)[] | null, nowMs: number): void {
    if (errors === null) return;
    const owners = this.#underWay;
    this.#underWay = [];
    for (const [i, error] of errors.entries()) {
      if (error !== null) this.refused(owners[i]!, error.message, nowMs);
    }
  }
}
