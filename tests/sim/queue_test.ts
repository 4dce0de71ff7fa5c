/** The order of time, compared with a sorted list. */
import { assertEquals } from "@std/assert";
import { Queue } from "./queue.ts";
import { Random } from "./random.ts";

Deno.test("Queue hands out the earliest first, and of the same moment the first", () => {
  const random = new Random(1);
  const queue = new Queue<number>();
  const waiting: [atMs: number, item: number][] = [];
  for (let item = 0; item < 5000; item++) {
    const atMs = random.integer(0, 50);
    queue.push(atMs, item);
    waiting.push([atMs, item]);
    if (random.chance(0.4)) {
      waiting.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      assertEquals(queue.nextMs, waiting[0]![0]);
      assertEquals(queue.pop(), waiting.shift()![1]);
    }
  }
  waiting.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  for (const [, item] of waiting) assertEquals(queue.pop(), item);
  assertEquals(queue.nextMs, Infinity);
});
