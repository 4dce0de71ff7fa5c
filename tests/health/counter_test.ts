/** Rise and fall and the pauses between recoveries: tables that compare whole values. */
import { assertEquals } from "@std/assert";
import {
  count,
  type Counter,
  nextRecovery,
  type RecoveryHistory,
  startCounter,
} from "../../mod/health/counter.ts";

const unknown = startCounter("unknown");
const up = startCounter("up");
const down = startCounter("down");

/**
 * Results in order (+ passes, - fails) from a state, with rise and fall, and the whole counter after them.
 */
const rows: [name: string, from: Counter, results: string, rise: number, fall: number, after: Counter][] = [
  ["rise 1: the first pass decides", unknown, "+", 1, 3, up],
  ["fall 1: the first failure decides", unknown, "-", 3, 1, down],
  ["rise 2: the first pass does not decide", unknown, "+", 2, 1, {
    state: "unknown",
    passes: 1,
    failures: 0,
  }],
  ["rise 2: the second does", unknown, "++", 2, 1, up],
  ["fall 3: two failures do not decide", unknown, "--", 1, 3, { state: "unknown", passes: 0, failures: 2 }],
  ["fall 3: the third does", unknown, "---", 1, 3, down],
  ["unknown: a failure resets the passes", unknown, "+-", 2, 2, { state: "unknown", passes: 0, failures: 1 }],
  ["unknown: a pass resets the failures", unknown, "-+", 2, 2, { state: "unknown", passes: 1, failures: 0 }],
  ["unknown: taking turns never decides", unknown, "+-+-+-+-", 2, 2, {
    state: "unknown",
    passes: 0,
    failures: 1,
  }],
  ["up: passes change nothing", up, "+++", 2, 3, up],
  ["up: fewer failures than fall keep it up", up, "--", 2, 3, { state: "up", passes: 0, failures: 2 }],
  ["up: a pass resets the failures", up, "--+", 2, 3, up],
  ["up: failures after a pass count anew", up, "--+--", 2, 3, { state: "up", passes: 0, failures: 2 }],
  ["up: fall failures in a row bring it down", up, "--+---", 2, 3, down],
  ["down: failures change nothing", down, "---", 2, 3, down],
  ["down: fewer passes than rise keep it down", down, "+", 2, 3, { state: "down", passes: 1, failures: 0 }],
  ["down: a failure resets the passes", down, "+-", 2, 3, down],
  ["down: rise passes in a row bring it up", down, "+-++", 2, 3, up],
  ["up, down and up again", up, "---++", 2, 3, up],
];

for (const [name, from, results, rise, fall, after] of rows) {
  Deno.test(`counter: ${name}`, () => {
    const counter = [...results].reduce(
      (before, result) => count(before, result === "+", { rise, fall }),
      from,
    );
    assertEquals(counter, after);
  });
}

const soon = "recovered too recently to try again";

/** With a limit of 30 in an hour. */
const pauses: [
  name: string,
  history: RecoveryHistory | undefined,
  nowMs: number,
  next: RecoveryHistory | string,
][] = [
  ["the first is free", undefined, 5, { inARow: 1, startsMs: [5] }],
  ["not within 10 s of the first", { inARow: 1, startsMs: [0] }, 9_999, soon],
  ["again after 10 s", { inARow: 1, startsMs: [0] }, 10_000, { inARow: 2, startsMs: [0, 10_000] }],
  ["20 s after the second", { inARow: 2, startsMs: [-9, 0] }, 19_999, soon],
  ["then again", { inARow: 2, startsMs: [-9, 0] }, 20_000, { inARow: 3, startsMs: [-9, 0, 20_000] }],
  ["at most 5 min", { inARow: 20, startsMs: [0] }, 300_000, { inARow: 21, startsMs: [0, 300_000] }],
  ["not sooner than 5 min after many", { inARow: 20, startsMs: [0] }, 299_999, soon],
  ["forgotten after 10 min", { inARow: 20, startsMs: [0] }, 600_000, { inARow: 1, startsMs: [0, 600_000] }],
  ["of an hour ago none counts", { inARow: 2, startsMs: [0, 9] }, 3_600_000, {
    inARow: 1,
    startsMs: [9, 3_600_000],
  }],
];

for (const [name, history, nowMs, next] of pauses) {
  Deno.test(`recovery pause: ${name}`, () => {
    const found = nextRecovery(history, 30, nowMs);
    assertEquals(found.kind === "run" ? found.history : found.reason, next);
  });
}

Deno.test("recovery limit: what dies the moment it is back is recovered so often in any hour, and no more", () => {
  for (const limit of [1, 2, 5, 8]) {
    let history: RecoveryHistory | undefined;
    const startsMs: number[] = [];
    for (let nowMs = 0; nowMs < 6 * 3_600_000; nowMs += 1000) {
      const next = nextRecovery(history, limit, nowMs);
      if (next.kind === "refused") continue;
      history = next.history;
      startsMs.push(nowMs);
      const inThatHour = startsMs.filter((startMs) => nowMs - startMs < 3_600_000).length;
      assertEquals(inThatHour <= limit, true, `${inThatHour} at ${nowMs}, limit ${limit}`);
    }
    assertEquals(startsMs.length, 6 * limit, `limit ${limit}: ${startsMs}`);
  }
  const once = { inARow: 1, startsMs: [0] };
  assertEquals(nextRecovery(once, 1, 3_599_999), {
    kind: "refused",
    reason: "recovered once within an hour, which is all that is tried",
  });
});
