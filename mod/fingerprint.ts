/** Whether two configurations are the same, as text that can be compared. PURE. */

/** Equal for equal plain values; regular expressions, which JSON does not have, count by their source. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => inner instanceof RegExp ? String(inner) : inner);
}
