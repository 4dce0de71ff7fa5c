/** Virtual routers get into step: early by little, never late, and they stay there. */
import { assert, assertEquals } from "@std/assert";
import { inStep } from "../../mod/vrrp/phase.ts";
import type { Active } from "../../mod/vrrp/state.ts";
import { instanceOf } from "./fixture.ts";
import { active } from "./router_fixture.ts";

interface Given {
  readonly vrid?: number;
  readonly interval?: string;
  readonly renewAtMs?: number;
}

function next(adverAtMs: number, { vrid = 51, interval = "1s", renewAtMs = Infinity }: Given = {}): Active {
  const { router } = instanceOf({ vrid, advertisement_interval: interval });
  const sentAtMs = adverAtMs - router.advertisementInterval * 10;
  return inStep(router, { ...active, sentAtMs, adverAtMs, renewAtMs });
}

const ROWS: readonly (readonly [name: string, adverAtMs: number, given: Given, expected: number])[] = [
  ["in step: exactly the interval", 5000, {}, 5000],
  ["a little behind: in step with the next one", 5004, {}, 5000],
  ["far behind: a hundredth of the interval sooner", 5500, {}, 5490],
  ["10 ms: a tenth of a millisecond", 5005, { interval: "10ms" }, 5004.9],
  ["what a double cannot hold is no reason to creep", 4999.9999999, {}, 5000],
  ["VRID 63 belongs to the first ones", 5000, { vrid: 63 }, 5000],
  ["VRID 64 goes a quarter of the interval later", 5254, { vrid: 64 }, 5250],
  ["VRID 255 goes last", 5754, { vrid: 255 }, 5750],
];

for (const [name, adverAtMs, given, expected] of ROWS) {
  Deno.test(`inStep(): ${name}`, () => assertEquals(next(adverAtMs, given).adverAtMs, expected));
}

Deno.test("inStep(): the lease is renewed with an advertisement, sooner rather than later", () => {
  assertEquals(next(5000, { renewAtMs: 7300 }).renewAtMs, 7000);
  assertEquals(next(5500, { renewAtMs: 7300 }).renewAtMs, 6490);
  assertEquals(next(5000, { renewAtMs: 7000 }).renewAtMs, 7000);
  // Before the next advertisement there is none that it could go with.
  assertEquals(next(5000, { renewAtMs: 4600 }).renewAtMs, 4600);
  assertEquals(next(5000).renewAtMs, Infinity);
});

Deno.test("inStep(): routers of any phase meet within a hundred intervals, and then keep exactly to them", () => {
  const { router } = instanceOf({ advertisement_interval: "100ms" });
  for (let phase = 0; phase < 100; phase += 0.7) {
    let state: Active = { ...active, sentAtMs: phase, adverAtMs: 123_400 + phase, renewAtMs: Infinity };
    for (let i = 0; i < 300; i++) {
      const nextAtMs = state.adverAtMs + 100;
      const { adverAtMs } = inStep(router, { ...state, sentAtMs: state.adverAtMs, adverAtMs: nextAtMs });
      assert(adverAtMs <= nextAtMs && adverAtMs >= nextAtMs - 1 - 1e-6, `${adverAtMs} for ${nextAtMs}`);
      if (i > 100) assertEquals(adverAtMs, nextAtMs);
      state = { ...state, adverAtMs };
    }
    assertEquals(state.adverAtMs % 100, 0);
  }
});
