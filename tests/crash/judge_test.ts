/** The judge of the crash rounds: each promise, kept and broken, in the smallest round that shows it. */
import { assertEquals } from "@std/assert";
import type { Holding, Mark } from "./facts.ts";
import { type Facts, judge } from "./judge.ts";
import { makePlan, type Plan } from "./plan.ts";

const VIP = "192.168.121.100";

/** Two nodes with vipd at 100 ms, one virtual router; n1 (priority 200) is active until it is hit at 1000. */
const PLAN: Plan = {
  ...makePlan(1),
  profile: { name: "v3 100 ms", version: 3, intervalMs: 100 },
  family: 4,
  routers: 1,
  watched: 0,
  daemons: ["vipd", "vipd"],
  victim: 0,
  isSpread: false,
  preempt: true,
  phase: "steady",
  fault: { kind: "kill", forMs: 0, restartMs: 0, socket: "any", call: 1 },
};

function mark(atMs: number, node: string, what: Mark["what"]): Mark {
  return { atMs, node, what };
}

function holding(atMs: number, node: string, held: boolean): Holding {
  return { atMs, node, address: VIP, held };
}

const READY = [mark(-900, "n1", "ready"), mark(-900, "n2", "ready")];
const HELD = holding(-500, "n1", true);

function round(parts: Partial<Facts>): Facts {
  const marks = [...READY, ...parts.marks ?? []].toSorted((a, b) => a.atMs - b.atMs);
  const watchdogs = Array.from({ length: 20 }, (_, i) => ({ node: "n2", atMs: i * 1000 }));
  return {
    plan: PLAN,
    window: { fromMs: 0, toMs: 11_000 },
    outages: [],
    lastAnswer: undefined,
    exits: [],
    lateMs: 0,
    ...parts,
    watchdogs: [...watchdogs, ...parts.watchdogs ?? []],
    marks,
    holdings: [HELD, ...parts.holdings ?? []],
  };
}

const KILLED = mark(1000, "n1", "ended");
const TAKEN_OVER = holding(1320, "n2", true);
const LEFT = holding(3900, "n1", false);
/** n1 is healthy all the time. */
const FED = Array.from({ length: 20 }, (_, i) => ({ node: "n1", atMs: i * 1000 }));

/** What happens, and the start of the one finding; "" = none. */
const CASES: readonly (readonly [name: string, facts: Partial<Facts>, finding: string])[] = [
  ["killed: the peer takes over and the lease ends", { marks: [KILLED], holdings: [TAKEN_OVER, LEFT] }, ""],
  [
    "the lease does not end",
    { marks: [KILLED], holdings: [TAKEN_OVER, holding(5600, "n1", false)] },
    `${VIP} stayed on n1 for 4600 ms`,
  ],
  [
    "nobody takes over",
    { marks: [KILLED], holdings: [LEFT, holding(6000, "n2", true)] },
    `${VIP} was on nobody for 2100 ms, allowed are 341 ms`,
  ],
  [
    "both are alive and have it",
    { watchdogs: FED, holdings: [holding(2000, "n2", true), holding(4000, "n2", false)] },
    `${VIP} was on two hosts for 2000 ms`,
  ],
  [
    "the client is in the dark",
    {
      marks: [KILLED],
      holdings: [TAKEN_OVER, LEFT],
      outages: [{ start_ms: 1320, length_ms: 900, lost: 400, from: "n1", to: "n2" }],
    },
    "the client was in the dark for 900 ms, allowed are 341 ms",
  ],
  [
    "the client is in the dark because keepalived does not tell it",
    {
      plan: { ...PLAN, daemons: ["vipd", "keepalived"] },
      marks: [KILLED],
      holdings: [TAKEN_OVER, LEFT],
      outages: [{ start_ms: 3900, length_ms: 2000, lost: 900, from: "n1", to: "n2" }],
    },
    "",
  ],
  [
    "nobody is there who could serve: no promise",
    {
      marks: [mark(500, "n2", "ended"), KILLED, mark(8000, "n2", "ready")],
      holdings: [LEFT, holding(8341, "n2", true)],
      outages: [{ start_ms: 3900, length_ms: 4441, lost: 2000, from: "n1", to: "n2" }],
    },
    "",
  ],
  [
    "the watchdog is fed although the VRRP thread stands still",
    {
      marks: [mark(1000, "n1", "held"), mark(5000, "n1", "released")],
      holdings: [LEFT, TAKEN_OVER],
      watchdogs: FED.filter(({ atMs }) => atMs <= 1000 || atMs === 4000 || atMs > 5000),
    },
    "n1 fed the watchdog although it stood still",
  ],
  [
    "the watchdog is not fed although all is well",
    { watchdogs: FED.filter(({ atMs }) => atMs < 2000 || atMs > 8000) },
    "n1 did not feed the watchdog for 8000 ms",
  ],
  [
    "a stalled VRRP thread is not noticed",
    {
      marks: [mark(1000, "n1", "held"), mark(10_500, "n1", "released")],
      holdings: [LEFT, TAKEN_OVER],
    },
    "n1: a VRRP thread that stood still for 9500 ms was not noticed",
  ],
  [
    "an address moves while only the main thread stands still",
    {
      marks: [mark(1000, "n1", "main held"), mark(3000, "n1", "main released")],
      holdings: [holding(2000, "n1", false), holding(2001, "n2", true)],
      watchdogs: FED,
    },
    `${VIP} moved on n1 while only a main thread stood still`,
  ],
  [
    "the supervisor ends a main thread that stands still",
    {
      marks: [mark(1000, "n1", "main held"), mark(3000, "n1", "ended")],
      holdings: [holding(3320, "n2", true), holding(5900, "n1", false)],
    },
    "",
  ],
  [
    "a daemon ends by itself",
    { watchdogs: FED, exits: [{ atMs: 3000, node: "n2", code: 70, signal: null, isExpected: false }] },
    "n2 ended by itself: exit code 70",
  ],
  [
    "the client is answered by somebody else than the holder",
    { watchdogs: FED, lastAnswer: "n2" },
    "the client is answered by n2",
  ],
];

for (const [name, parts, finding] of CASES) {
  Deno.test(`judge: ${name}`, () => {
    const { findings } = judge(round(parts));
    const [first] = findings;
    assertEquals(first?.what.slice(0, finding.length) ?? "", finding, JSON.stringify(findings));
  });
}

Deno.test("judge: what it measures", () => {
  const { dark, left, unheld } = judge(round({
    marks: [KILLED],
    holdings: [TAKEN_OVER, LEFT],
    outages: [{ start_ms: 1200, length_ms: 120, lost: 60, from: "n1", to: "n2" }],
  }));
  const limitMs = 300 + (256 - 150) * 100 / 256;
  assertEquals(dark, [{ ms: 120, limitMs }]);
  assertEquals(left, [{ ms: 2900, limitMs: 4000 }]);
  assertEquals(unheld, []);
});

Deno.test("plan: the same seed makes the same round", () => {
  assertEquals(makePlan(77), makePlan(77));
});
