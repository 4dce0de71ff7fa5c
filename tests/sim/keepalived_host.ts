/** How keepalived behaves, as a model: what differs from vipd is what a mixed cluster has to live with. */
import { isDiscard } from "../../mod/vrrp/packet.ts";
import { activeDownIntervalMs, skewTimeMs } from "../../mod/vrrp/timers.ts";
import { Host } from "./host.ts";
import type { Reload } from "./story.ts";

/** Second burst of announcements after a promotion and after a lower advertisement. */
const SECOND_BURST_MS = 5000;

/**
 * A backup discards lower advertisements until its timer runs out (no fast takeover), with nopreempt it
 * accepts any; a master drops its addresses silently on a higher one, answers a lower one and announces anew;
 * no handover, no lease.
 */
export class KeepalivedHost extends Host {
  #state: "stopped" | "fault" | "backup" | "master" = "stopped";
  #timerMs = Infinity;
  #burstMs = Infinity;
  #interval = 0;
  #effective = 0;
  #preempt: boolean = this.spec.preempt;
  #isStopping = false;
  #inbox: { bytes: Uint8Array; from: number }[] = [];

  get isActive(): boolean {
    return this.#state === "master" && this.process !== "off";
  }

  get name(): string {
    return this.#state;
  }

  start(): void {
    this.process = "running";
    this.#isStopping = false;
    this.#inbox = [];
    this.#effective = this.priority;
    this.#interval = this.world.story.advertisementInterval;
    this.setAddresses(false);
    this.#state = "fault";
    this.evaluate();
  }

  stop(): void {
    if (this.process === "paused") this.#isStopping = true;
    if (this.process !== "running") return;
    this.#leave("stopped");
    this.process = "off";
    this.#rearm();
  }

  forget(): void {
    this.#state = "stopped";
    this.#timerMs = Infinity;
    this.#burstMs = Infinity;
    this.#inbox = [];
  }

  evaluate(): void {
    if (this.process !== "running") return;
    const isFine = this.linkUp && !this.checkFails;
    if (isFine && this.#state === "fault") this.#enterBackup(this.world.story.advertisementInterval);
    if (!isFine && this.#state !== "fault") this.#leave("fault");
  }

  changePriority(): void {
    if (this.process !== "running") return;
    const { version } = this.world.story;
    const after = this.priority;
    if (this.#state === "backup") {
      this.#timerMs += skewTimeMs(version, after, this.#interval) -
        skewTimeMs(version, this.#effective, this.#interval);
    }
    this.#effective = after;
    this.#rearm();
  }

  reload(to: Reload): void {
    this.base = to.priority ?? this.base;
    this.#preempt = to.preempt ?? this.#preempt;
    this.changePriority();
  }

  receive(bytes: Uint8Array, from: number): void {
    if (this.process === "paused") this.#inbox.push({ bytes, from });
    if (this.process !== "running") return;
    const result = this.wire.decode(bytes, from);
    if (isDiscard(result)) return this.world.watch.discarded(this, result);
    if (this.#state === "master") this.#hearAsMaster(result.priority, from, result.maxAdvertiseInterval);
    else if (this.#state === "backup") this.#hearAsBackup(result.priority, result.maxAdvertiseInterval);
    this.#rearm();
  }

  /** keepalived discards, without a word, what is sent to its own address while it advertises to a group. */
  receiveAside(): void {}

  resume(): void {
    this.process = "running";
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const { bytes, from } of inbox) this.receive(bytes, from);
    this.evaluate();
    this.changePriority();
    if (this.#isStopping) this.stop();
    this.#rearm();
  }

  wake(): void {
    const { nowMs } = this.world;
    if (nowMs >= this.#burstMs) {
      this.#burstMs = Infinity;
      this.world.announce(this);
    }
    if (nowMs >= this.#timerMs) {
      if (this.#state === "backup") this.#becomeMaster();
      else this.#advertise();
    }
    this.#rearm();
  }

  #hearAsMaster(priority: number, from: number, interval: number): void {
    if (priority === 0) return this.#advertise();
    const higher = priority > this.#effective ||
      (priority === this.#effective && this.world.isHigher(this.world.addresses[from]!, this.station));
    if (higher) {
      this.setAddresses(false);
      return this.#enterBackup(interval);
    }
    this.#advertise();
    this.#burst();
  }

  #hearAsBackup(priority: number, interval: number): void {
    const { story: { version }, nowMs } = this.world;
    if (priority === 0) {
      this.#timerMs = nowMs + skewTimeMs(version, this.#effective, this.#interval);
      return;
    }
    if (priority >= this.#effective || !this.#preempt) this.#enterBackup(interval);
  }

  #enterBackup(interval: number): void {
    const { story: { version, advertisementInterval }, nowMs } = this.world;
    const was = this.#state;
    this.#state = "backup";
    this.#interval = version === 2 ? advertisementInterval : interval;
    this.#timerMs = nowMs + activeDownIntervalMs(version, this.#effective, this.#interval);
    this.#burstMs = Infinity;
    if (was !== "backup") this.#changed(was);
  }

  #becomeMaster(): void {
    this.#state = "master";
    this.#advertise();
    this.setAddresses(true);
    this.#burst();
    this.#changed("backup");
  }

  #leave(to: "stopped" | "fault"): void {
    const was = this.#state;
    if (was === "master") {
      this.send(0);
      this.setAddresses(false);
    }
    this.forget();
    this.#state = to;
    this.#changed(was);
  }

  #advertise(): void {
    this.send(this.#effective);
    this.#timerMs = this.world.nowMs + this.world.story.advertisementInterval * 10;
  }

  #burst(): void {
    this.world.announce(this);
    this.#burstMs = this.world.nowMs + SECOND_BURST_MS;
  }

  #changed(was: string): void {
    this.#rearm();
    this.world.note(this, `${was} -> ${this.#state}`);
    this.world.watch.activityChanged(this, was === "master");
  }

  #rearm(): void {
    this.wakeAtMs = this.process === "running"
      ? Math.max(this.world.nowMs, Math.min(this.#timerMs, this.#burstMs) + this.spec.latenessMs)
      : Infinity;
  }
}
