/**
 * How the loser of a conflict makes sure that the winner knows of it: its last advertisement may be lost,
 * most of all when the way to the winner is mended later than the way back.
 */
import { compareAddresses } from "../wire/address.ts";
import { stay } from "./entry.ts";
import {
  type Backup,
  type Effect,
  type ReceivedAdvertisement,
  type Reminder,
  RESIGNATION,
  type Step,
  type VirtualRouter,
} from "./state.ts";
import { intervalMs } from "./timers.ts";

/** Often, for the ten seconds in which somebody may be about to mend a cable. */
const PROMPT = { everyMs: 15, times: 666 } as const;
/** Then rarer, for a minute in all, and not for ever: other software never answers. */
const LATER = { everyMs: 100, times: 500 } as const;
/** Who advertises out of turn seems to have heard; so many more, should that have been chance. */
const ANSWERED_TIMES = 10;
/**
 * With `unicast_peers` every advertisement is for one router: this priority says to an active one, whatever
 * software it runs, that there was a worse one to heal after, and nothing to a backup.
 */
const LOWEST_PRIORITY = 1;

/** Out of turn is what comes sooner than this part of an interval after the advertisement before. */
const OUT_OF_TURN = 0.75;

/** The priority of an advertisement for one router alone, by what it says. */
export function asidePriority(type: "remind" | "acknowledge", own: number, unicast: boolean): number {
  if (type === "acknowledge") return own;
  return unicast ? LOWEST_PRIORITY : RESIGNATION;
}

/** For the winner alone: others would take it for an active router's. */
export function reminderTo(destination: Uint8Array): Effect {
  return { type: "remind", destination };
}

/** Whether an advertisement may be a reminder. */
export function isReminder({ unicast }: VirtualRouter, { priority }: ReceivedAdvertisement): boolean {
  return unicast && priority === LOWEST_PRIORITY;
}

/** The first one goes out at `nowMs`. */
export function newReminder(winner: Uint8Array, nowMs: number, { isAfterSilence = false } = {}): Reminder {
  const { everyMs, times: prompt } = PROMPT;
  const told = { atMs: nowMs + everyMs, prompt, later: LATER.times };
  return { winner, heardAtMs: nowMs, isAfterSilence, ...told };
}

/** A deadline in backup: the next one, if it is due. */
export function remind(state: Backup, nowMs: number): Step {
  const { reminder } = state;
  if (reminder === null || nowMs < reminder.atMs) return stay(state);
  return stay({ ...state, reminder: afterOne(reminder, nowMs) }, reminderTo(reminder.winner));
}

function afterOne(reminder: Reminder, nowMs: number): Reminder | null {
  const prompt = Math.max(0, reminder.prompt - 1);
  if (prompt > 0) return { ...reminder, prompt, atMs: nowMs + PROMPT.everyMs };
  const later = reminder.prompt > 0 ? reminder.later : reminder.later - 1;
  return later > 0 ? { ...reminder, prompt, later, atMs: nowMs + LATER.everyMs } : null;
}

/**
 * What an advertisement changes. A peer without private words says only by advertising out of turn that it
 * has heard: vipd with `unicast_peers`, and keepalived everywhere.
 */
export function heardWinner(
  { unicast }: VirtualRouter,
  reminder: Reminder | null,
  { source, priority, maxAdvertiseInterval }: ReceivedAdvertisement,
  nowMs: number,
): Reminder | null {
  if (reminder === null || priority === RESIGNATION) return reminder;
  if (compareAddresses(reminder.winner, source) !== 0) {
    // What waited during the pause tells one story after the other: the last one is how it is now.
    return reminder.isAfterSilence ? { ...reminder, winner: source } : reminder;
  }
  // After a pause it comes in a heap, and there was no last advertisement that could be answered.
  if (reminder.isAfterSilence && !unicast) return reminder;
  const isAnswer = nowMs - reminder.heardAtMs < OUT_OF_TURN * intervalMs(maxAdvertiseInterval);
  // It may have answered the last advertisement only: with `unicast_peers` one reminder more, then enough.
  const left = Math.min(reminder.prompt, unicast ? 1 : ANSWERED_TIMES);
  return { ...reminder, heardAtMs: nowMs, ...(isAnswer ? { prompt: left, later: 0 } : {}) };
}
