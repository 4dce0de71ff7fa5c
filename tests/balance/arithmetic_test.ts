/** Quorum and weights, number by number. */
import { assertEquals } from "@std/assert";
import { dynamicWeight, effectiveQuorum, hasQuorum, rampedWeight } from "../../mod/balance/arithmetic.ts";

Deno.test("a quorum is never more than all have, its hysteresis always less than itself", () => {
  const rows: [quorum: number, hysteresis: number, weights: number[], expected: [number, number]][] = [
    [1, 0, [1, 1], [1, 0]],
    [3, 1, [1, 1], [2, 1]],
    [2, 2, [1, 1, 1], [2, 1]],
    [9, 9, [1, 2], [3, 2]],
    [1, 1, [5], [1, 0]],
    [1, 0, [0, 0], [0, 0]],
    [1, 0, [], [0, 0]],
    [0, 0, [1], [0, 0]],
  ];
  for (const [quorum, hysteresis, weights, [q, h]] of rows) {
    assertEquals(effectiveQuorum({ quorum, hysteresis }, weights), { quorum: q, hysteresis: h });
  }
});

Deno.test("a quorum is gained at quorum + hysteresis, lost below quorum - hysteresis or with nothing", () => {
  const rows: [quorum: number, hysteresis: number, gained: number, kept: number][] = [
    // The least live weight at which it is gained, and at which it is not lost.
    [1, 0, 1, 1],
    [3, 0, 3, 3],
    [3, 1, 4, 2],
    [3, 2, 5, 1],
    [0, 0, 1, 1],
  ];
  for (const [quorum, hysteresis, gained, kept] of rows) {
    for (let live = 0; live <= 10; live++) {
      const what = `quorum ${quorum}, hysteresis ${hysteresis}, live ${live}`;
      assertEquals(hasQuorum(false, live, { quorum, hysteresis }), live >= gained, what);
      assertEquals(hasQuorum(true, live, { quorum, hysteresis }), live >= kept, what);
    }
  }
});

Deno.test("each check that wants a weight adds the difference that it makes", () => {
  const rows: [configured: number, wanted: (number | null)[], expected: number][] = [
    [10, [], 10],
    [10, [null, null], 10],
    [10, [4], 4],
    [10, [4, null], 4],
    [10, [4, 8], 2],
    [10, [20, 15], 25],
    [10, [0, 0], 0],
    [10, [0, 30], 20],
    [60_000, [65_000, 65_000], 65_535],
    [0, [253], 253],
  ];
  for (const [configured, wanted, expected] of rows) {
    assertEquals(dynamicWeight(configured, wanted), expected);
  }
});

Deno.test("a weight rises in tenths, never to nothing", () => {
  assertEquals([1, 5, 9, 10].map((step) => rampedWeight(100, step)), [10, 50, 90, 100]);
  assertEquals([1, 5, 9, 10].map((step) => rampedWeight(7, step)), [1, 3, 6, 7]);
  assertEquals([1, 10].map((step) => rampedWeight(1, step)), [1, 1]);
  assertEquals([1, 10].map((step) => rampedWeight(0, step)), [0, 0]);
});
