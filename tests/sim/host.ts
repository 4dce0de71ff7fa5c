/**
 * What every simulated host has, whatever software it runs: a process, a link, a kernel that holds
 * addresses.
 */
import type { RouterSpec } from "./story.ts";
import { Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** Linux drops expired addresses at its next look, at most about a second late. */
const KERNEL_LOOKS_EVERY_MS = 1000;

export abstract class Host {
  readonly spec: RouterSpec;
  readonly wire: Wire;
  process: "off" | "running" | "paused" = "off";
  linkUp = true;
  powered = true;
  checkFails = false;
  mustWait = false;
  /** What the weighted checks add. */
  weight = 0;
  base: number;
  /** The kernel has the virtual addresses. */
  holds = false;
  leaseEndsMs = Infinity;
  /** When the process wants to run, true time. */
  wakeAtMs = Infinity;
  /** When something must have happened here at the latest; passing it is a violation. */
  overdueAtMs = Infinity;
  overdue = "";
  lastSentMs = -Infinity;
  lastPriority = 0;

  constructor(readonly world: World, readonly station: number) {
    this.spec = world.story.routers[station]!;
    this.wire = new Wire(world.story, station);
    this.base = this.spec.priority;
  }

  abstract get isActive(): boolean;
  abstract get name(): string;
  abstract start(): void;
  /** Orderly. */
  abstract stop(): void;
  abstract receive(bytes: Uint8Array, from: number): void;
  /** What was sent to this host alone. */
  abstract receiveAside(bytes: Uint8Array, from: number): void;
  abstract wake(): void;
  abstract resume(): void;
  /** Link, checks or waiting changed. */
  abstract evaluate(): void;
  abstract changePriority(): void;
  abstract reload(to: object): void;
  /** The process is gone; what it knew with it. */
  abstract forget(): void;

  get priority(): number {
    return this.base === 255 ? 255 : Math.max(1, Math.min(254, this.base + this.weight));
  }

  /** Nothing but the election decides whether this one is active. */
  get isEligible(): boolean {
    return this.process === "running" && this.linkUp && !this.checkFails && !this.mustWait;
  }

  pause(): void {
    this.process = "paused";
    this.wakeAtMs = Infinity;
    this.overdueAtMs = Infinity;
    this.expectExpiry();
  }

  kill(): void {
    this.process = "off";
    this.wakeAtMs = Infinity;
    this.overdueAtMs = Infinity;
    this.forget();
    this.expectExpiry();
  }

  /** Nobody renews any more: the kernel will look. */
  expectExpiry(): void {
    if (!this.holds || this.leaseEndsMs === Infinity) return;
    const looksAtMs = Math.max(this.leaseEndsMs, this.world.nowMs) +
      this.world.random.next() * KERNEL_LOOKS_EVERY_MS;
    this.world.queue.push(looksAtMs, { type: "expiry", station: this.station });
  }

  expire(): void {
    if (!this.holds || this.process === "running" || this.world.nowMs < this.leaseEndsMs) return;
    this.world.note(this, "the kernel drops the addresses: their lease is over");
    this.holds = false;
    this.world.watch.holdersChanged();
    this.noticeLoss();
  }

  /** The kernel tells the process that an address went away. */
  noticeLoss(): void {}

  send(priority: number): void {
    this.lastSentMs = this.world.nowMs;
    this.lastPriority = priority;
    this.world.broadcast(this, this.wire.encode(priority), priority);
  }

  setAddresses(wanted: boolean): void {
    if (wanted) this.leaseEndsMs = this.spec.leaseMs === 0 ? Infinity : this.world.nowMs + this.spec.leaseMs;
    if (this.holds === wanted) return;
    this.holds = wanted;
    this.world.watch.holdersChanged();
  }
}
