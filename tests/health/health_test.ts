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

function part(
  check: string,
  weight: number | null,
  contribution: number,
  reverse = false,
): Health["contributions"][number] {
  const { state, reason, factor } = states.get(check) ?? { state: "unknown", reason: "not checked yet" };
  return { check, state, weight, reverse, ...(factor === undefined ? {} : { factor }), contribution, reason };
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

/** What keepalived 2.2.7 advertises with priority 100 for one tracked script (null: it is in FAULT). */
const scripts: [weight: number, reverse: boolean, passing: number | null, failing: number | null][] = [
  [20, false, 120, 100],
  [20, true, 80, 100],
  [-20, false, 100, 80],
  [-20, true, 100, 120],
  [0, false, 100, null],
  [0, true, null, 100],
  [253, false, 254, 100],
  [-253, false, 100, 1],
  [-253, true, 100, 254],
];

/** The same for one tracked file that holds a number. */
const files: [weight: number, reverse: boolean, number: number, priority: number | null][] = [
  [1, false, 0, 100],
  [1, false, 10, 110],
  [1, false, -10, 90],
  [1, false, 200, 254],
  [1, false, -253, 1],
  [1, false, -254, null],
  [1, false, -300, null],
  [2, false, 10, 120],
  [2, false, -10, 80],
  [2, false, 200, 254],
  [2, false, -300, null],
  [-2, false, 10, 80],
  [-2, false, -10, 120],
  [-2, false, 200, null],
  [-2, false, -300, 254],
  [2, true, 10, 80],
  [2, true, -10, 120],
  [2, true, 200, null],
  [2, true, -300, 254],
  [0, false, 0, 100],
  [0, false, 10, null],
  [0, false, -10, null],
  [0, true, 0, null],
  [0, true, 10, 100],
  [0, true, -10, 100],
];

function priorityWith(track: Track, state: TrackedState): number | null {
  const { effective, faults } = effectivePriority(100, [track], new Map([[track.check, state]]));
  return faults.length > 0 ? null : effective;
}

Deno.test("weights and reverse are keepalived's, for what passes and for what fails", () => {
  for (const [weight, reverse, passing, failing] of scripts) {
    const track = { check: "c", weight, reverse };
    const row = `weight ${weight}${reverse ? " reverse" : ""}`;
    assertEquals(priorityWith(track, { state: "up", reason: "" }), passing, `${row}, passing`);
    assertEquals(priorityWith(track, { state: "down", reason: "" }), failing, `${row}, failing`);
    assertEquals(priorityWith(track, { state: "unknown", reason: "" }), 100, `${row}, unknown`);
  }
});

Deno.test("a number in a file counts as keepalived's track_file does", () => {
  for (const [weight, reverse, factor, priority] of files) {
    const row = `weight ${weight}${reverse ? " reverse" : ""}, ${factor}`;
    assertEquals(
      priorityWith({ check: "c", weight, reverse }, { state: "up", reason: "", factor }),
      priority,
      row,
    );
    // A file that cannot be read counts like any other failing check.
    const failing = scripts.find((one) => one[0] === weight && one[1] === reverse)?.[3];
    if (failing === undefined) continue;
    assertEquals(
      priorityWith({ check: "c", weight, reverse }, { state: "down", reason: "", factor }),
      failing,
      row,
    );
  }
});

Deno.test("what a number is multiplied to stands in the contribution, and the reason of a FAULT says how", () => {
  const tracks = [{ check: "f", weight: -2 }, { check: "g" }, { check: "h", reverse: true }];
  const held = new Map<string, TrackedState>([
    ["f", { state: "up", reason: "/f holds 200", factor: 200 }],
    ["g", { state: "up", reason: "/g holds 1", factor: 1 }],
    ["h", { state: "up", reason: "fine" }],
  ]);
  const { contributions, faults } = effectivePriority(100, tracks, held);
  assertEquals(contributions[0], {
    check: "f",
    state: "up",
    weight: -2,
    reverse: false,
    factor: 200,
    contribution: -253,
    reason: "/f holds 200",
  });
  assertEquals(faults, ["f: /f holds 200, times -2 is -400", "g: /g holds 1", "h: passes: fine"]);
});

Deno.test("an owner keeps its priority whatever a file holds", () => {
  const states = new Map<string, TrackedState>([["f", { state: "up", reason: "", factor: -100 }]]);
  assertEquals(effectivePriority(255, [{ check: "f", weight: 1 }], states).effective, 255);
});
