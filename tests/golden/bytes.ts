/** Golden vectors are written as hex, one chunk per field, so that a row reads like the RFC's figure. */
import { parseAddress } from "../../mod/wire/address.ts";

/** The chunks joined into bytes. */
export function hex(chunks: readonly string[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(chunks.join(""));
}

/** An address that a test knows to be one. */
export function address(text: string): Uint8Array<ArrayBuffer> {
  const bytes = parseAddress(text);
  if (bytes === null) throw new RangeError(`Cannot read the address "${text}"`);
  return bytes;
}
