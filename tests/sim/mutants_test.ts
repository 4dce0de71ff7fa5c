/** Every promise of the simulator can be broken: each wrong core is found, by the promise that it breaks. */
import { assertMatch } from "@std/assert";
import { find } from "./hunt.ts";
import { MUTANTS } from "./mutants.ts";

for (const { mistake, core, breaks } of MUTANTS) {
  Deno.test(`the simulator finds a core that ${mistake}`, () => {
    assertMatch(find(core, 3000).violation.message, breaks);
  });
}
