/**
 * What a configuration says about priorities: the effective one with some checks failing, and whether the
 * addresses then move.
 */
import type { CheckConfig } from "./schema.ts";
import { effectivePriority as priorityOf, type Track } from "../health/health.ts";

/** What decides: the base priority, the tracked checks, whether it takes over from a living router. */
export interface Candidate {
  readonly priority: number;
  readonly track: readonly Track[];
  readonly preempt: boolean;
}

/**
 * Effective priority while the named checks are as they should not be (failing; reversed ones: passing) and
 * all others as they should; 0 for FAULT.
 */
export function effectivePriority({ priority, track }: Candidate, ...failing: readonly string[]): number {
  const states = new Map(
    track.map(({ check, reverse = false }) =>
      [check, { state: failing.includes(check) !== reverse ? "down" : "up", reason: "" }] as const
    ),
  );
  const { effective, faults } = priorityOf(priority, track, states);
  return faults.length > 0 ? 0 : effective;
}

/**
 * A weight that would make the difference; `everywhere`: on all routers that track the check, not on the
 * active one alone.
 */
export interface Remedy {
  readonly weight: number;
  readonly everywhere: boolean;
}

/** What failing checks of the active router lead to. */
export type Outcome =
  | { readonly kind: "moves" }
  /** Too small a weight: the priority is still `lowered`, and no other router's is more than `best`. */
  | { readonly kind: "stays"; readonly lowered: number; readonly best: number; readonly remedy?: Remedy }
  /** Low enough, but no other router takes over from a living one. */
  | { readonly kind: "refused" };

/**
 * Whether the addresses leave `active` for one of `others` when these checks of it fail, and no other; it has
 * the highest priority. A remedy is known for a single check.
 */
export function onFailure(
  active: Candidate,
  others: readonly Candidate[],
  ...checks: readonly string[]
): Outcome {
  const lowered = effectivePriority(active, ...checks);
  const best = Math.max(...others.map((other) => effectivePriority(other)));
  if (lowered >= best) {
    const [check] = checks;
    const isReversed = active.track.some((one) => one.check === check && one.reverse === true);
    const remedy = checks.length !== 1 || check === undefined || isReversed
      ? undefined
      : remedyFor(active, others, check, lowered - best + 1);
    return { kind: "stays", lowered, best, ...(remedy === undefined ? {} : { remedy }) };
  }
  const willing = others.some((other) => other.preempt && effectivePriority(other) > lowered);
  return willing || lowered === 0 ? { kind: "moves" } : { kind: "refused" };
}

/** What an operator should know of an outcome that moves nothing; `next`: the best other router. */
export function sayStays(
  outcome: Exclude<Outcome, { readonly kind: "moves" }>,
  weight: number | null,
  next: string,
): string {
  if (outcome.kind === "refused") {
    return `with preempt = false, ${next} never takes over from a living router`;
  }
  const { lowered, best, remedy } = outcome;
  const than = lowered === best
    ? `equal to the ${best} of ${next}, and a tie does not move`
    : `still above the ${best} of ${next}`;
  const cure = remedy === undefined
    ? "leave the weight out (FAULT)"
    : `weight ${remedy.weight}${remedy.everywhere ? " on all hosts" : ""} would, or no weight (FAULT)`;
  return weight === null
    ? `priority ${lowered} is left, ${than}`
    : `weight ${weight} leaves priority ${lowered}, ${than}; ${cure}`;
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

/** Its weight is multiplied by a number that only the file knows. */
export function isMultiplied(check: CheckConfig | undefined): boolean {
  return check?.options["multiply"] === true;
}
