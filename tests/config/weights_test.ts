/** Weight arithmetic: effective priorities, and whether a failing check really moves the addresses. */
import { assert, assertEquals } from "@std/assert";
import { type Candidate, effectivePriority, onFailure, type Outcome } from "../../mod/config/weights.ts";

function router(
  priority: number,
  weights: Record<string, number | undefined> = {},
  preempt = true,
): Candidate {
  const track = Object.entries(weights).map(([check, weight]) => ({
    check,
    ...(weight === undefined ? {} : { weight }),
  }));
  return { priority, track, preempt };
}

Deno.test("effectivePriority() adds positive weights while passing and negative ones while failing, within 1..254", () => {
  const rows: [Candidate, string | undefined, number][] = [
    [router(100), undefined, 100],
    [router(100, { a: 20 }), undefined, 120],
    [router(100, { a: 20 }), "a", 100],
    [router(100, { a: -20 }), undefined, 100],
    [router(100, { a: -20 }), "a", 80],
    [router(100, { a: -20, b: 5 }), "a", 85],
    [router(100, { a: undefined }), undefined, 100],
    [router(100, { a: undefined }), "a", 0],
    [router(250, { a: 20 }), undefined, 254],
    [router(10, { a: -20 }), "a", 1],
    [router(255, { a: -20 }), "a", 255],
  ];
  for (const [candidate, failing, expected] of rows) {
    assertEquals(effectivePriority(candidate, ...(failing === undefined ? [] : [failing])), expected);
  }
});

Deno.test("onFailure() tells whether the addresses move, and which weight would do", () => {
  const rows: [string, Candidate, Candidate[], Outcome][] = [
    ["no weight", router(100, { a: undefined }), [router(80)], { kind: "moves" }],
    ["no weight, nobody preempts", router(100, { a: undefined }), [router(80, {}, false)], { kind: "moves" }],
    ["negative, enough", router(100, { a: -21 }), [router(80)], { kind: "moves" }],
    [
      "negative, a tie",
      router(100, { a: -20 }),
      [router(80)],
      { kind: "stays", lowered: 80, best: 80, remedy: { weight: -21, everywhere: false } },
    ],
    [
      "positive, which only this router has",
      router(100, { a: 2 }),
      [router(80)],
      { kind: "stays", lowered: 100, best: 80, remedy: { weight: -21, everywhere: false } },
    ],
    [
      "positive on both, too small",
      router(101, { a: 5 }),
      [router(91, { a: 5 })],
      { kind: "stays", lowered: 101, best: 96, remedy: { weight: 11, everywhere: true } },
    ],
    ["positive on both, enough", router(101, { a: 11 }), [router(91, { a: 11 })], { kind: "moves" }],
    ["the best of several counts", router(100, { a: -30 }), [router(60), router(80)], { kind: "moves" }],
    ["nobody preempts", router(100, { a: -50 }), [router(80, {}, false)], { kind: "refused" }],
    ["one preempts", router(100, { a: -50 }), [router(90, {}, false), router(80)], { kind: "moves" }],
    ["no weight is enough", router(254, { a: -1 }), [router(1)], {
      kind: "stays",
      lowered: 253,
      best: 1,
    }],
  ];
  for (const [name, active, others, expected] of rows) {
    assertEquals(onFailure(active, others, "a"), expected, name);
  }
});

Deno.test("onFailure() proposes only weights that work", () => {
  let proposed = 0;
  for (let priority = 2; priority <= 254; priority += 7) {
    for (let peer = 1; peer < priority; peer += 5) {
      for (const weight of [-200, -30, -2, 2, 30, 200]) {
        for (const peers of [undefined, weight]) {
          const other = router(peer, peers === undefined ? {} : { a: peers });
          const outcome = onFailure(router(priority, { a: weight }), [other], "a");
          if (outcome.kind !== "stays" || outcome.remedy === undefined) continue;
          const { weight: better, everywhere } = outcome.remedy;
          const cured = router(peer, peers === undefined ? {} : { a: everywhere ? better : peers });
          assertEquals(onFailure(router(priority, { a: better }), [cured], "a").kind, "moves");
          proposed++;
        }
      }
    }
  }
  assert(proposed > 1_000);
});
