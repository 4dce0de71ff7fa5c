/**
 * A second reading of RFC 9568 §6.4.2, independent of the core: from when and until when a backup has to
 * take over.
 */
import type { ReceivedAdvertisement, VirtualRouter } from "../../mod/vrrp/state.ts";

/** The longest wait for the place of an active router that resigned or fell below. */
const TAKEOVER_MS = 30;

/** Local milliseconds everywhere. */
export class Witness {
  #downFromMs = Infinity;
  #downByMs = Infinity;
  #takeover = false;
  #heard: { readonly source: Uint8Array; readonly priority: number } | null = null;
  /**
   * The active router's interval; right after a conflict it may be the own one or the other's. Centiseconds.
   */
  #shortest = 0;
  #longest = 0;
  #isAdopted = false;
  #preemptAtMs = Infinity;

  /** Becoming active before is too early. */
  get mayFromMs(): number {
    return Math.min(this.#downFromMs, this.#preemptAtMs);
  }

  /** Becoming active after is too late. */
  get mustByMs(): number {
    return Math.min(this.#downByMs, this.#preemptAtMs);
  }

  /** Enters backup; `yielded` when an advertisement made it do so. */
  listen(
    router: VirtualRouter,
    priority: number,
    yielded: ReceivedAdvertisement | null,
    nowMs: number,
  ): void {
    const own = router.advertisementInterval;
    const theirs = yielded === null || router.version === 2 ? own : yielded.maxAdvertiseInterval;
    this.#shortest = Math.min(own, theirs);
    this.#longest = Math.max(own, theirs);
    this.#downFromMs = nowMs + down(router.version, priority, this.#shortest);
    this.#downByMs = nowMs + down(router.version, priority, this.#longest);
    this.#isAdopted = yielded !== null;
    this.#takeover = false;
    this.#preemptAtMs = Infinity;
    this.#heard = yielded;
  }

  hear(router: VirtualRouter, priority: number, heard: ReceivedAdvertisement, nowMs: number): void {
    const before = this.#heard;
    const from = before !== null && before.source === heard.source ? before.priority : 0;
    this.#heard = heard;
    if (heard.priority === 0) return this.#hearResignation(router, priority, from, nowMs);
    const lower = heard.priority < priority;
    if (lower && router.preemptMode && from > heard.priority) return this.#replace(nowMs);
    if (lower && from > 0 && this.#takeover) return;
    if (lower && router.preemptMode && router.preemptDelayMs === 0) return;
    this.#count(router, priority, heard, lower, nowMs);
  }

  /** The router that it takes for the active one says that it has yielded: as if it had resigned. */
  hearReminder(router: VirtualRouter, priority: number, source: Uint8Array, nowMs: number): void {
    const before = this.#heard;
    if (before === null || before.source !== source || before.priority === 0) return;
    this.#heard = { source, priority: 0 };
    this.#hearResignation(router, priority, before.priority, nowMs);
  }

  /** A reload begins a new wait, but knows as well as before how often the active router speaks. */
  reconfigure(router: VirtualRouter, priority: number, nowMs: number): void {
    if (this.#takeover) return;
    const own = router.advertisementInterval;
    if (!this.#isAdopted || router.version === 2) {
      // Who has only ignored lower routers may go on with the interval that it had before.
      this.#shortest = Math.min(this.#longest, own);
      this.#longest = Math.max(this.#longest, own);
    }
    this.#preemptAtMs = Infinity;
    this.#downFromMs = Math.min(this.#downFromMs, nowMs + down(router.version, priority, this.#shortest));
    this.#downByMs = nowMs + down(router.version, priority, Math.max(this.#longest, own));
  }

  /** The skew moves with the priority. */
  shift(router: VirtualRouter, before: number, after: number, nowMs: number): void {
    if (this.#takeover) return;
    const shift = (interval: number): number =>
      skew(router.version, after, interval) - skew(router.version, before, interval);
    const shifts = [shift(this.#shortest), shift(this.#longest)];
    this.#downFromMs += Math.min(...shifts);
    this.#downByMs = Math.max(nowMs, this.#downByMs + Math.max(...shifts));
  }

  /** A pause ends: what was due is handled now. */
  resume(nowMs: number): void {
    this.#downByMs = Math.max(this.#downByMs, nowMs);
    if (this.#preemptAtMs < nowMs) this.#preemptAtMs = nowMs;
  }

  /** From the active router itself: no reason to wait. From somebody else: the skew. */
  #hearResignation(router: VirtualRouter, priority: number, from: number, nowMs: number): void {
    const isActiveRouters = from > 0 && router.handover.enabled;
    if (isActiveRouters || !this.#takeover) this.#preemptAtMs = Infinity;
    if (isActiveRouters) return this.#replace(nowMs);
    if (this.#takeover) return;
    this.#downFromMs = nowMs + skew(router.version, priority, this.#shortest);
    this.#downByMs = nowMs + skew(router.version, priority, this.#longest);
  }

  /** The active router lives, but is to be replaced: soon, and nobody minds how soon. */
  #replace(nowMs: number): void {
    this.#takeover = true;
    this.#downFromMs = 0;
    this.#downByMs = Math.min(this.#downByMs, nowMs + TAKEOVER_MS);
  }

  #count(
    router: VirtualRouter,
    priority: number,
    heard: ReceivedAdvertisement,
    lower: boolean,
    nowMs: number,
  ): void {
    this.#takeover = false;
    this.#isAdopted = true;
    const interval = router.version === 2 ? router.advertisementInterval : heard.maxAdvertiseInterval;
    this.#shortest = this.#longest = interval;
    const endMs = nowMs + down(router.version, priority, interval);
    this.#preemptAtMs = lower && router.preemptMode
      ? Math.min(this.#preemptAtMs, nowMs + router.preemptDelayMs)
      : Infinity;
    this.#downFromMs = endMs;
    this.#downByMs = endMs;
  }
}

function skew(version: 2 | 3, priority: number, centiseconds: number): number {
  return (version === 2 ? 1000 : centiseconds * 10) * (256 - priority) / 256;
}

function down(version: 2 | 3, priority: number, centiseconds: number): number {
  return 3 * centiseconds * 10 + skew(version, priority, centiseconds);
}
