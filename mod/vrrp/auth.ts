/**
 * The simple text password of VRRPv2 (RFC 2338 §5.3.10): 8 bytes in the clear, good against misconfiguration
 * only.
 */

/**
 * Bytes of authentication data that end every VRRPv2 advertisement over IPv4, used or not (RFC 3768 §5.3.10).
 */
export const AUTHENTICATION_LENGTH = 8;

/** Whether the text fits: 1 to 8 bytes as UTF-8. */
export function isPassword(text: string): boolean {
  const { length } = new TextEncoder().encode(text);
  return length >= 1 && length <= AUTHENTICATION_LENGTH;
}

/**
 * The 8 bytes on the wire: UTF-8 padded with zeros. A longer password throws, because a silent cut hides a
 * mismatch.
 */
export function passwordBytes(text: string): Uint8Array<ArrayBuffer> {
  const encoded = new TextEncoder().encode(text);
  if (encoded.length > AUTHENTICATION_LENGTH) {
    throw new RangeError(
      `Cannot use a password of ${encoded.length} bytes: VRRPv2 carries at most ${AUTHENTICATION_LENGTH}`,
    );
  }
  const bytes = new Uint8Array(AUTHENTICATION_LENGTH);
  bytes.set(encoded);
  return bytes;
}

/**
 * Whether the 8 bytes of `data` from `at` on are the password. Looks at all of them whatever the first ones
 * are, so that the time taken tells a guesser nothing.
 */
export function passwordMatches(password: Uint8Array, data: Uint8Array, at = 0): boolean {
  let difference = 0;
  for (let i = 0; i < AUTHENTICATION_LENGTH; i++) difference |= password[i]! ^ (data[at + i] ?? -1);
  return difference === 0;
}
