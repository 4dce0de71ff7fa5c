/** Who takes part in an election, however it is known: by its configuration, by what it advertises. PURE. */
import type { Track, TrackedState } from "../health/health.ts";
import { type Override, weigh } from "../vrrp/override.ts";
import type { VirtualRouter } from "../vrrp/state.ts";
import { intervalCs, type Version } from "../vrrp/timers.ts";
import type { Contender } from "./contest.ts";

/** What decides about one virtual router on one host. */
export interface Party {
  /** As sentences call it: `lb1`, `lb2.toml`, `192.0.2.2`. */
  readonly name: string;
  /** advertisements: only its effective priority is known, and it is taken for one that preempts. */
  readonly knownBy: "status" | "file" | "advertisements";
  /** When it was heard last, RFC 3339; null: it was not, or need not be. */
  readonly lastSeen: string | null;
  /** The base priority, 1..255. */
  readonly priority: number;
  readonly track: readonly Track[];
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  readonly version: Version;
  readonly intervalMs: number;
  readonly handover: { readonly enabled: boolean; readonly timeoutMs: number };
  /** What its checks say; one that is not there is as it should be. */
  readonly states: ReadonlyMap<string, TrackedState>;
  readonly override: Override | null;
  readonly heldBack: boolean;
  /** What keeps it from taking part beside its checks. */
  readonly obstacles: readonly string[];
}

/** A sync group moves as one: what means FAULT for one of the others means FAULT for this one. */
export function inGroup(
  party: Party,
  others: readonly Pick<Party, "track" | "states" | "obstacles">[],
): Party {
  const own = new Set(party.track.map(({ check }) => check));
  const theirs = others.flatMap(({ track, states }) =>
    track.map((one) => ({ one, state: states.get(one.check) }))
  )
    .filter(({ one: { check, weight } }) => weight === undefined && !own.has(check));
  const foreign = new Map(theirs.map(({ one, state }) => [one.check, { one, state }]));
  const states = [...foreign].flatMap(([check, { state }]) =>
    state === undefined ? [] : [[check, state] as const]
  );
  const obstacles = others.flatMap(({ obstacles }) => obstacles).filter((one) =>
    !party.obstacles.includes(one)
  );
  return {
    ...party,
    track: [...party.track, ...[...foreign.values()].map(({ one }) => one)],
    states: new Map([...party.states, ...states]),
    obstacles: [...party.obstacles, ...obstacles],
  };
}

/** What is assumed of its checks, against what they say. */
export interface Assumed {
  readonly failing: readonly string[];
  readonly passing: readonly string[];
}

export const AS_IT_IS: Assumed = { failing: [], passing: [] };

/** What the checks make of the party: the effective priority, or why it cannot serve. */
export interface Standing {
  readonly effective: number;
  readonly faults: readonly string[];
  readonly suspended: string | null;
}

export function standingOf(party: Party, assumed: Assumed): Standing {
  const { health, suspended } = weigh(party, party.override, statesOf(party, assumed));
  return { effective: health.effective, faults: [...health.faults, ...party.obstacles], suspended };
}

/** What each check is to be taken for. */
export function statesOf(
  { track, states }: Pick<Party, "track" | "states">,
  { failing, passing }: Assumed,
): Map<string, TrackedState> {
  return new Map(track.map(({ check, reverse = false }) => {
    if (failing.includes(check)) return [check, { state: "down", reason: "assumed to fail" }];
    if (passing.includes(check)) return [check, { state: "up", reason: "assumed to pass" }];
    return [check, states.get(check) ?? { state: reverse ? "down" : "up", reason: "taken for well" }];
  }));
}

/** That these checks are not as they should be: failing, or passing where the track is reversed. */
export function unwell({ track }: Pick<Party, "track">, ...checks: readonly string[]): Assumed {
  const isReversed = (check: string): boolean =>
    track.some((one) => one.check === check && one.reverse === true);
  return {
    failing: checks.filter((check) => !isReversed(check)),
    passing: checks.filter(isReversed),
  };
}

/** That each of these checks is what it is not now. */
export function turned(party: Party, ...checks: readonly string[]): Assumed {
  const states = statesOf(party, AS_IT_IS);
  const stateOf = (check: string): string => states.get(check)?.state ?? "unknown";
  const undecided = unwell(party, ...checks.filter((check) => stateOf(check) === "unknown"));
  return {
    failing: [...checks.filter((check) => stateOf(check) === "up"), ...undecided.failing],
    passing: [...checks.filter((check) => stateOf(check) === "down"), ...undecided.passing],
  };
}

/** `place` 1.. makes its address, which decides between equals that are both active. */
export function contenderOf(party: Party, assumed: Assumed, place: number): Contender {
  const { effective, faults, suspended } = standingOf(party, assumed);
  const isPreferred = party.override?.by === "prefer" && suspended === null && !party.heldBack;
  const router: VirtualRouter = {
    version: party.version,
    vrid: 1,
    advertisementInterval: intervalCs(party.intervalMs),
    primaryAddress: Uint8Array.of(192, 0, 2, place),
    unicast: false,
    preemptMode: party.preempt || isPreferred,
    heldBack: party.heldBack,
    preferred: isPreferred,
    preemptDelayMs: isPreferred ? 0 : party.preemptDelayMs,
    handover: party.handover,
    announce: { delayMs: 0, refreshMs: 0 },
    renewMs: 0,
  };
  return { name: party.name, router, priority: effective, faults };
}
