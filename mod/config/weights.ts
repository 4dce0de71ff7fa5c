/**
 * What a configuration says about priorities: the effective one with some checks failing, and whether the
 * addresses then move.
 */
import type { VirtualRouterConfig } from "./schema.ts";

const OWNER = 255;

/** What decides: the base priority, the tracked checks, whether it takes over from a living router. */
export type Candidate = Pick<VirtualRouterConfig, "priority" | "track" | "preempt">;

/**
 * Effective priority while the named check fails and all others pass; 0 for FAULT.
 * Negative weights count while failing, positive ones while passing, reversed ones with the other sign; the
 * sum stays within 1..254.
 */
export function effectivePriority({ priority, track }: Candidate, failing?: string): number {
  const isFault = track.some(({ check, weight, reverse = false }) =>
    weight === undefined && (check === failing) !== reverse
  );
  if (isFault) return 0;
  if (priority === OWNER) return OWNER;
  const sum = track.reduce((sum, { check, weight = 0, reverse = false }) => {
    const counts = weight < 0 ? check === failing : check !== failing;
    return counts ? sum + (reverse ? -weight : weight) : sum;
  }, priority);
  return Math.min(254, Math.max(1, sum));
}

/**
 * A weight that would make the difference; `everywhere`: on all routers that track the check, not on the
 * active one alone.
 */
export interface Remedy {
  readonly weight: number;
  readonly everywhere: boolean;
}

/** What a failing check of the active router leads to. */
export type Outcome =
  | { readonly kind: "moves" }
  /** Too small a weight: the priority is still `lowered`, and no other router's is more than `best`. */
  | { readonly kind: "stays"; readonly lowered: number; readonly best: number; readonly remedy?: Remedy }
  /** Low enough, but no other router takes over from a living one. */
  | { readonly kind: "refused" };

/**
 * Whether the addresses leave `active` for one of `others` when this check of it fails; it has the highest
 * priority.
 */
export function onFailure(active: Candidate, others: readonly Candidate[], check: string): Outcome {
  const lowered = effectivePriority(active, check);
  const best = Math.max(...others.map((other) => effectivePriority(other)));
  if (lowered >= best) {
    const remedy = remedyFor(active, others, check, lowered - best + 1);
    return { kind: "stays", lowered, best, ...(remedy === undefined ? {} : { remedy }) };
  }
  const willing = others.some((other) => other.preempt && effectivePriority(other) > lowered);
  return willing || lowered === 0 ? { kind: "moves" } : { kind: "refused" };
}

/**
 * A positive weight is lost by the failing router and kept by the others: it has to be larger on all of them.
 * Where they do not track the check it lifts the active router for nothing, and only a negative one lowers it
 * below them.
 */
function remedyFor(
  active: Candidate,
  others: readonly Candidate[],
  check: string,
  gap: number,
): Remedy | undefined {
  const weight = weightOf(active, check);
  const everywhere = weight > 0 && others.some((other) => weightOf(other, check) > 0);
  const remedy = { weight: everywhere ? weight + gap : Math.min(0, weight) - gap, everywhere };
  const remedied = withWeight(active, check, remedy.weight);
  const rivals = everywhere ? others.map((other) => withWeight(other, check, remedy.weight)) : others;
  const best = Math.max(...rivals.map((other) => effectivePriority(other)));
  // The sum is cut at 1 and 254, and the addresses shall not move while all is well.
  const works = effectivePriority(remedied) > best && effectivePriority(remedied, check) < best;
  return works && Math.abs(remedy.weight) <= 253 ? remedy : undefined;
}

function weightOf({ track }: Candidate, check: string): number {
  return track.find((one) => one.check === check)?.weight ?? 0;
}

function withWeight(candidate: Candidate, check: string, weight: number): Candidate {
  return {
    ...candidate,
    track: candidate.track.map((one) => one.check === check ? { ...one, weight } : one),
  };
}
