/**
 * A sync group: its members are ACTIVE together or not at all. What follows is decided by how the members
 * stand at this moment and by nothing else: there is no count that could be wrong, and no state of the
 * group's own in which it could be stuck. Each member remains an ordinary router on the wire. PURE.
 */
import { compareAddresses } from "../wire/address.ts";
import type { Event, State, VirtualRouter } from "./state.ts";
import { intervalMs } from "./timers.ts";

export type Standing =
  /** It serves. */
  | "active"
  /** It serves until another router does, because its group has to leave: it could as well stay. */
  | "yielding"
  /** It serves until another router does, for a reason of its own. */
  | "leaving"
  /** If it were alone, it would be active now. */
  | "ready"
  /** It begins soon: no reason for the others to leave, nor to begin. */
  | "starting"
  /** Another router serves, or may serve. */
  | "listening"
  /** It cannot take part. */
  | "stopped";

/** `isJoining`: it has come to a group that serves, and has heard nobody yet. */
export function standingOf(state: State, isJoining = false): Standing {
  switch (state.name) {
    case "active":
      if (state.handover === null) return "active";
      return state.handover.cause === "group" ? "yielding" : "leaving";
    case "backup":
      if (state.ready !== null) return "ready";
      return isJoining && state.heard === null ? "starting" : "listening";
    case "initialize":
      return isJoining || state.waiting.length === 0 ? "starting" : "stopped";
    case "fault":
      return "stopped";
  }
}

/** Where the members have to go; null: everything is as it should be, or becomes so by itself. */
export function destination(standings: readonly Standing[]): "active" | "backup" | null {
  const some = (...which: Standing[]): boolean => standings.some((standing) => which.includes(standing));
  if (some("listening", "stopped")) return some("active", "leaving") ? "backup" : null;
  // Who leaves by itself will be gone, or stay after all; who starts will be ready, or listen.
  if (some("leaving", "starting")) return null;
  return some("ready", "yielding") ? "active" : null;
}

/** Whether a member that stands so has to be told of that destination. */
export function isAddressed(standing: Standing, to: "active" | "backup"): boolean {
  return to === "active"
    ? standing === "ready" || standing === "yielding"
    : standing === "active" || standing === "leaving";
}

/**
 * Tells the members where to go until all is as it should be. Whoever is told stands otherwise at once, so it
 * ends; who does not, is not told again.
 */
export function settle<Member>(
  members: readonly Member[],
  standing: (member: Member) => Standing,
  tell: (member: Member, to: "active" | "backup") => void,
): void {
  for (let isNew = true; isNew;) {
    isNew = false;
    const to = destination(members.map(standing));
    if (to === null) return;
    for (const member of members) {
      const before = standing(member);
      if (!isAddressed(before, to)) continue;
      tell(member, to);
      isNew ||= standing(member) !== before;
    }
  }
}

/** What the group is as a whole, in the words of a member's state. */
export function stateOf(states: readonly State[], standings: readonly Standing[]): State["name"] {
  if (states.some(({ name }) => name === "fault")) return "fault";
  const serving = states.filter(({ name }) => name === "active").length;
  const starting = standings.filter((standing) => standing === "starting").length;
  if (serving > 0 && serving + starting === states.length) return "active";
  return states.some(({ name }) => name === "initialize") ? "initialize" : "backup";
}

type Conditions = Extract<Event, { readonly type: "conditions" }>;

/** What stands in a member's own way. */
export interface Obstacles {
  readonly name: string;
  readonly conditions: Conditions;
}

/** What stands in the way of any member stands in the way of all. */
export function conditionsInGroup(own: Conditions, others: readonly Obstacles[]): Conditions {
  return {
    ...own,
    waiting: together(own.waiting, others.map(({ name, conditions }) => [name, conditions.waiting])),
    faults: together(own.faults, others.map(({ name, conditions }) => [name, conditions.faults])),
  };
}

/** A check that the group tracks fails for all of them: once is enough. */
function together(
  own: readonly string[],
  others: readonly (readonly [name: string, reasons: readonly string[]])[],
): readonly string[] {
  const told = new Set(own);
  const reasons = [...own];
  for (const [name, theirs] of others) {
    for (const reason of theirs) {
      if (!told.has(reason)) reasons.push(`${name}: ${reason}`);
      told.add(reason);
    }
  }
  return reasons;
}

/** What a member knows of the active routers that it has heard. */
export interface Experience {
  readonly isActive: boolean;
  readonly priority: number;
  readonly router: Pick<VirtualRouter, "primaryAddress" | "advertisementInterval">;
  readonly heard: readonly {
    readonly source: Uint8Array;
    readonly priority: number;
    readonly agoMs: number;
  }[];
}

/** What a member heard so long ago may be no more. */
const RECENTLY_MS = 60_000;

/**
 * Whether a member stays although it has heard a better router. Two hosts whose priorities cross (here the
 * one member is better, there the other) would both leave; so where both have the group, the first member
 * that knows the other host decides: who is better there stays everywhere. `earlier`: the members before
 * this one.
 */
export function mayStandFirm(earlier: readonly Experience[]): boolean {
  return earlier.some(({ isActive, priority, router, heard }) =>
    isActive && heard.some((rival) => rival.agoMs < RECENTLY_MS && isWorse(rival, priority, router))
  );
}

function isWorse(
  rival: Experience["heard"][number],
  priority: number,
  { primaryAddress }: Experience["router"],
): boolean {
  if (rival.priority === 0) return false;
  if (rival.priority !== priority) return rival.priority < priority;
  return compareAddresses(rival.source, primaryAddress) < 0;
}

/** A conflict is over when it has been quiet for so long. */
const QUIET_MS = 10_000;
/** The way, and a host that is busy. */
const ALLOWANCE_MS = 100;

/** Of a group that serves: its longest advertisement interval, centiseconds, and since when it does. */
interface Reign {
  readonly longestInterval: number;
  readonly activeSinceMs: number;
}

/** Since when a group stands firm against a better router, and when it heard it last. */
export interface Firmness {
  readonly sinceMs: number;
  readonly lastMs: number;
}

/**
 * The other host hears of the better member with its next advertisement, and leaves, if it has the group.
 * Who is still there later has not: then this group has to leave (`may` is false). Each time that it takes
 * over it may stand firm anew, or two hosts that meet again and again would each leave every time.
 */
export function standFirm(
  before: Firmness | null,
  { longestInterval, activeSinceMs }: Reign,
  nowMs: number,
): { readonly firmness: Firmness; readonly may: boolean } {
  const isOld = before === null || before.lastMs < activeSinceMs || nowMs - before.lastMs > QUIET_MS;
  const sinceMs = isOld ? nowMs : before.sinceMs;
  const may = nowMs - sinceMs <= intervalMs(longestInterval) + ALLOWANCE_MS;
  return { firmness: { sinceMs, lastMs: nowMs }, may };
}
