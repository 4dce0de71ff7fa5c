/** What was accepted, given to the state machine in every state, and what must hold whatever it says. */
import { assert, assertEquals } from "@std/assert";
import type { Heard, Instance } from "../../mod/vrrp/instance.ts";
import { step } from "../../mod/vrrp/router.ts";
import {
  deadlineMs,
  type Event,
  initialState,
  type State,
  type VirtualRouter,
} from "../../mod/vrrp/state.ts";

const START_MS = 1_000_000;
const READY: Event = { type: "conditions", waiting: [], faults: [], reachable: true };

/** A router that waits, one that listens, one that serves, and one that hands over. */
function statesOf(router: VirtualRouter, priority: number): State[] {
  const initial = initialState(priority, 0);
  const backup = step(router, initial, READY, START_MS - 60_000).state;
  const active = step(router, backup, { type: "deadline" }, Math.max(START_MS, deadlineMs(backup))).state;
  assertEquals([backup.name, active.name], ["backup", "active"]);
  return [
    initial,
    backup,
    active,
    step(router, active, { type: "shutdown", reason: "stop" }, START_MS).state,
  ];
}

const STATES = new WeakMap<VirtualRouter, State[]>();

/** Gives the advertisement to each state, then the deadline that follows from it. */
export function judgeSteps({ router }: Instance, { source, advertisement }: Heard): void {
  const states = STATES.get(router) ?? statesOf(router, 100);
  STATES.set(router, states);
  const { priority, maxAdvertiseInterval } = advertisement;
  const event: Event = { type: "advertisement", advertisement: { source, priority, maxAdvertiseInterval } };
  for (const before of states) {
    const nowMs = START_MS + 1;
    const after = judgeStep(router, before, event, nowMs);
    const dueMs = Math.max(nowMs, deadlineMs(after));
    if (dueMs === Infinity) continue;
    const later = judgeStep(router, after, { type: "deadline" }, dueMs);
    assert(deadlineMs(later) > dueMs, `a deadline that is over stays: ${before.name}, ${later.name}`);
  }
}

function judgeStep(router: VirtualRouter, before: State, event: Event, nowMs: number): State {
  const { state, effects } = step(router, before, event, nowMs);
  const types = effects.map(({ type }) => type);
  assert(!Number.isNaN(deadlineMs(state)), "a deadline is no number");
  assert(state.priority >= 1 && state.priority <= 255, `priority ${state.priority}`);
  assertEquals(types.includes("transition"), state.name !== before.name, "a change of state is told once");
  if (before.name === "active" && state.name !== "active") {
    assert(types.includes("removeAddresses"), "addresses stay");
  }
  if (before.name !== "active" && state.name === "active") {
    assert(types.includes("addAddresses"), "no addresses come");
  }
  if (state.name !== "active") {
    assert(
      !types.includes("addAddresses") && !types.includes("announceAddresses"),
      "serves without being active",
    );
  }
  for (const effect of effects) {
    if (effect.type === "sendAdvertisement") assert(effect.priority >= 0 && effect.priority <= 255);
  }
  return state;
}
