/** What can be fuzzed is a target: it makes a case of chance, judges it, and makes a bad one smaller. */
import { Random } from "../sim/random.ts";

export interface Target<Case> {
  /** Cases of `deno task fuzz` when no number is given. */
  readonly count: number;
  /** A case that takes longer is a find: whatever comes from outside must not keep the program busy. */
  readonly limitMs: number;
  generate(random: Random): Case;
  /** What became of it, in a word or two. Throws when a promise is broken. */
  judge(input: Case): string | Promise<string>;
  /** Cases that are a little less than this one, the most promising first. */
  smaller(input: Case): Iterable<Case>;
  /** The case as its corpus holds it, and back. */
  toRow(input: Case): readonly string[];
  fromRow(row: readonly string[]): Case;
  /** Gives back what judging has opened. */
  close?(): Promise<void>;
}

/** Kept cases: what each was, what must come of it, and the case as a row. */
export type Corpus = readonly (readonly [name: string, outcome: string, ...row: readonly string[]])[];

/** A case that breaks a promise. */
interface Find<Case = unknown> {
  readonly index: number;
  readonly input: Case;
  readonly message: string;
}

export interface Slice {
  readonly seed: number;
  /** The cases `first`, `first + step`, ... below `end`. */
  readonly first: number;
  readonly step: number;
  readonly end: number;
}

interface Ran<Case = unknown> {
  readonly cases: number;
  /** How many cases had which outcome. */
  readonly outcomes: Map<string, number>;
  readonly slowestMs: number;
  readonly find: Find<Case> | null;
}

/** Every case has chance of its own, so that it is the same one however many workers share the work. */
export function caseOf<Case>(target: Target<Case>, seed: number, index: number): Case {
  return target.generate(new Random(Math.imul(seed, 0x9e3779b1) + index));
}

/** Runs cases until one breaks a promise. `goesOn` is asked before each. */
export async function run<Case>(
  target: Target<Case>,
  { seed, first, step, end }: Slice,
  goesOn: (index: number) => boolean = () => true,
): Promise<Ran<Case>> {
  const outcomes = new Map<string, number>();
  let cases = 0;
  let slowestMs = 0;
  for (let index = first; index < end && goesOn(index); index += step) {
    const input = caseOf(target, seed, index);
    const beginMs = performance.now();
    try {
      const judged = target.judge(input);
      const outcome = typeof judged === "string" ? judged : await judged;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      return { cases, outcomes, slowestMs, find: { index, input, message: messageOf(error) } };
    }
    const tookMs = performance.now() - beginMs;
    slowestMs = Math.max(slowestMs, tookMs);
    cases++;
    if (tookMs <= target.limitMs) continue;
    const message = `took ${tookMs.toFixed(0)} ms, at most ${target.limitMs} ms`;
    return { cases, outcomes, slowestMs, find: { index, input, message } };
  }
  return { cases, outcomes, slowestMs, find: null };
}

/** The smallest case found that fails in the same way, at most `tries` runs away. */
export async function shrink<Case>(target: Target<Case>, input: Case, tries = 2000): Promise<Case> {
  const promise = await failure(target, input);
  if (promise === null) return input;
  let smallest = input;
  let left = tries;
  for (let found = true; found && left > 0;) {
    found = false;
    for (const candidate of target.smaller(smallest)) {
      if (left-- <= 0) break;
      if (await failure(target, candidate) !== promise) continue;
      smallest = candidate;
      found = true;
      break;
    }
  }
  return smallest;
}

/** Which promise a case breaks: the words without the numbers, which change with every step. */
async function failure<Case>(target: Target<Case>, input: Case): Promise<string | null> {
  const beginMs = performance.now();
  try {
    await target.judge(input);
    return performance.now() - beginMs > target.limitMs ? "slow" : null;
  } catch (error) {
    const [words = ""] = messageOf(error).split("\n");
    return words.replaceAll(/[0-9a-f]{4,}|\d+/g, "#").slice(0, 60);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
