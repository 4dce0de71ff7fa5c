/** IPVS's schedulers and weights in haproxy's words. PURE. */

/** How a backend chooses. */
export interface Algorithm {
  /** The words after `balance`. */
  readonly words: string;
  /** Every server counts the same, whatever its weight. */
  readonly ignoresWeights: boolean;
  /** By a hash of the client: consistent, so that a server that goes moves only its own clients. */
  readonly isHash: boolean;
}

const plain = (words: string): Algorithm => ({ words, ignoresWeights: false, isHash: false });

/** All of them take weights while they run (haproxy's "dynamic" algorithms). */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ["rr", { ...plain("roundrobin"), ignoresWeights: true }],
  ["wrr", plain("roundrobin")],
  ["lc", { ...plain("leastconn"), ignoresWeights: true }],
  ["wlc", plain("leastconn")],
  // leastconn looks at (connections + 1) / weight: the shortest expected delay, an idle server first.
  ["sed", plain("leastconn")],
  ["nq", plain("leastconn")],
  ["sh", { ...plain("source"), isHash: true }],
  ["mh", { ...plain("source"), isHash: true }],
  ["twos", plain("random(2)")],
]);

/** Null: haproxy has nothing of the kind. */
export function algorithmOf(scheduler: string): Algorithm | null {
  return ALGORITHMS.get(scheduler) ?? null;
}

export const SCHEDULERS: readonly string[] = [...ALGORITHMS.keys()];

/** The highest weight of a server in haproxy. */
const WEIGHT_MAX = 256;

/**
 * Weights as haproxy has them, in proportion: as they are while none is above 256, else scaled so that
 * `highest` becomes 256, and none but 0 becomes 0.
 */
export function scaleWeight(weight: number, highest: number): number {
  if (weight === 0 || highest <= WEIGHT_MAX) return weight;
  return Math.max(1, Math.round(weight * WEIGHT_MAX / highest));
}
