/** Weights: what the tracked checks make of a virtual router's priority (keepalived's arithmetic). PURE. */
import type { CheckState, Contribution } from "../snapshot.ts";

/** A virtual router tracks a check; `weight` absent or 0: failing means FAULT. */
export interface Track {
  readonly check: string;
  readonly weight?: number;
}

export interface TrackedState {
  readonly state: CheckState;
  readonly reason: string;
}

export interface Health {
  /** 1..254, or 255 for the address owner, whom no check changes. */
  readonly effective: number;
  /** One per track, in their order. */
  readonly contributions: Contribution[];
  /** Why the router is in FAULT: one reason per failing check without weight. */
  readonly faults: string[];
  /** Checks without weight that have not decided yet: the router waits for them. */
  readonly pending: string[];
}

const ownerPriority = 255;

const notChecked: TrackedState = { state: "unknown", reason: "not checked yet" };

/** The effective priority and why. A check that `states` does not hold counts as unknown. */
export function effectivePriority(
  base: number,
  tracks: readonly Track[],
  states: ReadonlyMap<string, TrackedState>,
): Health {
  const contributions = tracks.map((track) => contribute(track, states.get(track.check) ?? notChecked));
  const deciding = contributions.filter(({ weight }) => weight === null);
  return {
    effective: base === ownerPriority ? base : clamp(base + sum(contributions)),
    contributions,
    faults: deciding.filter(({ state }) => state === "down").map(({ check, reason }) =>
      `${check}: ${reason}`
    ),
    pending: deciding.filter(({ state }) => state === "unknown").map(({ check }) => check),
  };
}

function contribute({ check, weight = 0 }: Track, { state, reason }: TrackedState): Contribution {
  const contributes = weight > 0 ? state === "up" : state === "down";
  return {
    check,
    state,
    weight: weight === 0 ? null : weight,
    contribution: contributes ? weight : 0,
    reason,
  };
}

function sum(contributions: readonly Contribution[]): number {
  return contributions.reduce((total, { contribution }) => total + contribution, 0);
}

function clamp(priority: number): number {
  return Math.max(1, Math.min(254, priority));
}
