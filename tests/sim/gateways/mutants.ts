/** Wrong groups: each makes one mistake that a programmer could make. The stories have to find every one. */
import { isAddressed, type Standing } from "../../../mod/vrrp/group.ts";
import type { State } from "../../../mod/vrrp/state.ts";
import type { Member } from "./gateway.ts";
import { type Core, REAL_CORE } from "./lans.ts";

export interface Mutant {
  readonly mistake: string;
  readonly core: Core;
  /** The promise that it breaks. */
  readonly breaks: RegExp;
}

/** As the real one, with another idea of where the members have to go. */
function goingTo(
  destination: (standings: readonly Standing[]) => "active" | "backup" | null,
): Core["settle"] {
  return (members, standing, tell): void => {
    for (let round = 0; round < 4; round++) {
      const to = destination(members.map(standing));
      if (to === null) return;
      for (const member of members) if (isAddressed(standing(member), to)) tell(member, to);
    }
  };
}

function has(standings: readonly Standing[], ...which: Standing[]): boolean {
  return standings.some((standing) => which.includes(standing));
}

/** Decisions that are remembered, one set for each host. */
const stuck = new WeakSet<readonly Member[]>();

export const MUTANTS: readonly Mutant[] = [
  {
    mistake: "takes over as soon as one member is ready",
    core: { ...REAL_CORE, settle: goingTo((standings) => has(standings, "ready") ? "active" : null) },
    breaks: /some LANs|serves in the end|moves|has just advertised/,
  },
  {
    mistake: "does not follow a member that leaves",
    core: {
      ...REAL_CORE,
      settle: goingTo((standings) => {
        return has(standings, "ready") && !has(standings, "listening", "stopped", "leaving", "starting")
          ? "active"
          : null;
      }),
    },
    breaks: /some LANs and not others/,
  },
  {
    mistake: "does not take over with who is ready",
    core: {
      ...REAL_CORE,
      settle: goingTo((standings) =>
        has(standings, "listening", "stopped") && has(standings, "active", "leaving") ? "backup" : null
      ),
    },
    breaks: /nobody serves|serves in the end/,
  },
  {
    mistake: "is stuck once a member has been broken",
    core: {
      ...REAL_CORE,
      settle: (members, standing, tell): void => {
        if (members.some(({ state }) => state.name === "fault")) stuck.add(members);
        if (!stuck.has(members)) REAL_CORE.settle(members, standing, tell);
      },
    },
    breaks: /nobody serves|serves in the end|some LANs|leaves . active/,
  },
  {
    mistake: "lets a broken member go alone",
    core: { ...REAL_CORE, conditionsInGroup: (own) => own, settle: goingTo(() => null) },
    breaks: /some LANs|nobody serves|serves in the end/,
  },
  {
    mistake: "takes a word of the group for nothing",
    core: {
      ...REAL_CORE,
      step: (router, state, event, nowMs) =>
        event.type === "follow" ? { state, effects: [] } : REAL_CORE.step(router, state, event, nowMs),
    },
    breaks: /nobody serves|serves in the end|some LANs/,
  },
  {
    mistake: "never ends a handover for the group's sake",
    core: {
      ...REAL_CORE,
      deadlineMs: (state: State): number =>
        state.name === "active" && state.handover?.cause === "group" ? Infinity : REAL_CORE.deadlineMs(state),
      step: (router, state, event, nowMs) =>
        event.type === "deadline" && state.name === "active" && state.handover?.cause === "group"
          ? { state, effects: [] }
          : REAL_CORE.step(router, state, event, nowMs),
    },
    breaks: /some LANs and not others/,
  },
  {
    mistake: "stays ready although a better router is back",
    core: {
      ...REAL_CORE,
      step: (router, state, event, nowMs) => {
        const right = REAL_CORE.step(router, state, event, nowMs);
        const wasReady = state.name === "backup" && state.ready !== null;
        if (!wasReady || right.state.name !== "backup" || event.type !== "advertisement") return right;
        return { ...right, state: { ...right.state, ready: state.ready } };
      },
    },
    breaks: /has just advertised|moves|serves in the end|some LANs/,
  },
  {
    mistake: "leaves wherever one member is worse, on both hosts at once",
    core: { ...REAL_CORE, mayStandFirm: () => false },
    breaks: /moves|nobody serves|serves in the end/,
  },
  {
    mistake: "stands firm for ever",
    core: {
      ...REAL_CORE,
      mayStandFirm: () => true,
      standFirm: (_, __, nowMs) => ({ firmness: { sinceMs: nowMs, lastMs: nowMs }, may: true }),
    },
    breaks: /serves in the end|moves|some LANs/,
  },
];
