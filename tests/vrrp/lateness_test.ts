/** The lateness histogram counts into the right bucket and reports cumulatively. */
import { assertEquals } from "@std/assert";
import { LatenessHistogram, noLateness } from "../../mod/vrrp/lateness.ts";

const BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000];

Deno.test("LatenessHistogram puts a value into the first bucket that holds it", () => {
  const histogram = new LatenessHistogram();
  for (const lateMs of [0, 0.1, 0.11, 30, 400, 5000]) histogram.note(lateMs);
  const { buckets, count, sum_ms } = histogram.report();
  assertEquals(buckets.map(({ count }) => count), [1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 5, 5]);
  assertEquals(buckets.map(({ le_ms }) => le_ms), BOUNDS);
  assertEquals([count, sum_ms], [6, 5430.21]);
});

Deno.test("noLateness holds nothing", () => {
  assertEquals([noLateness().count, noLateness().sum_ms], [0, 0]);
});
