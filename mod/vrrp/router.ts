/**
 * The virtual router state machine of RFC 9568 §6.4 (and RFC 3768 §6.4), with fault, hitless handover, fast
 * demotion, healing and leases.
 *
 * `step(router, state, event, nowMs)` returns the next state and the effects, in the order in which they must
 * happen. It sends nothing, reads no clock and keeps nothing: every deadline lives in the state that it
 * belongs to, so that no timer can outlive its state.
 *
 * What goes beyond the RFC, all of it legal on the wire:
 * - Handover: an active router that has to go, on a host that is fine, resigns (priority 0) but serves on
 * until another router
 *   advertises; only if nobody does in time it lets go of the addresses.
 * - A backup whose own active router resigns or falls below it takes over after `takeoverSkewMs`, the best
 * one first, not after
 *   the RFC's skew or the active-down interval.
 * - Healing: after a conflict the winner announces at once, after one second and after five; the loser sends
 * one last advertisement, and reminds the winner until it has heard.
 */
import { stepActive } from "./active.ts";
import { stepBackup } from "./backup.ts";
import {
  becomeActive,
  becomeBackup,
  giveUpResuming,
  resumes,
  stay,
  takeOver,
  toFault,
  toInitialize,
} from "./entry.ts";
import {
  type Backup,
  type Event,
  type Fault,
  type Initialize,
  OWNER_PRIORITY,
  RESIGNATION,
  type State,
  type Step,
  type VirtualRouter,
} from "./state.ts";

export function step(router: VirtualRouter, state: State, event: Event, nowMs: number): Step {
  switch (state.name) {
    case "initialize":
    case "fault":
      return stepStopped(router, state, event, nowMs);
    case "backup":
      return stepBackup(router, state, event, nowMs);
    case "active":
      return stepActive(router, state, event, nowMs);
  }
}

function stepStopped(router: VirtualRouter, state: Initialize | Fault, event: Event, nowMs: number): Step {
  switch (event.type) {
    case "priority":
      return stay({ ...state, priority: event.priority });
    case "advertisement":
      // Somebody else serves: nothing is left to go on with.
      return event.advertisement.priority === RESIGNATION ? stay(state) : giveUpResuming(state);
    case "reconfigured":
    case "reminder":
    case "acknowledgement":
    case "succeeded":
    case "release":
      return stay(state);
    case "follow":
      return giveUpResuming(state);
    case "shutdown": {
      const { state: settled, effects } = giveUpResuming(state);
      const step = toInitialize(settled as Initialize | Fault, [event.reason]);
      return { ...step, effects: [...effects, ...step.effects] };
    }
    case "deadline":
      if (resumes(state) && nowMs >= (state as Initialize).resumeUntilMs) return giveUpResuming(state);
      if (state.name === "fault" || state.waiting.length > 0 || nowMs < state.readyAtMs) return stay(state);
      return startup(router, state, "start-up delay is over", nowMs);
    case "conditions": {
      if (event.faults.length > 0) return toFault(state, event.faults);
      if (event.waiting.length > 0) return toInitialize(state, event.waiting);
      if (state.name === "initialize" && nowMs < state.readyAtMs) return stay({ ...state, waiting: [] });
      const reason = state.name === "fault" ? `recovered from: ${state.faults.join(", ")}` : "ready";
      return startup(router, state, reason, nowMs);
    }
  }
}

/**
 * RFC 9568 §6.4.1: an owner is active at once, or when it has been asked whether somebody else has its
 * addresses; everybody else listens first.
 */
function startup(router: VirtualRouter, state: Initialize | Fault, reason: string, nowMs: number): Step {
  const isOwner = state.priority === OWNER_PRIORITY;
  const owns = `${reason}; address owner`;
  const isAlone = router.isGrouped !== true && (router.probe?.waitMs ?? 0) === 0;
  if (isOwner && isAlone) return becomeActive(router, state, owns, nowMs);
  if (resumes(state)) return resume(router, state, nowMs);
  if (!isOwner) return becomeBackup(router, state, reason, nowMs);
  const { state: backup, effects } = becomeBackup(router, state, owns, nowMs);
  const { state: waiting, effects: probe } = takeOver(router, backup as Backup, owns, nowMs);
  return { state: waiting, effects: [...effects, ...probe] };
}

/** The peers have heard from the run before a moment ago: they need not notice that there was another one. */
function resume(router: VirtualRouter, state: Initialize | Fault, nowMs: number): Step {
  const { state: active, effects } = becomeActive(router, state, "goes on where the run before ended", nowMs);
  return { state: active, effects: [...effects, { type: "renewAddresses" }] };
}
