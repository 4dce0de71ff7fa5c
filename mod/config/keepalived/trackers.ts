/** What virtual routers and sync groups track, as checks of vipd.toml: only what is tracked is written. */
import { wholeNumberAt } from "./arguments.ts";
import { type Conversion, nameFor } from "./conversion.ts";
import { type DraftTable, tableAt } from "./draft.ts";
import type { Tell } from "./report.ts";
import type { Keywords } from "./table.ts";
import type { Place, Statement } from "./tree.ts";

export type TrackerKind = "script" | "process" | "file" | "interface";

export interface Tracker {
  readonly kind: TrackerKind;
  readonly name: string;
  /** Null: nothing defines it, it is there when it is tracked. */
  readonly at: Place | null;
  /** What counts where it is tracked without a weight of its own; 0: its failure is FAULT. */
  readonly weight: number;
  readonly reverse: boolean;
  /** Its failure gives everything up, whatever weight it is tracked with. */
  readonly faults?: true;
  /** Fills its `[check.*]`. */
  readonly write: (table: DraftTable) => void;
}

const WEIGHT_MAX = 253;
/** Of what keepalived reads as a weight, before it takes the last one for 253. */
export const WEIGHT_READ_MAX = WEIGHT_MAX + 1;

export function boundedWeight(weight: number): number {
  return Math.max(-WEIGHT_MAX, Math.min(WEIGHT_MAX, weight));
}

/** `weight N [reverse]` of what is tracked; a larger number than `max` is no weight there. */
export function weightKeyword<Context extends { weight: number; reverse: boolean }>(
  why: string,
  max: number = WEIGHT_READ_MAX,
): Keywords<Context>[number] {
  return {
    keyword: "weight",
    outcome: "converted",
    why,
    convert: (statement, context, tell) => {
      const weight = wholeNumberAt(statement, 0, [-max, max], tell);
      if (weight !== undefined) context.weight = boundedWeight(weight);
      context.reverse = isReverse(statement, tell);
    },
  };
}

function isReverse({ args: [, word] }: Statement, tell: Tell): boolean {
  if (word !== undefined && word.text !== "reverse") {
    tell.refuse(`expected "reverse" or nothing after the weight, got "${word.text}"`);
  }
  return word?.text === "reverse";
}

function keyOf(kind: TrackerKind, name: string): string {
  return `${kind} ${name}`;
}

/** False: there is one of that name already, which is the one that counts. */
export function define({ trackers }: Conversion, tracker: Tracker): boolean {
  const key = keyOf(tracker.kind, tracker.name);
  if (trackers.has(key)) return false;
  trackers.set(key, tracker);
  return true;
}

export function findTracker({ trackers }: Conversion, kind: TrackerKind, name: string): Tracker | undefined {
  return trackers.get(keyOf(kind, name));
}

/** The names that are defined, for "did you mean". */
export function trackerNames({ trackers }: Conversion, kind: TrackerKind): string[] {
  return [...trackers.values()].filter((tracker) => tracker.kind === kind).map(({ name }) => name);
}

/** The name of its check, which is written now if nothing has tracked it before. */
export function checkOf(conversion: Conversion, tracker: Tracker): string {
  const name = nameFor(conversion, "check", tracker.kind, tracker.name);
  const table = tableAt(conversion.draft, ["check", name], tracker.at);
  if (table.entries.size === 0) tracker.write(table);
  return name;
}

/** Tells, when all is written, that nothing tracks it. */
export function tellUntracked(conversion: Conversion, tracker: Tracker, tell: Tell, message: string): void {
  const { later } = conversion;
  // After all that is to be done later, which is what tracks it.
  later.push(() =>
    void later.push(() => {
      if (!isTracked(conversion, tracker)) tell.nothing(message);
    })
  );
}

/** Whether something tracks it. */
function isTracked({ draft, names }: Conversion, { kind, name }: Tracker): boolean {
  const check = names.get(JSON.stringify(["check", kind, name]));
  return check !== undefined && draft.some(({ path }) => path[0] === "check" && path[1] === check);
}
