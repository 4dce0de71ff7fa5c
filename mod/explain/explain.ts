/**
 * Why a virtual router is where it is, and where it would be if its checks failed: asked of the state machine
 * itself, with everybody who is known. PURE.
 */
import type { Contribution } from "../snapshot.ts";
import { effectivePriority } from "../health/health.ts";
import { contest, type Outcome } from "./contest.ts";
import { findingsOf } from "./findings.ts";
import {
  AS_IT_IS,
  type Assumed,
  contenderOf,
  type Party,
  type Standing,
  standingOf,
  statesOf,
  turned,
  unwell,
} from "./party.ts";
import { assumedText, isTimed, sentenceOf, whyActive, whyPlace } from "./words.ts";

/** What the running daemon says of it. */
export interface Live {
  readonly state: "INIT" | "BACKUP" | "ACTIVE" | "FAULT";
  readonly since: string;
  readonly reason: string;
  /** Name of the party that is active; null: none that is known. */
  readonly active: string | null;
}

export interface Situation {
  readonly virtualRouter: string;
  readonly here: Party;
  readonly others: readonly Party[];
  /** The sync group that it is in, and who else is. */
  readonly group: { readonly name: string; readonly others: readonly string[] } | null;
  /** Null: offline, from files alone. */
  readonly live: Live | null;
  readonly assumed: Assumed;
}

/** One check, and the priority were it alone not as it should be; null: FAULT. */
export interface CheckExplained extends Contribution {
  readonly unwell_priority: number | null;
}

export interface RouterExplained {
  readonly name: string;
  readonly known_by: Party["knownBy"];
  readonly last_seen: string | null;
  readonly base_priority: number;
  /** Null: it is in FAULT, and `faults` says why. */
  readonly effective_priority: number | null;
  readonly faults: readonly string[];
  readonly override: "prefer" | "priority" | null;
  readonly held_back: boolean;
  readonly preempt: boolean;
  readonly preempt_delay_ms: number;
  readonly checks: readonly CheckExplained[];
  /** Where it stands in the election. */
  readonly why: string;
}

/** `failing` or, where the track is reversed, `passing`. */
export interface WhatIf extends Assumed {
  /** Null: FAULT. */
  readonly priority: number | null;
  readonly active_before: string | null;
  readonly active_after: string | null;
  /** Null: the one that takes over may be of any make. */
  readonly after_ms: number | null;
  readonly unserved_ms: number | null;
  readonly why: string;
}

/** The JSON of `vipd explain --json`. */
export interface Explanation {
  readonly virtual_router: string;
  readonly host: string;
  /** Who is ACTIVE together with it or not at all; null: it is in no sync group. */
  readonly group: Situation["group"];
  /** What was asked, answered in one sentence. */
  readonly answer: string;
  readonly assumed: Assumed;
  readonly now: {
    readonly state: Live["state"] | null;
    readonly since: string | null;
    readonly reason: string | null;
    readonly active: string | null;
    readonly why: string;
  };
  /** This host first, then the others, the best first. */
  readonly routers: readonly RouterExplained[];
  readonly what_if: readonly WhatIf[];
  /** What is hardly meant: weights that can never move the addresses, ties. */
  readonly findings: readonly string[];
}

export function explain(situation: Situation): Explanation {
  const { virtualRouter, here, others, group, live, assumed } = situation;
  const isAsked = assumed.failing.length + assumed.passing.length > 0;
  const asked = whatIf(situation, assumed);
  const active = live === null ? asked.active_before : live.active;
  const now = whyActive(situation, active);
  return {
    virtual_router: virtualRouter,
    host: here.name,
    group,
    answer: isAsked ? `${conditionOf(assumed)} ${asked.why}` : now,
    assumed,
    now: {
      state: live?.state ?? null,
      since: live?.since ?? null,
      reason: live?.reason ?? null,
      active,
      why: now,
    },
    routers: [here, ...byRank(others)].map((party) => explained(party, situation)),
    what_if: [
      ...(isAsked ? [asked] : []),
      ...consequences(situation),
    ],
    findings: findingsOf(here, others),
  };
}

/** The state machines of all who are known, from what is to what is assumed of this host's checks. */
function whatIf(situation: Situation, assumed: Assumed): WhatIf {
  const { here, others, live } = situation;
  const before = [here, ...others].map((party, i) => contenderOf(party, AS_IT_IS, i + 1));
  const after = [contenderOf(here, assumed, 1), ...before.slice(1)];
  const outcome = contest(before, live?.active ?? null, after);
  const standing = standingOf(here, assumed);
  return {
    ...assumed,
    priority: priorityOf(standing),
    active_before: outcome.before,
    active_after: outcome.after,
    ...(isTimed(situation, outcome)
      ? { after_ms: rounded(outcome.afterMs), unserved_ms: rounded(outcome.unservedMs) }
      : { after_ms: null, unserved_ms: null }),
    why: sentenceOf(situation, assumed, outcome),
  };
}

/** Each check turned alone, then each two together that alone leave the addresses where they are. */
function consequences(situation: Situation): WhatIf[] {
  const { here, assumed } = situation;
  const asked = keyOf(assumed);
  const ask = (...checks: string[]): WhatIf => whatIf(situation, turned(here, ...checks));
  const alone = here.track.map(({ check }) => ({ check, outcome: ask(check) }));
  const stuck = alone.filter(({ outcome }) => outcome.active_before === outcome.active_after)
    .map(({ check }) => check);
  const pairs = stuck.flatMap((first, i) => stuck.slice(i + 1).map((second) => ask(first, second)));
  return [...alone.map(({ outcome }) => outcome), ...pairs].filter((outcome) => keyOf(outcome) !== asked);
}

function keyOf({ failing, passing }: Assumed): string {
  return [...failing.toSorted(), "", ...passing.toSorted()].join("\n");
}

function explained(party: Party, situation: Situation): RouterExplained {
  const standing = standingOf(party, AS_IT_IS);
  const states = statesOf(party, AS_IT_IS);
  const { contributions } = effectivePriority(party.priority, party.track, states);
  return {
    name: party.name,
    known_by: party.knownBy,
    last_seen: party.lastSeen,
    base_priority: party.priority,
    effective_priority: priorityOf(standing),
    faults: standing.faults,
    override: party.override?.by ?? null,
    held_back: party.heldBack,
    preempt: party.preempt,
    preempt_delay_ms: party.preemptDelayMs,
    checks: contributions.map((contribution) => ({
      ...contribution,
      unwell_priority: priorityOf(standingOf(party, unwell(party, contribution.check))),
    })),
    why: whyPlace(party, situation),
  };
}

function byRank(parties: readonly Party[]): Party[] {
  const rank = (party: Party): number => priorityOf(standingOf(party, AS_IT_IS)) ?? 0;
  return parties.toSorted((a, b) => rank(b) - rank(a));
}

function priorityOf({ effective, faults }: Standing): number | null {
  return faults.length > 0 ? null : effective;
}

function conditionOf({ failing, passing }: Assumed): string {
  return `With ${assumedText({ failing, passing })}`;
}

function rounded(ms: Outcome["afterMs"]): number {
  return Number(ms.toFixed(1));
}
