/** What is assumed of checks, carried on to the checks that follow them. */
import { type Following, judgeMembers, type MemberState } from "../../checks/members.ts";
import type { Assumed } from "./party.ts";

/** What is known of the checks of this host. */
export interface Checks {
  /** By name: which checks it follows, and how many of them must be up. */
  readonly following: ReadonlyMap<string, Following>;
  stateOf(name: string): MemberState;
}

/** All checks that these depend on, themselves included. */
export function dependenciesOf(names: readonly string[], { following }: Checks): string[] {
  const all = new Set<string>();
  const pending = [...names];
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (all.has(name)) continue;
    all.add(name);
    pending.push(...following.get(name)?.checks ?? []);
  }
  return [...all];
}

/**
 * The same as it is for the checks that are tracked: one that follows others is failing, or passing, when
 * theirs make it another than it is now. What is assumed of itself counts before that.
 */
export function assumedOfTracked(tracked: readonly string[], assumed: Assumed, checks: Checks): Assumed {
  const judged = new Map<string, MemberState>();
  const judge = (name: string): MemberState => {
    if (assumed.failing.includes(name)) return "down";
    if (assumed.passing.includes(name)) return "up";
    const known = judged.get(name);
    if (known !== undefined) return known;
    const now = checks.stateOf(name);
    // Nothing goes in a circle in a configuration that was loaded.
    judged.set(name, now);
    const followed = checks.following.get(name);
    if (followed === undefined) return now;
    const members = followed.checks.map((member) => ({ name: member, state: judge(member), reason: "" }));
    const { kind } = judgeMembers(members, followed.need);
    const state = kind === "undecided" ? now : kind === "passes" ? "up" : "down";
    judged.set(name, state);
    return state;
  };
  const changed = tracked.filter((name) =>
    judge(name) !== checks.stateOf(name) || assumed.failing.includes(name) || assumed.passing.includes(name)
  );
  return {
    failing: changed.filter((name) => judge(name) === "down"),
    passing: changed.filter((name) => judge(name) === "up"),
  };
}
