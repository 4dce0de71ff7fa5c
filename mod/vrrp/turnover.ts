/** How virtual routers come, change and go: a configuration, a reload, the end. */
import type { Netlink } from "../../ffi/netlink.ts";
import type { VirtualRouterConfig } from "../config/schema.ts";
import { removeFound } from "../kernel/reconcile.ts";
import type { Dispatcher, DispatcherParts } from "./dispatcher.ts";
import { resumes } from "./entry.ts";
import type { Group, GroupConfigs } from "./groups.ts";
import type { Guardian } from "./guardian.ts";
import { Instance } from "./instance.ts";
import type { EngineEvent } from "./messages.ts";
import { isSameRouter, virtualAddresses } from "./settings.ts";

export interface TurnoverParts extends DispatcherParts {
  readonly dispatcher: Dispatcher;
  readonly guardian: Guardian;
  readonly netlink: Netlink;
  /** `monotonicMs()` before which no virtual router begins. */
  readonly readyAtMs: number;
  post(event: EngineEvent): void;
}

export class Turnover {
  readonly #parts: TurnoverParts;
  #stopping: string | null = null;
  #stopped = false;

  constructor(parts: TurnoverParts) {
    this.#parts = parts;
  }

  /** These are the virtual routers from now on, unless a stop has begun: who stops must not begin anew. */
  configure(
    routers: Readonly<Record<string, VirtualRouterConfig>>,
    groups: GroupConfigs,
    nowMs: number,
  ): void {
    if (this.#stopping !== null) return;
    const { roster, effects } = this.#parts;
    roster.virtual = virtualAddresses(Object.values(routers));
    for (const [name, instance] of roster.instances) {
      const config = routers[name];
      if (config === undefined) this.#remove(instance, "removed from the configuration", nowMs);
      else if (!isSameRouter(instance.config, config)) {
        this.#remove(instance, "changed in the configuration", nowMs);
      }
    }
    const created = new Set<Instance>();
    for (const [name, config] of Object.entries(routers)) {
      if (!roster.instances.has(name)) created.add(this.#create(name, config, nowMs));
    }
    const regrouped = roster.groups.configure(groups, roster.instances, created);
    for (const instance of regrouped) {
      this.#parts.dispatcher.dispatch(instance, { type: "reconfigured" }, nowMs);
    }
    this.#begin(created, nowMs);
    for (const [name, instance] of roster.instances) {
      const config = routers[name]!;
      if (JSON.stringify(instance.config) !== JSON.stringify(config)) this.#change(instance, config, nowMs);
    }
    for (const group of roster.groups.all) this.#settle(group, nowMs);
    this.#forgetTrackers();
    effects.holding.sweepLinks();
    this.forgetStopped();
  }

  /** All of them leave; `stopped` is posted when the last one has. */
  stop(reason: string, nowMs: number): void {
    this.#stopping = reason;
    for (const instance of [...this.#parts.roster.instances.values()]) this.#remove(instance, reason, nowMs);
    this.forgetStopped();
  }

  /** Who left has handed over. */
  forgetStopped(): void {
    const { roster, listener, effects, post } = this.#parts;
    for (const instance of roster.leaving) {
      if (instance.isActive) continue;
      roster.leaving.delete(instance);
      listener.detach(instance);
      effects.detector.forget(instance);
      effects.holding.releaseLink(instance);
    }
    if (this.#stopping === null || this.#stopped || roster.leaving.size > 0) return;
    this.#stopped = true;
    roster.groups.end(this.#stopping);
    effects.holding.end();
    post({ type: "stopped" });
  }

  /** A check that a reload has taken out; whoever tracks it again will be told of it anew. */
  #forgetTrackers(): void {
    const { trackers, instances } = this.#parts.roster;
    const tracked = new Set(
      [...instances.values()].flatMap(({ config }) => config.track).map(({ check }) => check),
    );
    for (const check of trackers.keys()) if (!tracked.has(check)) trackers.delete(check);
  }

  /** All of them are there: what one waits for, the others of its sync group wait for as well. */
  #begin(created: ReadonlySet<Instance>, nowMs: number): void {
    const { dispatcher } = this.#parts;
    for (const instance of created) {
      const mates = instance.group?.members ?? [];
      // Who goes on where the run before ended must not be alone in that.
      if (mates.every(({ state }) => resumes(state))) continue;
      dispatcher.dispatch(instance, { type: "follow", to: "backup", reason: "its group begins anew" }, nowMs);
    }
    for (const instance of created) dispatcher.prepare(instance, nowMs);
    for (const instance of created) dispatcher.evaluate(instance, nowMs);
  }

  /** The group is another one now: who is in its way, and what has to follow. */
  #settle(group: Group, nowMs: number): void {
    const { dispatcher } = this.#parts;
    for (const member of group.members) dispatcher.evaluate(member, nowMs);
    dispatcher.settle(group, nowMs);
  }

  #create(name: string, config: VirtualRouterConfig, nowMs: number): Instance {
    const { roster, effects, guardian, readyAtMs } = this.#parts;
    for (const old of roster.leaving) if (old.name === name) old.cedeName();
    const override = roster.overrides.get(name) ?? null;
    const instance = new Instance(name, config, roster.trackers, { readyAtMs, now: Date.now(), override });
    instance.heldBack = roster.heldBack.get(name) ?? null;
    roster.heldBack.delete(name);
    const removed = effects.holding.takeLeftovers(instance, roster.all());
    if (removed > 0) guardian.hear(nowMs);
    instance.counters.leftovers_removed = removed;
    if (instance.addresses.some(({ held }) => held)) {
      effects.holding.keepLink(instance);
      instance.resume(readyAtMs, nowMs);
    }
    roster.instances.set(name, instance);
    return instance;
  }

  /** In place: a changed list of addresses is applied without leaving ACTIVE. */
  #change(instance: Instance, config: VirtualRouterConfig, nowMs: number): void {
    const { roster, effects, dispatcher, netlink, post } = this.#parts;
    const dropped = instance.reconfigure(config, roster.trackers);
    effects.learnForwarding(instance);
    if (dropped.length > 0) {
      effects.renewals.settle(instance, nowMs);
      for (const message of removeFound(netlink, dropped)) {
        post({ type: "notice", level: "error", name: instance.name, message });
      }
    }
    if (instance.isActive) {
      effects.setAddresses(instance, true, nowMs);
      effects.announce(instance, nowMs);
    }
    dispatcher.dispatch(instance, { type: "reconfigured" }, nowMs);
    dispatcher.dispatch(instance, { type: "priority", priority: instance.health.effective }, nowMs);
    dispatcher.evaluate(instance, nowMs);
  }

  #remove(instance: Instance, reason: string, nowMs: number): void {
    const { roster, dispatcher } = this.#parts;
    roster.instances.delete(instance.name);
    roster.groups.part(instance);
    roster.leaving.add(instance);
    instance.leaving = true;
    dispatcher.dispatch(instance, { type: "shutdown", reason }, nowMs);
  }
}
