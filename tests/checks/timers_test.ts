/** Shared timers: in order, together, cancelled, and late ones with time to catch up. */
import { assert, assertEquals } from "@std/assert";
import { at, cancel, deadline } from "../../checks/timers.ts";
import { sleep } from "../../mod/sleep.ts";
import { until } from "../health/recorder.ts";

Deno.test("timers: due in one grain they run in one turn, in their order", async () => {
  const turns: string[] = [];
  const nowMs = Math.ceil(performance.now() / 50) * 50;
  for (const [name, offsetMs] of [["a", 1], ["b", 49], ["c", 2051]] as const) {
    at(nowMs + offsetMs, 50, () => {
      turns.push(name);
      setTimeout(() => turns.push("|"), 0);
    });
  }
  await until(() => turns.length === 6, "not all ran");
  assertEquals(turns.slice(0, 2), ["a", "b"]);
  assert(turns.indexOf("|") < turns.indexOf("c"), turns.join());
});

Deno.test("timers: never before they are due; a cancelled one never; twice does no harm", async () => {
  let ran = 0;
  const dueMs = performance.now() + 30;
  const kept = at(dueMs, 10, () => {
    assert(performance.now() >= dueMs - 1);
    ran++;
  });
  const cancelled = at(dueMs, 10, () => ran += 100);
  cancel(cancelled);
  cancel(cancelled);
  await until(() => ran > 0, "it did not run");
  cancel(kept);
  await sleep(30);
  assertEquals(ran, 1);
});

Deno.test("timers: a deadline that comes late waits for what came in time", async () => {
  let expired = false;
  const end = deadline(50, () => expired = true);
  // This process stands still; what arrived meanwhile is handled after the timer.
  const heldMs = performance.now() + 400;
  while (performance.now() < heldMs);
  await sleep(20);
  assertEquals(expired, false);
  end();
  deadline(20, () => expired = true);
  await until(() => expired, "it never expired");
});
