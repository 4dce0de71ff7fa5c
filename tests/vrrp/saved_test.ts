/** What one image of the program tells the next about a virtual router: there and back, and too late. */
import { assertEquals } from "@std/assert";
import {
  pauseInterval,
  pauseLeaseMs,
  restoreState,
  type SavedRouter,
  saveRouter,
  unsettled,
} from "../../mod/vrrp/saved.ts";
import type { Active, Backup, State } from "../../mod/vrrp/state.ts";
import { bytes, configOf, instanceOf, type Written } from "./fixture.ts";

const PAUSED_AT = 10_000;
const MS10: Written = { advertisement_interval: "10ms" };
const peer = { source: bytes("192.0.2.2"), priority: 90 };

const active: Active = {
  name: "active",
  priority: 100,
  sentAtMs: 9_990,
  adverAtMs: 10_000,
  announcedAtMs: 5_000,
  announceAtMs: [10_500],
  conflict: { lastAtMs: 9_500, allowanceUsedUntilMs: 0, announcements: 2 },
  refreshAtMs: 60_000,
  renewAtMs: 11_000,
  predecessor: null,
  handover: null,
};
const backup: Backup = {
  name: "backup",
  priority: 100,
  activeAdverInterval: 1,
  activeDownAtMs: 10_030,
  preemptAtMs: Infinity,
  heard: peer,
  takeover: null,
  ready: null,
  reminder: null,
};

/** Through JSON, as it goes from image to image. */
function handed(state: State, written: Written = MS10): SavedRouter {
  const instance = instanceOf(written);
  instance.enter(state);
  return JSON.parse(JSON.stringify(saveRouter(instance))) as SavedRouter;
}

function restored(state: State, nowMs: number, written: Written = MS10): State | null {
  const { router } = instanceOf(written);
  return restoreState(router, 100, handed(state, written).state, PAUSED_AT, nowMs);
}

Deno.test("saved: an active router goes on with what it owes, and advertises at once", () => {
  const now = PAUSED_AT + 150;
  const { announcedAtMs, announceAtMs, conflict, sentAtMs } = active;
  assertEquals(restored(active, now), {
    name: "active",
    priority: 100,
    sentAtMs,
    adverAtMs: now,
    announcedAtMs,
    announceAtMs,
    conflict,
    refreshAtMs: Infinity,
    renewAtMs: now,
    predecessor: null,
    handover: null,
  });
  assertEquals((restored({ ...active, announceAtMs: [10_020] }, now) as Active).announceAtMs, [now]);
  assertEquals((restored(active, now, { ...MS10, lease: "off" }) as Active).renewAtMs, Infinity);
});

Deno.test("saved: active only as long as every peer waits: three of the announced intervals and the skew", () => {
  const patienceMs = 3 * 5_000 + 5_000 / 256;
  assertEquals(restored(active, PAUSED_AT + patienceMs - 1)?.name, "active");
  assertEquals(restored(active, PAUSED_AT + patienceMs), null);
  const v2: Written = { version: 2, advertisement_interval: "1s" };
  assertEquals(restored(active, PAUSED_AT + 3_003, v2)?.name, "active");
  assertEquals(restored(active, PAUSED_AT + 3_004, v2), null);
});

Deno.test("saved: a backup goes on with the active router that it knew, and with patience for its pause", () => {
  const now = PAUSED_AT + 150;
  assertEquals(restored(backup, now), { ...backup, activeDownAtMs: now + 1_000 });
  const adopted = { ...backup, activeAdverInterval: 200, activeDownAtMs: 30_000 };
  assertEquals((restored(adopted, now) as Backup).activeDownAtMs, 30_000);
  const delayed = { ...backup, heard: null, preemptAtMs: 20_000 };
  assertEquals(restored(delayed, now), { ...delayed, activeDownAtMs: now + 1_000 });
});

Deno.test("saved: a stopped router stays stopped, its start-up delay runs on", () => {
  const initialize = { name: "initialize", priority: 100, waiting: ["starting"], readyAtMs: 30_000 } as const;
  assertEquals(restored({ ...initialize, resumeUntilMs: 5 }, 10_100), { ...initialize, resumeUntilMs: 0 });
  const fault = { name: "fault", priority: 100, faults: ["nginx: dead"] } as const;
  assertEquals(restored(fault, 1e9), fault);
});

Deno.test("saved: the priority is that of now", () => {
  const { router } = instanceOf(MS10);
  assertEquals(restoreState(router, 80, handed(active).state, PAUSED_AT, PAUSED_AT)?.priority, 80);
});

Deno.test("saved: a router is its configuration, its addresses, its history and its counters", () => {
  const instance = instanceOf(MS10);
  instance.addresses = instance.addresses.map((address) => ({ ...address, held: true }));
  instance.since = 1234;
  instance.reason = "no active router was heard";
  instance.counters.advertisements_sent = 7;
  const saved = JSON.parse(JSON.stringify(saveRouter(instance))) as SavedRouter;
  assertEquals(saved.config, configOf(MS10));
  assertEquals([saved.name, saved.held, saved.since, saved.reason, saved.counters["advertisements_sent"]], [
    "web",
    ["192.0.2.100/24 eth0"],
    1234,
    "no active router was heard",
    7,
  ]);
});

Deno.test("saved: what is announced in a pause, by version and interval, and the lease", () => {
  const rows: readonly (readonly [Written, number])[] = [
    [{ advertisement_interval: "10ms" }, 500],
    [{ advertisement_interval: "100ms" }, 500],
    [{ advertisement_interval: "10s" }, 1000],
    [{ version: 2, advertisement_interval: "1s" }, 100],
    [{ version: 2, advertisement_interval: "5s" }, 500],
  ];
  for (const [written, interval] of rows) assertEquals(pauseInterval(instanceOf(written).router), interval);
  assertEquals([pauseLeaseMs(0), pauseLeaseMs(3_000), pauseLeaseMs(60_000)], [0, 17_000, 60_000]);
});

Deno.test("saved: what is in the middle of a change has to come to its end first", () => {
  const handover = {
    cause: "conditions",
    untilMs: 11_000,
    repeatAtMs: [],
    reason: "nginx: dead",
    next: { name: "fault", reasons: [] },
  } as const;
  const rows: readonly (readonly [State, string | null])[] = [
    [active, null],
    [backup, null],
    [{ ...active, handover }, "web is handing over"],
    [{ ...backup, takeover: "the active router resigned" }, "web is taking over"],
  ];
  for (const [state, reason] of rows) {
    const instance = instanceOf(MS10);
    instance.enter(state);
    assertEquals(unsettled(instance), reason);
  }
});
