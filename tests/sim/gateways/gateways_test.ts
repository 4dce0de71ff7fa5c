/** Thousands of stories of sync groups: the real group functions over the real core keep every promise. */
import { assertEquals, assertMatch } from "@std/assert";
import { Lans, REAL_CORE } from "./lans.ts";
import { MUTANTS } from "./mutants.ts";
import { makeStory } from "./story.ts";

const STORIES = 1_500;

/** How story number `seed` goes. */
function tell(seed: number, core = REAL_CORE): string {
  const trace: string[] = [];
  const story = makeStory(seed);
  const violation = new Lans(story, core, trace).run();
  const { actions: _, ...plain } = story;
  return `${violation?.message}\n${JSON.stringify(plain)}\n${trace.slice(-60).join("\n")}`;
}

Deno.test(`${STORIES} stories of gateways`, () => {
  for (let seed = 1; seed <= STORIES; seed++) {
    const violation = new Lans(makeStory(seed)).run();
    if (violation !== null) throw new Error(`story ${seed}: ${tell(seed)}`);
  }
});

for (const { mistake, core, breaks } of MUTANTS) {
  Deno.test(`the gateways find a core that ${mistake}`, () => {
    for (let seed = 1; seed <= STORIES; seed++) {
      const violation = new Lans(makeStory(seed), core).run();
      if (violation !== null) return assertMatch(violation.message, breaks);
    }
    throw new Error("no story breaks a promise");
  });
}

Deno.test("the stories have everything in them", () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 500; seed++) {
    const { actions, nodes, lans, cutLan, isMirrored } = makeStory(seed);
    for (const { type } of actions) seen.add(type);
    seen.add(`${nodes.length} hosts`).add(`${lans} LANs`);
    if (cutLan !== null) seen.add("a LAN stays cut");
    if (isMirrored) seen.add("addresses cross");
    const [a, b] = nodes;
    if (
      a!.priorities.some((priority, lan) => priority > b!.priorities[lan]!) &&
      a!.priorities.some((priority, lan) => priority < b!.priorities[lan]!)
    ) seen.add("priorities cross");
  }
  assertEquals(seen.size, 17 + 4 + 3, [...seen].join(", "));
});
