/** What virtual routers and sync groups track, as checks of vipd.toml: only what is tracked is written. */
import type { Conversion } from "./conversion.ts";
import type { DraftTable } from "./draft.ts";
import type { Place } from "./tree.ts";

type TrackerKind = "script" | "process" | "file" | "interface";

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

/** Whether something tracks it. */
export function isTracked({ draft, names }: Conversion, { kind, name }: Tracker): boolean {
  const check = names.get(JSON.stringify(["check", kind, name]));
  return check !== undefined && draft.some(({ path }) => path[0] === "check" && path[1] === check);
}
