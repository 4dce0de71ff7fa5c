/** The v2 password: its 8 bytes, its limits, and a comparison that looks at all of them. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { isPassword, passwordBytes, passwordMatches } from "../../mod/vrrp/auth.ts";

Deno.test("passwordBytes() pads with zeros and never cuts", () => {
  assertEquals(passwordBytes("1111"), Uint8Array.of(0x31, 0x31, 0x31, 0x31, 0, 0, 0, 0));
  assertEquals(passwordBytes("s3cr-t!8"), Uint8Array.of(0x73, 0x33, 0x63, 0x72, 0x2d, 0x74, 0x21, 0x38));
  assertEquals(passwordBytes("äöüß").length, 8);
  assertThrows(() => passwordBytes("123456789"), RangeError, "Cannot use a password of 9 bytes");
  assertThrows(() => passwordBytes("äöüß!"), RangeError, "9 bytes");
});

Deno.test("isPassword() counts bytes, not characters", () => {
  assert(isPassword("1"));
  assert(isPassword("12345678"));
  assert(isPassword("äöüß"));
  assert(!isPassword("äöüß!"));
  assert(!isPassword("123456789"));
  assert(!isPassword(""));
});

Deno.test("passwordMatches() compares every one of the 8 bytes", () => {
  const password = passwordBytes("12345678");
  const packet = Uint8Array.of(9, 9, ...password, 9);
  assert(passwordMatches(password, packet, 2));
  for (let i = 0; i < 8; i++) {
    const other = packet.slice();
    other[2 + i]! ^= 1;
    assert(!passwordMatches(password, other, 2), `byte ${i}`);
  }
});

Deno.test("passwordMatches() finds no match beyond the end", () => {
  assert(!passwordMatches(passwordBytes(""), new Uint8Array(7)));
  assert(passwordMatches(passwordBytes(""), new Uint8Array(8)));
});
