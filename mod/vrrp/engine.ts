/**
 * The engine: runs every virtual router of this host on one thread. It waits in one epoll, feeds `step()` and
 * carries out what that returns; deadlines come from one timerfd. Everything here is synchronous: nothing
 * comes between a decision and its effects.
 */
import { monotonicMs } from "../../ffi/clock.ts";
import type { Epoll } from "../../ffi/epoll.ts";
import type { Netlink } from "../../ffi/netlink.ts";
import type { VirtualRouterConfig } from "../config/schema.ts";
import { effectivePriority } from "../health/health.ts";
import { LinkTable } from "../kernel/links.ts";
import { KernelNews, type News } from "../kernel/news.ts";
import { isSame } from "../kernel/plan.ts";
import { removeFound } from "../kernel/reconcile.ts";
import { formatAddress } from "../wire/address.ts";
import { conditionsOf, findPrimaryAddress } from "./conditions.ts";
import type { Discard } from "./discard.ts";
import { Effects } from "./effects.ts";
import { type Heard, Instance } from "./instance.ts";
import { LatenessHistogram } from "./lateness.ts";
import { Listener } from "./listener.ts";
import type { Command, EngineEvent, EngineReport, TrackerState } from "./messages.ts";
import { reportOf } from "./report.ts";
import { step } from "./router.ts";
import { isSameRouter, virtualAddresses } from "./settings.ts";
import { type Event, RESIGNATION } from "./state.ts";
import { intervalMs } from "./timers.ts";

/**
 * After the kernel refused a socket. An interface that has just gone or come is the usual reason, so soon.
 */
const LISTEN_RETRY_MS = 1_000;

export interface EngineOptions {
  readonly epoll: Epoll;
  /** For requests. */
  readonly netlink: Netlink;
  /** Subscribed to links and addresses. */
  readonly monitor: Netlink & { readonly fd: number };
  /** `monotonicMs()` before which no virtual router begins. */
  readonly readyAtMs: number;
  /** Whether this host forwards IPv6 on the interface. May read a file. */
  forwards(ifname: string): boolean;
  post(event: EngineEvent): void;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #links = new LinkTable();
  readonly #instances = new Map<string, Instance>();
  /** Replaced or removed, still handing over. */
  readonly #leaving = new Set<Instance>();
  readonly #listener: Listener;
  readonly #trackers = new Map<string, TrackerState>();
  /**
   * The addresses that are virtual on this host, as text: never a source, and no news when they come and go.
   */
  #virtual: ReadonlySet<string> = new Set();
  readonly #effects: Effects;
  readonly #lateness = new LatenessHistogram();
  readonly #kernel: KernelNews;
  #kernelNews = false;
  #stopping: string | null = null;
  #stopped = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { netlink, forwards, post } = options;
    this.#listener = new Listener(options.epoll, {
      heard: (instance, heard) => this.#hear(instance, heard),
      rejected: (instances, source, discard) => this.#reject(instances, source, discard),
      notice: (level, name, message) => this.#notice(level, name, message),
    });
    this.#effects = new Effects({
      netlink,
      links: this.#links,
      channelOf: (instance) => this.#listener.channelOf(instance),
      forwards,
      post,
    });
    options.epoll.add(options.monitor.fd);
    this.#kernel = new KernelNews(netlink, options.monitor, this.#links);
    this.#kernel.load();
  }

  /**
   * One descriptor is readable. News of the kernel waits for `tick`: what other routers have said comes
   * first.
   */
  ready(fd: number): void {
    if (fd === this.#options.monitor.fd) {
      this.#kernelNews = true;
      return;
    }
    this.#listener.drain(fd);
  }

  /**
   * The earliest moment at which `tick` has something to do; Infinity when only events can change anything.
   */
  deadlineMs(): number {
    let earliest = Math.min(this.#effects.announcer.deadlineMs, this.#kernel.deadlineMs);
    for (const instance of this.#instances.values()) earliest = Math.min(earliest, instance.deadlineMs);
    for (const instance of this.#leaving) earliest = Math.min(earliest, instance.deadlineMs);
    return earliest;
  }

  /** Everything that is due. Comes after the sockets have been read: what was heard in time must count. */
  tick(nowMs: number): void {
    if (this.#kernelNews || this.#kernel.deadlineMs <= nowMs) this.#hearKernel(nowMs);
    for (const instance of this.#instances.values()) {
      if (instance.deadlineMs <= nowMs) this.#due(instance, nowMs);
    }
    for (const instance of this.#leaving) if (instance.deadlineMs <= nowMs) this.#due(instance, nowMs);
    this.#effects.announcer.sendDue(nowMs);
    this.#forgetStopped();
  }

  command(command: Command): void {
    const nowMs = monotonicMs();
    switch (command.type) {
      case "configure":
        // A reload that was under way: who stops must not begin anew.
        if (this.#stopping !== null) return;
        return this.#configure(command.routers, nowMs);
      case "trackers":
        return this.#track(command.trackers, nowMs);
      case "report":
        return this.#options.post({ type: "report", id: command.id, report: this.#report() });
      case "stop":
        return this.#stop(command.reason, nowMs);
    }
  }

  #due(instance: Instance, nowMs: number): void {
    this.#noteLateness(instance, nowMs);
    if (instance.blocked !== null && nowMs >= instance.blocked.untilMs) {
      instance.blocked = null;
      this.#evaluate(instance, nowMs);
    }
    this.#dispatch(instance, { type: "deadline" }, nowMs);
  }

  #all(): Instance[] {
    return [...this.#instances.values(), ...this.#leaving];
  }

  #dispatch(instance: Instance, event: Event, nowMs: number): void {
    const before = instance.state;
    const { state, effects } = step(instance.router, before, event, nowMs);
    instance.enter(state);
    if (
      before.name === "active" && before.handover !== null && event.type === "advertisement" &&
      state !== before
    ) {
      instance.counters.handovers_completed++;
    }
    if (effects.length === 0) return;
    const blocked = instance.blocked;
    this.#effects.run(instance, effects, nowMs);
    // The kernel refused an address: whoever cannot serve must not stay active.
    if (instance.blocked !== blocked) this.#evaluate(instance, nowMs);
    else if (instance.isActive && before.name !== "active") {
      this.#succeed(instance, instance.router.primaryAddress, instance.state.priority, nowMs);
    }
  }

  #evaluate(instance: Instance, nowMs: number): void {
    instance.setPrimaryAddress(findPrimaryAddress(instance, this.#links, this.#virtual));
    this.#listen(instance, nowMs);
    if (instance.leaving && !instance.isActive) return;
    this.#dispatch(instance, conditionsOf(instance, this.#links, nowMs), nowMs);
    this.#effects.tellObstacles(instance);
    instance.enter(instance.state);
  }

  /**
   * Sockets on the interface. Who cannot hear the others must not believe to be alone: without them it is
   * out, and tries again.
   */
  #listen(instance: Instance, nowMs: number): void {
    const ifindex = instance.primaryAddress === null ? 0 : this.#links.indexOf(instance.config.interface);
    if (ifindex === instance.ifindex || (ifindex !== 0 && instance.blocked !== null)) return;
    const problem = this.#listener.attach(instance, ifindex);
    this.#effects.learnForwarding(instance);
    if (problem === null) return;
    instance.blocked = { reason: problem, untilMs: nowMs + LISTEN_RETRY_MS };
    this.#effects.tell(instance, "listen", problem, nowMs);
  }

  /** All of them count it, the first one tells it: a packet that names nobody is one packet. */
  #reject(instances: readonly Instance[], source: Uint8Array, discard: Discard): void {
    const rejected = { at: Date.now(), source, discard };
    for (const instance of instances) instance.reject(rejected);
    const [first] = instances;
    if (first === undefined) return;
    const message = (): string =>
      `discarded an advertisement from ${formatAddress(source)}: ${discard.discard}: ${discard.detail}`;
    this.#effects.tell(first, discard.discard, message, monotonicMs());
  }

  #hear(instance: Instance, heard: Heard): void {
    const nowMs = monotonicMs();
    const { source, advertisement: { priority, maxAdvertiseInterval } } = heard;
    heard.count++;
    instance.counters.advertisements_received++;
    if (priority === RESIGNATION) instance.counters.priority_zero_pkts_rcvd++;
    if (!heard.addressesMatch) this.#effects.noteMismatch(instance, heard, nowMs);
    const advertisement = { source, priority, maxAdvertiseInterval };
    this.#dispatch(instance, { type: "advertisement", advertisement }, nowMs);
    if (priority !== RESIGNATION) this.#succeed(instance, source, priority, nowMs);
  }

  /**
   * Somebody is active where this instance takes part: what it has replaced (another VRID, another version)
   * still hands over and cannot hear that. If it is this instance itself, the addresses stay where they are.
   */
  #succeed(instance: Instance, source: Uint8Array, priority: number, nowMs: number): void {
    for (const old of this.#leaving) {
      if (old === instance || !old.isActive || !old.sharesAddress(instance)) continue;
      if (instance.isActive) old.leaveAddressesTo(instance);
      const advertisement = { source, priority, maxAdvertiseInterval: old.router.advertisementInterval };
      this.#dispatch(old, { type: "advertisement", advertisement }, nowMs);
    }
  }

  #hearKernel(nowMs: number): void {
    this.#kernelNews = false;
    const news = this.#kernel.receive(nowMs, (address) => this.#virtual.has(formatAddress(address)));
    if (news.loss !== null) this.#notice("warn", "", news.loss);
    for (const address of news.virtual) {
      this.#effects.announceAnswering(this.#instances.values(), address, nowMs);
    }
    for (const place of news.emptied) this.#listener.rejoin(place);
    this.#relocate(news, nowMs);
  }

  /**
   * After news of the kernel: what we hold but is gone comes back; and if anything else moved, conditions are
   * looked at anew.
   */
  #relocate({ moved, removed, virtual, readdressed }: News, nowMs: number): void {
    for (const instance of this.#all()) {
      if (moved) this.#evaluate(instance, nowMs);
      if (removed) this.#guard(instance, nowMs);
      if (moved) this.#complete(instance, nowMs);
      if (virtual.length > 0 && !instance.isActive) this.#effects.expel(instance, nowMs);
      if (instance.isActive && instance.addresses.some(({ ifindex }) => readdressed.includes(ifindex))) {
        this.#effects.announce(instance, nowMs);
      }
    }
  }

  /** Somebody else has removed an address: back with it, and tell the neighbours. */
  #guard(instance: Instance, nowMs: number): void {
    const lost = instance.addresses.filter((managed) =>
      managed.held && !this.#links.addressesOf(managed.ifindex).some((there) => isSame(there, managed))
    );
    if (lost.length === 0) return;
    const names = new Set(lost.map(({ address }) => formatAddress(address)));
    if (
      !instance.isActive || lost.some(({ ifindex, interface: name }) => this.#links.indexOf(name) !== ifindex)
    ) {
      instance.addresses = instance.addresses.map((managed) =>
        lost.includes(managed) ? { ...managed, held: false } : managed
      );
      if (!instance.isActive) return;
    }
    const blocked = instance.blocked;
    this.#effects.setAddresses(instance, true, nowMs);
    if (instance.blocked !== blocked) return this.#evaluate(instance, nowMs);
    const back = instance.addresses.filter(({ held, address }) => held && names.has(formatAddress(address)));
    if (back.length > 0) this.#effects.announceRestored(instance, back, nowMs);
  }

  /** The interface of an address has come back before the router had to let go: the address as well. */
  #complete(instance: Instance, nowMs: number): void {
    const heldBefore = instance.heldCount;
    const isMissing = instance.addresses.some(({ held, interface: name }) =>
      !held && this.#links.indexOf(name) !== 0
    );
    if (!instance.isActive || instance.blocked !== null || !isMissing) return;
    this.#effects.setAddresses(instance, true, nowMs);
    if (instance.blocked !== null) return this.#evaluate(instance, nowMs);
    if (instance.heldCount > heldBefore) this.#effects.announce(instance, nowMs);
  }

  #configure(routers: Readonly<Record<string, VirtualRouterConfig>>, nowMs: number): void {
    this.#virtual = virtualAddresses(Object.values(routers));
    for (const [name, instance] of this.#instances) {
      const config = routers[name];
      if (config === undefined) this.#remove(instance, "removed from the configuration", nowMs);
      else if (!isSameRouter(instance.config, config)) {
        this.#remove(instance, "changed in the configuration", nowMs);
      }
    }
    for (const [name, config] of Object.entries(routers)) {
      const instance = this.#instances.get(name);
      if (instance === undefined) this.#create(name, config, nowMs);
      else if (JSON.stringify(instance.config) !== JSON.stringify(config)) {
        this.#change(instance, config, nowMs);
      }
    }
    this.#forgetStopped();
  }

  #create(name: string, config: VirtualRouterConfig, nowMs: number): void {
    const { readyAtMs } = this.#options;
    const instance = new Instance(name, config, this.#trackers, { readyAtMs, now: Date.now() });
    const removed = this.#effects.takeLeftovers(instance, this.#all());
    if (removed > 0) this.#hearKernel(nowMs);
    instance.counters.leftovers_removed = removed;
    if (instance.addresses.some(({ held }) => held)) instance.resume(readyAtMs, nowMs);
    this.#instances.set(name, instance);
    this.#evaluate(instance, nowMs);
  }

  /** In place: a changed list of addresses is applied without leaving ACTIVE. */
  #change(instance: Instance, config: VirtualRouterConfig, nowMs: number): void {
    const dropped = instance.reconfigure(config, this.#trackers);
    this.#effects.learnForwarding(instance);
    if (dropped.length > 0) {
      for (const problem of removeFound(this.#options.netlink, dropped)) {
        this.#notice("error", instance.name, problem);
      }
    }
    if (instance.isActive) {
      this.#effects.setAddresses(instance, true, nowMs);
      this.#effects.announce(instance, nowMs);
    }
    this.#dispatch(instance, { type: "reconfigured" }, nowMs);
    this.#dispatch(instance, { type: "priority", priority: instance.health.effective }, nowMs);
    this.#evaluate(instance, nowMs);
  }

  #remove(instance: Instance, reason: string, nowMs: number): void {
    this.#instances.delete(instance.name);
    this.#leaving.add(instance);
    instance.leaving = true;
    this.#dispatch(instance, { type: "shutdown", reason }, nowMs);
  }

  #forgetStopped(): void {
    for (const instance of this.#leaving) {
      if (instance.isActive) continue;
      this.#leaving.delete(instance);
      this.#listener.detach(instance);
    }
    if (this.#stopping === null || this.#stopped || this.#leaving.size > 0) return;
    this.#stopped = true;
    this.#options.post({ type: "stopped" });
  }

  #track(trackers: readonly TrackerState[], nowMs: number): void {
    for (const tracker of trackers) this.#trackers.set(tracker.check, tracker);
    const changed = new Set(trackers.map(({ check }) => check));
    for (const instance of this.#instances.values()) {
      const { priority, track } = instance.config;
      if (!track.some(({ check }) => changed.has(check))) continue;
      instance.health = effectivePriority(priority, track, this.#trackers);
      if (instance.health.effective !== instance.state.priority) {
        this.#dispatch(instance, { type: "priority", priority: instance.health.effective }, nowMs);
      }
      this.#evaluate(instance, nowMs);
    }
  }

  #stop(reason: string, nowMs: number): void {
    this.#stopping = reason;
    for (const instance of [...this.#instances.values()]) this.#remove(instance, reason, nowMs);
    this.#forgetStopped();
  }

  #report(): EngineReport {
    return {
      lateness: this.#lateness.report(),
      virtual_routers: [...this.#instances.values()].map(reportOf),
      foreign_routers: this.#listener.foreign,
    };
  }

  #noteLateness(instance: Instance, nowMs: number): void {
    const lateMs = nowMs - instance.deadlineMs;
    this.#lateness.note(lateMs);
    if (lateMs < intervalMs(instance.router.advertisementInterval) / 2) return;
    instance.counters.late_deadlines++;
    this.#effects.tell(
      instance,
      "late",
      `a deadline was kept ${Math.round(lateMs)} ms late: is this host overloaded?`,
      nowMs,
    );
  }

  #notice(level: "debug" | "info" | "warn" | "error", name: string, message: string): void {
    this.#options.post({ type: "notice", level, name, message });
  }
}
