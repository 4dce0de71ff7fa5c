/** What the daemon makes of news of the VRRP thread and of the checks: who is told, and in which words. */
import { assertEquals } from "@std/assert";
import { Hearing } from "../../mod/daemon/hearing.ts";
import type { Transition } from "../../mod/snapshot.ts";
import { load } from "../config/fixture.ts";

const CONFIG = await load(`
  [virtual_router.VI_1]
  interface = "lo"
  vrid = 51
  addresses = ["192.0.2.10/24"]
  track = ["tracked"]
  [check.tracked]
  type = "run"
  command = ["/bin/true"]
  [check.other]
  type = "run"
  command = ["/bin/true"]
`);

function listen(): { hearing: Hearing; calls: unknown[]; transitions: Transition[] } {
  const calls: unknown[] = [];
  const transitions: Transition[] = [];
  const hearing = new Hearing({
    config: () => CONFIG,
    track: (trackers) => calls.push(["track", ...trackers]),
    hearRouter: (name, state) => calls.push(["router", name, state]),
    news: ({ type }) => calls.push(["news", type]),
    tookOver: ({ pauseMs }) => calls.push(["took over", pauseMs]),
    invalidate: () => calls.push("invalidate"),
    moved: () => calls.push("moved"),
  });
  hearing.subscribe((transition) => transitions.push(transition));
  return { hearing, calls, transitions };
}

const PROMOTED = { type: "transition", at: 0, from: "BACKUP", to: "ACTIVE", priority: 100 } as const;

Deno.test("a transition is told to the virtual servers, to the status and to who listens", () => {
  const { hearing, calls, transitions } = listen();
  hearing.engine({ ...PROMOTED, name: "VI_1", reason: "silence" });
  assertEquals(calls, [["router", "VI_1", "ACTIVE"], "invalidate", "moved"]);
  assertEquals(transitions, [{
    at: "1970-01-01T00:00:00.000Z",
    kind: "virtual_router",
    name: "VI_1",
    from: "BACKUP",
    to: "ACTIVE",
    reason: "silence",
    priority: 100,
  }]);
  assertEquals(hearing.statusLine(), "VI_1 ACTIVE");
});

Deno.test("a virtual router that a reload has taken out leaves the status, whatever it still says", () => {
  const { hearing } = listen();
  hearing.engine({ ...PROMOTED, name: "gone", reason: "silence" });
  hearing.engine({ ...PROMOTED, name: "constructor", reason: "silence" });
  hearing.engine({ ...PROMOTED, name: "VI_1", reason: "silence" });
  assertEquals(hearing.statusLine(), "VI_1 ACTIVE");
  hearing.forgetOthers({ ...CONFIG, virtual_router: {} });
  assertEquals(hearing.statusLine(), "");
});

Deno.test("a check that no virtual router tracks does not wake the VRRP thread", () => {
  const { hearing, calls, transitions } = listen();
  const change = { from: "unknown", to: "down", reason: "refused", at: "1970-01-01T00:00:00.000Z" } as const;
  hearing.check({ ...change, name: "other" });
  hearing.check({ ...change, name: "tracked" });
  assertEquals(calls, [
    "invalidate",
    ["track", { check: "tracked", state: "down", reason: "refused", factor: undefined }],
    "invalidate",
  ]);
  assertEquals(transitions.map(({ kind, name, to }) => [kind, name, to]), [
    ["check", "other", "down"],
    ["check", "tracked", "down"],
  ]);
});

Deno.test("another number in a file wakes the VRRP thread, and is no change of the check's state", () => {
  const { hearing, calls, transitions } = listen();
  const measure = { state: "up", reason: "/f holds -20", factor: -20 } as const;
  hearing.measure({ ...measure, name: "other" });
  hearing.measure({ ...measure, name: "tracked" });
  assertEquals(calls, ["invalidate", ["track", { ...measure, check: "tracked" }], "invalidate"]);
  assertEquals(transitions, []);
});

Deno.test("the thread runs, with or without real-time priority; who has unsubscribed hears nothing", async () => {
  const { hearing, transitions } = listen();
  const heard: string[] = [];
  const end = hearing.subscribe(({ reason }) => heard.push(reason));
  hearing.engine({ type: "running", realtime: true, warnings: [] });
  await hearing.running;
  assertEquals(hearing.realtime, true);
  hearing.tell("node", "lb1", "1", "1", "first");
  end();
  hearing.tell("node", "lb1", "1", "1", "second");
  assertEquals([heard, transitions.map(({ reason }) => reason)], [["first"], ["first", "second"]]);
});

Deno.test("after an upgrade the states are those of the program before", () => {
  const { hearing, calls } = listen();
  hearing.engine({ type: "inherited", routers: [{ name: "VI_1", state: "ACTIVE" }], pauseMs: 12 });
  assertEquals(calls, [["router", "VI_1", "ACTIVE"], ["took over", 12]]);
  assertEquals(hearing.statusLine(), "VI_1 ACTIVE");
});

Deno.test("what programs may act upon is passed on, whatever state it leaves", () => {
  const { hearing, calls, transitions } = listen();
  hearing.engine({ type: "priority", name: "VI_1", state: "ACTIVE", priority: 80 });
  const rival = { source: "192.0.2.2", priority: 50, hasYielded: false };
  hearing.engine({ type: "rival", name: "VI_1", priority: 80, rival, silenceMs: 3_000 });
  assertEquals(calls, [["news", "priority"], ["news", "rival"]]);
  assertEquals(transitions, []);
});
