/** The struct codec: layout, both directions, and what it refuses. */

import { assertEquals, assertThrows } from "@std/assert";
import { be16, be32, i16, i32, i64, i8, octets, struct, text, u16, u32, u64, u8 } from "../../ffi/struct.ts";

const all = struct({
  a: u8,
  b: u16,
  c: i8,
  d: u32,
  e: be16,
  f: u64,
  g: i16,
  h: be32,
  i: i32,
  j: i64,
  k: octets(3),
  l: text(6),
});

const value = {
  a: 0xfe,
  b: 0x1234,
  c: -2,
  d: 0xdeadbeef,
  e: 0x1234,
  f: 0x0102030405060708n,
  g: -2,
  h: 0x01020304,
  i: -3,
  j: -4n,
  k: Uint8Array.of(7, 8, 9),
  l: "eth0",
};

Deno.test("struct: members lie at their natural alignment", () => {
  assertEquals(all.offsets, {
    a: 0,
    b: 2,
    c: 4,
    d: 8,
    e: 12,
    f: 16,
    g: 24,
    h: 28,
    i: 32,
    j: 40,
    k: 48,
    l: 51,
  });
  assertEquals(all.size, 64);
});

Deno.test("struct: what was encoded is decoded, each number in its own byte order", () => {
  const bytes = all.encode(value);
  assertEquals([...bytes.subarray(0, 16)], [
    0xfe,
    0,
    0x34,
    0x12,
    0xfe,
    0,
    0,
    0,
    0xef,
    0xbe,
    0xad,
    0xde,
    0x12,
    0x34,
    0,
    0,
  ]);
  assertEquals(all.decode(bytes), value);
});

Deno.test("struct: encoding into used memory clears omitted members and padding, and nothing beyond", () => {
  const used = new Uint8Array(all.size + 4).fill(0xa5);
  all.encode({ b: 1 }, used);
  assertEquals([...used], [0, 0, 1, ...new Array(all.size - 3).fill(0), 0xa5, 0xa5, 0xa5, 0xa5]);
});

Deno.test("struct: a subarray is encoded and decoded in its place", () => {
  const bytes = new Uint8Array(80).fill(0xa5);
  all.encode(value, bytes.subarray(8));
  assertEquals(all.decode(bytes.subarray(8)), value);
  assertEquals(bytes[7], 0xa5);
});

Deno.test("struct: structs nest, and packed has no padding", () => {
  const inner = struct({ x: u8, y: u32 });
  const outer = struct({ tag: u16, inner, tail: u8 });
  assertEquals([outer.size, outer.offsets], [16, { tag: 0, inner: 4, tail: 12 }]);
  assertEquals(outer.decode(outer.encode({ tag: 1, inner: { x: 2, y: 3 }, tail: 4 })), {
    tag: 1,
    inner: { x: 2, y: 3 },
    tail: 4,
  });
  const packed = struct({ x: u8, y: u32, z: u64 }, { packed: true });
  assertEquals([packed.size, packed.offsets], [13, { x: 0, y: 1, z: 5 }]);
});

Deno.test("struct: too few bytes and too long members are refused", () => {
  assertThrows(() => all.decode(new Uint8Array(63)), RangeError);
  assertThrows(() => all.encode({}, new Uint8Array(63)), RangeError);
  assertThrows(() => all.encode({ k: new Uint8Array(4) }), RangeError);
});

Deno.test("struct: decoded octets are a copy", () => {
  const bytes = all.encode(value);
  const { k } = all.decode(bytes);
  bytes.fill(0);
  assertEquals(k, Uint8Array.of(7, 8, 9));
});
