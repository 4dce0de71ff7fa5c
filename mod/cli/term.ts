/** How long an order lasts, as the command line has it: `--for DURATION`, `--persist`. */
import { parseDuration } from "../config/duration.ts";
import { UsageError } from "../errors.ts";

/** A week: longer than that is a configuration. */
const LONGEST_MS = 7 * 24 * 3_600_000;

export const TERM_OPTIONS = { boolean: ["persist"], string: ["for"] } as const;

/** In the body of a request; `for_ms` null: until it is ended. */
export interface Term {
  readonly for_ms: number | null;
  readonly persist: boolean;
}

export function termOf(options: Readonly<Record<string, string | true>>): Term {
  return { for_ms: millisecondsOf(options["for"]), persist: options["persist"] === true };
}

function millisecondsOf(text: string | true | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseDuration(String(text));
  if (ms === undefined || ms < 1 || ms > LONGEST_MS) {
    throw new UsageError(`--for expects a duration up to 168h such as 10m, got "${text}"`);
  }
  return Math.round(ms);
}
