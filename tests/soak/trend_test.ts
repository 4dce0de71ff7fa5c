/** The straight line of the soak: what is level passes, what grows is seen in spite of its noise. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { fit, floors, secondHalf } from "./trend.ts";

const minutes = Array.from({ length: 60 }, (_, i) => i);

Deno.test("soak: the slope is per hour, and a sawtooth has none below", () => {
  assertAlmostEquals(fit(minutes.map((m) => ({ minutes: m, value: 100 + m / 6 }))).slope, 10);
  assertEquals(fit([{ minutes: 1, value: 7 }]), { slope: 0, mean: 7 });
  const sawtooth = Array.from(
    { length: 720 },
    (_, i) => ({ minutes: i / 12, value: 60 + (i % 12) * 3 }),
  );
  assertAlmostEquals(fit(floors(sawtooth)).slope, 0);
  const leaking = sawtooth.map((point) => ({ ...point, value: point.value + point.minutes / 10 }));
  assert(fit(floors(secondHalf(leaking))).slope > 5);
});

Deno.test("soak: only what comes after the start counts", () => {
  const warming = minutes.map((m) => ({ minutes: m, value: Math.min(m, 20) }));
  assertEquals(fit(secondHalf(warming)).slope, 0);
});
