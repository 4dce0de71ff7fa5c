/** What the tests of the state machine share: routers, states, events, and how a row of a table is tested. */
import { assertEquals } from "@std/assert";
import { step } from "../../mod/vrrp/router.ts";
import type { Effect, Event, State, VirtualRouter } from "../../mod/vrrp/state.ts";

const OWN = Uint8Array.of(192, 0, 2, 2);
export const LOWER = Uint8Array.of(192, 0, 2, 1);
export const HIGHER = Uint8Array.of(192, 0, 2, 3);

/** v3, 100 ms: skew of priority 100 is 156/256 * 100 = 60.9375 ms, active-down interval 360.9375 ms. */
export const router: VirtualRouter = {
  version: 3,
  vrid: 51,
  advertisementInterval: 10,
  primaryAddress: OWN,
  unicast: false,
  preemptMode: true,
  preemptDelayMs: 0,
  handover: { enabled: true, timeoutMs: 1000 },
  announce: { delayMs: 5000, refreshMs: 60_000 },
  renewMs: 1000,
};
export const v2: VirtualRouter = { ...router, version: 2, advertisementInterval: 100 };
export const nopreempt: VirtualRouter = { ...router, preemptMode: false };
export const delayed: VirtualRouter = { ...router, preemptDelayMs: 10_000 };
export const noHandover: VirtualRouter = { ...router, handover: { enabled: false, timeoutMs: 1000 } };
export const plain: VirtualRouter = { ...router, announce: { delayMs: 0, refreshMs: 0 }, renewMs: 0 };

export const SKEW = 60.9375;
export const DOWN = 360.9375;
/** 30 ms * 156/256 */
export const TAKEOVER = 18.28125;

export const backup: State & { name: "backup" } = {
  name: "backup",
  priority: 100,
  activeAdverInterval: 10,
  activeDownAtMs: 1000 + DOWN,
  preemptAtMs: Infinity,
  heard: null,
  takeover: null,
  ready: null,
  reminder: null,
};
export const active: State & { name: "active" } = {
  name: "active",
  priority: 100,
  sentAtMs: 1000,
  adverAtMs: 1100,
  announcedAtMs: -5000,
  announceAtMs: [],
  conflict: null,
  predecessor: null,
  refreshAtMs: Infinity,
  renewAtMs: Infinity,
  handover: null,
};
export const waiting: State & { name: "initialize" } = {
  name: "initialize",
  priority: 100,
  waiting: ["starting"],
  readyAtMs: 0,
  resumeUntilMs: 0,
};
export const faulty: State & { name: "fault" } = { name: "fault", priority: 100, faults: ["eth0 is down"] };

export const fine: Event = { type: "conditions", waiting: [], faults: [], reachable: true };
export const linkDown: Event = {
  type: "conditions",
  waiting: [],
  faults: ["eth0 is down"],
  reachable: false,
};
export const nginxDown: Event = { type: "conditions", waiting: [], faults: ["nginx: dead"], reachable: true };
export const noInterface: Event = {
  type: "conditions",
  waiting: ["interface eth0 does not exist"],
  faults: [],
  reachable: false,
};
/** HIGHER says that it has yielded to this router, or that it knows of this router's having yielded. */
export const reminded: Event = { type: "reminder", source: HIGHER };
export const acknowledged: Event = { type: "acknowledgement", source: HIGHER };
export const deadline: Event = { type: "deadline" };
export const reconfigured: Event = { type: "reconfigured" };
export const shutdown: Event = { type: "shutdown", reason: "stopped" };

export function heard(priority: number, source = HIGHER, maxAdvertiseInterval = 10): Event {
  return { type: "advertisement", advertisement: { source, priority, maxAdvertiseInterval } };
}

export const add: Effect = { type: "addAddresses" };
export const remove: Effect = { type: "removeAddresses" };
export const announce: Effect = { type: "announceAddresses" };
export const renew: Effect = { type: "renewAddresses" };

/** To HIGHER. */
export const remind: Effect = { type: "remind", destination: HIGHER };
export const acknowledge: Effect = { type: "acknowledge", destination: HIGHER };

/** What a router that has yielded to HIGHER at `nowMs` still has to tell it. */
export function reminding(nowMs: number): NonNullable<(State & { name: "backup" })["reminder"]> {
  const told = { atMs: nowMs + 15, prompt: 666, later: 500 };
  return { winner: HIGHER, heardAtMs: nowMs, isAfterSilence: false, ...told };
}

export function send(priority: number): Effect {
  return { type: "sendAdvertisement", priority };
}

export function moved(from: State["name"], to: State["name"], reason: string): Effect {
  return { type: "transition", from, to, reason };
}

/** One step: what it starts from, what happens, and all that comes of it. */
export type Row = readonly [
  name: string,
  router: VirtualRouter,
  state: State,
  event: Event,
  nowMs: number,
  next: State,
  effects: readonly Effect[],
];

/** An advertisement went out at `atMs`, the next one is due `everyMs` later. */
export function sentAt(atMs: number, everyMs = 100): { sentAtMs: number; adverAtMs: number } {
  return { sentAtMs: atMs, adverAtMs: atMs + everyMs };
}

export const promoted = (nowMs: number): State => ({
  ...active,
  ...sentAt(nowMs),
  announcedAtMs: nowMs,
  announceAtMs: [nowMs + 5000],
  refreshAtMs: nowMs + 60_000,
  renewAtMs: nowMs + 1000,
});

/** It was told to stop, has resigned, and serves on until somebody takes over. */
export const leaving: State & { name: "active" } = {
  ...active,
  sentAtMs: 1050,
  adverAtMs: Infinity,
  handover: {
    cause: "shutdown",
    untilMs: 2050,
    repeatAtMs: [1100, 1150],
    reason: "stopped",
    next: { name: "initialize", reasons: ["stopped"] },
  },
};

/** A test for every row, and one that no row's arguments are touched. */
export function testSteps(title: string, rows: readonly Row[]): void {
  for (const [name, router, state, event, nowMs, next, effects] of rows) {
    Deno.test(`step ${title}: ${name}`, () => {
      assertEquals(step(router, state, event, nowMs), { state: next, effects: [...effects] });
    });
  }
  Deno.test(`step ${title}: no argument is touched`, () => {
    for (const [name, router, state, event, nowMs] of rows) {
      const before = structuredClone({ router, state, event });
      step(router, state, event, nowMs);
      assertEquals({ router, state, event }, before, name);
    }
  });
}
