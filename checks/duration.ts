/**
 * Durations as the configuration writes them: a number and a unit in a string, milliseconds once
 * parsed.
 */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What every duration looks like; the JSON Schema carries it, so that an editor underlines `"5 seconds"`. */
export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** Milliseconds of `200ms`, `1.5s`, `5m`, `1h` or `14d`; undefined when the text is none of these. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = DURATION_PATTERN.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNIT_MS[unit];
  // Rounded to the microsecond: 40.95 * 1000 is 40950.00000000001 in binary.
  return factor === undefined ? undefined : Math.round(Number(digits) * factor * 1_000) / 1_000;
}

/** The shortest exact way to write milliseconds: `200ms`, `1.5s`, `5m`, `2h`. */
export function formatDuration(ms: number): string {
  if (ms !== 0 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms !== 0 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms !== 0 && ms < 1_000 ? `${ms}ms` : `${ms / 1_000}s`;
}
