/** What an active router does with each event (RFC 9568 §6.4.3): serve, hand over, resign, contest, heal. */
import { compareAddresses } from "../wire/address.ts";
import { after, ANNOUNCE, listen, REMOVE, send, stay, stopped, transition } from "./entry.ts";
import { announced, heal } from "./healing.ts";
import {
  type Active,
  type Backup,
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
/** Advertisements of a handover are at most so far apart: one that is lost must not end it. */
const HANDOVER_INTERVAL_MS = 50;
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
    case "reconfigured":
      return reconfigured(router, state, nowMs);
    case "shutdown": {
      const untilMs = nowMs + router.handover.timeoutMs;
      const next = { name: "initialize", reasons: [event.reason] } as const;
      return leave(router, state, { cause: "shutdown", untilMs, reason: event.reason, next }, nowMs);
    }
  }
}

function activeConditions(
  router: VirtualRouter,
  state: Active,
  { waiting, faults, reachable }: Event & { type: "conditions" },
  nowMs: number,
): Step {
  const { handover } = state;
  const reasons = faults.length > 0 ? faults : waiting;
  if (reasons.length === 0) {
    if (handover?.cause !== "conditions") return stay(state);
    return stay(sent(router, { ...state, handover: null }, nowMs), send(state.priority));
  }
  const next = { name: faults.length > 0 ? "fault" : "initialize", reasons } as const;
  const untilMs = handover?.untilMs ?? nowMs + Math.min(router.handover.timeoutMs, FAULT_HANDOVER_MS);
  const asked: Handover = { cause: "conditions", untilMs, reason: reasons.join(", "), next };
  if (!reachable) return resign(state, asked);
  return handover?.cause === "shutdown" ? stay(state) : leave(router, state, asked, nowMs);
}

/** Begins a handover, or resigns at once where none is possible. One that is under way only gets its new destination. */
function leave(router: VirtualRouter, state: Active, handover: Handover, nowMs: number): Step {
  const possible = router.handover.enabled && state.priority > HANDOVER_PRIORITY;
  if (!possible) return resign(state, handover);
  if (state.handover !== null) return stay({ ...state, handover });
  return stay(sent(router, { ...state, handover }, nowMs), send(HANDOVER_PRIORITY));
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

/** Tells the group and the kernel at once: the interval, the lease or the announcements may be others now. */
function reconfigured(router: VirtualRouter, state: Active, nowMs: number): Step {
  const changed: Active = {
    ...sent(router, state, nowMs),
    refreshAtMs: after(router.announce.refreshMs, nowMs),
    renewAtMs: after(router.renewMs, nowMs),
  };
  return stay(changed, send(advertised(state)), { type: "renewAddresses" });
}

function hearInActive(
  router: VirtualRouter,
  state: Active,
  heard: ReceivedAdvertisement,
  nowMs: number,
): Step {
  const own = advertised(state);
  // Who resigns has been active, and has announced itself.
  if (heard.priority === 0) {
    return state.handover === null ? contest(router, state, nowMs) : answer(router, state, nowMs);
  }

  const higher = heard.priority > own ||
    (heard.priority === own && compareAddresses(heard.source, router.primaryAddress) > 0);
  if (higher && state.handover !== null) return completeHandover(state, state.handover, heard);
  if (higher) return yieldTo(router, state, heard, nowMs);
  if (state.handover !== null) return stay(state);
  if (silentTooLong(router, state, nowMs)) return yieldAfterSilence(router, state, heard, nowMs);
  return contest(router, state, nowMs);
}

/** The priority that this router's advertisements carry now. */
function advertised({ priority, handover }: Active): number {
  return handover === null ? priority : HANDOVER_PRIORITY;
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
function silentTooLong(
  { version, advertisementInterval }: VirtualRouter,
  { sentAtMs }: Active,
  nowMs: number,
): boolean {
  return nowMs - sentAtMs > activeDownIntervalMs(version, OWNER_PRIORITY, advertisementInterval);
}

/** The other one is right to serve. Priority 0 makes it announce itself, and does not make it yield. */
function yieldAfterSilence(
  router: VirtualRouter,
  state: Active,
  { source, priority }: ReceivedAdvertisement,
  nowMs: number,
): Step {
  const next: Backup = { ...listen(router, state.priority, null, nowMs), heard: { source, priority } };
  const lateMs = Math.round(nowMs - state.adverAtMs);
  const reason = `own advertisements were ${lateMs} ms late and another router took over`;
  return { state: next, effects: [send(0), REMOVE, transition(state, next, reason)] };
}

/** Another router believes that it is active, wrongly: tell it, and undo what its announcements did to the neighbours. */
function contest(router: VirtualRouter, state: Active, nowMs: number): Step {
  const answered = answer(router, state, nowMs);
  const { state: healed, announce } = heal(answered.state as Active, nowMs);
  return { state: healed, effects: announce ? [...answered.effects, ANNOUNCE] : answered.effects };
}

function answer(router: VirtualRouter, state: Active, nowMs: number): Step {
  if (nowMs - state.sentAtMs < ANSWER_GAP_MS) return stay(state);
  return stay(sent(router, state, nowMs), send(advertised(state)));
}

/** Everything that is due, the advertisement first. */
function activeDeadline(router: VirtualRouter, state: Active, nowMs: number): Step {
  if (state.handover !== null && nowMs >= state.handover.untilMs) return resign(state, state.handover);
  const effects: Effect[] = [];
  let { sentAtMs, adverAtMs, renewAtMs } = state;
  if (nowMs >= adverAtMs) {
    effects.push(send(advertised(state)));
    sentAtMs = nowMs;
    adverAtMs = next(adverAtMs, cadenceMs(router, state), nowMs);
  }
  if (nowMs >= renewAtMs) {
    effects.push({ type: "renewAddresses" });
    renewAtMs = next(renewAtMs, router.renewMs, nowMs);
  }
  const serving = { ...state, sentAtMs, adverAtMs, renewAtMs };
  const isOwed = nowMs >= (state.announceAtMs[0] ?? Infinity) || nowMs >= state.refreshAtMs;
  if (!isOwed) return { state: serving, effects };
  return { state: announced(router, serving, nowMs), effects: [...effects, ANNOUNCE] };
}

/** How far apart this router's advertisements are now. */
function cadenceMs({ advertisementInterval }: VirtualRouter, { handover }: Active): number {
  const everyMs = intervalMs(advertisementInterval);
  return handover === null ? everyMs : Math.min(everyMs, HANDOVER_INTERVAL_MS);
}

/** The next moment of a cadence that does not drift; after a long delay the cadence starts anew instead of catching up. */
function next(atMs: number, everyMs: number, nowMs: number): number {
  const nextMs = atMs + everyMs;
  return nextMs > nowMs ? nextMs : nowMs + everyMs;
}

/** An advertisement goes out at `nowMs` outside the cadence, so the cadence starts anew there. */
function sent(router: VirtualRouter, state: Active, nowMs: number): Active {
  return { ...state, sentAtMs: nowMs, adverAtMs: nowMs + cadenceMs(router, state) };
}
