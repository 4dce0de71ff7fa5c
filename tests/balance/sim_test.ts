/** Lives of virtual servers by chance: the core keeps every promise, and every wrong core breaks one. */
import { assertMatch, assertThrows } from "@std/assert";
import { Random } from "../sim/random.ts";
import { MUTANTS } from "./sim/mutants.ts";
import { type Core, live, REAL_CORE } from "./sim/world.ts";

const LIVES = 1000;

function liveAll(core: Core): void {
  for (let seed = 1; seed <= LIVES; seed++) {
    try {
      live(core, new Random(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
}

Deno.test("a virtual server keeps its promises, whatever happens", () => liveAll(REAL_CORE));

for (const { mistake, breaks, core } of MUTANTS) {
  Deno.test(`a core is found that ${mistake}`, () => {
    assertMatch(assertThrows(() => liveAll(core), Error).message, breaks);
  });
}
