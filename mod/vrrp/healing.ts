/** When an active router announces its addresses again: after a conflict at once and later, so that no neighbour is left with the loser. */
import { after } from "./entry.ts";
import type { Active, VirtualRouter } from "./state.ts";

/** After a conflict, announcements follow the immediate one after these delays. */
const HEALING_MS = [1_000, 5_000] as const;
/** The loser's own announcements may cross ours: another one this soon undoes them. */
const FIRST_GAP_MS = 20;
const MAX_GAP_MS = 1_000;
/** A conflict that was quiet for so long is over. */
const QUIET_MS = 5_000;

/** Another active router was heard. `announce`: at once; otherwise the announcement is owed as soon as the gap allows. */
export function heal(state: Active, nowMs: number): { readonly state: Active; readonly announce: boolean } {
  const isNew = state.conflict === null || nowMs - state.conflict.lastAtMs >= QUIET_MS;
  const gapMs = isNew ? FIRST_GAP_MS : state.conflict!.gapMs;
  const dueAtMs = state.announcedAtMs + gapMs;
  const later = HEALING_MS.map((delayMs) => nowMs + delayMs);
  if (nowMs < dueAtMs) {
    const announceAtMs = [Math.min(dueAtMs, state.announceAtMs[0] ?? Infinity), ...later];
    return { state: { ...state, announceAtMs, conflict: { lastAtMs: nowMs, gapMs } }, announce: false };
  }
  const conflict = { lastAtMs: nowMs, gapMs: widened(gapMs) };
  return { state: { ...state, announcedAtMs: nowMs, announceAtMs: later, conflict }, announce: true };
}

/** An announcement that was owed is made. */
export function announced({ announce }: VirtualRouter, state: Active, nowMs: number): Active {
  const { conflict } = state;
  return {
    ...state,
    announcedAtMs: nowMs,
    announceAtMs: state.announceAtMs.filter((atMs) => atMs > nowMs),
    refreshAtMs: after(announce.refreshMs, nowMs),
    conflict: conflict === null ? null : { ...conflict, gapMs: widened(conflict.gapMs) },
  };
}

function widened(gapMs: number): number {
  return Math.min(gapMs * 2, MAX_GAP_MS);
}
