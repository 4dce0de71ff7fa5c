/** The sentences of an explanation: who is active and why, and what an outcome comes from. PURE. */
import { OWNER_PRIORITY } from "../vrrp/state.ts";
import { activeDownIntervalMs, intervalCs } from "../vrrp/timers.ts";
import type { Outcome } from "./contest.ts";
import type { Situation } from "./explain.ts";
import { AS_IT_IS, type Assumed, type Party, type Standing, standingOf } from "./party.ts";

/** `nginx and disk failing, uplink passing` */
export function assumedText({ failing, passing }: Assumed): string {
  const parts = [
    failing.length === 0 ? "" : `${failing.join(" and ")} failing`,
    passing.length === 0 ? "" : `${passing.join(" and ")} passing`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** Who is active, and what makes it so. */
export function whyActive({ virtualRouter, here, others, live }: Situation, active: string | null): string {
  const parties = [here, ...others];
  const party = parties.find(({ name }) => name === active);
  if (party === undefined) return `nobody that is known is active for ${virtualRouter}${obstacleOf(here)}`;
  const { effective } = standingOf(party, AS_IT_IS);
  const where = `${virtualRouter} is ACTIVE on ${party.name}`;
  const rivals = parties.filter((other) => other !== party && isAble(standingOf(other, AS_IT_IS)));
  if (rivals.length === 0) return `${where}: no other router is known that could serve`;
  const best = bestOf(rivals);
  const rival = standingOf(best, AS_IT_IS).effective;
  const said = `priority ${effective}${preferredText(party)}`;
  if (effective > rival) return `${where}: ${said} is the highest, ${best.name} has ${rival}`;
  if (effective === rival) {
    const tie = live === null ? "the higher address wins where both begin together" : "a tie does not move";
    return `${where}: ${best.name} has ${rival} as well, and ${tie}`;
  }
  return `${where}: ${best.name} would be better (${rival}, here ${effective}), but ${whyWaits(best)}`;
}

/** Where one router stands, beside all others. */
export function whyPlace(party: Party, { here, others }: Situation): string {
  const standing = standingOf(party, AS_IT_IS);
  if (standing.faults.length > 0) return `cannot serve: ${standing.faults.join(", ")}`;
  const rest = [here, ...others].filter((other) => other !== party && isAble(standingOf(other, AS_IT_IS)));
  const words = [
    party.heldBack ? "held back by the operator: takes over only when nobody else serves" : "",
    party.override === null ? "" : overrideText(party, standing),
    standing.effective === OWNER_PRIORITY ? "owns the addresses: no check changes its priority" : "",
    party.knownBy === "advertisements" ? "its checks and whether it preempts are not known" : "",
    !party.preempt && party.override?.by !== "prefer"
      ? "takes over from no living router (preempt = false)"
      : "",
    party.preempt && party.preemptDelayMs > 0 ? `preempts after ${party.preemptDelayMs / 1000} s` : "",
    rest.length === 0 ? "" : compared(standing.effective, rest),
  ];
  return words.filter((word) => word !== "").join("; ");
}

/** Behind the outcome: what became of the priority, and what of the addresses. */
export function sentenceOf(
  { virtualRouter, here, others }: Situation,
  assumed: Assumed,
  outcome: Outcome,
): string {
  const before = standingOf(here, AS_IT_IS);
  const after = standingOf(here, assumed);
  const change = changeOf(before, after);
  if (outcome.before !== here.name) return `${virtualRouter} ${ofStandby(here.name, outcome)}: ${change}`;
  if (outcome.after === null) {
    return `${virtualRouter} goes from ${here.name} and nobody takes over: ${change}, ${noRival(others)}`;
  }
  if (outcome.after === here.name) {
    return `${virtualRouter} stays on ${here.name}: ${change}, ${whyStays(after, others)}`;
  }
  const winner = others.find(({ name }) => name === outcome.after);
  const rival = winner === undefined ? "" : `, ${winner.name} has ${standingOf(winner, AS_IT_IS).effective}`;
  const duration = isTimed({ others }, outcome) ? durationText(outcome) : withinText(winner!);
  return `${virtualRouter} moves to ${outcome.after} ${duration}: ${change}${rival}`;
}

function ofStandby(name: string, { before, after }: Outcome): string {
  if (after === name) return `comes to ${name}${before === null ? "" : ` from ${before}`}`;
  if (after === null) return "is served by nobody, as before";
  return `${before === after ? "stays on" : "moves to"} ${after}`;
}

function changeOf(before: Standing, after: Standing): string {
  const others = after.faults.filter((fault) => !/: assumed to (fail|pass)$/.test(fault));
  if (after.faults.length > 0) return others.length === 0 ? "FAULT" : `FAULT (${others.join(", ")})`;
  if (before.faults.length > 0) return `no FAULT, priority ${after.effective}`;
  if (before.effective === after.effective) return `the priority stays ${after.effective}`;
  const verb = after.effective < before.effective ? "falls" : "rises";
  return `the priority ${verb} from ${before.effective} to ${after.effective}`;
}

function whyStays({ effective }: Standing, others: readonly Party[]): string {
  const able = others.filter((other) => isAble(standingOf(other, AS_IT_IS)));
  if (able.length === 0) return noRival(others);
  const best = bestOf(able);
  const rival = standingOf(best, AS_IT_IS).effective;
  if (rival < effective) return `still above ${best.name}'s ${rival}`;
  if (rival === effective) return `equal to ${best.name}'s ${rival}, and a tie does not move`;
  return `below ${best.name}'s ${rival}, but ${whyWaits(best)}`;
}

function noRival(others: readonly Party[]): string {
  const [one] = others;
  if (one === undefined) return "and no other router is known";
  return `and no other router can serve (${one.name}: ${standingOf(one, AS_IT_IS).faults.join(", ")})`;
}

/** What keeps a better one from taking over. */
function whyWaits(party: Party): string {
  if (party.heldBack) return `${party.name} is held back by its operator`;
  if (!party.preempt) return `${party.name} never takes over from a living router (preempt = false)`;
  if (party.preemptDelayMs > 0) return `${party.name} waits ${party.preemptDelayMs / 1000} s before it does`;
  return `${party.name} has not taken over (yet)`;
}

function compared(effective: number, rest: readonly Party[]): string {
  const best = bestOf(rest);
  const rival = standingOf(best, AS_IT_IS).effective;
  if (effective > rival) return `the highest, ${effective - rival} above ${best.name}`;
  if (effective < rival) return `${rival - effective} below ${best.name}`;
  return `equal to ${best.name}: the ACTIVE one stays, and of two ACTIVE ones the higher address wins`;
}

function overrideText({ override }: Party, { suspended }: Standing): string {
  const what = override?.by === "prefer"
    ? "preferred by the operator"
    : `priority ${override?.priority} by the operator`;
  return suspended === null ? what : `${what}, but not now (${suspended})`;
}

function preferredText(party: Party): string {
  const { suspended } = standingOf(party, AS_IT_IS);
  return party.override?.by === "prefer" && suspended === null ? " (preferred by the operator)" : "";
}

/** How long another make of router takes is known by its upper bound only. */
export function isTimed({ others }: Pick<Situation, "others">, { after }: Outcome): boolean {
  return others.find(({ name }) => name === after)?.knownBy !== "advertisements";
}

function withinText({ version, priority, intervalMs }: Party): string {
  return `within ${
    text(activeDownIntervalMs(version, priority, intervalCs(intervalMs)))
  }, served here until then`;
}

function durationText({ afterMs, unservedMs }: Outcome): string {
  const after = afterMs < 1 ? "at once" : `after ${text(afterMs)}`;
  return unservedMs < 1 ? `${after}, make before break` : `${after}, ${text(unservedMs)} without service`;
}

function text(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

function obstacleOf(here: Party): string {
  const { faults } = standingOf(here, AS_IT_IS);
  return faults.length === 0 ? "" : `: ${here.name} cannot serve (${faults.join(", ")})`;
}

function isAble({ faults }: Standing): boolean {
  return faults.length === 0;
}

function bestOf(parties: readonly Party[]): Party {
  return parties.reduce((best, party) =>
    standingOf(party, AS_IT_IS).effective > standingOf(best, AS_IT_IS).effective ? party : best
  );
}
