/**
 * What `step()` promises about every single step: the order of the effects, and deadlines that belong to the
 * new state.
 */
import type { Effect, Event, State, VirtualRouter } from "../../mod/vrrp/state.ts";

const LETTERS: Readonly<Record<Effect["type"], string>> = {
  sendAdvertisement: "S",
  remind: "m",
  acknowledge: "k",
  addAddresses: "+",
  renewAddresses: "r",
  removeAddresses: "-",
  announceAddresses: "A",
  probeAddresses: "p",
  transition: "T",
};

/** By the states before and after: the effects that are allowed, as a pattern over one letter each. */
function allowed(from: State["name"], to: State["name"]): RegExp {
  if (to === "active") return from === "active" ? /^(S?r?|rS|k)A?$/ : /^S\+AT$/;
  if (from === "active") return to === "backup" ? /^S?m?-T$/ : /^[Sm]?-T$/;
  return from === to ? (to === "backup" ? /^m?$/ : /^$/) : /^T$/;
}

/** Why a step breaks the contract; null when it keeps it. */
export function breach(
  router: VirtualRouter,
  before: State,
  event: Event,
  after: State,
  effects: readonly Effect[],
  deadlineMs: number,
  nowMs: number,
): string | null {
  const written = effects.map(({ type }) => LETTERS[type]).join("");
  if (!allowed(before.name, after.name).test(written)) {
    return `effects ${written || "none"} are out of order for ${before.name} -> ${after.name}`;
  }
  const leaves = before.name === "active" && before.handover === null && after.name !== "active";
  const says = effects[0]?.type === "sendAdvertisement" || effects[0]?.type === "remind";
  const follows = event.type === "advertisement" && before.name === "active" && before.handover === null &&
    after.name === "backup" &&
    event.advertisement.priority > before.priority;
  if (follows && effects[0]?.type !== "sendAdvertisement") return "it follows without a last advertisement";
  if (event.type === "acknowledgement" && after.name === "backup" && after.reminder !== null) {
    return "it goes on reminding although it has been acknowledged";
  }
  if (leaves && !says) return "it leaves without a word";
  for (const effect of effects) {
    const problem = checkEffect(before, event, after, effect);
    if (problem !== null) return problem;
  }
  return checkDeadline(router, event, after, deadlineMs, nowMs);
}

function checkEffect(before: State, event: Event, after: State, effect: Effect): string | null {
  if (effect.type === "transition") {
    const { from, to, reason } = effect;
    if (from !== before.name || to !== after.name) return `the transition says ${from} -> ${to}`;
    return reason === "" ? "the transition gives no reason" : null;
  }
  if (effect.type !== "sendAdvertisement") return null;
  const { priority } = effect;
  if (after.name === "active") {
    const own = after.handover === null ? after.priority : 0;
    return priority === own ? null : `it advertises ${priority} instead of ${own}`;
  }
  if (before.name !== "active") return "a router that was not active advertises";
  const last = after.name === "backup" && event.type !== "follow" ? after.priority : 0;
  return priority === last ? null : `its last advertisement carries ${priority} instead of ${last}`;
}

function checkDeadline(
  router: VirtualRouter,
  event: Event,
  after: State,
  deadlineMs: number,
  nowMs: number,
): string | null {
  if (Number.isNaN(deadlineMs)) return "the deadline is no number";
  if (event.type === "deadline" && deadlineMs <= nowMs) {
    return `the deadline ${deadlineMs} has passed although it has just been handled at ${nowMs}: a busy loop`;
  }
  if (after.name === "fault" && deadlineMs !== Infinity) return "a timer has outlived its state";
  if (after.name === "backup" && after.ready === null && deadlineMs === Infinity) {
    return "a backup without a deadline waits for ever";
  }
  const longestMs = after.name === "active" && after.handover !== null
    ? router.handover.timeoutMs
    : router.advertisementInterval * 10;
  if (after.name === "active" && deadlineMs > nowMs + longestMs + 1e-6) {
    return `an active router's deadline ${deadlineMs} is too long after ${nowMs}`;
  }
  return null;
}
