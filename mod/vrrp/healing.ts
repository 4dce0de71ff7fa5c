/**
 * When an active router announces its addresses again: after a conflict at once and later, so that no
 * neighbour is left with the loser.
 */
import { after } from "./entry.ts";
import type { Active, Conflict, VirtualRouter } from "./state.ts";

/** After a conflict, announcements follow the immediate one after these delays. */
const HEALING_MS = [1_000, 5_000] as const;
/** The loser's own announcements may cross ours: another one this soon undoes them. */
const GAP_MS = 20;
/** Two took over at the same moment: the loser has announced itself just now, and will not again. */
const FIRST_GAP_MS = 3;
/** So many announcements of one conflict keep that gap, each later one doubles it. */
const PROMPT_ANNOUNCEMENTS = 5;
const MAX_GAP_MS = 1_000;
/** A conflict that was quiet for so long is over. */
const QUIET_MS = 5_000;
/**
 * Who has yielded is healed after at once, however long the conflict was. Each time uses up so much of an
 * allowance that never exceeds the second number: a flood of reminders is not amplified either.
 */
const REMINDER_COSTS_MS = 30;
const ALLOWANCE_MS = 150;
const NEW: Conflict = { lastAtMs: -Infinity, allowanceUsedUntilMs: 0, announcements: 0 };

/**
 * Another active router was heard, or (`hasYielded`) says that it is active no more. `announce`: at once;
 * otherwise the announcement is owed as soon as the gap allows.
 */
export function heal(
  state: Active,
  nowMs: number,
  { hasYielded = false } = {},
): { readonly state: Active; readonly announce: boolean } {
  const known = state.conflict !== null && nowMs - state.conflict.lastAtMs < QUIET_MS ? state.conflict : NEW;
  const isPrompt = hasYielded && known.allowanceUsedUntilMs - nowMs <= ALLOWANCE_MS - REMINDER_COSTS_MS;
  const allowanceUsedUntilMs = isPrompt
    ? Math.max(known.allowanceUsedUntilMs, nowMs) + REMINDER_COSTS_MS
    : known.allowanceUsedUntilMs;
  const conflict = { ...known, lastAtMs: nowMs, allowanceUsedUntilMs };
  const dueAtMs = state.announcedAtMs + (isPrompt ? GAP_MS : gapMs(conflict));
  const later = HEALING_MS.map((delayMs) => nowMs + delayMs);
  if (nowMs < dueAtMs) {
    const announceAtMs = [Math.min(dueAtMs, state.announceAtMs[0] ?? Infinity), ...later];
    return { state: { ...state, announceAtMs, conflict }, announce: false };
  }
  return {
    state: { ...state, announcedAtMs: nowMs, announceAtMs: later, conflict: counted(conflict) },
    announce: true,
  };
}

/** An announcement that was owed is made. */
export function announced({ announce }: VirtualRouter, state: Active, nowMs: number): Active {
  return {
    ...state,
    announcedAtMs: nowMs,
    announceAtMs: state.announceAtMs.filter((atMs) => atMs > nowMs),
    refreshAtMs: after(announce.refreshMs, nowMs),
    conflict: state.conflict === null ? null : counted(state.conflict),
  };
}

function counted(conflict: Conflict): Conflict {
  return { ...conflict, announcements: conflict.announcements + 1 };
}

function gapMs({ announcements }: Conflict): number {
  if (announcements === 0) return FIRST_GAP_MS;
  const doublings = Math.max(0, announcements - PROMPT_ANNOUNCEMENTS);
  return Math.min(GAP_MS * 2 ** doublings, MAX_GAP_MS);
}
