/** Contests of state machines: what a row of a table says, and what the arithmetic says of the same. */
import { assert, assertEquals } from "@std/assert";
import { effectivePriority, onFailure } from "../../mod/config/weights.ts";
import { type Contender, contest } from "../../mod/explain/contest.ts";
import { AS_IT_IS, contenderOf, type Party } from "../../mod/explain/party.ts";
import { Random } from "../sim/random.ts";
import { party } from "./fixture.ts";

interface Change {
  readonly priority?: number;
  readonly faults?: readonly string[];
}

function contender(name: string, place: number, changes: Partial<Party> = {}): Contender {
  return contenderOf(party(name, changes), AS_IT_IS, place);
}

function changed(contender: Contender, change: Change): Contender {
  return { ...contender, ...change };
}

const ONE = contender("one", 1, { priority: 110 });
const TWO = contender("two", 2, { priority: 100 });
const SECOND = contender("one", 1, { priority: 110, intervalMs: 1000 });
const UNWILLING = contender("two", 2, { preempt: false });
const LATER = contender("two", 2, { preemptDelayMs: 60_000 });
const HELD_BACK = contender("two", 2, { heldBack: true });
const ABRUPT = contender("one", 1, { priority: 110, handover: { enabled: false, timeoutMs: 0 } });

/** [what, before, who is active first, what becomes of the first one, active before and after, about when] */
const ROWS: readonly [
  string,
  readonly Contender[],
  string | null,
  Change,
  readonly [string | null, string | null],
  readonly [number, number],
][] = [
  ["the higher one wins", [ONE, TWO], null, {}, ["one", "one"], [0, 0]],
  ["it falls below the other", [ONE, TWO], "one", { priority: 90 }, ["one", "two"], [15, 25]],
  ["it falls to the same", [ONE, TWO], "one", { priority: 100 }, ["one", "one"], [0, 0]],
  ["it falls, not enough", [ONE, TWO], "one", { priority: 101 }, ["one", "one"], [0, 0]],
  ["FAULT", [ONE, TWO], "one", { faults: ["dead"] }, ["one", "two"], [15, 25]],
  ["FAULT, without a handover", [ABRUPT, TWO], "one", { faults: ["dead"] }, ["one", "two"], [15, 25]],
  ["FAULT of the only one", [ONE], "one", { faults: ["dead"] }, ["one", null], [0, 0]],
  ["the other does not preempt", [ONE, UNWILLING], "one", { priority: 90 }, ["one", "one"], [0, 0]],
  ["the other does not preempt, but FAULT", [ONE, UNWILLING], "one", { faults: ["x"] }, ["one", "two"], [
    15,
    25,
  ]],
  ["the other is held back, FAULT", [ONE, HELD_BACK], "one", { faults: ["x"] }, ["one", "two"], [15, 25]],
  ["a lower one is active and stays: it does not preempt", [UNWILLING, ONE], "two", {}, ["one", "one"], [
    0,
    0,
  ]],
  [
    "the lower one may stay active",
    [TWO, contender("one", 1, { priority: 110, preempt: false })],
    "two",
    {},
    [
      "two",
      "two",
    ],
    [0, 0],
  ],
  ["an interval of a second", [SECOND, contender("two", 2, { intervalMs: 1000 })], "one", { priority: 90 }, [
    "one",
    "two",
  ], [15, 25]],
  ["rises above the active one: silence is waited for", [TWO, ONE], null, { priority: 120 }, ["one", "two"], [
    300,
    400,
  ]],
  ["rises, but only after a delay", [LATER, ONE], null, { priority: 120 }, ["one", "two"], [60_000, 60_200]],
  ["an owner", [contender("two", 2, { priority: 255 }), ONE], null, {}, ["two", "two"], [0, 0]],
];

for (const [what, before, first, change, [had, has], [soonestMs, latestMs]] of ROWS) {
  Deno.test(`contest(): ${what}`, () => {
    const after = [changed(before[0]!, change), ...before.slice(1)];
    const outcome = contest(before, first, after);
    assertEquals([outcome.before, outcome.after], [had, has], JSON.stringify(outcome));
    assert(outcome.afterMs >= soonestMs && outcome.afterMs <= latestMs, `${outcome.afterMs} ms`);
  });
}

Deno.test("contest(): make before break, and what it costs without", () => {
  const fault = { faults: ["dead"] };
  assertEquals(contest([ONE, TWO], "one", [changed(ONE, fault), TWO]).unservedMs, 0);
  const gap = contest([ABRUPT, TWO], "one", [changed(ABRUPT, fault), TWO]).unservedMs;
  assert(gap > 10 && gap < 30, `${gap} ms`);
});

Deno.test("contest(): preferred by the operator, it does not wait for silence, nor for its own preempt = false", () => {
  const override = { by: "prefer", priority: 254, since: "", until: null, persisted: false } as const;
  const before = contender("two", 2, { preempt: false, preemptDelayMs: 5_000 });
  const after = contender("two", 2, { preempt: false, preemptDelayMs: 5_000, override });
  const outcome = contest([before, ONE], "one", [after, ONE]);
  assertEquals([outcome.before, outcome.after, outcome.unservedMs], ["one", "two", 0]);
  assert(outcome.afterMs < 2, `${outcome.afterMs} ms`);
});

Deno.test("the state machines and the arithmetic of `vipd validate` are of one opinion", () => {
  const random = new Random(7);
  const chance = (below: number): number => random.integer(0, below - 1);
  const weight = (): number | undefined => {
    const value = chance(81) - 40;
    return value === 0 ? undefined : value;
  };
  const router = (): Pick<Party, "priority" | "track" | "preempt"> => {
    const track = ["a", "b"].slice(0, chance(3)).map((check) => {
      const given = weight();
      return given === undefined ? { check } : { check, weight: given };
    });
    return { priority: 60 + chance(60), track, preempt: chance(4) > 0 };
  };
  const seen = { moves: 0, stays: 0, refused: 0 };
  for (let i = 0; i < 1_500; i++) {
    const routers = Array.from({ length: 2 + chance(2) }, router)
      .toSorted((a, b) => effectivePriority(b) - effectivePriority(a));
    const [active, ...others] = routers;
    const failing = active!.track.filter(() => chance(2) > 0).map(({ check }) => check);
    // Of two that are equal either may be the active one.
    if (failing.length === 0 || effectivePriority(active!) === effectivePriority(others[0]!)) continue;
    const parties = routers.map((one, place) => party(`r${place}`, one));
    const before = parties.map((one, place) => contenderOf(one, AS_IT_IS, place + 1));
    const after = [contenderOf(parties[0]!, { failing, passing: [] }, 1), ...before.slice(1)];
    const outcome = contest(before, "r0", after);
    const { kind } = onFailure(active!, others, ...failing);
    seen[kind]++;
    assertEquals(outcome.after !== "r0", kind === "moves", JSON.stringify({ routers, failing, outcome }));
  }
  assert(seen.moves > 100 && seen.stays > 100 && seen.refused > 20, JSON.stringify(seen));
});
