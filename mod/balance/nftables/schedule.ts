/**
 * Schedulers as tables of slots: who is picked for the n-th connection, or for what a hash comes to. PURE.
 *
 * A hash goes through a table of Maglev (Eisenbud et al., NSDI 2016, 3.4), whatever the scheduler's name: a
 * server that comes or goes moves little more than its own share of the clients, and every director that is
 * given the same servers has the same table, so that a connection finds its server after a failover too.
 */

/** A candidate: its name, which is the same on every director, and a weight above 0. */
export interface Candidate {
  readonly name: string;
  readonly weight: number;
}

/**
 * What picks the slot: a counter, or a hash of the client's or the destination address, perhaps with port.
 */
export type Selector = "counter" | "client" | "client and port" | "destination";

export interface Schedule {
  readonly selector: Selector;
  /** Candidates by their index; empty where there are none. */
  readonly slots: readonly number[];
}

/** Flags that make the client's port part of the hash; the last is their number in the kernel. */
const PORT_FLAGS = ["sh-port", "mh-port", "flag-2"];

/** Above this, weights are rounded to parts of it: an error below 0.1 %. */
const ROTATION_SLOTS = 1024;
/** Primes; the next one when candidates are more than a sixteenth of it, which is rarely crossed. */
const HASH_SLOTS = [1021, 4093, 16381, 65521];

/** Schedulers that need to know how many connections a server has, and what is done instead. */
export const STAND_INS: Readonly<Record<string, string>> = {
  lc: "rr",
  wlc: "wrr",
  sed: "wrr",
  nq: "wrr",
  twos: "wrr",
  lblc: "dh",
  lblcr: "dh",
};

/** Null: no scheduler of this name, and nothing like it, is possible. */
export function schedule(
  scheduler: string,
  flags: readonly string[],
  candidates: readonly Candidate[],
): Schedule | null {
  const hasPort = flags.some((flag) => PORT_FLAGS.includes(flag));
  switch (STAND_INS[scheduler] ?? scheduler) {
    case "rr":
      return { selector: "counter", slots: rotation(candidates.map((one) => ({ ...one, weight: 1 }))) };
    case "wrr":
      return { selector: "counter", slots: rotation(candidates) };
    case "fo":
      return { selector: "counter", slots: heaviest(candidates) };
    case "sh":
    case "mh":
      return { selector: hasPort ? "client and port" : "client", slots: maglev(candidates) };
    case "dh":
      return { selector: "destination", slots: maglev(candidates) };
    default:
      return null;
  }
}

/**
 * Smooth weighted round robin: in a round each comes as often as its weight says, as evenly as possible.
 * Begins at a place that depends on the weights, so that a table written anew every second, as while a server
 * warms up, does not always begin with the same server.
 */
function rotation(candidates: readonly Candidate[]): number[] {
  const weights = reduced(candidates.map(({ weight }) => weight));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const credit = weights.map(() => 0);
  const slots: number[] = [];
  for (let n = 0; n < total; n++) {
    let best = 0;
    for (const [i, weight] of weights.entries()) {
      credit[i] = (credit[i] ?? 0) + weight;
      if ((credit[i] ?? 0) > (credit[best] ?? 0)) best = i;
    }
    credit[best] = (credit[best] ?? 0) - total;
    slots.push(best);
  }
  const start = slots.length === 0 ? 0 : hash(weights.join(" "), 0) % slots.length;
  return [...slots.slice(start), ...slots.slice(0, start)];
}

/** The same proportions in numbers as small as possible; each at least 1. */
function reduced(weights: readonly number[]): number[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0);
  const exact = weights.map((weight) => weight / divisor);
  const total = exact.reduce((sum, weight) => sum + weight, 0);
  if (total <= ROTATION_SLOTS) return exact;
  return exact.map((weight) => Math.max(1, Math.round(weight * ROTATION_SLOTS / total)));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The one with the greatest weight; the first of several. */
function heaviest(candidates: readonly Candidate[]): number[] {
  const top = Math.max(...candidates.map(({ weight }) => weight));
  const index = candidates.findIndex(({ weight }) => weight === top);
  return index === -1 ? [] : [index];
}

/** Every candidate fills slots in an order of its own, in turns as many as its weight says. */
function maglev(candidates: readonly Candidate[]): number[] {
  if (candidates.length === 0) return [];
  const size = HASH_SLOTS.find((slots) => candidates.length * 16 <= slots) ?? HASH_SLOTS.at(-1)!;
  const top = Math.max(...candidates.map(({ weight }) => weight));
  // The same order on every director, whatever the order in its configuration.
  const turns = [...candidates.entries()].sort(([, a], [, b]) => a.name < b.name ? -1 : 1)
    .map(([index, { name, weight }]) => ({
      index,
      weight,
      credit: 0,
      at: hash(name, 1) % size,
      skip: hash(name, 2) % (size - 1) + 1,
    }));
  const slots = new Array<number>(size).fill(-1);
  for (let filled = 0; filled < size;) {
    for (const turn of turns) {
      turn.credit += turn.weight;
      if (turn.credit < top || filled === size) continue;
      turn.credit -= top;
      while (slots[turn.at] !== -1) turn.at = (turn.at + turn.skip) % size;
      slots[turn.at] = turn.index;
      filled++;
    }
  }
  return slots;
}

/** FNV-1a, its bits mixed once more: 32 bits that differ in all places for names that differ in one. */
function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (const octet of new TextEncoder().encode(text)) value = Math.imul(value ^ octet, 0x01000193);
  value = Math.imul(value ^ value >>> 16, 0x85ebca6b);
  value = Math.imul(value ^ value >>> 13, 0xc2b2ae35);
  return (value ^ value >>> 16) >>> 0;
}
