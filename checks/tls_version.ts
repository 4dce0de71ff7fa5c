/** The TLS version that a server chose, read from its ServerHello (RFC 8446 §4.1.3, §4.2.1). PURE. */

const handshakeRecord = 22;
const serverHello = 2;
const supportedVersions = 43;
/** A ServerHello is far shorter. */
export const helloLimit = 1024;

/**
 * "1.2", "1.3" and so on, of the first octets that a server sends; undefined when they are no whole
 * ServerHello.
 */
export function chosenVersion(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    if (view.getUint8(0) !== handshakeRecord || view.getUint8(5) !== serverHello) return undefined;
    // Record header 5, handshake header 4, version 2, random 32; then a session id, a cipher, a compression.
    const legacy = view.getUint16(9);
    const extensionsAt = 43 + 1 + view.getUint8(43) + 2 + 1;
    const helloEnd = 9 + (view.getUint8(6) << 16 | view.getUint16(7));
    if (helloEnd > bytes.length) return undefined;
    if (extensionsAt >= helloEnd) return nameOf(legacy);
    const end = Math.min(helloEnd, extensionsAt + 2 + view.getUint16(extensionsAt));
    for (let at = extensionsAt + 2; at + 4 <= end; at += 4 + view.getUint16(at + 2)) {
      if (view.getUint16(at) === supportedVersions) return nameOf(view.getUint16(at + 4));
    }
    return nameOf(legacy);
  } catch (error) {
    // Shorter than it says.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** 0x0303 is 1.2, 0x0304 is 1.3. */
function nameOf(version: number): string {
  return `1.${(version & 0xff) - 1}`;
}
