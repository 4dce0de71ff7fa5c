/** A failing story becomes short and stays the same failure; the same number tells the same story. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeStory } from "./generate.ts";
import { explain, find, tell } from "./hunt.ts";
import { MUTANTS } from "./mutants.ts";
import { samePromise, shrink } from "./shrink.ts";
import { World } from "./world.ts";

const { core } = MUTANTS.find(({ mistake }) => mistake.startsWith("breaks before"))!;

Deno.test("shrink() keeps the broken promise and drops what has nothing to do with it", () => {
  const { seed, violation } = find(core, 1000);
  const story = makeStory(seed);
  const short = shrink(story, violation, core);
  const again = new World(short, core).run();
  assertEquals(again === null ? false : samePromise(again, violation), true);
  assert(short.actions.length <= 2, `${short.actions.length} actions`);
  assertEquals(short.routers.length, 2);
});

Deno.test("explain() prints the seed, the cluster, the actions and the trace up to the broken promise", () => {
  const { seed, violation } = find(core, 1000);
  const text = explain(seed, violation, core);
  assertStringIncludes(text, `seed ${seed}: `);
  assertStringIncludes(text, "A: vipd, priority ");
  assertStringIncludes(text, "backup -> active (send ");
  assertStringIncludes(text.split("\n").at(-1)!, "BROKEN: it leaves on");
});

Deno.test("the same number tells the same story, event for event", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    assertEquals(makeStory(seed), makeStory(seed));
    assertEquals(tell(makeStory(seed)), tell(makeStory(seed)));
  }
});
