/**
 * The simulator on demand: `deno run tests/sim/main.ts --hours 100000 --seed 1`, or one story told in full:
 * `--story 4711`. Exit code 1 when a promise is broken.
 */
import { parseArgs } from "@std/cli/parse-args";
import { makeStory } from "./generate.ts";
import { explain, hunt, tell } from "./hunt.ts";
import { describeStory } from "./story.ts";

/** Hours between two lines of progress. */
const PART_HOURS = 1000;

const { hours, seed, story } = parseArgs(Deno.args, { string: ["hours", "seed", "story"] });

function out(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function search(first: number, wanted: number): void {
  const begin = performance.now();
  let next = first;
  for (let done = 0; done < wanted;) {
    const result = hunt({ seed: next, hours: Math.min(PART_HOURS, wanted - done) });
    next += result.stories;
    done += result.hours;
    const seconds = (performance.now() - begin) / 1000;
    out(`${next - first} stories from seed ${first}, ${done.toFixed(0)} hours in ${seconds.toFixed(1)} s`);
    if (result.failure === null) continue;
    out(explain(result.failure.seed, result.failure.violation));
    Deno.exitCode = 1;
    return;
  }
}

if (story === undefined) search(Number(seed ?? Date.now() % 1_000_000_000), Number(hours ?? PART_HOURS));
else out(`${describeStory(makeStory(Number(story)))}\n\n${tell(makeStory(Number(story)))}`);
