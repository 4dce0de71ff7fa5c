/** all_of, any_of, quorum: the whole truth table, and what their reasons name. */
import { assertEquals } from "@std/assert";
import type { Member } from "../../checks/check.ts";
import { judgeMembers } from "../../checks/members.ts";

const letters = { u: "up", d: "down", "?": "unknown" } as const;

function members(states: string): Member[] {
  return [...states].map((letter, i) => ({
    name: "abcdefgh".charAt(i),
    state: letters[letter as keyof typeof letters],
    reason: letter === "d" ? "broken" : "",
  }));
}

function verdict(states: string, need: number): string {
  return judgeMembers(members(states), need).kind;
}

/** All states of two members: what all_of (2), and any_of (1), make of them. */
const pairs: [states: string, allOf: string, anyOf: string][] = [
  ["uu", "passes", "passes"],
  ["ud", "fails", "passes"],
  ["du", "fails", "passes"],
  ["dd", "fails", "fails"],
  ["u?", "undecided", "passes"],
  ["?u", "undecided", "passes"],
  ["d?", "fails", "undecided"],
  ["?d", "fails", "undecided"],
  ["??", "undecided", "undecided"],
];

Deno.test("all_of and any_of: what is unknown never counts as up, and decides nothing that others decide", () => {
  for (const [states, allOf, anyOf] of pairs) {
    assertEquals([verdict(states, 2), verdict(states, 1)], [allOf, anyOf], states);
  }
  assertEquals([verdict("u", 1), verdict("d", 1), verdict("?", 1)], ["passes", "fails", "undecided"]);
});

Deno.test("quorum: passes with enough up, fails when enough can no longer be up, whatever their order", () => {
  for (let code = 0; code < 3 ** 5; code++) {
    const states = Array.from({ length: 5 }, (_, i) => "ud?".charAt(Math.floor(code / 3 ** i) % 3)).join("");
    const count = (letter: string): number => [...states].filter((one) => one === letter).length;
    for (let need = 1; need <= 5; need++) {
      // In other words: let the unknown ones come out all up, or all down.
      const [best, worst] = [count("u") + count("?") >= need, count("u") >= need];
      const expected = worst ? "passes" : best ? "undecided" : "fails";
      assertEquals(verdict(states, need), expected, `${need} of ${states}`);
    }
  }
});

const reasons: [states: string, need: number, reason: string][] = [
  ["uuu", 3, "3 of 3 up"],
  ["udu", 2, "2 of 3 up, not b"],
  ["ud?", 1, "1 of 3 up, not b; c"],
  ["d", 1, "a: broken"],
  ["udu", 3, "2 of 3 up, 3 needed: b: broken"],
  ["dddddu", 2, "1 of 6 up, 2 needed: a: broken; b: broken; c: broken; and 2 more"],
  ["u?d?", 3, "waits for b; d"],
];

Deno.test("the reason names the members that matter", () => {
  for (const [states, need, reason] of reasons) {
    assertEquals(judgeMembers(members(states), need).reason, reason, states);
  }
});
