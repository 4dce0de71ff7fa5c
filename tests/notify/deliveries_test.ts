/** A queue to somebody who may not be there: in order, again, bounded, and with an end. */
import { assert, assertEquals } from "@std/assert";
import { backoffMs } from "../../mod/notify/backoff.ts";
import { Deliveries, type DeliveryOptions, TryLater, Undeliverable } from "../../mod/notify/deliveries.ts";
import { waitFor } from "../e2e/lab/wait.ts";

interface Lab {
  readonly queue: Deliveries<string>;
  readonly tried: string[];
  readonly problems: string[];
  readonly dropped: string[];
}

function lab(
  deliver: (item: string, attempt: number) => Promise<void>,
  options: Partial<DeliveryOptions<string>> = {},
): Lab {
  const [tried, problems, dropped]: [string[], string[], string[]] = [[], [], []];
  const queue = new Deliveries<string>({
    capacity: 3,
    attempts: 3,
    backoff: { firstMs: 1, maxMs: 1 },
    take: (waiting) => waiting.splice(0, 1),
    deliver: ([item]) => {
      tried.push(item!);
      return deliver(item!, tried.filter((one) => one === item).length);
    },
    dropped: (item) => dropped.push(item),
    failed: (problem, isFinal) => problems.push(isFinal ? `${problem}!` : problem),
    random: () => 0.5,
    ...options,
  });
  return { queue, tried, problems, dropped };
}

function refuse(error: Error): Promise<never> {
  return Promise.reject(error);
}

Deno.test("in order, and the next one waits while one is tried again", async () => {
  const { queue, tried, problems } = lab((item, attempt) =>
    item === "a" && attempt < 3 ? refuse(new Error("busy")) : Promise.resolve()
  );
  queue.push("a");
  queue.push("b");
  await waitFor("both", () => queue.counts().delivered === 2, 10_000);
  assertEquals(tried, ["a", "a", "a", "b"]);
  assertEquals(problems, ["busy", "busy"]);
  assertEquals(queue.counts(), { queued: 0, delivered: 2, failed: 0, dropped: 0, last_problem: null });
});

Deno.test("after all attempts it is given up, and the next one has its turn", async () => {
  const { queue, tried, problems } = lab((item) =>
    item === "a" ? refuse(new Error("no")) : Promise.resolve()
  );
  queue.push("a");
  queue.push("b");
  await waitFor("b", () => queue.counts().delivered === 1, 10_000);
  assertEquals(tried, ["a", "a", "a", "b"]);
  assertEquals(problems, ["no", "no", "no!"]);
  assertEquals(queue.counts().failed, 1);
});

Deno.test("what can never be delivered is not tried again", async () => {
  const { queue, tried } = lab(() => refuse(new Undeliverable("404")));
  queue.push("a");
  await waitFor("the end", () => queue.counts().failed === 1, 10_000);
  assertEquals([tried, queue.counts().last_problem], [["a"], "404"]);
});

Deno.test("who says when to come again is believed, up to a limit", async () => {
  let atMs = 0;
  const { queue } = lab((_, attempt) => {
    if (attempt === 1) {
      atMs = performance.now();
      return refuse(new TryLater("429", 60));
    }
    return Promise.resolve();
  });
  queue.push("a");
  await waitFor("it", () => queue.counts().delivered === 1, 10_000);
  assert(performance.now() - atMs >= 55);
});

Deno.test("what waits is bounded: the oldest are dropped and counted", async () => {
  const gate = Promise.withResolvers<void>();
  const { queue, dropped } = lab(() => gate.promise);
  for (const item of ["a", "b", "c", "d", "e", "f"]) queue.push(item);
  // One is under way, three wait.
  await waitFor("the first", () => queue.counts().queued === 4, 10_000);
  assertEquals(dropped, ["b", "c"]);
  gate.resolve();
  await waitFor("all", () => queue.counts().delivered === 4, 10_000);
  assertEquals(queue.counts().dropped, 2);
});

Deno.test("at the end everything is tried once more, and a hanging attempt is cut off", async () => {
  const { queue, tried } = lab((item) => item === "b" ? Promise.resolve() : refuse(new Error("no")), {
    backoff: { firstMs: 60_000, maxMs: 60_000 },
  });
  queue.push("a");
  queue.push("b");
  await waitFor("a failure", () => queue.counts().last_problem !== null, 10_000);
  await queue.stop(10_000);
  assertEquals(tried, ["a", "a", "b"]);
  assertEquals([queue.counts().failed, queue.counts().delivered], [1, 1]);

  const hanging = lab(() => Promise.resolve(), {
    deliver: (_, signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  hanging.queue.push("a");
  await hanging.queue.stop(10);
  assertEquals(hanging.queue.counts().failed, 1);
});

Deno.test("for an upgrade what is not delivered is given back, in order", async () => {
  const { queue } = lab(() => refuse(new Error("no")), { backoff: { firstMs: 60_000, maxMs: 60_000 } });
  for (const item of ["a", "b", "c"]) queue.push(item);
  await waitFor("a failure", () => queue.counts().last_problem !== null, 10_000);
  await queue.suspend();
  assertEquals(queue.waiting, ["a", "b", "c"]);
});

Deno.test("what comes in the very turns in which a queue has become empty is delivered as well", async () => {
  for (let turns = 0; turns < 12; turns++) {
    const { queue, tried } = lab((item) => {
      if (item === "a") void afterTurns(turns).then(() => queue.push("b"));
      return Promise.resolve();
    });
    queue.push("a");
    await waitFor(`b, ${turns} turns after a`, () => tried.length === 2, 10_000);
  }
});

async function afterTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await undefined;
}

Deno.test("waits double up to a limit, a quarter more or less", () => {
  const options = { firstMs: 1_000, maxMs: 60_000 };
  const waits = [1, 2, 3, 7, 1_000].map((failures) => backoffMs(options, failures, 0.5));
  assertEquals(waits, [1_000, 2_000, 4_000, 60_000, 60_000]);
  assertEquals([backoffMs(options, 1, 0), backoffMs(options, 1, 1)], [750, 1_250]);
});
