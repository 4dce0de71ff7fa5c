/**
 * A host that runs the real core, between a clock that drifts and a kernel; it does with both what the
 * engine does.
 */
import { isDiscard } from "../../mod/vrrp/packet.ts";
import {
  type Active,
  type Effect,
  type Event,
  initialState,
  OWNER_PRIORITY,
  type ReceivedAdvertisement,
  RESIGNATION,
  type State,
  type VirtualRouter,
} from "../../mod/vrrp/state.ts";
import { activeDownIntervalMs } from "../../mod/vrrp/timers.ts";
import { asidePriority } from "../../mod/vrrp/reminding.ts";
import { breach } from "./contract.ts";
import { Host } from "./host.ts";
import type { Reload } from "./story.ts";
import { primaryAddress } from "./wire.ts";
import { Witness } from "./witness.ts";
import type { World } from "./world.ts";

/** Renewals in the length of a lease. */
const RENEWALS = 3;
/** Packets that the engine takes before the deadlines have their turn. */
const PACKETS_PER_TURN = 256;
/** The longest a backup of ours waits for the place of a router that has resigned. */
const TAKEOVER_MS = 30;
/** Two answers of an active router are at least so far apart. */
const ANSWER_GAP_MS = 5;
/** What floating point and a timer's granularity may differ. */
const SLACK_MS = 0.5;

type Waiting = { readonly type: "packet" | "aside"; readonly bytes: Uint8Array; readonly from: number } | {
  readonly type: "evaluate" | "priority" | "stop";
} | { readonly type: "reload"; readonly to: Reload };

export class VipdHost extends Host {
  router: VirtualRouter;
  state: State;
  /** The deadline of the state, local time. */
  deadlineMs = Infinity;
  leaving = false;
  readonly witness = new Witness();
  readonly counted = { becameActive: 0, releasedActive: 0 };
  #localMs = 0;
  /** The kernel has said so, but nobody has read it yet. */
  kernelTookAddresses = false;
  #inbox: Waiting[] = [];

  constructor(world: World, station: number) {
    super(world, station);
    const { spec, world: { story } } = this;
    this.router = {
      version: story.version,
      vrid: 51,
      advertisementInterval: story.advertisementInterval,
      primaryAddress: primaryAddress(story.family, station),
      unicast: story.unicast,
      preemptMode: spec.preempt,
      preemptDelayMs: spec.preemptDelayMs,
      handover: { enabled: spec.handover, timeoutMs: spec.handoverTimeoutMs },
      announce: story.announce,
      renewMs: spec.leaseMs / RENEWALS,
    };
    this.state = initialState(this.priority, 0);
  }

  get isActive(): boolean {
    return this.state.name === "active" && this.process !== "off";
  }

  get name(): string {
    const { state } = this;
    return state.name === "active" && state.handover !== null ? "active, handing over" : state.name;
  }

  /** True milliseconds in which its own interval passes. */
  get intervalMs(): number {
    return this.router.advertisementInterval * 10 / this.spec.clockRate;
  }

  start(): void {
    this.process = "running";
    this.leaving = false;
    this.#inbox = [];
    this.kernelTookAddresses = false;
    this.counted.becameActive = 0;
    this.counted.releasedActive = 0;
    this.state = initialState(this.priority, 0);
    // What an earlier run left behind goes before the election.
    this.setAddresses(false);
    this.evaluate();
  }

  stop(): void {
    if (this.#isDeferred({ type: "stop" })) return;
    this.leaving = true;
    this.dispatch({ type: "shutdown", reason: "stopped" });
  }

  forget(): void {
    this.#inbox = [];
    this.state = initialState(this.priority, 0);
  }

  evaluate(): void {
    if (this.#isDeferred({ type: "evaluate" })) return;
    if (this.leaving && !this.isActive) return;
    const faults = [...(this.linkUp ? [] : ["eth0 is down"]), ...(this.checkFails ? ["nginx: dead"] : [])];
    const waiting = this.mustWait && this.linkUp ? ["interface eth1 does not exist"] : [];
    this.dispatch({ type: "conditions", waiting, faults, reachable: this.linkUp });
  }

  changePriority(): void {
    if (this.#isDeferred({ type: "priority" })) return;
    const { priority } = this;
    if (priority === this.state.priority) return;
    if (this.state.name === "backup") {
      this.witness.shift(this.router, this.state.priority, priority, this.#local());
    }
    this.dispatch({ type: "priority", priority });
  }

  reload(to: Reload): void {
    if (this.#isDeferred({ type: "reload", to })) return;
    const { router } = this;
    this.base = to.priority ?? this.base;
    this.router = {
      ...router,
      preemptMode: to.preempt ?? router.preemptMode,
      preemptDelayMs: to.preemptDelayMs ?? router.preemptDelayMs,
      renewMs: to.leaseMs === undefined ? router.renewMs : to.leaseMs / RENEWALS,
      advertisementInterval: to.advertisementInterval ?? router.advertisementInterval,
    };
    if (to.advertisementInterval !== undefined) this.wire.advertisementInterval = to.advertisementInterval;
    if (to.leaseMs === 0) this.leaseEndsMs = Infinity;
    if (this.isActive) this.world.announce(this);
    this.dispatch({ type: "reconfigured" });
    const { priority } = this;
    if (this.state.name === "backup") {
      this.witness.shift(this.router, this.state.priority, priority, this.#local());
    }
    this.dispatch({ type: "priority", priority });
    this.evaluate();
  }

  receive(bytes: Uint8Array, from: number): void {
    if (this.process !== "running") {
      if (this.process === "paused") this.#inbox.push({ type: "packet", bytes, from });
      return;
    }
    const result = this.wire.decode(bytes, from);
    if (isDiscard(result)) return this.world.watch.discarded(this, result);
    const { priority, maxAdvertiseInterval } = result;
    const source = this.world.addresses[from]!;
    this.dispatch({ type: "advertisement", advertisement: { source, priority, maxAdvertiseInterval } });
  }

  /** As `receive.ts` does: a reminder, or the answer to one's own. */
  receiveAside(bytes: Uint8Array, from: number): void {
    if (this.process !== "running") {
      if (this.process === "paused") this.#inbox.push({ type: "aside", bytes, from });
      return;
    }
    const result = this.wire.decodeAside(bytes, from);
    if (isDiscard(result)) return this.world.watch.discarded(this, result);
    const source = this.world.addresses[from]!;
    const isReminder = result.priority === RESIGNATION;
    const isExpected = this.state.name === "backup" && this.state.reminder !== null;
    if (isReminder) this.dispatch({ type: "reminder", source });
    else if (isExpected) this.dispatch({ type: "acknowledgement", source });
  }

  override noticeLoss(): void {
    this.kernelTookAddresses = true;
  }

  /** As the engine after a wait: sockets first, then commands, news of the kernel, and what is due. */
  resume(): void {
    const inbox = this.#inbox;
    this.#inbox = [];
    this.process = "running";
    this.witness.resume(this.#local());
    this.#takePackets(inbox);
    for (const command of inbox) if (this.process === "running") this.#command(command);
    if (this.process === "running") this.#tick();
    this.lastSentMs = Math.max(this.lastSentMs, this.world.nowMs - this.intervalMs);
    this.#rearm();
  }

  wake(): void {
    // A deadline in local time may lie a rounding error after the same moment of true time.
    this.#localMs = Math.max(this.#localMs, this.deadlineMs);
    this.dispatch({ type: "deadline" });
  }

  dispatch(event: Event): void {
    const { world, state: before, router } = this;
    const nowMs = this.#local();
    const { state, effects } = world.core.step(router, before, event, nowMs);
    this.state = state;
    this.deadlineMs = world.core.deadlineMs(state);
    const problem = breach(router, before, event, state, effects, this.deadlineMs, nowMs);
    if (problem !== null) world.fail(this, problem);
    this.#witness(before, event, nowMs);
    for (const effect of effects) this.#run(effect);
    this.#rearm();
    if (before.name !== state.name || effects.length > 0) world.noteStep(this, before, event, effects);
    world.watch.stepped(this, before, event);
    if (event.type === "advertisement" && before.name === "active") {
      this.#checkAnswer(before, event.advertisement);
    }
    if (this.leaving && state.name !== "active") this.#exit();
  }

  #local(): number {
    this.#localMs = Math.max(this.#localMs, this.world.nowMs * this.spec.clockRate);
    return this.#localMs;
  }

  #true(localMs: number): number {
    return localMs / this.spec.clockRate;
  }

  #isDeferred(waiting: Waiting): boolean {
    if (this.process === "running") return false;
    if (this.process === "paused") this.#inbox.push(waiting);
    return true;
  }

  #takePackets(inbox: readonly Waiting[]): void {
    let taken = 0;
    for (const waiting of inbox) {
      if (waiting.type !== "packet" && waiting.type !== "aside") continue;
      if (waiting.type === "packet") this.receive(waiting.bytes, waiting.from);
      else this.receiveAside(waiting.bytes, waiting.from);
      if (++taken % PACKETS_PER_TURN === 0) this.#tick();
    }
  }

  #command(waiting: Waiting): void {
    if (waiting.type === "evaluate") this.evaluate();
    if (waiting.type === "priority") this.changePriority();
    if (waiting.type === "stop") this.stop();
    if (waiting.type === "reload") this.reload(waiting.to);
  }

  #tick(): void {
    this.#guard();
    if (this.deadlineMs <= this.#local()) this.dispatch({ type: "deadline" });
  }

  /** What the kernel took from an active router comes back, and the neighbours are told. */
  #guard(): void {
    if (!this.kernelTookAddresses) return;
    this.kernelTookAddresses = false;
    if (!this.isActive || this.holds) return;
    this.world.note(this, "the guardian adds the addresses again");
    this.setAddresses(true);
    this.world.announce(this);
  }

  #run(effect: Effect): void {
    switch (effect.type) {
      case "sendAdvertisement":
        return this.send(effect.priority);
      case "remind":
      case "acknowledge": {
        const to = this.world.addresses.indexOf(effect.destination);
        const priority = asidePriority(effect.type, this.state.priority, this.router.unicast);
        const { unicast } = this.router;
        return this.world.tell(
          this,
          to,
          unicast ? this.wire.encode(priority) : this.wire.encodeAside(priority, to),
        );
      }
      case "addAddresses":
      case "renewAddresses":
        return this.#hold();
      case "removeAddresses":
        return this.setAddresses(false);
      case "announceAddresses":
        return this.world.announce(this);
      case "transition":
        if (effect.to === "active") this.counted.becameActive++;
        if (effect.from === "active") this.counted.releasedActive++;
    }
  }

  #hold(): void {
    this.setAddresses(true);
    if (this.router.renewMs === 0) this.leaseEndsMs = Infinity;
    else this.leaseEndsMs = this.world.nowMs + this.router.renewMs * RENEWALS;
  }

  #exit(): void {
    this.process = "off";
    this.wakeAtMs = Infinity;
    this.overdueAtMs = Infinity;
    this.world.note(this, "the process has ended");
  }

  #rearm(): void {
    const { latenessMs } = this.spec;
    const { nowMs } = this.world;
    if (this.process !== "running") return;
    this.wakeAtMs = this.deadlineMs === Infinity
      ? Infinity
      : Math.max(nowMs, this.#true(this.deadlineMs) + latenessMs);
    switch (this.state.name) {
      case "backup":
        this.overdue = "it has not taken over in time";
        this.overdueAtMs = this.#true(this.witness.mustByMs) + latenessMs + SLACK_MS;
        return;
      case "active":
        this.overdue = "its advertisement is late";
        this.overdueAtMs = this.state.handover === null
          ? this.lastSentMs + this.intervalMs + latenessMs + SLACK_MS
          : Infinity;
        return;
      default:
        this.overdueAtMs = Infinity;
    }
  }

  /** Holds the core against a second reading of when a backup takes over. */
  #witness(before: State, event: Event, nowMs: number): void {
    const { state, router, witness } = this;
    const heard = event.type === "advertisement" ? event.advertisement : null;
    if (state.name === "backup") {
      if (before.name !== "backup") return witness.listen(router, state.priority, heard, nowMs);
      if (heard !== null) witness.hear(router, state.priority, heard, nowMs);
      if (event.type === "reminder") witness.hearReminder(router, state.priority, event.source, nowMs);
      if (event.type === "reconfigured") witness.reconfigure(router, state.priority, nowMs);
      return;
    }
    if (before.name !== "backup" || state.name !== "active") return;
    if (nowMs < witness.mayFromMs - SLACK_MS) {
      this.world.fail(this, `it takes over ${(witness.mayFromMs - nowMs).toFixed(3)} ms too early`);
    }
  }

  /** A better one is followed at once, any other one is answered. */
  #checkAnswer(before: Active, heard: ReceivedAdvertisement): void {
    const { state, world } = this;
    if (state.name !== "active") return;
    if (before.handover !== null) {
      // What comes sooner than the worst backup takes over may have been on its way before.
      if (heard.priority > 0 && this.#local() - before.sentAtMs > TAKEOVER_MS) {
        world.fail(this, "goes on serving although it has resigned and another one serves");
      }
      return;
    }
    if (heard.priority > before.priority) {
      world.fail(this, `stays active although it has heard priority ${heard.priority}`);
    }
    if (heard.priority === before.priority && world.isHigher(heard.source, this.station)) {
      world.fail(this, "stays active although an equal router has the higher address");
    }
    const silentMs = (world.nowMs - this.lastSentMs) * this.spec.clockRate;
    const patienceMs = activeDownIntervalMs(
      world.story.version,
      OWNER_PRIORITY,
      this.router.advertisementInterval,
    );
    if (heard.priority > 0 && silentMs > patienceMs + SLACK_MS) {
      world.fail(this, `fights for its place after ${silentMs.toFixed(3)} ms of silence`);
    }
    if (silentMs > ANSWER_GAP_MS + SLACK_MS) {
      world.fail(this, "leaves another active router without an answer");
    }
  }

  get isOwner(): boolean {
    return this.base === OWNER_PRIORITY;
  }
}
