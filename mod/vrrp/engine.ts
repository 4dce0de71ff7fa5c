/**
 * The engine: runs every virtual router of this host on one thread. It waits in one epoll, feeds `step()` and
 * carries out what that returns; deadlines come from one timerfd. Everything here is synchronous: nothing
 * comes between a decision and its effects.
 */
import type { Epoll } from "../../ffi/epoll.ts";
import type { Netlink, NetlinkPost } from "../../ffi/netlink.ts";
import { LinkTable } from "../kernel/links.ts";
import type { Parameters } from "../kernel/sysctl.ts";
import { Secondaries } from "../kernel/secondaries.ts";
import { VirtualLinks } from "../kernel/virtual_links.ts";
import { formatAddress } from "../wire/address.ts";
import type { Discard } from "./discard.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Effects } from "./effects.ts";
import { Groups } from "./groups.ts";
import { Guardian } from "./guardian.ts";
import type { Heard, Instance } from "./instance.ts";
import { LatenessHistogram } from "./lateness.ts";
import { Listener } from "./listener.ts";
import type { Command, EngineEvent, EngineReport, TrackerState } from "./messages.ts";
import { Release } from "./release.ts";
import { reportOf, reportOfGroup } from "./report.ts";
import { Roster } from "./roster.ts";
import { RESIGNATION } from "./state.ts";
import { Succession } from "./succession.ts";
import { intervalMs } from "./timers.ts";
import { Turnover } from "./turnover.ts";

export interface EngineOptions {
  readonly epoll: Epoll;
  /** For requests. */
  readonly netlink: Netlink;
  /** For requests that nobody waits for, and whose notifications the monitor need not hear. */
  readonly renewals: NetlinkPost;
  /** Subscribed to links and addresses. */
  readonly monitor: Netlink & { readonly fd: number };
  /** The clock: `monotonicMs()` where it matters. */
  readonly now: () => number;
  /** On that clock; no virtual router begins before. */
  readonly readyAtMs: number;
  /** Of the kernel's network. Files: never touched between a decision and its effects. */
  readonly parameters: Parameters;
  post(event: EngineEvent): void;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #roster: Roster;
  readonly #listener: Listener;
  readonly #effects: Effects;
  readonly #dispatcher: Dispatcher;
  readonly #guardian: Guardian;
  readonly #turnover: Turnover;
  readonly #succession: Succession;
  readonly #release: Release;
  readonly #lateness = new LatenessHistogram();

  constructor(options: EngineOptions) {
    this.#options = options;
    const { epoll, netlink, monitor, now, readyAtMs, parameters, post } = options;
    this.#roster = new Roster(new Groups(post));
    this.#listener = new Listener(epoll, {
      now,
      heard: (instance, heard, nowMs) => this.#hear(instance, heard, nowMs),
      aside: (instance, type, source, nowMs) => {
        instance.counters[`${type}s_received`]++;
        this.#dispatcher.dispatch(instance, { type, source }, nowMs);
      },
      rejected: (instances, source, discard) => this.#reject(instances, source, discard),
      notice: (level, name, message) => this.#notice(level, name, message),
    });
    const links = new LinkTable();
    const virtualLinks = new VirtualLinks(netlink, links, parameters);
    this.#effects = new Effects({
      now,
      epoll,
      netlink,
      renewals: options.renewals,
      links,
      reconsider: (instance, nowMs) => this.#dispatcher.evaluate(instance, nowMs),
      channelOf: (instance) => this.#listener.channelOf(instance),
      virtualLinks,
      secondaries: new Secondaries(parameters),
      forwards: (ifname) => parameters.read(`net/ipv6/conf/${ifname}/forwarding`) === "1",
      post,
    });
    epoll.add(monitor.fd);
    const parts = { roster: this.#roster, links, listener: this.#listener, effects: this.#effects };
    const dispatcher = new Dispatcher(parts);
    const warn = (message: string): void => this.#notice("warn", "", message);
    this.#dispatcher = dispatcher;
    this.#succession = new Succession({ ...parts, dispatcher, now, sysctl: virtualLinks.sysctl, post });
    this.#release = new Release({ ...parts, dispatcher, now, post });
    this.#guardian = new Guardian({ ...parts, dispatcher, netlink, monitor, warn });
    this.#turnover = new Turnover({
      ...parts,
      dispatcher,
      guardian: this.#guardian,
      netlink,
      readyAtMs,
      post,
    });
  }

  /** One descriptor is readable. */
  ready(fd: number): void {
    if (fd === this.#options.monitor.fd) this.#guardian.ready();
    else if (!this.#effects.detector.drain(fd, this.#options.now())) this.#listener.drain(fd);
  }

  /**
   * `tick` has nothing to do before this moment, unless something comes; Infinity when only events can change
   * anything.
   */
  deadlineMs(): number {
    const { announcer, renewals, detector } = this.#effects;
    const earliest = Math.min(this.#roster.deadlineMs, announcer.deadlineMs, this.#guardian.deadlineMs);
    return Math.min(earliest, renewals.deadlineMs, detector.deadlineMs);
  }

  /**
   * Whether packets come so densely, and all as expected, that it pays to let some gather: the caller may
   * look at no socket for a while, as long as it keeps the deadline. To be asked once after each turn.
   */
  mayRest(nowMs: number): boolean {
    return this.#listener.mayRest(nowMs);
  }

  /** Everything that is due. Comes after the sockets have been read: what was heard in time must count. */
  tick(nowMs: number): void {
    this.#guardian.hearDue(nowMs);
    if (this.#roster.deadlineMs <= nowMs) {
      this.#effects.together(() => this.#roster.eachDue(nowMs, (instance) => this.#due(instance, nowMs)));
    }
    this.#effects.announcer.sendDue(nowMs);
    this.#effects.renewals.turn(nowMs);
    if (this.#effects.detector.deadlineMs <= nowMs) this.#effects.detector.turn(nowMs);
    this.#turnover.forgetStopped();
    this.#release.answerDone();
  }

  command(command: Command): void {
    const nowMs = this.#options.now();
    switch (command.type) {
      case "configure":
        return this.#turnover.configure(command.routers, command.groups, nowMs);
      case "trackers":
        return this.#track(command.trackers, nowMs);
      case "report":
        return this.#options.post({ type: "report", id: command.id, report: this.#report() });
      case "pause":
        return this.#options.post({ type: "pause", id: command.id, result: this.#succession.pause(nowMs) });
      case "goOn":
        return this.#succession.goOn(nowMs);
      case "inherit":
        return this.#succession.inherit(command.inheritance, nowMs);
      case "handover":
        return this.#release.handOver(command, nowMs);
      case "maintain":
        return this.#release.maintain(command, nowMs);
      case "override":
        return this.#release.override(command.overrides, nowMs);
      case "holdBack":
        for (const [name, reason] of Object.entries(command.reasons)) this.#roster.heldBack.set(name, reason);
        return;
      case "stop":
        return this.#turnover.stop(command.reason, nowMs);
    }
  }

  #due(instance: Instance, nowMs: number): void {
    this.#noteLateness(instance, nowMs);
    if (instance.blocked !== null && nowMs >= instance.blocked.untilMs) {
      instance.blocked = null;
      this.#dispatcher.evaluate(instance, nowMs);
    }
    this.#dispatcher.dispatch(instance, { type: "deadline" }, nowMs);
  }

  /** All of them count it, the first one tells it: a packet that names nobody is one packet. */
  #reject(instances: readonly Instance[], source: Uint8Array, discard: Discard): void {
    const rejected = { at: Date.now(), source, discard };
    for (const instance of instances) instance.reject(rejected);
    const [first] = instances;
    if (first === undefined) return;
    const message = (): string =>
      `discarded an advertisement from ${formatAddress(source)}: ${discard.discard}: ${discard.detail}`;
    this.#effects.tell(first, discard.discard, message, this.#options.now());
  }

  /** True when it was what was expected, and nothing followed. */
  #hear(instance: Instance, heard: Heard, nowMs: number): boolean {
    const { event, advertisement: { priority } } = heard;
    heard.count++;
    instance.counters.advertisements_received++;
    if (priority === RESIGNATION) instance.counters.priority_zero_pkts_rcvd++;
    if (!heard.addressesMatch) this.#effects.noteMismatch(instance, heard, nowMs);
    const quiet = this.#dispatcher.dispatch(instance, event, nowMs);
    if (priority === RESIGNATION) return false;
    if (instance.occupied !== null) {
      this.#effects.detector.hear(instance, formatAddress(event.advertisement.source), nowMs);
    }
    if (this.#roster.leaving.size === 0) return quiet;
    this.#dispatcher.succeed(instance, priority, nowMs);
    return false;
  }

  #track(trackers: readonly TrackerState[], nowMs: number): void {
    const { trackers: known, instances } = this.#roster;
    for (const tracker of trackers) known.set(tracker.check, tracker);
    const changed = new Set(trackers.map(({ check }) => check));
    for (const instance of instances.values()) {
      if (!instance.config.track.some(({ check }) => changed.has(check))) continue;
      this.#dispatcher.weigh(instance, nowMs);
    }
  }

  #report(): EngineReport {
    return {
      lateness: this.#lateness.report(),
      virtual_routers: [...this.#roster.instances.values()].map(reportOf),
      sync_groups: this.#roster.groups.all.map((group) => reportOfGroup(group, this.#roster.trackers)),
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
