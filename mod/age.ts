/** How long ago something was, as a person says it. PURE. */

const UNITS: readonly (readonly [name: string, seconds: number])[] = [["d", 86_400], ["h", 3600], ["m", 60], [
  "s",
  1,
]];

/**
 * From `since` to `at` (RFC 3339): `0.4s`, `12s`, `3m 20s`, `2h 5m`, `4d 1h`. A clock that went backwards
 * counts as 0.
 */
export function formatAge(since: string, at: string): string {
  const seconds = Math.max(0, (Date.parse(at) - Date.parse(since)) / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  const [name, size] = UNITS[first] ?? ["s", 1];
  const whole = `${Math.floor(seconds / size)}${name}`;
  const next = UNITS[first + 1];
  if (next === undefined) return whole;
  const rest = Math.floor((seconds % size) / next[1]);
  return rest === 0 ? whole : `${whole} ${rest}${next[0]}`;
}
