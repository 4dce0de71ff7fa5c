/** Weights: what the tracked checks make of a virtual router's priority (keepalived's arithmetic). PURE. */
import type { CheckState, Contribution } from "../snapshot.ts";

/**
 * A virtual router tracks a check; `weight` absent or 0: failing means FAULT. Reversed, passing does, and a
 * weight counts with the other sign.
 */
export interface Track {
  readonly check: string;
  readonly weight?: number;
  readonly reverse?: boolean;
}

export interface TrackedState {
  readonly state: CheckState;
  readonly reason: string;
  /** The number that the check holds: the weight is multiplied by it; without a weight 0 passes. */
  readonly factor?: number | undefined;
}

export interface Health {
  /** 1..254, or 255 for the address owner, whom no check changes. */
  readonly effective: number;
  /** One per track, in their order. */
  readonly contributions: Contribution[];
  /** Why the router is in FAULT: one reason per failing check without weight, or number that is too low. */
  readonly faults: string[];
  /** Checks without weight that have not decided yet: the router waits for them. */
  readonly pending: string[];
}

const ownerPriority = 255;
/** Number times weight stays below it; less than its negative is FAULT (keepalived's track_file). */
const productMax = 253;

const notChecked: TrackedState = { state: "unknown", reason: "not checked yet" };

/** The effective priority and why. A check that `states` does not hold counts as unknown. */
export function effectivePriority(
  base: number,
  tracks: readonly Track[],
  states: ReadonlyMap<string, TrackedState>,
): Health {
  const judged = tracks.map((track) => judge(track, states.get(track.check) ?? notChecked));
  const contributions = judged.map(({ contribution }) => contribution);
  return {
    effective: base === ownerPriority ? base : clamp(base + sum(contributions)),
    contributions,
    faults: judged.flatMap(({ fault, contribution: { check } }) =>
      fault === undefined ? [] : [`${check}: ${fault}`]
    ),
    pending: contributions.filter(({ weight, state }) => weight === null && state === "unknown")
      .map(({ check }) => check),
  };
}

interface Judged {
  readonly contribution: Contribution;
  /** Why it is the router's FAULT. */
  readonly fault?: string;
}

function judge(track: Track, tracked: TrackedState): Judged {
  const { check, weight = 0, reverse = false } = track;
  const { state, reason, factor } = tracked;
  const judgement = weight === 0
    ? decide(reverse, tracked)
    : weigh(reverse ? -weight : weight, weight, tracked);
  const { contribution = 0, fault } = judgement;
  return {
    contribution: {
      ...{ check, state, weight: weight === 0 ? null : weight, reverse },
      ...(factor === undefined ? {} : { factor }),
      ...{ contribution, reason },
    },
    ...(fault === undefined ? {} : { fault }),
  };
}

interface Judgement {
  readonly contribution?: number;
  readonly fault?: string;
}

/** Without a weight: up or down, and a number that is held fails unless it is 0. */
function decide(reverse: boolean, { state, reason, factor = 0 }: TrackedState): Judgement {
  if (state === "unknown") return {};
  const passes = state === "up" && factor === 0;
  return passes === reverse ? { fault: reverse ? `passes: ${reason}` : reason } : {};
}

/** `effect` is the weight as it counts; a failing check that holds a number counts like any other. */
function weigh(effect: number, weight: number, { state, reason, factor }: TrackedState): Judgement {
  if (factor === undefined || state !== "up") {
    return { contribution: state === (weight > 0 ? "up" : "down") ? effect : 0 };
  }
  const product = factor * effect;
  if (product < -productMax) {
    return { contribution: -productMax, fault: `${reason}, times ${effect} is ${product}` };
  }
  return { contribution: Math.min(product, productMax) };
}

function sum(contributions: readonly Contribution[]): number {
  return contributions.reduce((total, { contribution }) => total + contribution, 0);
}

function clamp(priority: number): number {
  return Math.max(1, Math.min(254, priority));
}
