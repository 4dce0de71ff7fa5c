/** What an active router does with each event (RFC 9568 §6.4.3): serve, hand over, resign, contest, heal. */
import { compareAddresses } from "../wire/address.ts";
import { after, ANNOUNCE, listen, REMOVE, send, stay, stopped, transition } from "./entry.ts";
import { announced, heal } from "./healing.ts";
import { takeoverSkewMs } from "./backup.ts";
import { isReminder, newReminder, reminderTo } from "./reminding.ts";
import {
  type Active,
  type Effect,
  type Event,
  type Handover,
  OWNER_PRIORITY,
  type ReceivedAdvertisement,
  RESIGNATION,
  type Step,
  type Stop,
  type VirtualRouter,
} from "./state.ts";
import { activeDownIntervalMs, intervalMs } from "./timers.ts";

/**
 * A resignation that may wait for an answer, because the service still works, is said again after these
 * delays.
 */
const REPEAT_MS = [50, 100] as const;
/** Two answers to other active routers are at least so far apart: a flood must not be amplified. */
const ANSWER_GAP_MS = 1;
/** Another host's clock may be so much faster. */
const CLOCK_TOLERANCE = 0.9;

export function stepActive(router: VirtualRouter, state: Active, event: Event, nowMs: number): Step {
  switch (event.type) {
    case "priority":
      return changePriority(router, state, event.priority, nowMs);
    case "advertisement":
      return hearInActive(router, state, event.advertisement, nowMs);
    case "reminder":
      return hearReminder(state, event.source, nowMs);
    case "acknowledgement":
      return stay(state);
    case "succeeded":
      return succeeded(state, event.priority);
    case "deadline":
      return activeDeadline(router, state, nowMs);
    case "conditions":
      return activeConditions(router, state, event, nowMs);
    case "reconfigured":
      return reconfigured(router, state, nowMs);
    case "shutdown": {
      const { reason } = event;
      const next = { name: "initialize", reasons: [reason] } as const;
      return leave(router, state, { cause: "shutdown", reason, next }, nowMs);
    }
    case "release":
      return state.handover === null ? release(state, event, nowMs) : stay(state);
    case "follow":
      if (event.to === "backup") return follow(router, state, event.reason, nowMs);
      return state.handover?.cause === "group" ? callOff(router, state, nowMs) : stay(state);
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
    return handover?.cause === "conditions" ? callOff(router, state, nowMs) : stay(state);
  }
  const next = { name: faults.length > 0 ? "fault" : "initialize", reasons } as const;
  const asked = { cause: "conditions", reason: reasons.join(", "), next } as const;
  if (!reachable) return letGo(state, asked, send(RESIGNATION));
  return handover?.cause === "shutdown" ? stay(state) : leave(router, state, asked, nowMs);
}

type Leaving = Pick<Handover, "cause" | "reason"> & { readonly next: Stop };

/**
 * Resigns, as RFC 9568 §6.4.3 says, but serves on until another router has taken over or the time is up. A
 * handover that is under way keeps its end, unless a shutdown follows a condition. Only a shutdown repeats
 * the resignation: each one makes an RFC peer wait its skew anew, which costs nothing only while the service
 * works.
 */
function leave(router: VirtualRouter, state: Active, leaving: Leaving, nowMs: number): Step {
  if (!router.handover.enabled) return letGo(state, leaving, send(RESIGNATION));
  const isShutdown = leaving.cause === "shutdown";
  const handover: Handover = {
    ...leaving,
    untilMs: !isShutdown && state.handover !== null
      ? state.handover.untilMs
      : nowMs + router.handover.timeoutMs,
    repeatAtMs: isShutdown && state.handover === null ? REPEAT_MS.map((delayMs) => nowMs + delayMs) : [],
  };
  if (state.handover !== null) return stay({ ...state, handover });
  return stay({ ...state, sentAtMs: nowMs, adverAtMs: Infinity, handover }, send(RESIGNATION));
}

/** Resigns, and says once only that it does: see `leave`. Nobody has to come: it can be called off. */
function release(
  state: Active,
  { reason, next, timeoutMs }: Event & { type: "release" },
  nowMs: number,
): Step {
  const handover: Handover = { cause: "release", reason, next, untilMs: nowMs + timeoutMs, repeatAtMs: [] };
  return stay({ ...state, sentAtMs: nowMs, adverAtMs: Infinity, handover }, send(RESIGNATION));
}

/**
 * Its sync group leaves, so it resigns, serves until another router does, and goes to backup in any case.
 * Where another one is known to serve, at once: a conflict, or a silence after which the peers took over.
 */
function follow(router: VirtualRouter, state: Active, reason: string, nowMs: number): Step {
  const { handover } = state;
  const next = { name: "backup" } as const;
  const untilMs = nowMs + router.handover.timeoutMs;
  if (handover !== null) {
    if (handover.cause !== "release") return stay(state);
    return stay({ ...state, handover: { ...handover, cause: "group", next, untilMs } });
  }
  const isServed = silentTooLong(router, state, nowMs) ||
    (state.conflict !== null && nowMs - state.conflict.lastAtMs < patienceMs(router));
  if (isServed || !router.handover.enabled) return toBackup(router, state, reason, nowMs, send(RESIGNATION));
  const repeatAtMs = REPEAT_MS.map((delayMs) => nowMs + delayMs);
  const left: Handover = { cause: "group", reason, next, untilMs, repeatAtMs };
  return stay({ ...state, sentAtMs: nowMs, adverAtMs: Infinity, handover: left }, send(RESIGNATION));
}

/** The addresses go, and it listens as if nobody had been heard. */
function toBackup(
  router: VirtualRouter,
  state: Active,
  reason: string,
  nowMs: number,
  ...first: Effect[]
): Step {
  const backup = listen(router, state.priority, null, nowMs);
  return { state: backup, effects: [...first, REMOVE, transition(state, backup, reason)] };
}

/** It serves on as if nothing had been. */
function callOff(router: VirtualRouter, state: Active, nowMs: number): Step {
  return stay(sent(router, { ...state, handover: null }, nowMs), send(state.priority));
}

/** The addresses go. */
function letGo(state: Active, { next, reason }: Leaving, ...first: Effect[]): Step {
  const left = stopped(state, next);
  return { state: left, effects: [...first, REMOVE, transition(state, left, reason)] };
}

function changePriority(router: VirtualRouter, state: Active, priority: number, nowMs: number): Step {
  const changed = { ...state, priority };
  const worse = priority < state.priority && state.handover === null;
  return worse ? stay(sent(router, changed, nowMs), send(priority)) : stay(changed);
}

/** Tells the group and the kernel at once: the interval, the lease or the announcements may be others now. */
function reconfigured(router: VirtualRouter, state: Active, nowMs: number): Step {
  const timers = {
    refreshAtMs: after(router.announce.refreshMs, nowMs),
    renewAtMs: after(router.renewMs, nowMs),
  };
  const renew: Effect = { type: "renewAddresses" };
  if (state.handover !== null) return stay({ ...state, ...timers }, renew);
  return stay({ ...sent(router, state, nowMs), ...timers }, send(state.priority), renew);
}

function hearInActive(
  router: VirtualRouter,
  state: Active,
  heard: ReceivedAdvertisement,
  nowMs: number,
): Step {
  if (state.handover !== null) return hearInHandover(router, state, state.handover, heard, nowMs);
  // Who resigns has been active, and has announced itself; and every backup now waits for an answer, its skew
  // long and no more.
  if (heard.priority === RESIGNATION) return contest(router, state, heard, nowMs);
  const higher = heard.priority > state.priority ||
    (heard.priority === state.priority && compareAddresses(heard.source, router.primaryAddress) > 0);
  const wasSilent = silentTooLong(router, state, nowMs);
  if (higher && (router.standsFirm !== true || wasSilent)) return yieldTo(router, state, heard, nowMs);
  if (wasSilent) return yieldAfterSilence(router, state, heard, nowMs);
  return contest(router, state, heard, nowMs);
}

/**
 * Another router serves: only now do the addresses go (make before break). If it served before, cut off, it
 * does not know that there is somebody to heal after.
 */
function hearInHandover(
  router: VirtualRouter,
  state: Active,
  handover: Handover,
  heard: ReceivedAdvertisement,
  nowMs: number,
): Step {
  // What is heard sooner than anybody takes over was on its way before; its sender may have yielded since.
  const soonestMs = takeoverSkewMs(router, heard.priority, router.advertisementInterval) * CLOCK_TOLERANCE;
  if (heard.priority === RESIGNATION || nowMs - state.sentAtMs < soonestMs) return stay(state);
  const word = router.unicast ? [] : [reminderTo(heard.source)];
  const { cause, next } = handover;
  const reason = handedOver(handover, heard.priority);
  if (next.name !== "backup") return letGo(state, { cause, next, reason }, ...word);
  const backup = listen(router, state.priority, heard, nowMs);
  return { state: backup, effects: [...word, REMOVE, transition(state, backup, reason)] };
}

function handedOver({ reason }: Handover, priority: number): string {
  return `${reason}; handed over to priority ${priority}`;
}

/** What this router has been replaced by serves: another VRID, another version. */
function succeeded(state: Active, priority: number): Step {
  const { handover } = state;
  if (handover === null || handover.next.name === "backup") return stay(state);
  const { cause, next } = handover;
  return letGo(state, { cause, next, reason: handedOver(handover, priority) });
}

/** Somebody was active as well and is no more: its announcements are undone, and it need not say so again. */
function hearReminder(state: Active, source: Uint8Array, nowMs: number): Step {
  if (state.handover !== null) return stay(state);
  const { predecessor } = state;
  const isExpected = predecessor !== null && nowMs < predecessor.untilMs &&
    compareAddresses(predecessor.source, source) === 0;
  if (isExpected) return stay(state);
  const { state: healed, announce } = heal(state, nowMs, { hasYielded: true });
  const acknowledge: Effect = { type: "acknowledge", destination: source };
  return stay(healed, acknowledge, ...(announce ? [ANNOUNCE] : []));
}

/** The last advertisement tells the winner that there was somebody to heal after, the reminder makes sure. */
function yieldTo(router: VirtualRouter, state: Active, heard: ReceivedAdvertisement, nowMs: number): Step {
  const reminder = newReminder(heard.source, nowMs);
  const next = { ...listen(router, state.priority, heard, nowMs), reminder };
  const reason = heard.priority === state.priority
    ? `another active router has priority ${heard.priority} and the higher address`
    : `another active router has priority ${heard.priority}, above ${state.priority}`;
  const words = [send(state.priority), reminderTo(heard.source)];
  return { state: next, effects: [...words, REMOVE, transition(state, next, reason)] };
}

/**
 * Whether the peers had to take this router for dead: its last advertisement is older than their patience.
 */
function silentTooLong(router: VirtualRouter, { sentAtMs }: Active, nowMs: number): boolean {
  return nowMs - sentAtMs > patienceMs(router);
}

/** How long the peers wait before they take it for dead. */
function patienceMs({ version, advertisementInterval }: VirtualRouter): number {
  return activeDownIntervalMs(version, OWNER_PRIORITY, advertisementInterval);
}

/** The other one is right to serve: only a reminder makes it announce itself and does not make it yield. */
function yieldAfterSilence(
  router: VirtualRouter,
  state: Active,
  heard: ReceivedAdvertisement,
  nowMs: number,
): Step {
  const reminder = newReminder(heard.source, nowMs, { isAfterSilence: true });
  const next = { ...listen(router, state.priority, heard, nowMs), reminder };
  const lateMs = Math.round(nowMs - state.adverAtMs);
  const reason = `own advertisements were ${lateMs} ms late and another router took over`;
  return { state: next, effects: [reminderTo(heard.source), REMOVE, transition(state, next, reason)] };
}

/**
 * Another router believes that it is active, wrongly: tell it, and undo what its announcements did to the
 * neighbours.
 */
function contest(router: VirtualRouter, state: Active, heard: ReceivedAdvertisement, nowMs: number): Step {
  const gapMs = heard.priority === RESIGNATION ? 0 : ANSWER_GAP_MS;
  const answered = answer(router, state, gapMs, nowMs);
  const hasYielded = isReminder(router, heard);
  const { state: healed, announce } = heal(answered.state as Active, nowMs, { hasYielded });
  return { state: healed, effects: announce ? [...answered.effects, ANNOUNCE] : answered.effects };
}

function answer(router: VirtualRouter, state: Active, gapMs: number, nowMs: number): Step {
  if (nowMs - state.sentAtMs < gapMs) {
    // Put off, not dropped: the winner has the last word, or backups would go by what the loser said last.
    return stay({ ...state, adverAtMs: Math.min(state.adverAtMs, state.sentAtMs + gapMs) });
  }
  return stay(sent(router, state, nowMs), send(state.priority));
}

/** Everything that is due, the advertisement first. */
function activeDeadline(router: VirtualRouter, state: Active, nowMs: number): Step {
  const { handover } = state;
  if (handover !== null && nowMs >= handover.untilMs) {
    const { next, reason } = handover;
    if (handover.cause === "group") return toBackup(router, state, reason, nowMs);
    if (handover.cause === "release" || next.name === "backup") return callOff(router, state, nowMs);
    // Nobody took over. Resigning once more would only make an RFC peer wait longer.
    return letGo(state, { ...handover, next });
  }
  const effects: Effect[] = [];
  let { sentAtMs, adverAtMs, renewAtMs } = state;
  if (nowMs >= adverAtMs) {
    effects.push(send(state.priority));
    sentAtMs = nowMs;
    adverAtMs = next(adverAtMs, intervalMs(router.advertisementInterval), nowMs);
  }
  if (nowMs >= renewAtMs) {
    effects.push({ type: "renewAddresses" });
    renewAtMs = next(renewAtMs, router.renewMs, nowMs);
  }
  const isRepeat = nowMs >= (handover?.repeatAtMs[0] ?? Infinity);
  if (isRepeat) effects.push(send(RESIGNATION));
  const serving = {
    ...state,
    sentAtMs,
    adverAtMs,
    renewAtMs,
    handover: isRepeat ? said(handover!, nowMs) : handover,
  };
  const isOwed = nowMs >= (state.announceAtMs[0] ?? Infinity) || nowMs >= state.refreshAtMs;
  if (!isOwed || handover !== null) return { state: serving, effects };
  return { state: announced(router, serving, nowMs), effects: [...effects, ANNOUNCE] };
}

function said(handover: Handover, nowMs: number): Handover {
  return { ...handover, repeatAtMs: handover.repeatAtMs.filter((atMs) => atMs > nowMs) };
}

/**
 * The next moment of a cadence that does not drift; after a long delay the cadence starts anew instead of
 * catching up.
 */
function next(atMs: number, everyMs: number, nowMs: number): number {
  const nextMs = atMs + everyMs;
  return nextMs > nowMs ? nextMs : nowMs + everyMs;
}

/** An advertisement goes out at `nowMs` outside the cadence, so the cadence starts anew there. */
function sent({ advertisementInterval }: VirtualRouter, state: Active, nowMs: number): Active {
  return { ...state, sentAtMs: nowMs, adverAtMs: nowMs + intervalMs(advertisementInterval) };
}
