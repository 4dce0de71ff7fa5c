/**
 * A dozen rounds of the crash test, each kind of fault in turn, with seeds that draw short ones; a thousand
 * are played by `deno task crash`.
 */
import { assert, assertEquals } from "@std/assert";
import type { Happening } from "../crash/facts.ts";
import { type FaultKind, makePlan } from "../crash/plan.ts";
import { tellStory } from "../crash/report.ts";
import { playAll } from "../crash/run.ts";

const LABS = 4;

/** What is drawn with this seed and this fault, and the sign that it has struck. */
const ROUNDS: readonly (readonly [seed: number, kind: FaultKind, sign: Happening])[] = [
  [191, "stall vrrp", "held"], // 10 ms, for 7.8 s: given up, and started anew by the supervisor
  [12, "kill", "ended"], // 100 ms, keepalived takes over, the lease ends
  [95, "freeze", "stopped"], // 100 ms, IPv6, in a handover, for 4.2 s
  [472, "stall main", "main held"], // 100 ms, three nodes, for 3.2 s: nothing moves
  [23, "kill", "ended"], // 100 ms, IPv6, three nodes, while it takes over
  [43, "host dies", "cut"], // 100 ms, three nodes
  [118, "freeze, kill", "stopped"], // while it starts
  [238, "stall vrrp", "held"], // 10 ms, for 0.4 s
  [964, "stuck call", "held"], // 100 ms, in the renewal of its addresses, for 1.2 s
  [503, "out of memory", "ended"], // 10 ms, while it stops
  [534, "memory refused", "ended"], // 100 ms
  [552, "kill", "ended"], // 100 ms, without preemption, while it stops
];

Deno.test("crashes at random moments: the promises of a dozen rounds", async () => {
  const plans = ROUNDS.map(([seed, kind]) => makePlan(seed, { kind }));
  const { outcomes, failures } = await playAll(plans, LABS, { played: () => {}, failed: () => {} });
  assertEquals(failures, []);
  const broken = outcomes.filter(({ findings }) => findings.length > 0);
  assert(broken.length === 0, `\n${broken.map(tellStory).join("\n\n")}`);
  for (const [seed, kind, sign] of ROUNDS) {
    const { facts } = outcomes.find(({ plan }) => plan.seed === seed)!;
    const struck = facts.marks.some(({ what, atMs }) => what === sign && atMs < facts.window.toMs);
    assert(struck, `seed ${seed}: ${kind} has not struck`);
  }
});
