/** The simulator on demand: `deno run tests/sim/main.ts --hours 100000 --seed 1`, or one story told in full: `--story 4711`. */
import { parseArgs } from "@std/cli/parse-args";
import { explain, hunt, tell } from "./hunt.ts";
import { makeStory } from "./generate.ts";
import { describeStory } from "./story.ts";

const { hours, seed, story } = parseArgs(Deno.args, { string: ["hours", "seed", "story"] });
const out = (text: string): number => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

if (story !== undefined) {
  out(`${describeStory(makeStory(Number(story)))}\n\n${tell(makeStory(Number(story)))}`);
} else {
  const first = Number(seed ?? Date.now() % 1_000_000_000);
  const begin = performance.now();
  const result = hunt({ seed: first, hours: Number(hours ?? 1000) });
  const seconds = (performance.now() - begin) / 1000;
  out(
    `${result.stories} stories from seed ${first}, ${
      result.hours.toFixed(0)
    } hours, ${result.events} events ` +
      `in ${seconds.toFixed(1)} s`,
  );
  if (result.failure !== null) {
    out(explain(result.failure.seed, result.failure.violation));
    Deno.exitCode = 1;
  }
}
