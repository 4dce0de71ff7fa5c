/** The operator's word about a priority, and what it comes to with the tracked checks. PURE. */
import { effectivePriority, type Health, type Track, type TrackedState } from "../health/health.ts";
import type { Contribution, OverrideStatus } from "../snapshot.ts";
import { OWNER_PRIORITY } from "./state.ts";

/**
 * `priority`: this base priority counts instead of the configured one. `prefer`: this router shall be the
 * active one while it is healthy; its effective priority is then `priority`, and it preempts at once whatever
 * is configured.
 */
export type Override = Omit<OverrideStatus, "suspended">;

/** Above every router but the owner of the addresses (RFC 9568 §5.2.4). */
export const PREFERRED_PRIORITY = 254;

export interface Weighed {
  readonly health: Health;
  /** Why the override does not count now; null: it does, or there is none. */
  readonly suspended: string | null;
}

/** What the checks and the operator make of the configured priority. */
export function weigh(
  { priority, track }: { readonly priority: number; readonly track: readonly Track[] },
  override: Override | null,
  states: ReadonlyMap<string, TrackedState>,
): Weighed {
  const configured = effectivePriority(priority, track, states);
  if (override === null) return { health: configured, suspended: null };
  if (priority === OWNER_PRIORITY) return { health: configured, suspended: "it owns its addresses" };
  if (override.by === "priority") {
    return { health: effectivePriority(override.priority, track, states), suspended: null };
  }
  const unwell = unwellOf(configured);
  if (unwell.length > 0) return { health: configured, suspended: unwell.join(", ") };
  return { health: { ...configured, effective: override.priority }, suspended: null };
}

/** What the checks take from the priority, withhold, or forbid. */
function unwellOf({ contributions, faults }: Health): string[] {
  return contributions.filter((one) => isFault(one, faults) || isWorse(one)).map(({ check, state }) =>
    `${check} ${state === "up" ? "passing" : "failing"}`
  );
}

function isFault({ check }: Contribution, faults: readonly string[]): boolean {
  return faults.some((fault) => fault.startsWith(`${check}: `));
}

/** Whether it gives less than it could; a check that has not decided yet does not count. */
function isWorse({ weight, reverse, state, factor, contribution }: Contribution): boolean {
  if (weight === null || state === "unknown") return false;
  const best = factor === undefined ? Math.max(0, reverse ? -weight : weight) : 0;
  return contribution < best;
}
