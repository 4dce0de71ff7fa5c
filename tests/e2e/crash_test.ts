/**
 * A dozen rounds of the crash test, each kind of fault in turn, with seeds that draw short ones; a thousand
 * are played by `deno task crash`.
 */
import { assertEquals } from "@std/assert";
import type { Happening } from "../crash/facts.ts";
import { type FaultKind, makePlan } from "../crash/plan.ts";
import { tellStory } from "../crash/report.ts";
import { playAll } from "../crash/run.ts";
import { replayed } from "./lab/meter.ts";

const LABS = 4;

/** What is drawn with this seed and this fault, and the sign that it has struck. */
const ROUNDS: readonly (readonly [seed: number, kind: FaultKind, sign: Happening])[] = [
  [608, "stall vrrp", "held"], // v3 100 ms, IPv4, 2 nodes, in steady: given up after 5 s, and started anew
  [12, "kill", "ended"], // v3 100 ms, IPv4, 2 nodes, in steady
  [249, "freeze", "stopped"], // v3 10 ms, IPv6, 3 nodes, in handover
  [634, "stall main", "main held"], // v3 100 ms, IPv4, 3 nodes, in steady: nothing moves
  [23, "kill", "ended"], // v3 100 ms, IPv6, 3 nodes, in promotion
  [43, "host dies", "cut"], // v3 100 ms, IPv4, 3 nodes, in renewal
  [269, "freeze, kill", "stopped"], // v3 10 ms, IPv6, 3 nodes, in start-up
  [629, "stall vrrp", "held"], // v3 10 ms, IPv4, 3 nodes, in reload
  [1444, "stuck call", "held"], // v3 10 ms, IPv4, 3 nodes, in renewal
  [1462, "out of memory", "ended"], // v3 10 ms, IPv4, 2 nodes, in shutdown
  [1542, "memory refused", "ended"], // v3 10 ms, IPv4, 2 nodes, in recovery
  [1600, "kill", "ended"], // v3 100 ms, IPv6, 3 nodes, in upgrade
];

/** In words, what is wrong with each of these rounds, by seed. */
async function play(rounds: typeof ROUNDS): Promise<Map<number, string>> {
  const plans = rounds.map(([seed, kind]) => makePlan(seed, { kind }));
  const { outcomes, failures } = await playAll(plans, LABS, { played: () => {}, failed: () => {} });
  const wrong = new Map(failures.map(({ seed, message }) => [seed, `seed ${seed}: ${message}`]));
  for (const outcome of outcomes) {
    const { plan: { seed }, facts: { marks, window }, findings } = outcome;
    const [, kind, sign] = rounds.find((round) => round[0] === seed)!;
    const struck = marks.some(({ what, atMs }) => what === sign && atMs < window.toMs);
    if (findings.length > 0) wrong.set(seed, tellStory(outcome));
    else if (!struck) wrong.set(seed, `seed ${seed}: ${kind} has not struck`);
  }
  return wrong;
}

Deno.test("crashes at random moments: the promises of a dozen rounds", async () => {
  let rounds = ROUNDS;
  await replayed(async () => {
    const wrong = await play(rounds);
    // Only these are played again, if any.
    rounds = rounds.filter(([seed]) => wrong.has(seed));
    assertEquals(rounds.map(([seed]) => seed), [], [...wrong.values()].join("\n\n"));
  });
});
