/** The sync groups of this host: who belongs to which, and what has to follow from what one of them does. */
import {
  conditionsInGroup,
  type Experience,
  type Firmness,
  mayStandFirm,
  settle,
  standFirm,
  type Standing,
  standingOf,
  stateOf,
} from "./group.ts";
import type { Conditions } from "./conditions.ts";
import type { Instance } from "./instance.ts";
import type { EngineEvent } from "./messages.ts";
import type { Track } from "../config/schema.ts";
import { stateName } from "./report.ts";
import type { Event, State } from "./state.ts";

/** By name; members in their order: the first decides where priorities cross. */
export type GroupConfigs = Readonly<Record<string, GroupConfig>>;

interface GroupConfig {
  readonly members: readonly string[];
  /** For the status: the members have them among theirs. */
  readonly track: readonly Track[];
}

/** What the program before knew of a group. */
export interface SavedGroup extends GroupConfig {
  readonly name: string;
  readonly state: State["name"];
  /** Unix milliseconds. */
  readonly since: number;
  readonly reason: string;
}

export class Group {
  members: readonly Instance[] = [];
  track: readonly Track[] = [];
  state: State["name"] = "initialize";
  since: number = Date.now();
  reason = "starting";
  firmness: Firmness | null = null;
  /** What a member did is being followed up: what the others do meanwhile is a part of it. */
  isSettling = false;

  constructor(readonly name: string) {}

  get standings(): Standing[] {
    return this.members.map(standing);
  }

  get isServing(): boolean {
    return this.members.some(({ isActive }) => isActive);
  }
}

/** How this one stands. */
export function standing({ state, isJoining }: Instance): Standing {
  return standingOf(state, isJoining);
}

type Dispatch = (member: Instance, event: Event, nowMs: number) => void;

export class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #post: (event: EngineEvent) => void;

  constructor(post: (event: EngineEvent) => void) {
    this.#post = post;
  }

  get all(): readonly Group[] {
    return [...this.#groups.values()];
  }

  get(name: string): Group | undefined {
    return this.#groups.get(name);
  }

  /**
   * These are the groups from now on. `created`: virtual routers that begin with this configuration. Returns
   * those that were there before and have another group now, or none.
   */
  configure(
    configs: GroupConfigs,
    instances: ReadonlyMap<string, Instance>,
    created: ReadonlySet<Instance>,
  ): Instance[] {
    const before = new Map([...instances.values()].map((instance) => [instance, instance.group]));
    const serving = new Set(this.all.filter((group) => group.isServing));
    for (const instance of instances.values()) instance.group = null;
    for (const name of this.#groups.keys()) if (!Object.hasOwn(configs, name)) this.#groups.delete(name);
    for (const [name, { members, track }] of Object.entries(configs)) {
      const group = this.#groups.get(name) ?? new Group(name);
      this.#groups.set(name, group);
      group.track = track;
      group.members = members.flatMap((member) => instances.get(member) ?? []);
      for (const member of group.members) {
        member.group = group;
        member.isJoining = created.has(member) && serving.has(group);
      }
    }
    return [...before].filter(([instance, group]) => !created.has(instance) && instance.group !== group)
      .map(([instance]) => instance);
  }

  inherit(saved: readonly SavedGroup[], instances: ReadonlyMap<string, Instance>): void {
    const configs = Object.fromEntries(saved.map(({ name, ...config }) => [name, config]));
    this.configure(configs, instances, new Set());
    for (const { name, state, since, reason } of saved) {
      Object.assign(this.#groups.get(name)!, { state, since, reason });
    }
  }

  save(): SavedGroup[] {
    return this.all.map(({ name, members, track, state, since, reason }) => {
      return { name, members: members.map((member) => member.name), track, state, since, reason };
    });
  }

  /** It has left the configuration, and goes alone from now on. */
  part(instance: Instance): void {
    const { group } = instance;
    if (group !== null) group.members = group.members.filter((member) => member !== instance);
    instance.group = null;
  }

  /** Everything that follows for the group from what a member has just done. */
  settle(group: Group, nowMs: number, dispatch: Dispatch): void {
    if (group.isSettling) return;
    group.isSettling = true;
    settle(group.members, standing, (member, to) => {
      const reason = to === "active" ? "its sync group is ready" : whyYielding(group);
      dispatch(member, { type: "follow", to, reason }, nowMs);
    });
    group.isSettling = false;
    if (!group.isServing) { for (const member of group.members) member.isJoining = false; }
    this.#note(group);
  }

  /** All members have left for good: their groups are told so after them. */
  end(reason: string): void {
    for (const group of this.all) this.#become(group, "initialize", () => reason);
  }

  #note(group: Group): void {
    const to = stateOf(group.members.map(({ state }) => state), group.standings);
    this.#become(group, to, () => reasonOf(group));
  }

  #become(group: Group, to: State["name"], why: () => string): void {
    const { name, state: from } = group;
    if (to === from) return;
    group.state = to;
    group.since = Date.now();
    group.reason = why();
    const { since: at, reason } = group;
    this.#post({ type: "group", at, name, from: stateName(from), to: stateName(to), reason });
  }
}

/** The one that others have to follow. */
function whyYielding({ name, members }: Group): string {
  const out = members.find((member) => ["listening", "stopped"].includes(standing(member)));
  return out === undefined
    ? `sync group ${name} leaves`
    : `sync group ${name}: ${out.name} is ${stateName(out.state.name)}: ${out.reason}`;
}

/** Of the member that made the group what it is. */
function reasonOf({ members, state }: Group): string {
  const decisive = members.find((member) => member.state.name === state && member.own.faults.length > 0) ??
    members.find((member) => member.state.name === state) ?? members[0];
  return decisive === undefined ? "it has no members" : `${decisive.name}: ${decisive.reason}`;
}

/** What stands in its way, and in that of the other members of its group. */
export function conditionsFor(instance: Instance): Conditions {
  const others = (instance.group?.members ?? []).filter((member) =>
    member !== instance && !isTolerated(member)
  );
  return conditionsInGroup(
    instance.own,
    others.map(({ name, own }) => ({ name, conditions: own })),
  );
}

/** A group that serves waits for no check of a member that joins it. */
function isTolerated({ isJoining, own, health }: Instance): boolean {
  return isJoining && own.faults.length === 0 && own.waiting.length <= health.pending.length;
}

/** Whether it stays active beside a better router, because another member decides. */
export function standsFirm(instance: Instance, nowMs: number): boolean {
  const { group } = instance;
  if (group === null || !instance.isActive) return false;
  const earlier = group.members.slice(0, group.members.indexOf(instance));
  const now = Date.now();
  if (!mayStandFirm(earlier.map((member) => experienceOf(member, now)))) return false;
  const longestInterval = Math.max(...group.members.map(({ router }) => router.advertisementInterval));
  const { activeSinceMs } = instance;
  const { firmness, may } = standFirm(group.firmness, { longestInterval, activeSinceMs }, nowMs);
  group.firmness = firmness;
  return may;
}

function experienceOf({ isActive, state, router, heard }: Instance, now: number): Experience {
  const rivals = [...heard.values()].map(({ source, advertisement: { priority }, lastSeen }) => {
    return { source, priority, agoMs: now - lastSeen };
  });
  return { isActive, priority: state.priority, router, heard: rivals };
}
