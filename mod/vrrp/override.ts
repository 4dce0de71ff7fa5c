/** The operator's word about a priority, and what it comes to with the tracked checks. PURE. */
import type { VirtualRouterConfig } from "../config/schema.ts";
import { effectivePriority, type Health, type TrackedState } from "../health/health.ts";
import type { OverrideStatus } from "../snapshot.ts";
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
  { priority, track }: Pick<VirtualRouterConfig, "priority" | "track">,
  override: Override | null,
  states: ReadonlyMap<string, TrackedState>,
): Weighed {
  const configured = effectivePriority(priority, track, states);
  if (override === null) return { health: configured, suspended: null };
  if (priority === OWNER_PRIORITY) return { health: configured, suspended: "it owns its addresses" };
  if (override.by === "priority") {
    return { health: effectivePriority(override.priority, track, states), suspended: null };
  }
  const failing = configured.contributions.filter(({ state }) => state === "down").map(({ check }) => check);
  if (failing.length > 0) return { health: configured, suspended: `failing: ${failing.join(", ")}` };
  return { health: { ...configured, effective: override.priority }, suspended: null };
}
