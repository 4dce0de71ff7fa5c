/**
 * One image of the program follows another without a failover. The old one announces a pause, so that nobody
 * takes it for dead, and says what it knows; the new one goes on in the same states and says that it is back.
 */
import type { Sysctl } from "../kernel/sysctl.ts";
import { isSame } from "../kernel/plan.ts";
import type { Dispatcher, DispatcherParts } from "./dispatcher.ts";
import { Instance } from "./instance.ts";
import type { EngineEvent } from "./messages.ts";
import { stateName } from "./report.ts";
import { type Inheritance, placeOf, restoreState, type SavedRouter, saveRouter, unsettled } from "./saved.ts";
import type { State } from "./state.ts";
import { virtualAddresses } from "./settings.ts";

export interface SuccessionParts extends DispatcherParts {
  readonly dispatcher: Dispatcher;
  readonly sysctl: Sysctl;
  now(): number;
  post(event: EngineEvent): void;
}

export class Succession {
  readonly #parts: SuccessionParts;

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  /**
   * From now on active routers announce a long interval, in their own cadence, and hold their addresses
   * longer: whenever this process ends, the peers wait. Said again each time this is called, as an
   * advertisement may be lost. A sentence when something is under way that has to end first; nothing has
   * changed then.
   */
  pause(nowMs: number): Inheritance | string {
    const { roster, effects, sysctl } = this.#parts;
    const reasons = roster.all().map(unsettled).filter((reason) => reason !== null);
    if (reasons.length > 0) return reasons.join(", ");
    effects.together(() => {
      for (const instance of roster.instances.values()) {
        instance.setPausing(true);
        this.#tell(instance, nowMs);
      }
    });
    effects.renewals.complete(nowMs);
    const routers = [...roster.instances.values()].map(saveRouter);
    return { pausedAtMs: nowMs, parameters: sysctl.changes, routers, groups: roster.groups.save() };
  }

  /** The pause is off: everything as before, and the peers are told at once. */
  goOn(nowMs: number): void {
    const { roster, effects } = this.#parts;
    effects.together(() => {
      for (const instance of roster.instances.values()) {
        if (instance.setPausing(false)) this.#tell(instance, nowMs);
      }
    });
  }

  /**
   * Before the first configuration: what the image before has left. Who comes too late begins anew. The pause
   * stays announced until `goOn`: a program that has just started is not as punctual as it will be.
   */
  inherit({ pausedAtMs, parameters, routers, groups }: Inheritance, nowMs: number): void {
    const { roster, sysctl, now, post } = this.#parts;
    sysctl.inherit(parameters);
    roster.virtual = virtualAddresses(routers.map(({ config }) => config));
    const restored: Instance[] = [];
    for (const saved of routers) {
      const instance = new Instance(saved.name, saved.config, roster.trackers, {
        readyAtMs: 0,
        now: Date.now(),
        override: roster.overrides.get(saved.name) ?? null,
      });
      const state = restoreState(instance.router, instance.state.priority, saved.state, pausedAtMs, nowMs);
      if (state === null) continue;
      this.#restore(instance, saved, state);
      restored.push(instance);
    }
    roster.groups.inherit(groups, roster.instances);
    for (const instance of restored) this.#goOn(instance, nowMs);
    const states = restored.map(({ name, state }) => ({ name, state: stateName(state.name) }));
    post({ type: "inherited", routers: states, pauseMs: now() - pausedAtMs });
  }

  /** The peers and the kernel hear of it at once. */
  #tell(instance: Instance, nowMs: number): void {
    if (instance.isActive) this.#parts.dispatcher.dispatch(instance, { type: "reconfigured" }, nowMs);
  }

  #restore(instance: Instance, saved: SavedRouter, state: State): void {
    const { roster, links, effects } = this.#parts;
    instance.addresses = instance.addresses.map((managed) => {
      const located = { ...managed, ifindex: links.indexOf(managed.interface) };
      const isThere = links.addressesOf(located.ifindex).some((there) => isSame(there, located));
      return isThere && saved.held.includes(placeOf(managed)) ? { ...located, held: true } : managed;
    });
    instance.inherit(saved, state);
    instance.setPausing(true);
    if (instance.isActive) effects.holding.keepLink(instance);
    roster.instances.set(instance.name, instance);
  }

  #goOn(instance: Instance, nowMs: number): void {
    const { effects, dispatcher } = this.#parts;
    dispatcher.evaluate(instance, nowMs);
    if (!instance.isActive) return;
    // What has been removed meanwhile comes back, and the peers hear of this router again.
    effects.setAddresses(instance, true, nowMs);
    if (instance.blocked !== null) return dispatcher.evaluate(instance, nowMs);
    dispatcher.dispatch(instance, { type: "reconfigured" }, nowMs);
  }
}
