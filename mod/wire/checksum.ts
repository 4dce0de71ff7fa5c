/**
 * The Internet checksum (RFC 1071) as a running sum, so that scattered bytes are summed without being copied
 * together.
 */

const WORD_MAX = 0xffff;

/**
 * Adds `bytes[start, end)` to a running sum of 16-bit big-endian words.
 * A part of odd length counts as padded with a zero byte, so only the last part may be odd.
 */
export function addBytes(sum: number, bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  const even = end - ((end - start) & 1);
  for (let i = start; i < even; i += 2) sum += bytes[i]! << 8 | bytes[i + 1]!;
  return even < end ? sum + (bytes[even]! << 8) : sum;
}

/** Adds the pseudo header of IPv4 (RFC 793 §3.1) or IPv6 (RFC 8200 §8.1): both sum to the same words. */
export function addPseudoHeader(
  sum: number,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  length: number,
): number {
  return addBytes(addBytes(sum, source), destination) + protocol + length;
}

/**
 * The sum with its carries folded in: 0xffff for received bytes whose own checksum is among them and right.
 */
export function fold(sum: number): number {
  while (sum > WORD_MAX) sum = (sum & WORD_MAX) + Math.floor(sum / (WORD_MAX + 1));
  return sum;
}

/** The value for the checksum field, which must have been zero (or skipped) in the sum. */
export function finish(sum: number): number {
  return ~fold(sum) & WORD_MAX;
}

/** Checksum of the parts in a row; every part but the last must have an even length. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) sum = addBytes(sum, part);
  return finish(sum);
}
