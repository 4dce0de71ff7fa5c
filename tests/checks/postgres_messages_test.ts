/** Messages of a PostgreSQL server: whole ones pass unchanged however they are cut, malformed ones do not. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Stream } from "../../checks/connection.ts";
import { checkMessages, wellFormed } from "../../checks/postgres_messages.ts";

function message(type: string, ...body: (number | string)[]): Uint8Array {
  const octets = body.flatMap((part) =>
    typeof part === "number" ? [part] : [...new TextEncoder().encode(part)]
  );
  return Uint8Array.of(type.charCodeAt(0), 0, 0, 0, octets.length + 4, ...octets);
}

const good: [name: string, bytes: Uint8Array][] = [
  ["AuthenticationOk", message("R", 0, 0, 0, 0)],
  ["AuthenticationSASL", message("R", 0, 0, 0, 10, "SCRAM-SHA-256\0\0")],
  ["AuthenticationSASLContinue", message("R", 0, 0, 0, 11, "r=x")],
  ["BackendKeyData", message("K", 0, 0, 0, 1, 0, 0, 0, 2)],
  ["ParameterStatus", message("S", "a\0b\0")],
  ["RowDescription", message("T", 0, 1, "x\0", ...Array<number>(18).fill(0))],
  ["DataRow", message("D", 0, 2, 255, 255, 255, 255, 0, 0, 0, 1, "f")],
  ["ErrorResponse", message("E", "SFATAL\0C28P01\0\0")],
  ["CommandComplete, ReadyForQuery", Uint8Array.of(...message("C", "SELECT 1\0"), ...message("Z", "I"))],
];

const bad: [name: string, bytes: Uint8Array][] = [
  ["an empty ErrorResponse", message("E")],
  ["an ErrorResponse without an end", message("E", "SFATAL\0")],
  ["a text without an end", message("S", "a\0b")],
  ["something left over", message("C", "SELECT 1\0x")],
  ["more columns than there are", message("D", 0, 2, 255, 255, 255, 255)],
  ["a column longer than the row", message("D", 0, 1, 0, 0, 0, 9, "f")],
  ["a negative length", message("D", 0, 1, 255, 255, 255, 254)],
  ["mechanisms without an end", message("R", 0, 0, 0, 10, "SCRAM-SHA-256")],
  ["a copy, which nobody asked for", message("G", 0, 0, 0)],
  ["a property of all objects", message("constructor".charAt(0), 0)],
  ["a length that cannot be", Uint8Array.of(0x5a, 0, 0, 0, 3)],
  ["an endless length", Uint8Array.of(0x44, 0xff, 0xff, 0xff, 0xff)],
];

for (const [name, bytes] of good) {
  Deno.test(`postgres messages: ${name}, whole and octet by octet`, async () => {
    assertEquals(checkMessages(bytes), bytes.length);
    for (const size of [1, 3, 1000]) assertEquals(await readAll(cut(bytes, size)), bytes);
  });
}

for (const [name, bytes] of bad) {
  Deno.test(`postgres messages: ${name} is refused`, async () => {
    assertThrows(() => checkMessages(bytes), Error, "does not speak PostgreSQL");
    await assertRejects(() => readAll(cut(bytes, 1)), Error, "does not speak PostgreSQL");
  });
}

/** A stream of these octets, so many at a time. */
function cut(bytes: Uint8Array, size: number): Stream {
  let at = 0;
  return {
    read(buffer): Promise<number | null> {
      const count = Math.min(size, buffer.length, bytes.length - at);
      buffer.set(bytes.subarray(at, at + count));
      at += count;
      return Promise.resolve(count === 0 ? null : count);
    },
    write: (written) => Promise.resolve(written.length),
    close: () => {},
  };
}

async function readAll(stream: Stream): Promise<Uint8Array> {
  const checked = wellFormed(stream);
  const buffer = new Uint8Array(7);
  const all: number[] = [];
  for (let count = await checked.read(buffer); count !== null; count = await checked.read(buffer)) {
    all.push(...buffer.subarray(0, count));
  }
  return Uint8Array.from(all);
}
