/**
 * Runs story after story and reports the first one that breaks a promise, in its shortest form and readable.
 */
import { makeStory } from "./generate.ts";
import { shrink } from "./shrink.ts";
import { describeStory, type Story } from "./story.ts";
import { type Core, REAL_CORE, type Violation, World } from "./world.ts";

/** The end of a trace is what matters. */
const TRACE_LINES = 60;

export interface Failure {
  readonly seed: number;
  readonly violation: Violation;
}

export interface Hunt {
  readonly stories: number;
  readonly hours: number;
  readonly events: number;
  readonly failure: Failure | null;
}

/** Stories `seed`, `seed + 1`, ... until `hours` of virtual time or `stories` have passed, or one fails. */
export function hunt(
  { seed, hours = Infinity, stories = Infinity, core = REAL_CORE }: {
    readonly seed: number;
    readonly hours?: number;
    readonly stories?: number;
    readonly core?: Core;
  },
): Hunt {
  let passedMs = 0;
  let events = 0;
  let count = 0;
  for (let number = seed; passedMs < hours * 3_600_000 && count < stories; number++) {
    const story = makeStory(number);
    const world = new World(story, core);
    const violation = world.run();
    count++;
    passedMs += story.lengthMs;
    events += world.events;
    if (violation !== null) {
      return { stories: count, hours: passedMs / 3_600_000, events, failure: { seed: number, violation } };
    }
  }
  return { stories: count, hours: passedMs / 3_600_000, events, failure: null };
}

/** As `hunt`, for what has to fail. */
export function find(core: Core, stories: number): Failure {
  const { failure } = hunt({ seed: 1, stories, core });
  if (failure === null) throw new Error(`no story of ${stories} breaks a promise`);
  return failure;
}

/** What an engineer wants to read: the shortest story with this end, and how it goes. */
export function explain(seed: number, violation: Violation, core: Core = REAL_CORE): string {
  const short = shrink(makeStory(seed), violation, core);
  return `seed ${seed}: ${violation.message}\n\n${describeStory(short)}\n\n${tell(short, core)}`;
}

export function tell(story: Story, core: Core = REAL_CORE): string {
  const trace: string[] = [];
  new World(story, core, trace).run();
  return trace.slice(-TRACE_LINES).join("\n");
}
