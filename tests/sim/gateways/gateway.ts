/** One host of a story: a virtual router on each LAN, run by the real core and the real group functions. */
import { type Experience, type Firmness, type Standing, standingOf } from "../../../mod/vrrp/group.ts";
import {
  type Effect,
  type Event,
  initialState,
  RESIGNATION,
  type State,
  type VirtualRouter,
} from "../../../mod/vrrp/state.ts";
import { skewTimeMs } from "../../../mod/vrrp/timers.ts";
import { breach } from "../contract.ts";
import type { NodeSpec } from "./story.ts";
import type { Lans } from "./lans.ts";

type Conditions = Extract<Event, { readonly type: "conditions" }>;
const CLEAR: Conditions = { type: "conditions", waiting: [], faults: [], reachable: true };

export interface Packet {
  readonly type: "advertisement" | "reminder" | "acknowledgement";
  readonly from: number;
  readonly lan: number;
  readonly priority: number;
  /** Centiseconds. */
  readonly interval: number;
}

/** A virtual router of the host, on one LAN. */
export interface Member {
  readonly lan: number;
  router: VirtualRouter;
  state: State;
  linkUp: boolean;
  own: Conditions;
  activeSinceMs: number;
  /** By host: what it last advertised, and when. */
  readonly heard: Map<number, { readonly priority: number; readonly atMs: number }>;
}

export class Gateway {
  process: "off" | "running" | "paused" = "off";
  checkFails = false;
  /** What checks add, to all members or to the first. */
  weight = { change: 0, each: false };
  members: Member[] = [];
  isLeaving = false;
  #firmness: Firmness | null = null;
  #isSettling = false;
  #inbox: Packet[] = [];
  #isStale = false;

  constructor(readonly lans: Lans, readonly index: number, readonly spec: NodeSpec) {}

  get isGrouped(): boolean {
    return this.spec.isAlone !== true && !this.isLeaving;
  }

  get wakeAtMs(): number {
    if (this.process !== "running") return Infinity;
    return Math.min(...this.members.map(({ state }) => this.lans.core.deadlineMs(state)));
  }

  /** All, some or none of its routers are active. */
  get serving(): "all" | "some" | "none" {
    const active = this.members.filter(({ state }) => state.name === "active").length;
    if (this.process === "off" || active === 0) return "none";
    return active === this.members.length ? "all" : "some";
  }

  get isHeldBack(): boolean {
    return this.members.some(({ router }) => router.heldBack === true);
  }

  start(): void {
    if (this.process !== "off") return;
    this.process = "running";
    this.isLeaving = false;
    this.#firmness = null;
    this.members = this.lans.story.intervals.map((interval, lan): Member => ({
      lan,
      router: this.#routerOn(lan, interval),
      state: initialState(this.spec.priorities[lan]!, 0),
      linkUp: this.lans.isUp(this.index, lan),
      own: { ...CLEAR, waiting: ["starting"] },
      activeSinceMs: -Infinity,
      heard: new Map(),
    }));
    this.#weigh();
    this.evaluate();
  }

  #routerOn(lan: number, advertisementInterval: number): VirtualRouter {
    const { preempt, preemptDelayMs, handover, isAlone } = this.spec;
    return {
      version: 3,
      vrid: 51 + lan,
      advertisementInterval,
      primaryAddress: this.lans.addressOf(this.index, lan),
      unicast: false,
      preemptMode: preempt,
      preemptDelayMs,
      handover: { enabled: handover, timeoutMs: 1000 },
      announce: { delayMs: 0, refreshMs: 0 },
      renewMs: 0,
      ...(isAlone === true ? {} : { isGrouped: true }),
    };
  }

  kill(): void {
    this.process = "off";
    this.members = [];
    this.#inbox = [];
  }

  stop(): void {
    if (this.process !== "running") return;
    this.isLeaving = true;
    for (const member of this.members) this.#step(member, { type: "shutdown", reason: "stopped" });
    this.#exit();
  }

  pause(): void {
    if (this.process === "running") this.process = "paused";
  }

  /** As the engine: what was heard first, then the kernel's and the checks' news, then what is due. */
  resume(): void {
    if (this.process !== "paused") return;
    this.process = "running";
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const packet of inbox) this.receive(packet);
    if (this.#isStale) this.evaluate();
    this.wake();
  }

  setLink(lan: number, isUp: boolean): void {
    for (const member of this.members) if (member.lan === lan) member.linkUp = isUp;
    this.evaluate();
  }

  /** Conditions or priorities may be others now. */
  evaluate(): void {
    this.#isStale = this.process === "paused";
    if (this.process !== "running" || this.isLeaving) return;
    this.#weigh();
    for (const member of this.members) member.own = this.#conditionsOf(member);
    for (const member of this.members) {
      const others = this.isGrouped ? this.members.filter((other) => other !== member) : [];
      const obstacles = others.map(({ lan, own }) => ({ name: `lan ${lan}`, conditions: own }));
      this.dispatch(member, this.lans.core.conditionsInGroup(member.own, obstacles));
    }
  }

  #conditionsOf({ lan, linkUp }: Member): Conditions {
    const faults = [
      ...(linkUp ? [] : [`eth${lan} has no carrier`]),
      ...(this.checkFails && lan === 0 ? ["nginx: dead"] : []),
    ];
    return { ...CLEAR, faults, reachable: linkUp };
  }

  #weigh(): void {
    const { change, each } = this.weight;
    for (const member of this.members) {
      const base = this.spec.priorities[member.lan]!;
      const priority = Math.max(1, Math.min(254, base + (each && member.lan > 0 ? 0 : change)));
      if (priority !== member.state.priority) this.dispatch(member, { type: "priority", priority });
    }
  }

  /** As `release.ts`. */
  handOver(): void {
    if (this.process !== "running" || this.isLeaving || this.serving !== "all") return;
    if (this.members.some(({ state }) => state.name === "active" && state.handover !== null)) return;
    const timeoutMs = Math.max(
      1000,
      ...this.members.map(({ router }) => skewTimeMs(3, 1, router.advertisementInterval) + 500),
    );
    for (const member of this.members) member.router = { ...member.router, heldBack: true };
    const next = { name: "backup" } as const;
    for (const member of this.members) {
      this.dispatch(member, { type: "release", reason: "on demand", next, timeoutMs });
    }
  }

  giveBack(): void {
    for (const member of this.members) {
      const { heldBack: _, ...router } = member.router;
      member.router = router;
    }
    this.evaluate();
  }

  receive(packet: Packet): void {
    if (this.process === "paused") this.#inbox.push(packet);
    const member = this.members[packet.lan];
    if (this.process !== "running" || member === undefined || !member.linkUp) return;
    const source = this.lans.addressOf(packet.from, packet.lan);
    if (packet.type === "reminder") {
      member.heard.delete(packet.from);
      return this.dispatch(member, { type: "reminder", source });
    }
    if (packet.type === "acknowledgement") {
      if (member.state.name !== "backup" || member.state.reminder === null) return;
      return this.dispatch(member, { type: "acknowledgement", source });
    }
    const { priority, interval: maxAdvertiseInterval } = packet;
    member.heard.set(packet.from, { priority, atMs: this.lans.nowMs });
    this.dispatch(member, {
      type: "advertisement",
      advertisement: { source, priority, maxAdvertiseInterval },
    });
  }

  wake(): void {
    for (const member of this.members) {
      if (this.lans.core.deadlineMs(member.state) > this.lans.nowMs) continue;
      this.dispatch(member, { type: "deadline" });
    }
  }

  dispatch(member: Member, event: Event): void {
    this.#step(member, event);
    if (this.isGrouped && !this.#isSettling) this.#settle();
    this.#exit();
  }

  #settle(): void {
    this.#isSettling = true;
    const { core } = this.lans;
    core.settle(this.members, ({ state }: Member): Standing => standingOf(state), (member: Member, to) => {
      this.#step(member, { type: "follow", to, reason: "the group" });
    });
    this.#isSettling = false;
  }

  #exit(): void {
    if (!this.isLeaving || this.members.some(({ state }) => state.name === "active")) return;
    this.kill();
  }

  #step(member: Member, event: Event): void {
    const { lans } = this;
    const { state: before } = member;
    const router = this.#routerFor(member, event);
    const { state, effects } = lans.core.step(router, before, event, lans.nowMs);
    member.state = state;
    const problem = breach(router, before, event, state, effects, lans.core.deadlineMs(state), lans.nowMs);
    // A release may take longer than the handover that the contract knows; what came due meanwhile is due.
    const isKnown = problem?.includes("too long after") === true || problem?.includes("busy loop") === true;
    if (problem !== null && !isKnown) lans.fail(this, problem);
    for (const effect of effects) this.#run(member, effect);
    if (before.name !== state.name) {
      if (state.name === "active") {
        this.#checkTakeover(member);
        member.activeSinceMs = lans.nowMs;
        delete (member.router as { heldBack?: boolean }).heldBack;
      }
      lans.note(this, `lan ${member.lan}: [${event.type}] ${before.name} -> ${state.name}`);
      lans.moved(this);
    }
  }

  /** Nobody takes over beside a better router that has just been heard. */
  #checkTakeover({ heard, state, lan, router }: Member): void {
    const { lans } = this;
    const windowMs = 2 * router.advertisementInterval * 10;
    // A priority that has just changed, or a lost packet, may make it know no better.
    if (lans.calmForMs < windowMs) return;
    for (const [host, { priority, atMs }] of heard) {
      const isFresh = lans.nowMs - atMs < windowMs;
      if (!isFresh || priority <= state.priority) continue;
      lans.fail(this, `takes over lan ${lan}, where ${host} has just advertised ${priority}`);
    }
  }

  /** As `groups.ts`. */
  #routerFor(member: Member, event: Event): VirtualRouter {
    const { router, state, lan } = member;
    if (!this.isGrouped || event.type !== "advertisement" || state.name !== "active") return router;
    if (event.advertisement.priority < state.priority) return router;
    const { core, nowMs } = this.lans;
    const earlier = this.members.filter((other) => other.lan < lan);
    if (!core.mayStandFirm(earlier.map((other) => this.#experienceOf(other)))) return router;
    const longestInterval = Math.max(...this.members.map((other) => other.router.advertisementInterval));
    const { activeSinceMs } = member;
    const { firmness, may } = core.standFirm(this.#firmness, { longestInterval, activeSinceMs }, nowMs);
    this.#firmness = firmness;
    return may ? { ...router, standsFirm: true } : router;
  }

  #experienceOf({ state, router, lan, heard }: Member): Experience {
    return {
      isActive: state.name === "active",
      priority: state.priority,
      router,
      heard: [...heard].map(([host, { priority, atMs }]) => ({
        source: this.lans.addressOf(host, lan),
        priority,
        agoMs: this.lans.nowMs - atMs,
      })),
    };
  }

  #run({ lan, router, linkUp }: Member, effect: Effect): void {
    if (!linkUp) return;
    const packet = { from: this.index, lan, interval: router.advertisementInterval };
    if (effect.type === "sendAdvertisement") {
      return this.lans.broadcast({ ...packet, type: "advertisement", priority: effect.priority });
    }
    if (effect.type !== "remind" && effect.type !== "acknowledge") return;
    const type = effect.type === "remind" ? "reminder" : "acknowledgement";
    this.lans.tell({ ...packet, type, priority: RESIGNATION }, effect.destination);
  }
}
