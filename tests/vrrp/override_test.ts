/** The operator's word about a priority: what it comes to, and what the engine does about it. */
import { assertEquals, assertMatch } from "@std/assert";
import type { TrackedState } from "../../mod/health/health.ts";
import { type Override, PREFERRED_PRIORITY, weigh } from "../../mod/vrrp/override.ts";
import { step } from "../../mod/vrrp/router.ts";
import { EngineLab, WEB } from "./engine_lab.ts";
import { backup, heard, HIGHER, nopreempt, router } from "./router_fixture.ts";

const SINCE = "2026-11-20T06:00:00.000Z";
const PREFER: Override = {
  by: "prefer",
  priority: PREFERRED_PRIORITY,
  since: SINCE,
  until: null,
  persisted: false,
};
const VIP = "192.0.2.100/24";

function priority(priority: number): Override {
  return { ...PREFER, by: "priority", priority };
}

const STATES = new Map<string, TrackedState>([
  ["good", { state: "up", reason: "fine" }],
  ["bad", { state: "down", reason: "broken" }],
  ["new", { state: "unknown", reason: "not checked yet" }],
  ["count", { state: "up", reason: "3", factor: 3 }],
]);

/** [what, configured priority, tracks, override, effective, suspended] */
const ROWS: readonly [
  string,
  number,
  readonly [string, number?][],
  Override | null,
  number,
  string | null,
][] = [
  ["none", 100, [["good", 10]], null, 110, null],
  ["a base priority: the checks add", 100, [["good", 10], ["bad", -30]], priority(120), 100, null],
  ["a base priority is cut like any other", 100, [["good", 50]], priority(250), 254, null],
  ["preferred: the checks add nothing", 100, [["good", 10]], PREFER, 254, null],
  ["preferred, a check not decided yet", 100, [["new", 10], ["new"]], PREFER, 254, null],
  ["preferred, a weighted check failing", 100, [["bad", -30]], PREFER, 70, "bad failing"],
  ["preferred, a check failing that adds", 100, [["bad", 30], ["good", 5]], PREFER, 105, "bad failing"],
  ["preferred, in FAULT", 100, [["bad"]], PREFER, 100, "bad failing"],
  ["preferred, a number in a file that takes", 100, [["count", -10]], PREFER, 70, "count passing"],
  ["preferred, a number in a file that adds", 100, [["count", 10]], PREFER, 254, null],
  ["an owner stays one: prefer", 255, [], PREFER, 255, "it owns its addresses"],
  ["an owner stays one: priority", 255, [["good", 10]], priority(10), 255, "it owns its addresses"],
];

for (const [what, base, tracks, override, effective, suspended] of ROWS) {
  Deno.test(`weigh(): ${what}`, () => {
    const track = tracks.map(([check, weight]) => weight === undefined ? { check } : { check, weight });
    const weighed = weigh({ priority: base, track }, override, STATES);
    assertEquals([weighed.health.effective, weighed.suspended], [effective, suspended]);
  });
}

Deno.test("weigh(): preferred, reversed checks: passing is what should not be", () => {
  const rows: readonly [string, number | undefined, string | null][] = [
    ["good", undefined, "good passing"],
    ["bad", undefined, null],
    ["good", 10, "good passing"],
    ["bad", 10, null],
    ["good", -10, "good passing"],
    ["bad", -10, null],
  ];
  for (const [check, weight, suspended] of rows) {
    const track = [{ check, reverse: true, ...(weight === undefined ? {} : { weight }) }];
    const what = `${check} ${weight}`;
    assertEquals(weigh({ priority: 100, track }, PREFER, STATES).suspended, suspended, what);
  }
});

Deno.test("step backup: raised by the operator who prefers it, it does not wait for silence", () => {
  const preferring = { ...router, preferred: true };
  const state = { ...backup, heard: { source: HIGHER, priority: 120 } };
  const event = { type: "priority", priority: 254 } as const;
  const { state: raised } = step(preferring, state, event, 1000);
  const takeover = "preferred by the operator, above the active router's priority 120";
  const atMs = 1000 + 30 * 2 / 256;
  assertEquals(raised, { ...state, priority: 254, activeDownAtMs: atMs, takeover });
  // What the worse one still says does not call it off.
  const { state: still } = step(preferring, raised, heard(120), 1000.1);
  assertEquals(still, raised);
  const { state: active, effects } = step(preferring, still, { type: "deadline" }, atMs);
  assertEquals([active.name, effects[0]], ["active", { type: "sendAdvertisement", priority: 254 }]);
});

Deno.test("step backup: a raised priority alone, an equal one, an owner and one that resigned change nothing", () => {
  const preferring = { ...router, preferred: true };
  for (
    const [rival, of] of [[120, router], [120, nopreempt], [254, preferring], [255, preferring], [
      0,
      preferring,
    ]] as const
  ) {
    const state = { ...backup, heard: { source: HIGHER, priority: rival } };
    const { state: next } = step(of, state, { type: "priority", priority: 254 }, 1000);
    assertEquals(next.name === "backup" && next.takeover, null);
  }
  const { state: alone } = step(preferring, backup, { type: "priority", priority: 254 }, 1000);
  assertEquals(alone.name === "backup" && alone.takeover, null);
});

function hearing(lab: EngineLab, priority: number, ms = 100): void {
  const endMs = lab.clock.now() + ms;
  while (lab.clock.now() < endMs) {
    lab.speak({ priority });
    lab.during(5);
  }
}

Deno.test("engine: preferred, it takes over from a better one, also where preempt = false; and gives back", () => {
  using lab = new EngineLab();
  lab.configure({ web: { ...WEB, preempt: false } });
  hearing(lab, 200);
  assertEquals(lab.status("web").state, "BACKUP");
  lab.override({ web: PREFER });
  lab.until(() => lab.addresses().includes(VIP));
  const { effective_priority, base_priority, override, reason } = lab.status("web");
  assertEquals([effective_priority, base_priority, override], [254, 100, { ...PREFER, suspended: null }]);
  assertMatch(reason, /preferred by the operator, above the active router's priority 200/);
  lab.heard();
  lab.override({});
  assertEquals(lab.heard()[0], 100, "told at once");
  hearing(lab, 200);
  assertEquals([lab.status("web").state, lab.status("web").override], ["BACKUP", null]);
});

Deno.test("engine: a failing check suspends the preference, and ends with it", () => {
  using lab = new EngineLab();
  lab.configure({ web: { ...WEB, track: [{ check: "nginx", weight: -30 }] } });
  lab.track({ check: "nginx", state: "up", reason: "fine" });
  lab.override({ web: PREFER });
  lab.until(() => lab.addresses().includes(VIP));
  lab.track({ check: "nginx", state: "down", reason: "dead" });
  const failing = lab.status("web");
  assertEquals([failing.effective_priority, failing.override?.suspended], [70, "nginx failing"]);
  lab.track({ check: "nginx", state: "up", reason: "fine" });
  const well = lab.status("web");
  assertEquals([well.effective_priority, well.override?.suspended], [254, null]);
});

Deno.test("engine: an override is there for a router that comes, a reload keeps it, and an owner has none", () => {
  using lab = new EngineLab();
  lab.override({ web: priority(150), other: PREFER });
  lab.configure({ web: WEB });
  assertEquals(lab.status("web").effective_priority, 150);
  lab.configure({ web: { ...WEB, priority: 90 } });
  assertEquals([lab.status("web").base_priority, lab.status("web").effective_priority], [90, 150]);
  lab.configure({ web: { ...WEB, priority: 255 } });
  assertEquals(lab.status("web").effective_priority, 255);
  assertEquals(lab.status("web").override?.suspended, "it owns its addresses");
});

Deno.test("engine: an upgrade keeps an override", () => {
  using lab = new EngineLab();
  lab.configure({ web: WEB });
  lab.override({ web: PREFER });
  lab.until(() => lab.addresses().includes(VIP));
  const left = lab.pause();
  if (typeof left === "string") throw new Error(left);
  lab.replaceEngine();
  lab.override({ web: PREFER });
  lab.inherit(left);
  lab.configure({ web: WEB });
  const { state, effective_priority } = lab.status("web");
  assertEquals([state, effective_priority], ["ACTIVE", 254]);
});

Deno.test("engine: held back by a run before, until it is preferred or the other one is gone", () => {
  using lab = new EngineLab();
  lab.holdBack({ web: "handed over on demand at some time" });
  lab.configure({ web: WEB });
  hearing(lab, 50);
  const { state, held_back } = lab.status("web");
  assertEquals([state, held_back], ["BACKUP", "handed over on demand at some time"]);
  lab.override({ web: PREFER });
  assertEquals(lab.status("web").held_back, null);
  lab.until(() => lab.addresses().includes(VIP));
});

Deno.test("engine: who is preferred can be handed over, and is held back then", () => {
  using lab = new EngineLab();
  lab.configure({ web: WEB });
  lab.override({ web: PREFER });
  lab.until(() => lab.addresses().includes(VIP));
  lab.handOver("web");
  lab.during(12);
  hearing(lab, 50, 200);
  const { state, held_back } = lab.status("web");
  assertEquals(state, "BACKUP");
  assertMatch(held_back ?? "", /^handed over on demand/);
});
