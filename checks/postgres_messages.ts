/**
 * A PostgreSQL server's messages, whole and well formed, before a library reads them that trusts its server:
 * a truncated error message would keep it in a loop for ever (PostgreSQL's protocol, message formats).
 */
import { fail } from "./check.ts";
import type { Stream } from "./connection.ts";

const headerSize = 5;
/** Of one message: no answer of a check is as long. */
const lengthMax = 1 << 20;

/** What a body must look like, by the letter that begins the message. */
const bodies: Readonly<Record<string, (body: Body) => void>> = {
  R: (body) => body.authentication(),
  // BackendKeyData: process and key.
  K: (body) => body.skip(8),
  S: (body) => body.texts(2),
  Z: (body) => body.skip(1),
  T: (body) => body.rowDescription(),
  D: (body) => body.dataRow(),
  C: (body) => body.texts(1),
  I: () => {},
  E: (body) => body.fields(),
  N: (body) => body.fields(),
  1: () => {},
  2: () => {},
  3: () => {},
  n: () => {},
};

/** The same stream, of which only whole messages are read; rejects with `CheckFailed` at one that is none. */
export function wellFormed(stream: Stream): Stream {
  let waiting = new Uint8Array();
  let checked = 0;
  return {
    write: (bytes) => stream.write(bytes),
    close: () => stream.close(),
    async read(buffer): Promise<number | null> {
      while (checked === 0) {
        const count = await stream.read(buffer);
        if (count === null) return null;
        const joined = new Uint8Array(waiting.length + count);
        joined.set(waiting);
        joined.set(buffer.subarray(0, count), waiting.length);
        waiting = joined;
        checked = checkMessages(waiting);
      }
      const count = Math.min(checked, buffer.length);
      buffer.set(waiting.subarray(0, count));
      waiting = waiting.slice(count);
      checked -= count;
      return count;
    },
  };
}

/** How many octets are whole messages; `CheckFailed` when one is malformed. */
export function checkMessages(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (bytes.length - at >= headerSize) {
    const type = String.fromCharCode(bytes[at] ?? 0);
    const length = view.getUint32(at + 1);
    const check = Object.hasOwn(bodies, type) ? bodies[type] : undefined;
    if (check === undefined || length < 4 || length > lengthMax) return malformed();
    const end = at + 1 + length;
    if (end > bytes.length) break;
    const body = new Body(bytes.subarray(at + headerSize, end));
    check(body);
    body.end();
    at = end;
  }
  return at;
}

function malformed(): never {
  return fail("the server does not speak PostgreSQL's protocol");
}

/** Reads a message's body, of which nothing may be missing and nothing be left. */
class Body {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) malformed();
  }

  skip(count: number): void {
    if (count < 0 || this.#at + count > this.#bytes.length) malformed();
    this.#at += count;
  }

  texts(count: number): void {
    for (let i = 0; i < count; i++) {
      const end = this.#bytes.indexOf(0, this.#at);
      if (end < 0) malformed();
      this.#at = end + 1;
    }
  }

  /** Texts, each after the letter of its kind; then an octet of zero. */
  fields(): void {
    while (this.#octet() !== 0) this.texts(1);
  }

  authentication(): void {
    const kind = this.#int32();
    // AuthenticationMD5Password, AuthenticationSASL, and its continuation and end.
    if (kind === 5) this.skip(4);
    else if (kind === 10) this.#mechanisms();
    else if (kind === 11 || kind === 12) this.#at = this.#bytes.length;
    else if (kind !== 0 && kind !== 3) {
      fail(`the server wants a kind of authentication (${kind}) that is not supported`);
    }
  }

  rowDescription(): void {
    for (let columns = this.#int16(); columns > 0; columns--) {
      this.texts(1);
      this.skip(18);
    }
  }

  dataRow(): void {
    for (let columns = this.#int16(); columns > 0; columns--) {
      const length = this.#int32();
      if (length !== -1) this.skip(length);
    }
  }

  #mechanisms(): void {
    while (this.#bytes[this.#at] !== 0) this.texts(1);
    this.skip(1);
  }

  #octet(): number {
    this.skip(1);
    return this.#bytes[this.#at - 1] ?? 0;
  }

  #int16(): number {
    this.skip(2);
    return this.#view.getInt16(this.#at - 2);
  }

  #int32(): number {
    this.skip(4);
    return this.#view.getInt32(this.#at - 4);
  }
}
