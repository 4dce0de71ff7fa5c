/** Every promise of the simulator can be broken: each wrong core is found, by the promise that it breaks. */
import { assert, assertMatch } from "@std/assert";
import { hunt } from "./hunt.ts";
import { MUTANTS } from "./mutants.ts";

/** The first story of every hunt; any will do. */
const FIRST = 1;
const STORIES = 3000;

for (const { mistake, core, breaks } of MUTANTS) {
  Deno.test(`the simulator finds a core that ${mistake}`, () => {
    const { failure, stories } = hunt({ seed: FIRST, stories: STORIES, core });
    assert(failure !== null, `not found in ${stories} stories`);
    assertMatch(failure.violation.message, breaks);
  });
}
