/** What an active router does with each event (RFC 9568 §6.4.3): serve, hand over, resign, contest, heal. */
import { compareAddresses } from "../wire/address.ts";
import { ANNOUNCE, listen, refreshAfter, REMOVE, send, stay, stopped, transition } from "./entry.ts";
import {
  type Active,
  type Effect,
  type Event,
  type Handover,
  HANDOVER_PRIORITY,
  OWNER_PRIORITY,
  type ReceivedAdvertisement,
  type Step,
  type VirtualRouter,
} from "./state.ts";
import { activeDownIntervalMs, intervalMs } from "./timers.ts";

/** Longest handover when the service behind the addresses has already failed: clients are waiting. */
const FAULT_HANDOVER_MS = 150;
/** After a conflict, announcements follow the immediate one after these delays. */
const HEALING_MS = [1_000, 5_000] as const;
/** Two answers to other active routers are at least so far apart: a flood must not be amplified. */
const ANSWER_GAP_MS = 5;

export function stepActive(router: VirtualRouter, state: Active, event: Event, nowMs: number): Step {
  switch (event.type) {
    case "priority":
      return changePriority(router, state, event.priority, nowMs);
    case "advertisement":
      return hearInActive(router, state, event.advertisement, nowMs);
    case "deadline":
      return activeDeadline(router, state, nowMs);
    case "conditions":
      return activeConditions(router, state, event, nowMs);
    case "shutdown": {
      const untilMs = nowMs + router.handover.timeoutMs;
      const next = { name: "initialize", reasons: [event.reason] } as const;
      return leave(router, state, { untilMs, reason: event.reason, next }, true, nowMs);
    }
  }
}

function activeConditions(
  router: VirtualRouter,
  state: Active,
  { waiting, faults, reachable }: Event & { type: "conditions" },
  nowMs: number,
): Step {
  const reasons = faults.length > 0 ? faults : waiting;
  if (reasons.length > 0) {
    const next = { name: faults.length > 0 ? "fault" : "initialize", reasons } as const;
    const untilMs = state.handover?.untilMs ?? nowMs + Math.min(router.handover.timeoutMs, FAULT_HANDOVER_MS);
    return leave(router, state, { untilMs, reason: reasons.join(", "), next }, reachable, nowMs);
  }
  // Only what a condition began can a condition call off: a shutdown stays one.
  if (state.handover?.next.name !== "fault") return stay(state);
  return stay({ ...sent(router, state, nowMs), handover: null }, send(state.priority));
}

/** Begins a handover, or resigns at once where none is possible. One that is under way only gets its new destination. */
function leave(
  router: VirtualRouter,
  state: Active,
  handover: Handover,
  reachable: boolean,
  nowMs: number,
): Step {
  const possible = reachable && router.handover.enabled && state.priority > HANDOVER_PRIORITY;
  if (!possible) return resign(state, handover);
  if (state.handover !== null) return stay({ ...state, handover });
  return stay({ ...sent(router, state, nowMs), handover }, send(HANDOVER_PRIORITY));
}

/** Leaves with priority 0: a backup then waits its skew only (RFC 9568 §6.4.3). */
function resign(state: Active, { next, reason }: Handover): Step {
  const left = stopped(state, next);
  return { state: left, effects: [send(0), REMOVE, transition(state, left, reason)] };
}

function changePriority(router: VirtualRouter, state: Active, priority: number, nowMs: number): Step {
  const changed = { ...state, priority };
  const worse = priority < state.priority && state.handover === null;
  return worse ? stay(sent(router, changed, nowMs), send(priority)) : stay(changed);
}

function hearInActive(
  router: VirtualRouter,
  state: Active,
  heard: ReceivedAdvertisement,
  nowMs: number,
): Step {
  const own = state.handover === null ? state.priority : HANDOVER_PRIORITY;
  if (heard.priority === 0) return answer(router, state, own, nowMs);

  const higher = heard.priority > own ||
    (heard.priority === own && compareAddresses(heard.source, router.primaryAddress) > 0);
  if (higher && state.handover !== null) return completeHandover(state, state.handover, heard);
  if (higher) return yieldTo(router, state, heard, nowMs);
  if (state.handover !== null) return stay(state);
  if (silentTooLong(router, state, nowMs)) return yieldAfterSilence(router, state, heard, nowMs);
  return contest(router, state, nowMs);
}

/** A better router serves: only now do the addresses go (make before break). */
function completeHandover(state: Active, handover: Handover, heard: ReceivedAdvertisement): Step {
  const next = stopped(state, handover.next);
  const reason = `${handover.reason}; handed over to priority ${heard.priority}`;
  return { state: next, effects: [REMOVE, transition(state, next, reason)] };
}

/** The last advertisement tells the winner that there was somebody to heal after. */
function yieldTo(router: VirtualRouter, state: Active, heard: ReceivedAdvertisement, nowMs: number): Step {
  const next = listen(router, state.priority, heard, nowMs);
  const reason = heard.priority === state.priority
    ? `another active router has priority ${heard.priority} and the higher address`
    : `another active router has priority ${heard.priority}, above ${state.priority}`;
  return { state: next, effects: [send(state.priority), REMOVE, transition(state, next, reason)] };
}

/** Whether the peers had to take this router for dead: its last advertisement is older than their patience. */
function silentTooLong(router: VirtualRouter, state: Active, nowMs: number): boolean {
  const sentAtMs = state.adverAtMs - intervalMs(router.advertisementInterval);
  return nowMs - sentAtMs >
    activeDownIntervalMs(router.version, OWNER_PRIORITY, router.advertisementInterval);
}

function yieldAfterSilence(
  router: VirtualRouter,
  state: Active,
  heard: ReceivedAdvertisement,
  nowMs: number,
): Step {
  const next = {
    ...listen(router, state.priority, null, nowMs),
    heard: { source: heard.source, priority: heard.priority },
  };
  const lateMs = Math.round(nowMs - state.adverAtMs);
  const reason = `own advertisements were ${lateMs} ms late and another router took over`;
  return { state: next, effects: [REMOVE, transition(state, next, reason)] };
}

/** Another router believes that it is active, wrongly: tell it, and undo what its announcements did to the neighbours. */
function contest(router: VirtualRouter, state: Active, nowMs: number): Step {
  const answered = answer(router, state, state.priority, nowMs);
  if (nowMs - state.announcedAtMs < HEALING_MS[0]) return answered;
  const healing = {
    ...(answered.state as Active),
    announcedAtMs: nowMs,
    announceAtMs: HEALING_MS.map((delayMs) => nowMs + delayMs),
  };
  return { state: healing, effects: [...answered.effects, ANNOUNCE] };
}

function answer(router: VirtualRouter, state: Active, priority: number, nowMs: number): Step {
  const sentAtMs = state.adverAtMs - intervalMs(router.advertisementInterval);
  if (nowMs - sentAtMs < ANSWER_GAP_MS) return stay(state);
  return stay(sent(router, state, nowMs), send(priority));
}

/** Everything that is due, the advertisement first. */
function activeDeadline(router: VirtualRouter, state: Active, nowMs: number): Step {
  if (state.handover !== null && nowMs >= state.handover.untilMs) return resign(state, state.handover);
  const effects: Effect[] = [];
  let { adverAtMs, announcedAtMs, announceAtMs, refreshAtMs, renewAtMs } = state;
  if (nowMs >= adverAtMs) {
    effects.push(send(state.handover === null ? state.priority : HANDOVER_PRIORITY));
    adverAtMs = next(adverAtMs, intervalMs(router.advertisementInterval), nowMs);
  }
  if (nowMs >= renewAtMs) {
    effects.push({ type: "renewAddresses" });
    renewAtMs = next(renewAtMs, router.renewMs, nowMs);
  }
  const owed = announceAtMs.filter((atMs) => atMs > nowMs);
  if (owed.length < announceAtMs.length || nowMs >= refreshAtMs) {
    effects.push(ANNOUNCE);
    announcedAtMs = nowMs;
    announceAtMs = owed;
    refreshAtMs = refreshAfter(router, nowMs);
  }
  return { state: { ...state, adverAtMs, announcedAtMs, announceAtMs, refreshAtMs, renewAtMs }, effects };
}

/** The next moment of a cadence that does not drift; after a long delay the cadence starts anew instead of catching up. */
function next(atMs: number, everyMs: number, nowMs: number): number {
  const nextMs = atMs + everyMs;
  return nextMs > nowMs ? nextMs : nowMs + everyMs;
}

/** An advertisement goes out at `nowMs` outside the cadence, so the cadence starts anew there. */
function sent(router: VirtualRouter, state: Active, nowMs: number): Active {
  return { ...state, adverAtMs: nowMs + intervalMs(router.advertisementInterval) };
}
