/** What a backup router does with each event (RFC 9568 §6.4.2), and when it takes over without waiting for silence. */
import { compareAddresses } from "../wire/address.ts";
import { becomeActive, listen, stay, toFault, toInitialize } from "./entry.ts";
import {
  type Backup,
  type Event,
  HANDOVER_PRIORITY,
  type ReceivedAdvertisement,
  type Step,
  type VirtualRouter,
} from "./state.ts";
import { skewTimeMs } from "./timers.ts";

/** A backup of priority p takes over from a living active router after this times (256 - p) / 256. */
const TAKEOVER_SKEW_MS = 30;

/** The wait before a backup replaces an active router that lives: the best backup goes first. Milliseconds. */
export function takeoverSkewMs(router: VirtualRouter, priority: number, activeAdverInterval: number): number {
  const skew = skewTimeMs(router.version, priority, activeAdverInterval);
  return Math.min(skew, TAKEOVER_SKEW_MS * (256 - priority) / 256);
}

export function stepBackup(router: VirtualRouter, state: Backup, event: Event, nowMs: number): Step {
  switch (event.type) {
    case "priority":
      return stay(shiftDeadline(router, state, event.priority));
    case "advertisement":
      return hearInBackup(router, state, event.advertisement, nowMs);
    case "reconfigured":
      return stay({ ...listen(router, state.priority, null, nowMs), heard: state.heard });
    case "shutdown":
      return toInitialize(state, [event.reason]);
    case "conditions":
      if (event.faults.length > 0) return toFault(state, event.faults);
      if (event.waiting.length > 0) return toInitialize(state, event.waiting);
      return stay(state);
    case "deadline":
      if (nowMs >= state.activeDownAtMs) return becomeActive(router, state, takeoverReason(state), nowMs);
      if (nowMs >= state.preemptAtMs) {
        return becomeActive(
          router,
          state,
          `preempt delay is over, priority ${state.priority} is higher`,
          nowMs,
        );
      }
      return stay(state);
  }
}

function takeoverReason(state: Backup): string {
  if (state.takeover !== null) return state.takeover;
  if (state.heard === null) return "no active router was heard";
  if (state.heard.priority === 0) return "the active router resigned";
  if (state.heard.priority < state.priority) {
    return `priority ${state.priority} is higher than the active router's ${state.heard.priority}`;
  }
  return "the active router fell silent";
}

/** The skew is part of the running wait, so another priority moves its end (but never the short wait of a takeover). */
function shiftDeadline(router: VirtualRouter, state: Backup, priority: number): Backup {
  if (state.takeover !== null) return { ...state, priority };
  const { version } = router;
  const shift = skewTimeMs(version, priority, state.activeAdverInterval) -
    skewTimeMs(version, state.priority, state.activeAdverInterval);
  return { ...state, priority, activeDownAtMs: state.activeDownAtMs + shift };
}

function hearInBackup(
  router: VirtualRouter,
  state: Backup,
  heard: ReceivedAdvertisement,
  nowMs: number,
): Step {
  const { source, priority } = heard;
  if (priority === 0) return stay(hearResignation(router, state, source, nowMs));

  const lower = priority < state.priority;
  const before = state.heard !== null && compareAddresses(state.heard.source, source) === 0
    ? state.heard.priority
    : 0;
  const fell = router.preemptMode && lower && before > priority;
  if (fell || handsOver(router, priority, before)) return stay(hearFall(router, state, heard, before, nowMs));
  // While a takeover from this router is pending, its repeated low advertisements must not call it off.
  if (lower && state.takeover !== null) return stay({ ...state, heard: { source, priority } });

  const delayed = router.preemptDelayMs > 0;
  if (lower && router.preemptMode && !delayed) return stay({ ...state, heard: { source, priority } });

  const preemptAtMs = lower && router.preemptMode
    ? Math.min(state.preemptAtMs, nowMs + router.preemptDelayMs)
    : Infinity;
  return stay({ ...listen(router, state.priority, heard, nowMs), preemptAtMs });
}

/**
 * Whether the sender leaves: it drops to the handover priority; or it was never heard with another one, and would be preempted
 * in any case. A router whose priority has always been that low hands nothing over.
 */
function handsOver(
  { preemptMode, preemptDelayMs }: VirtualRouter,
  priority: number,
  before: number,
): boolean {
  if (priority !== HANDOVER_PRIORITY) return false;
  return before > HANDOVER_PRIORITY || (before === 0 && preemptMode && preemptDelayMs === 0);
}

/** Priority 0: wait only long enough for the best backup to go first (RFC 9568 §6.4.2). */
function hearResignation(router: VirtualRouter, state: Backup, source: Uint8Array, nowMs: number): Backup {
  const skewEndMs = nowMs + skewTimeMs(router.version, state.priority, state.activeAdverInterval);
  const activeDownAtMs = state.takeover === null ? skewEndMs : Math.min(state.activeDownAtMs, skewEndMs);
  return { ...state, activeDownAtMs, preemptAtMs: Infinity, heard: { source, priority: 0 } };
}

/** The active router lives and has just said that it is worse than this one: no reason to wait for its silence. */
function hearFall(
  router: VirtualRouter,
  state: Backup,
  { source, priority }: ReceivedAdvertisement,
  before: number,
  nowMs: number,
): Backup {
  const takeover = priority === HANDOVER_PRIORITY
    ? "the active router hands over"
    : `the active router fell from priority ${before} to ${priority}, below ${state.priority}`;
  const skewEndMs = nowMs + takeoverSkewMs(router, state.priority, state.activeAdverInterval);
  const activeDownAtMs = Math.min(state.activeDownAtMs, skewEndMs);
  return { ...state, activeDownAtMs, heard: { source, priority }, takeover };
}
