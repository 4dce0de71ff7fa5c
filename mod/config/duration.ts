/** Durations of vipd.toml: within bounds, and how they are written in messages. */
import * as z from "zod";
import { DURATION_PATTERN, formatDuration, parseDuration } from "../../checks/duration.ts";

// The command line reads durations too, and knows nothing of checks.
export { formatDuration, parseDuration };

/** A duration between two bounds, both written as in the configuration. */
export function duration(min: string, max: string): z.ZodType<number, string> {
  const [low, high] = [parseDuration(min), parseDuration(max)];
  const error = `expected a duration ${min}..${max} such as ${JSON.stringify(exampleOf(min, max))}`;
  return z.string({ error }).regex(DURATION_PATTERN, { error }).meta({ "x-range": `${min}..${max}` })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= low! && ms <= high!) return ms;
      context.addIssue({ code: "custom", message: `expected ${min}..${max}` });
      return z.NEVER;
    });
}

function exampleOf(min: string, max: string): string {
  const within = ["1s", "200ms", "5s", "1m"].find((text) =>
    parseDuration(text)! >= parseDuration(min)! && parseDuration(text)! <= parseDuration(max)!
  );
  return within ?? max;
}
