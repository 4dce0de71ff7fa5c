/** How each state of a virtual router is entered, and the small words that every transition uses. */
import { activeDownIntervalMs, intervalMs } from "./timers.ts";
import {
  type Active,
  type Backup,
  type Effect,
  type Fault,
  type Initialize,
  type ReceivedAdvertisement,
  RESIGNATION,
  type State,
  type Step,
  type Stop,
  type VirtualRouter,
} from "./state.ts";

/** Who hands over lets go that soon after the taker's first advertisement, and says so. */
const HANDED_OVER_MS = 20;

export const REMOVE: Effect = { type: "removeAddresses" };
export const ANNOUNCE: Effect = { type: "announceAddresses" };
const PROBE: Effect = { type: "probeAddresses" };

export function send(priority: number): Effect {
  return { type: "sendAdvertisement", priority };
}

export function transition(from: State, to: State, reason: string): Effect {
  return { type: "transition", from: from.name, to: to.name, reason };
}

export function stay(state: State, ...effects: Effect[]): Step {
  return { state, effects };
}

/**
 * The backup state right after an advertisement that counts. Version 3 adopts the sender's interval (RFC 9568
 * §6.4.2).
 */
export function listen(
  router: VirtualRouter,
  priority: number,
  heard: ReceivedAdvertisement | null,
  nowMs: number,
): Backup {
  const activeAdverInterval = heard === null || router.version === 2
    ? router.advertisementInterval
    : heard.maxAdvertiseInterval;
  return {
    name: "backup",
    priority,
    activeAdverInterval,
    activeDownAtMs: nowMs + activeDownIntervalMs(router.version, priority, activeAdverInterval),
    preemptAtMs: Infinity,
    heard: heard === null ? null : { source: heard.source, priority: heard.priority },
    takeover: null,
    ready: null,
    reminder: null,
  };
}

export function becomeActive(router: VirtualRouter, from: State, reason: string, nowMs: number): Step {
  const { announce, renewMs } = router;
  const state: Active = {
    name: "active",
    priority: from.priority,
    sentAtMs: nowMs,
    adverAtMs: nowMs + intervalMs(router.advertisementInterval),
    announcedAtMs: nowMs,
    announceAtMs: announce.delayMs > 0 ? [nowMs + announce.delayMs] : [],
    conflict: null,
    predecessor: predecessorOf(from, nowMs),
    refreshAtMs: after(announce.refreshMs, nowMs),
    renewAtMs: after(renewMs, nowMs),
    handover: null,
  };
  const effects: Effect[] = [
    send(from.priority),
    { type: "addAddresses" },
    ANNOUNCE,
    transition(from, state, reason),
    ...(router.probe === undefined ? [] : [PROBE]),
  ];
  return { state, effects };
}

/** Active, or first a wait for somebody who may have the addresses. */
export function takeOver(router: VirtualRouter, from: Backup, reason: string, nowMs: number): Step {
  const waitMs = router.probe?.waitMs ?? 0;
  if (waitMs === 0) return arrive(router, from, reason, nowMs);
  return stay({ ...from, probe: { untilMs: nowMs + waitMs, reason } }, PROBE);
}

/** Nothing is left to wait for, unless it has a sync group: that one says when. */
export function arrive(router: VirtualRouter, from: Backup, reason: string, nowMs: number): Step {
  if (router.isGrouped !== true) return becomeActive(router, from, reason, nowMs);
  const { probe: _, ...rest } = from;
  return stay({ ...rest, ready: reason });
}

function predecessorOf(from: State, nowMs: number): Active["predecessor"] {
  if (from.name !== "backup" || from.takeover === null || from.heard?.priority !== RESIGNATION) return null;
  return { source: from.heard.source, untilMs: nowMs + HANDED_OVER_MS };
}

export function becomeBackup(
  router: VirtualRouter,
  from: Initialize | Fault,
  reason: string,
  nowMs: number,
): Step {
  const state = listen(router, from.priority, null, nowMs);
  return { state, effects: [transition(from, state, reason)] };
}

/** When something that happens every `everyMs` happens next; 0 = never. */
export function after(everyMs: number, nowMs: number): number {
  return everyMs > 0 ? nowMs + everyMs : Infinity;
}

export function toInitialize(from: Initialize | Fault | Backup, waiting: readonly string[]): Step {
  return stop(from, { name: "initialize", reasons: waiting });
}

export function toFault(from: Initialize | Fault | Backup, faults: readonly string[]): Step {
  return stop(from, { name: "fault", reasons: faults });
}

/**
 * Only a change of the state's name is a transition; other reasons for the same state replace the old ones
 * silently.
 */
function stop(from: Initialize | Fault | Backup, destination: Stop): Step {
  const state = stopped(from, destination);
  const isMove = state.name !== from.name;
  return stay(
    state,
    ...(isMove && resumes(from) ? [REMOVE] : []),
    ...(isMove ? [transition(from, state, destination.reasons.join(", "))] : []),
  );
}

export function stopped(from: State, { name, reasons }: Stop): Initialize | Fault {
  const { priority } = from;
  if (name === "fault") return { name, priority, faults: reasons };
  const { readyAtMs, resumeUntilMs } = from.name === "initialize" ? from : { readyAtMs: 0, resumeUntilMs: 0 };
  return { name, priority, waiting: reasons, readyAtMs, resumeUntilMs };
}

/** Whether the addresses of the run before are still here. */
export function resumes(state: State): boolean {
  return state.name === "initialize" && state.resumeUntilMs > 0;
}

/** The addresses of the run before go, if they are still here; the state stays. */
export function giveUpResuming(state: Initialize | Fault): Step {
  if (state.name === "fault" || !resumes(state)) return stay(state);
  return stay({ ...state, resumeUntilMs: 0 }, REMOVE);
}
