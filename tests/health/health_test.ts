/** Weights to effective priority: a table that compares whole values. */
import { assertEquals } from "@std/assert";
import { effectivePriority, type Health, type Track, type TrackedState } from "../../mod/health/health.ts";

const states = new Map<string, TrackedState>([
  ["good", { state: "up", reason: "fine" }],
  ["bad", { state: "down", reason: "broken" }],
  ["worse", { state: "down", reason: "gone" }],
  ["new", { state: "unknown", reason: "not checked yet" }],
]);

const plain = { faults: [], pending: [] };

function part(check: string, weight: number | null, contribution: number): Health["contributions"][number] {
  const { state, reason } = states.get(check) ?? { state: "unknown", reason: "not checked yet" };
  return { check, state, weight, contribution, reason };
}

const rows: [name: string, base: number, tracks: Track[], expected: Health][] = [
  ["no checks", 100, [], { effective: 100, contributions: [], ...plain }],
  ["no weight, up", 100, [{ check: "good" }], {
    effective: 100,
    contributions: [part("good", null, 0)],
    ...plain,
  }],
  [
    "no weight, down: fault",
    100,
    [{ check: "bad" }],
    { effective: 100, contributions: [part("bad", null, 0)], faults: ["bad: broken"], pending: [] },
  ],
  [
    "weight 0 is no weight",
    100,
    [{ check: "bad", weight: 0 }],
    { effective: 100, contributions: [part("bad", null, 0)], faults: ["bad: broken"], pending: [] },
  ],
  [
    "no weight, unknown: pending",
    100,
    [{ check: "new" }],
    { effective: 100, contributions: [part("new", null, 0)], faults: [], pending: ["new"] },
  ],
  [
    "a check that has no state counts as unknown",
    100,
    [{ check: "absent" }, { check: "absent", weight: 9 }],
    {
      effective: 100,
      contributions: [part("absent", null, 0), part("absent", 9, 0)],
      faults: [],
      pending: ["absent"],
    },
  ],
  ["positive, up: added", 100, [{ check: "good", weight: 50 }], {
    effective: 150,
    contributions: [part("good", 50, 50)],
    ...plain,
  }],
  ["positive, down: nothing", 100, [{ check: "bad", weight: 50 }], {
    effective: 100,
    contributions: [part("bad", 50, 0)],
    ...plain,
  }],
  ["positive, unknown: nothing, not pending", 100, [{ check: "new", weight: 50 }], {
    effective: 100,
    contributions: [part("new", 50, 0)],
    ...plain,
  }],
  ["negative, up: nothing", 100, [{ check: "good", weight: -20 }], {
    effective: 100,
    contributions: [part("good", -20, 0)],
    ...plain,
  }],
  ["negative, down: subtracted", 100, [{ check: "bad", weight: -20 }], {
    effective: 80,
    contributions: [part("bad", -20, -20)],
    ...plain,
  }],
  ["negative, unknown: nothing", 100, [{ check: "new", weight: -20 }], {
    effective: 100,
    contributions: [part("new", -20, 0)],
    ...plain,
  }],
  ["never below 1", 10, [{ check: "bad", weight: -253 }], {
    effective: 1,
    contributions: [part("bad", -253, -253)],
    ...plain,
  }],
  ["never above 254", 200, [{ check: "good", weight: 100 }], {
    effective: 254,
    contributions: [part("good", 100, 100)],
    ...plain,
  }],
  [
    "clamped once, at the end",
    250,
    [{ check: "good", weight: 50 }, { check: "bad", weight: -60 }],
    { effective: 240, contributions: [part("good", 50, 50), part("bad", -60, -60)], ...plain },
  ],
  [
    "the owner's priority never changes, its faults count",
    255,
    [{ check: "bad", weight: -20 }, { check: "good", weight: 5 }, { check: "worse" }],
    {
      effective: 255,
      contributions: [part("bad", -20, -20), part("good", 5, 5), part("worse", null, 0)],
      faults: ["worse: gone"],
      pending: [],
    },
  ],
  [
    "several, in the order of the configuration",
    100,
    [{ check: "worse" }, { check: "good", weight: 5 }, { check: "new" }, { check: "bad" }],
    {
      effective: 105,
      contributions: [part("worse", null, 0), part("good", 5, 5), part("new", null, 0), part("bad", null, 0)],
      faults: ["worse: gone", "bad: broken"],
      pending: ["new"],
    },
  ],
];

for (const [name, base, tracks, expected] of rows) {
  Deno.test(`health: ${name}`, () => assertEquals(effectivePriority(base, tracks, states), expected));
}
