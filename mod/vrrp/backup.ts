/**
 * What a backup router does with each event (RFC 9568 §6.4.2), and when it takes over without waiting for
 * silence.
 */
import { compareAddresses } from "../wire/address.ts";
import { arrive, becomeActive, listen, stay, takeOver, toFault, toInitialize } from "./entry.ts";
import { heardWinner, remind } from "./reminding.ts";
import {
  type Backup,
  type Event,
  type ReceivedAdvertisement,
  RESIGNATION,
  type Step,
  type VirtualRouter,
} from "./state.ts";
import { skewTimeMs } from "./timers.ts";

/** A backup of priority p takes over from a living active router after this times (256 - p) / 256. */
const TAKEOVER_SKEW_MS = 30;

/**
 * The wait before a backup replaces an active router that said that it leaves or is worse: the best backup
 * goes first. Milliseconds.
 */
export function takeoverSkewMs(router: VirtualRouter, priority: number, activeAdverInterval: number): number {
  const skew = skewTimeMs(router.version, priority, activeAdverInterval);
  return Math.min(skew, TAKEOVER_SKEW_MS * (256 - priority) / 256);
}

export function stepBackup(router: VirtualRouter, state: Backup, event: Event, nowMs: number): Step {
  switch (event.type) {
    case "priority":
      return stay(preferred(router, shiftDeadline(router, state, event.priority, nowMs), nowMs));
    case "advertisement":
      return hearInBackup(router, state, event.advertisement, nowMs);
    case "reminder":
      return stay(hearReminder(router, state, event.source, nowMs));
    case "succeeded":
      return stay(state);
    case "acknowledgement":
      return stay({ ...state, reminder: null });
    case "reconfigured":
      return stay(reconfigured(router, state, nowMs));
    case "release":
      return stay(state);
    case "follow":
      return event.to === "active" && state.ready !== null
        ? becomeActive(router, state, state.ready, nowMs)
        : stay(state);
    case "shutdown":
      return toInitialize(state, [event.reason]);
    case "conditions":
      if (event.faults.length > 0) return toFault(state, event.faults);
      if (event.waiting.length > 0) return toInitialize(state, event.waiting);
      return stay(state);
    case "deadline":
      return backupDeadline(router, state, nowMs);
  }
}

/** Everything that is due. Nobody has answered for the addresses until the end of the wait: they are free. */
function backupDeadline(router: VirtualRouter, state: Backup, nowMs: number): Step {
  const { probe, ready } = state;
  if (ready !== null) return remind(state, nowMs);
  if (probe !== undefined) {
    return nowMs >= probe.untilMs ? arrive(router, state, probe.reason, nowMs) : remind(state, nowMs);
  }
  if (nowMs >= state.activeDownAtMs) return takeOver(router, state, takeoverReason(state), nowMs);
  if (nowMs >= state.preemptAtMs) {
    return takeOver(router, state, `preempt delay is over, priority ${state.priority} is higher`, nowMs);
  }
  return remind(state, nowMs);
}

/** The timer starts anew, with the interval that was adopted; a takeover that is pending stays so. */
function reconfigured(router: VirtualRouter, state: Backup, nowMs: number): Backup {
  // Who was ready is so again at once, or takes over, if it has no group any more.
  if (state.takeover !== null) return { ...state, ready: null };
  const { heard, priority, reminder, activeAdverInterval } = state;
  const known = heard === null ? null : { ...heard, maxAdvertiseInterval: activeAdverInterval };
  return { ...listen(router, priority, known, nowMs), reminder };
}

function takeoverReason(state: Backup): string {
  if (state.takeover !== null) return state.takeover;
  if (state.heard === null) return "no active router was heard";
  if (state.heard.priority === RESIGNATION) return "the active router resigned";
  if (state.heard.priority < state.priority) {
    return `priority ${state.priority} is higher than the active router's ${state.heard.priority}`;
  }
  return "the active router fell silent";
}

/**
 * The skew is part of the running wait, so another priority moves its end (but never the short wait of a
 * takeover).
 */
function shiftDeadline(router: VirtualRouter, state: Backup, priority: number, nowMs: number): Backup {
  const { heard, ready } = state;
  // It was ready to preempt who is not worse any more.
  const wasBetter = heard !== null && heard.priority < state.priority && heard.priority >= priority;
  if (ready !== null && wasBetter && heard.priority > RESIGNATION) {
    return { ...reconfigured(router, { ...state, takeover: null }, nowMs), priority };
  }
  if (state.takeover !== null) return { ...state, priority };
  const { version } = router;
  const shift = skewTimeMs(version, priority, state.activeAdverInterval) -
    skewTimeMs(version, state.priority, state.activeAdverInterval);
  return { ...state, priority, activeDownAtMs: state.activeDownAtMs + shift };
}

/** Raised above the active router by the operator, who wants it to serve: make before break, at once. */
function preferred(router: VirtualRouter, state: Backup, nowMs: number): Backup {
  const { heard, priority, takeover, activeAdverInterval } = state;
  if (router.preferred !== true || takeover !== null || heard === null) return state;
  if (heard.priority === RESIGNATION || heard.priority >= priority) return state;
  const activeDownAtMs = Math.min(
    state.activeDownAtMs,
    nowMs + takeoverSkewMs(router, priority, activeAdverInterval),
  );
  const reason = `preferred by the operator, above the active router's priority ${heard.priority}`;
  return { ...state, activeDownAtMs, preemptAtMs: Infinity, takeover: reason };
}

function hearInBackup(
  router: VirtualRouter,
  before: Backup,
  heard: ReceivedAdvertisement,
  nowMs: number,
): Step {
  const state = { ...before, reminder: heardWinner(router, before.reminder, heard, nowMs) };
  return stay(judge(router, state, heard, nowMs));
}

function judge(router: VirtualRouter, state: Backup, heard: ReceivedAdvertisement, nowMs: number): Backup {
  const { source, priority } = heard;
  const before = priorityBefore(state, source);
  if (priority === RESIGNATION) return hearResignation(router, state, source, before, nowMs);

  const lower = priority < state.priority;
  if (lower && router.preemptMode && before > priority) return hearFall(router, state, heard, before, nowMs);
  // While a takeover from this router is pending, its repeated low advertisements must not call it off.
  if (lower && before > 0 && state.takeover !== null) return { ...state, heard: { source, priority } };

  const delayed = router.preemptDelayMs > 0;
  const preempts = router.preemptMode && router.heldBack !== true;
  if (lower && preempts && !delayed) return { ...state, heard: { source, priority } };

  const preemptAtMs = lower && preempts
    ? Math.min(state.preemptAtMs, nowMs + router.preemptDelayMs)
    : Infinity;
  const reminder = state.reminder === null ? null : { ...state.reminder, winner: source };
  const ready = nowMs >= preemptAtMs ? state.ready : null;
  return { ...listen(router, state.priority, heard, nowMs), preemptAtMs, ready, reminder };
}

/**
 * The router that this one takes for the active one has itself yielded to this one: nobody serves. (Its last
 * advertisement was on the way when this router's priority fell.)
 */
function hearReminder(router: VirtualRouter, state: Backup, source: Uint8Array, nowMs: number): Backup {
  const before = priorityBefore(state, source);
  return before > 0 ? hearResignation(router, state, source, before, nowMs) : state;
}

/** What the sender advertised last, when it is the router that was heard last; 0 otherwise. */
function priorityBefore({ heard }: Backup, source: Uint8Array): number {
  return heard !== null && compareAddresses(heard.source, source) === 0 ? heard.priority : 0;
}

/**
 * Priority 0: the best backup goes first. After the skew, says RFC 9568 §6.4.2; when it is the router that
 * was active, after the short one: it is known to be gone, and has not to be waited for. Whoever else
 * resigns, the active router answers it.
 */
function hearResignation(
  router: VirtualRouter,
  state: Backup,
  source: Uint8Array,
  before: number,
  nowMs: number,
): Backup {
  const heard = { source, priority: RESIGNATION };
  const { priority, activeAdverInterval } = state;
  if (before > 0 && router.handover.enabled) {
    const skewEndMs = nowMs + takeoverSkewMs(router, priority, activeAdverInterval);
    const activeDownAtMs = Math.min(state.activeDownAtMs, skewEndMs);
    return { ...state, activeDownAtMs, preemptAtMs: Infinity, heard, takeover: "the active router resigned" };
  }
  if (state.takeover !== null) return { ...state, heard };
  const activeDownAtMs = nowMs + skewTimeMs(router.version, priority, activeAdverInterval);
  return { ...state, activeDownAtMs, preemptAtMs: Infinity, heard };
}

/**
 * The active router lives and has just said that it is worse than this one: no reason to wait for its
 * silence.
 */
function hearFall(
  router: VirtualRouter,
  state: Backup,
  { source, priority }: ReceivedAdvertisement,
  before: number,
  nowMs: number,
): Backup {
  const takeover = `the active router fell from priority ${before} to ${priority}, below ${state.priority}`;
  const skewEndMs = nowMs + takeoverSkewMs(router, state.priority, state.activeAdverInterval);
  const activeDownAtMs = Math.min(state.activeDownAtMs, skewEndMs);
  return { ...state, activeDownAtMs, heard: { source, priority }, takeover };
}
