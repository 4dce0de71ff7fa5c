/**
 * Wrong cores: each makes one mistake that a programmer could make. The simulator has to find every one of
 * them.
 */
import { activeDownIntervalMs } from "../../mod/vrrp/timers.ts";
import type { Effect, Event, State, Step, VirtualRouter } from "../../mod/vrrp/state.ts";
import { type Core, REAL_CORE } from "./world.ts";

type Rule = (router: VirtualRouter, state: State, event: Event, nowMs: number, right: Step) => Step;

export interface Mutant {
  readonly mistake: string;
  readonly core: Core;
  /** The promise that it breaks. */
  readonly breaks: RegExp;
}

function mutant(mistake: string, breaks: RegExp, rule: Rule): Mutant {
  const step: Core["step"] = (router, state, event, nowMs) =>
    rule(router, state, event, nowMs, REAL_CORE.step(router, state, event, nowMs));
  return { mistake, breaks, core: { ...REAL_CORE, step } };
}

function mutantOfDeadline(mistake: string, breaks: RegExp, deadlineMs: Core["deadlineMs"]): Mutant {
  return { mistake, breaks, core: { ...REAL_CORE, deadlineMs } };
}

function without(type: Effect["type"], { state, effects }: Step): Step {
  return { state, effects: effects.filter((effect) => effect.type !== type) };
}

function isHeard(event: Event, priority: (heard: number) => boolean): boolean {
  return event.type === "advertisement" && priority(event.advertisement.priority);
}

/** Changes the next state while it stays in backup. */
function inBackup(step: Step, change: (backup: State & { name: "backup" }) => Partial<State>): Step {
  const { state } = step;
  if (state.name !== "backup") return step;
  return { ...step, state: { ...state, ...change(state) } as State };
}

function inActive(step: Step, change: (active: State & { name: "active" }) => Partial<State>): Step {
  const { state } = step;
  if (state.name !== "active") return step;
  return { ...step, state: { ...state, ...change(state) } as State };
}

const OF_BACKUPS: readonly Mutant[] = [
  mutant(
    "never re-arms the active-down timer",
    /too early/,
    (_, before, event, __, right) =>
      before.name === "backup" && isHeard(event, (heard) => heard > 0)
        ? inBackup(
          right,
          ({ takeover }) => takeover === null ? { activeDownAtMs: before.activeDownAtMs } : {},
        )
        : right,
  ),
  mutant(
    "re-arms on lower advertisements: never preempts",
    /not taken over in time/,
    (router, before, event, nowMs, right) =>
      before.name === "backup" && event.type === "advertisement"
        ? inBackup(
          right,
          ({ priority, activeAdverInterval, takeover }) =>
            takeover === null && event.advertisement.priority > 0 && event.advertisement.priority < priority
              ? {
                activeDownAtMs: nowMs + activeDownIntervalMs(router.version, priority, activeAdverInterval),
              }
              : {},
        )
        : right,
  ),
  mutant(
    "waits without the skew",
    /too early/,
    (_, before, __, nowMs, right) =>
      before.name === "backup" ? right : inBackup(
        right,
        ({ activeAdverInterval }) => ({ activeDownAtMs: nowMs + 30 * activeAdverInterval }),
      ),
  ),
  mutant(
    "ignores a resignation",
    /not taken over in time/,
    (_, before, event, __, right) =>
      before.name === "backup" && isHeard(event, (heard) => heard === 0)
        ? { state: before, effects: [] }
        : right,
  ),
  mutant(
    "waits for a whole silence although the active router fell",
    /not taken over in time/,
    (_, before, event, __, right) =>
      before.name === "backup" && before.takeover === null && isHeard(event, (heard) => heard > 0)
        ? inBackup(
          right,
          ({ takeover }) =>
            takeover === null ? {} : { activeDownAtMs: before.activeDownAtMs, takeover: null },
        )
        : right,
  ),
  mutant(
    "does not adopt the active router's interval",
    /too early|not taken over in time/,
    (router, _, event, nowMs, right) =>
      event.type === "advertisement" && event.advertisement.priority > 0
        ? inBackup(
          right,
          ({ priority, activeDownAtMs, takeover, activeAdverInterval }) =>
            takeover === null && activeDownAtMs > nowMs &&
              activeAdverInterval !== router.advertisementInterval
              ? {
                activeDownAtMs: nowMs +
                  activeDownIntervalMs(router.version, priority, router.advertisementInterval),
              }
              : {},
        )
        : right,
  ),
  mutant(
    "does not wait for the preempt delay",
    /too early/,
    (_, __, ___, nowMs, right) =>
      inBackup(right, ({ preemptAtMs }) => preemptAtMs === Infinity ? {} : { preemptAtMs: nowMs + 1 }),
  ),
  mutant(
    "waits for ever",
    /without a deadline/,
    (_, before, __, ___, right) =>
      before.name === "backup" ? right : inBackup(right, () => ({ activeDownAtMs: Infinity })),
  ),
  mutant(
    "stays in fault after everything has recovered",
    /nothing stands in its way/,
    (_, before, event, __, right) =>
      before.name === "fault" && event.type === "conditions" ? { state: before, effects: [] } : right,
  ),
];

const OF_ACTIVES: readonly Mutant[] = [
  mutant(
    "forgets to remove the addresses",
    /out of order/,
    (_, __, ___, ____, right) => without("removeAddresses", right),
  ),
  mutant(
    "forgets to add the addresses",
    /out of order/,
    (_, __, ___, ____, right) => without("addAddresses", right),
  ),
  mutant("adds the addresses before it advertises", /out of order/, (_, __, ___, ____, right) => {
    const [first, second, ...rest] = right.effects;
    return second?.type === "addAddresses" ? { ...right, effects: [second, first!, ...rest] } : right;
  }),
  mutant(
    "follows a better router without a last advertisement",
    /without a last advertisement/,
    (_, before, event, __, right) =>
      before.name === "active" && right.state.name === "backup" && event.type === "advertisement"
        ? without("sendAdvertisement", right)
        : right,
  ),
  mutant(
    "does not announce after a conflict",
    /the client still sends to/,
    (_, before, event, __, right) =>
      before.name === "active" && event.type === "advertisement"
        ? inActive(without("announceAddresses", right), () => ({ announceAtMs: before.announceAtMs }))
        : right,
  ),
  mutant(
    "answers nothing",
    /without an answer/,
    (_, before, event, __, right) =>
      before.name === "active" && right.state.name === "active" && isHeard(event, (heard) => heard > 0)
        ? inActive(
          without("sendAdvertisement", right),
          () => ({ adverAtMs: before.adverAtMs, sentAtMs: before.sentAtMs }),
        )
        : right,
  ),
  mutant(
    "stays active beside a better router",
    /stays active although it has heard/,
    (_, before, event, __, right) =>
      before.name === "active" && before.handover === null &&
        isHeard(event, (heard) => heard > before.priority)
        ? { state: before, effects: [] }
        : right,
  ),
  mutant(
    "stays active beside an equal router",
    /equal router has the higher address/,
    (_, before, event, __, right) =>
      before.name === "active" && before.handover === null &&
        isHeard(event, (heard) => heard === before.priority)
        ? { state: before, effects: [] }
        : right,
  ),
  mutant(
    "does not end a handover when another one serves",
    /has resigned and another one serves/,
    (_, before, event, __, right) =>
      before.name === "active" && before.handover !== null && isHeard(event, (heard) => heard > 0)
        ? { state: before, effects: [] }
        : right,
  ),
  mutant(
    "breaks before it makes",
    /nobody serves/,
    (router, before, event, nowMs, right) =>
      right.state.name === "active" && right.state.handover !== null && before.name === "active" &&
        before.handover === null
        ? REAL_CORE.step({ ...router, handover: { enabled: false, timeoutMs: 1000 } }, before, event, nowMs)
        : right,
  ),
  mutant(
    "never ends a handover by itself",
    /should have left|too long after/,
    (_, __, ___, ____, right) =>
      inActive(
        right,
        ({ handover }) =>
          handover === null ? {} : { handover: { ...handover, untilMs: handover.untilMs + 50 } },
      ),
  ),
  mutant(
    "leaves without a word",
    /without a word/,
    (_, before, event, __, right) =>
      before.name === "active" && right.state.name !== "active" && event.type !== "advertisement"
        ? without("sendAdvertisement", right)
        : right,
  ),
  mutant(
    "never renews the lease",
    /lease .* has run out/,
    (_, __, ___, ____, right) => without("renewAddresses", right),
  ),
  mutant(
    "advertises its old priority",
    /advertises \d+ instead of/,
    (_, before, event, __, right) =>
      before.name === "active" && event.type === "priority"
        ? {
          ...right,
          effects: right.effects.map((effect) =>
            effect.type === "sendAdvertisement" ? { ...effect, priority: before.priority } : effect
          ),
        }
        : right,
  ),
  mutant(
    "resigns when it only has to follow",
    /not taken over in time|serves|last advertisement|still sends/,
    (_, before, event, __, right) =>
      before.name === "active" && right.state.name === "backup" && event.type === "advertisement"
        ? { ...right, effects: [{ type: "sendAdvertisement", priority: 77 }, ...right.effects.slice(1)] }
        : right,
  ),
  mutant(
    "sends every advertisement a little later",
    /advertisement is late|too long after/,
    (_, before, event, __, right) =>
      before.name === "active" && event.type === "deadline"
        ? inActive(
          right,
          ({ adverAtMs }) => adverAtMs === before.adverAtMs ? {} : { adverAtMs: adverAtMs + 2 },
        )
        : right,
  ),
  mutant("counts a transition twice", /out of order|counters/, (_, __, ___, ____, right) => {
    const last = right.effects.at(-1);
    return last?.type === "transition" ? { ...right, effects: [...right.effects, last] } : right;
  }),
  mutant("tells a wrong transition", /the transition says/, (_, before, ___, ____, right) => ({
    ...right,
    effects: right.effects.map((effect) =>
      effect.type === "transition" && before.name === "fault" ? { ...effect, from: "initialize" } : effect
    ),
  })),
  mutant(
    "forgets the deadline that it has handled",
    /busy loop/,
    (_, before, event, __, right) =>
      before.name === "active" && event.type === "deadline"
        ? inActive(right, () => ({ adverAtMs: before.adverAtMs }))
        : right,
  ),
];

const OF_HEALING: readonly Mutant[] = [
  mutant(
    "says its last word once",
    /which has yielded/,
    (_, __, ___, ____, right) => inBackup(right, () => ({ reminder: null })),
  ),
  mutant(
    "does not heal after who reminds it",
    /which has yielded/,
    (_, before, event, __, right) =>
      event.type === "reminder" ? { state: before, effects: right.effects.slice(0, 1) } : right,
  ),
  mutant(
    "heals after who reminds it no sooner than in the middle of a conflict",
    /which has yielded/,
    (router, before, event, nowMs, right) =>
      event.type === "reminder" && before.name === "active" && before.conflict !== null
        ? REAL_CORE.step(
          router,
          { ...before, conflict: { ...before.conflict, allowanceUsedUntilMs: Infinity } },
          event,
          nowMs,
        )
        : right,
  ),
  mutant(
    "reminds rarely",
    /which has yielded/,
    (_, __, ___, nowMs, right) =>
      inBackup(
        right,
        ({ reminder }) =>
          reminder === null ? {} : { reminder: { ...reminder, atMs: Math.max(reminder.atMs, nowMs + 100) } },
      ),
  ),
  mutant(
    "does not understand an acknowledgement",
    /although it has been acknowledged/,
    (_, before, event, __, right) =>
      event.type === "acknowledgement" ? { state: before, effects: [] } : right,
  ),
  mutant(
    "fights after a pause in which others had to take it for dead",
    /after \d+\.\d+ ms of silence/,
    (router, before, event, nowMs, right) =>
      before.name === "active" && isHeard(event, (heard) => heard > 0) && right.state.name === "backup"
        ? REAL_CORE.step(router, { ...before, sentAtMs: nowMs }, event, nowMs)
        : right,
  ),
];

const OF_DEADLINES: readonly Mutant[] = [
  mutantOfDeadline(
    "lets a timer outlive its state",
    /outlived its state/,
    (state) => state.name === "fault" ? 1e9 : REAL_CORE.deadlineMs(state),
  ),
  mutantOfDeadline(
    "wakes up too late in backup",
    /not taken over in time/,
    (state) => REAL_CORE.deadlineMs(state) + (state.name === "backup" ? 2 : 0),
  ),
  mutantOfDeadline(
    "forgets that announcements are owed",
    /the client still sends to/,
    (state) =>
      state.name === "active"
        ? REAL_CORE.deadlineMs({ ...state, announceAtMs: [], refreshAtMs: Infinity })
        : REAL_CORE.deadlineMs(state),
  ),
];

export const MUTANTS: readonly Mutant[] = [...OF_BACKUPS, ...OF_ACTIVES, ...OF_HEALING, ...OF_DEADLINES];
