/** Weights and the quorum that they make, by keepalived's arithmetic. PURE. */

/** What the kernel takes. */
const MAX_WEIGHT = 65_535;
/** Steps in which the weight of a returning server rises; the first one is there at once. */
export const RAMP_STEPS = 10;

export interface QuorumSettings {
  readonly quorum: number;
  readonly hysteresis: number;
}

/**
 * The quorum that is meant: never more than all real servers together have, and the hysteresis below it, or
 * it could never be had, or never be lost.
 */
export function effectiveQuorum(
  { quorum, hysteresis }: QuorumSettings,
  configuredWeights: readonly number[],
): QuorumSettings {
  const reachable = Math.min(quorum, configuredWeights.reduce((sum, weight) => sum + weight, 0));
  return { quorum: reachable, hysteresis: Math.max(0, Math.min(hysteresis, reachable - 1)) };
}

/** Gained at `quorum + hysteresis`, lost below `quorum - hysteresis`, and whenever nothing is left. */
export function hasQuorum(hadIt: boolean, live: number, { quorum, hysteresis }: QuorumSettings): boolean {
  if (live === 0) return false;
  return hadIt ? live >= quorum - hysteresis : live >= quorum + hysteresis;
}

/** Each check that wants a weight adds the difference that it makes; `null` wants none. */
export function dynamicWeight(configured: number, wanted: readonly (number | null)[]): number {
  const differences = wanted.map((weight) => weight === null ? 0 : weight - configured);
  const weight = differences.reduce((sum, difference) => sum + difference, configured);
  return Math.max(0, Math.min(MAX_WEIGHT, weight));
}

/** The part of a weight that a returning server has after so many steps; 0 stays 0. */
export function rampedWeight(weight: number, step: number): number {
  return weight === 0 ? 0 : Math.max(1, Math.floor(weight * step / RAMP_STEPS));
}
