/** Who is picked how often, and what moves when a server comes or goes. */
import { assert, assertEquals } from "@std/assert";
import { type Candidate, schedule, STAND_INS } from "../../../mod/balance/nftables/schedule.ts";

function candidates(...weights: readonly number[]): Candidate[] {
  return weights.map((weight, i) => ({ name: `192.0.2.${i + 1}:80`, weight }));
}

function slots(scheduler: string, weights: readonly number[]): readonly number[] {
  return schedule(scheduler, [], candidates(...weights))!.slots;
}

/** How many slots each has. */
function shares(slots: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, i) => slots.filter((slot) => slot === i).length);
}

Deno.test("rr heeds no weights, wrr does, in the smallest whole numbers", () => {
  assertEquals(shares(slots("rr", [1, 5, 9]), 3), [1, 1, 1]);
  assertEquals(shares(slots("wrr", [7, 3]), 2), [7, 3]);
  assertEquals(shares(slots("wrr", [200, 100]), 2), [2, 1]);
  assertEquals(slots("wrr", []), []);
});

Deno.test("wrr spreads the turns of a heavy server instead of giving them in a row", () => {
  const round = slots("wrr", [4, 2]);
  assertEquals(shares(round, 2), [2, 1]);
  const many = slots("wrr", [5, 4]);
  assert(!`${[...many, ...many].join("")}`.includes("000"), many.join(""));
});

Deno.test("wrr rounds weights that would need more than 1024 slots, and leaves nobody out", () => {
  const [light, heavy] = shares(slots("wrr", [1, 65535]), 2);
  assertEquals(light, 1);
  assert(heavy! >= 1000 && heavy! <= 1025);
  const close = shares(slots("wrr", [30011, 30013, 59999]), 3);
  assert(Math.abs(close[2]! / (close[0]! + close[1]!) - 59999 / 60024) < 0.005, close.join(" "));
});

Deno.test("a round that is written anew with other weights does not always begin with the same server", () => {
  const firsts = new Set(Array.from({ length: 20 }, (_, i) => slots("wrr", [100, i + 1])[0]));
  assertEquals(firsts.size, 2);
});

Deno.test("fo takes the heaviest server alone", () => {
  assertEquals(slots("fo", [1, 5, 5]), [1]);
  assertEquals(slots("fo", []), []);
});

Deno.test("a hash table gives every server its share, whatever the order in the configuration", () => {
  for (const scheduler of ["sh", "mh", "dh"]) {
    const [a, b, c] = shares(slots(scheduler, [1, 1, 2]), 3);
    assert(Math.abs(a! / 1021 - 0.25) < 0.01 && Math.abs(b! / 1021 - 0.25) < 0.01, `${a} ${b} ${c}`);
  }
  const forwards = schedule("mh", [], candidates(1, 2, 3))!;
  const backwards = schedule("mh", [], candidates(1, 2, 3).reverse())!;
  assertEquals(forwards.slots, backwards.slots.map((slot) => 2 - slot));
});

Deno.test("a server that goes moves little more than its own clients", () => {
  const before = slots("mh", [1, 1, 1, 1, 1]);
  const after = slots("mh", [1, 1, 1, 1]);
  const moved = before.filter((server, slot) => server !== 4 && after[slot] !== server).length;
  assert(moved < 1021 * 0.1, `${moved} of 1021`);
});

Deno.test("a table grows with its servers", () => {
  const few = schedule("mh", [], candidates(...new Array<number>(60).fill(1)))!.slots;
  const many = schedule("mh", [], candidates(...new Array<number>(100).fill(1)))!.slots;
  assertEquals([few.length, many.length], [1021, 4093]);
  assert(shares(many, 100).every((share) => share >= 39 && share <= 42));
});

Deno.test("what is hashed: source, destination, with the port where a flag asks for it", () => {
  const selector = (scheduler: string, flags: readonly string[] = []): string =>
    schedule(scheduler, flags, candidates(1))!.selector;
  assertEquals(selector("sh"), "client");
  assertEquals(selector("sh", ["sh-port"]), "client and port");
  assertEquals(selector("mh", ["mh-fallback", "mh-port"]), "client and port");
  assertEquals(selector("dh"), "destination");
  assertEquals(selector("wrr"), "counter");
});

Deno.test("what would need counted connections has a stand-in; overflow has none", () => {
  for (const [scheduler, standIn] of Object.entries(STAND_INS)) {
    assertEquals(schedule(scheduler, [], candidates(2, 1)), schedule(standIn, [], candidates(2, 1)));
  }
  assertEquals(schedule("ovf", [], candidates(1)), null);
});
