/**
 * One event of one virtual router and everything that follows from it: `step()`, its effects, and what the
 * new state means for the conditions, the sockets and the routers that hand over.
 */
import type { LinkTable } from "../kernel/links.ts";
import { type Conditions, conditionsOf, findPrimaryAddress } from "./conditions.ts";
import type { Effects } from "./effects.ts";
import { conditionsFor, type Group, standing, standsFirm } from "./groups.ts";
import type { Instance } from "./instance.ts";
import type { Listener } from "./listener.ts";
import { inStep } from "./phase.ts";
import { stateName } from "./report.ts";
import { forerunnerOf, rivalOf } from "./rivals.ts";
import type { Roster } from "./roster.ts";
import { step } from "./router.ts";
import type { Effect, Event, State, VirtualRouter } from "./state.ts";
import { activeDownIntervalMs } from "./timers.ts";

/**
 * After the kernel refused a socket. An interface that has just gone or come is the usual reason, so soon.
 */
const LISTEN_RETRY_MS = 1_000;

/** Whoever acts upon another active router needs not hear of each of its advertisements. */
const RIVAL_EVERY_MS = 200;

export interface DispatcherParts {
  readonly roster: Roster;
  readonly links: LinkTable;
  readonly listener: Listener;
  readonly effects: Effects;
}

export class Dispatcher {
  readonly #parts: DispatcherParts;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** True when nothing followed but, at most, a later deadline. */
  dispatch(instance: Instance, event: Event, nowMs: number): boolean {
    const { group, isActive, state: { name } } = instance;
    if (group === null) return this.#dispatch(instance, event, nowMs);
    const before = standing(instance);
    const quiet = this.#dispatch(instance, event, nowMs);
    // Now and then without a reason: whatever went wrong once does not last.
    const isLook = event.type === "deadline" && instance === group.members[0];
    if (standing(instance) === before && instance.state.name === name && !isLook) return quiet;
    this.settle(group, nowMs);
    // What it waits for may be another thing than while it served.
    if (isActive && !instance.isActive) this.evaluate(instance, nowMs);
    return false;
  }

  /** What has to follow for a sync group from how its members stand now. */
  settle(group: Group, nowMs: number): void {
    const { groups } = this.#parts.roster;
    groups.settle(group, nowMs, (member, event) => void this.#dispatch(member, event, nowMs));
  }

  #dispatch(instance: Instance, event: Event, nowMs: number): boolean {
    const { state: before, deadlineMs } = instance;
    const { state, effects } = step(routerFor(instance, event, nowMs), before, event, nowMs);
    this.#enter(instance, event.type === "deadline" ? paced(instance, state) : state);
    if (
      before.name === "active" && before.handover !== null && state !== before &&
      (event.type === "advertisement" || event.type === "succeeded")
    ) {
      instance.counters.handovers_completed++;
    }
    // Somebody else serves: nobody needs to be asked any more.
    const probed = before.name === "backup" && before.probe !== undefined;
    if (probed) this.#parts.effects.detector.follow(instance);
    const isActive = before.name === "active" || state.name === "active";
    if (isActive || event.type === "priority") this.#tell(instance, before, event, nowMs);
    if (effects.length === 0) return instance.deadlineMs >= deadlineMs;
    const blocked = instance.blocked;
    this.#parts.effects.run(
      instance,
      instance.virtualLink === null ? effects : addressesFirst(effects),
      nowMs,
    );
    if (state.name !== before.name) this.#parts.effects.detector.follow(instance);
    // The kernel refused an address: whoever cannot serve must not stay active.
    if (instance.blocked !== blocked) this.evaluate(instance, nowMs);
    else if (instance.isActive && before.name !== "active") {
      if (instance.heldBack !== null) instance.heldBack = null;
      instance.isJoining = false;
      this.succeed(instance, instance.state.priority, nowMs);
    }
    return false;
  }

  /** A check or the operator's word has changed. */
  weigh(instance: Instance, nowMs: number): void {
    instance.weigh(this.#parts.roster.trackers);
    const { effective } = instance.health;
    if (effective !== instance.state.priority) {
      this.dispatch(instance, { type: "priority", priority: effective }, nowMs);
    }
    this.evaluate(instance, nowMs);
  }

  /** What others may want to act upon although no state changes. */
  #tell(instance: Instance, before: State, event: Event, nowMs: number): void {
    const { name, router, state, forerunner } = instance;
    const { post } = this.#parts.effects.around;
    if (state.name === "active" && before.name !== "active") {
      instance.forerunner = forerunnerOf(router, before, nowMs);
    }
    if (event.type === "priority" && state.priority !== before.priority) {
      post({ type: "priority", name, state: stateName(state.name), priority: state.priority });
    }
    const rival = rivalOf(router, forerunner, { before, event, after: state, nowMs });
    if (rival === null || !instance.isDue(`rival ${rival.hasYielded}`, RIVAL_EVERY_MS, nowMs)) return;
    const silenceMs = activeDownIntervalMs(router.version, state.priority, router.advertisementInterval);
    post({ type: "rival", name, priority: state.priority, rival, silenceMs });
  }

  /** Looks at the conditions anew: the primary address, the sockets, the link, the checks. */
  evaluate(instance: Instance, nowMs: number): void {
    const { roster, links, effects } = this.#parts;
    this.prepare(instance, nowMs);
    if (instance.leaving && !instance.isActive) return;
    const before = instance.own;
    instance.own = withMaintenance(conditionsOf(instance, links, nowMs), instance, roster);
    const others = isSame(before, instance.own) ? [] : instance.group?.members ?? [];
    for (const member of others) {
      member.own = withMaintenance(conditionsOf(member, links, nowMs), member, roster);
    }
    for (const one of new Set([instance, ...others])) {
      this.dispatch(one, conditionsFor(one), nowMs);
      effects.detector.follow(one);
      effects.tellObstacles(one);
      this.#enter(one, one.state);
    }
  }

  /** All that it needs of its interface: the macvlan, the primary address, the sockets. */
  prepare(instance: Instance, nowMs: number): void {
    const { roster, links, effects } = this.#parts;
    effects.holding.prepareLink(instance, nowMs);
    instance.setPrimaryAddress(findPrimaryAddress(instance, links, roster.virtual));
    this.#listen(instance, nowMs);
  }

  /**
   * Somebody is active where this instance takes part: what it has replaced (another VRID, another version)
   * still hands over and cannot hear that. If it is this instance itself, the addresses stay where they are.
   */
  succeed(instance: Instance, priority: number, nowMs: number): void {
    for (const old of this.#parts.roster.leaving) {
      if (old === instance || !old.isActive || !old.sharesAddress(instance)) continue;
      if (instance.isActive) old.leaveAddressesTo(instance);
      this.dispatch(old, { type: "succeeded", priority }, nowMs);
    }
  }

  #enter(instance: Instance, state: State): void {
    instance.enter(state);
    this.#parts.roster.expect(instance);
  }

  /**
   * Sockets on the interface. Who cannot hear the others must not believe to be alone: without them it is
   * out, and tries again.
   */
  #listen(instance: Instance, nowMs: number): void {
    const { links, listener, effects } = this.#parts;
    const ifindex = instance.primaryAddress === null ? 0 : links.indexOf(instance.config.interface);
    if (ifindex === instance.ifindex || (ifindex !== 0 && instance.blocked !== null)) return;
    // What waits for a socket that is about to be closed.
    effects.flush();
    const problem = listener.attach(instance, ifindex);
    effects.learnForwarding(instance);
    if (problem === null) return;
    instance.blocked = { reason: problem, untilMs: nowMs + LISTEN_RETRY_MS };
    effects.tell(instance, "listen", problem, nowMs);
  }
}

/** Only a better router's advertisement can be stood firm against. */
function routerFor(instance: Instance, event: Event, nowMs: number): VirtualRouter {
  const { router, state } = instance;
  if (instance.group === null || event.type !== "advertisement" || state.name !== "active") return router;
  if (event.advertisement.priority < state.priority) return router;
  return standsFirm(instance, nowMs) ? { ...router, standsFirm: true } : router;
}

function isSame(a: Conditions, b: Conditions): boolean {
  const all = ({ waiting, faults, reachable }: Conditions): string =>
    JSON.stringify([waiting, faults, reachable]);
  return all(a) === all(b);
}

/** After an advertisement that was due: in step with the other virtual routers. */
function paced({ router, state: before }: Instance, state: State): State {
  if (state.name !== "active" || before.name !== "active" || state.adverAtMs === before.adverAtMs) {
    return state;
  }
  return inStep(router, state);
}

/** Who serves is asked to leave (`release.ts`) and not made to, unless the operator insists. */
function withMaintenance(
  conditions: Conditions,
  { isActive }: Instance,
  { maintenance }: Roster,
): Conditions {
  if (maintenance === null || (isActive && !maintenance.force)) return conditions;
  return { ...conditions, waiting: [maintenance.reason, ...conditions.waiting] };
}

/**
 * A switch sends everything for the virtual router MAC address to whoever has advertised from it last, so it
 * must serve by then: to set its macvlan up takes the kernel some milliseconds.
 */
export function addressesFirst(effects: readonly Effect[]): readonly Effect[] {
  const isAddition = ({ type }: Effect): boolean => type === "addAddresses";
  return [...effects.filter(isAddition), ...effects.filter((effect) => !isAddition(effect))];
}
