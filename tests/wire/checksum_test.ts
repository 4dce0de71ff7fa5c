/** The Internet checksum against RFC 1071's own example and a plain reading of its definition. */
import { assertEquals } from "@std/assert";
import { addBytes, addPseudoHeader, finish, fold, internetChecksum } from "../../mod/wire/checksum.ts";
import { address } from "../golden/bytes.ts";

Deno.test("internetChecksum() of RFC 1071 §3", () => {
  const bytes = Uint8Array.fromHex("0001f203f4f5f6f7");
  assertEquals(fold(addBytes(0, bytes)), 0xddf2);
  assertEquals(internetChecksum(bytes), 0x220d);
});

Deno.test("internetChecksum() does not care how the bytes are cut", () => {
  const bytes = Uint8Array.from({ length: 101 }, (_, i) => i * 37 & 0xff);
  const whole = internetChecksum(bytes);
  for (let cut = 0; cut <= 100; cut += 2) {
    assertEquals(internetChecksum(bytes.subarray(0, cut), bytes.subarray(cut)), whole, `cut at ${cut}`);
    assertEquals(finish(addBytes(addBytes(0, bytes, 0, cut), bytes, cut)), whole);
  }
});

Deno.test("internetChecksum() pads an odd end with zero", () => {
  assertEquals(internetChecksum(Uint8Array.of(1, 2, 3)), internetChecksum(Uint8Array.of(1, 2, 3, 0)));
  assertEquals(internetChecksum(), 0xffff);
});

Deno.test("fold() carries until 16 bits are left, however long the sum", () => {
  assertEquals(fold(0), 0);
  assertEquals(fold(0xffff), 0xffff);
  assertEquals(fold(0x10000), 1);
  assertEquals(fold(0x1fffe), 0xffff);
  // 65,535 bytes of 0xff sum to more than 31 bits.
  assertEquals(fold(addBytes(0, new Uint8Array(0xfffe).fill(0xff))), 0xffff);
  assertEquals(fold(2 ** 32 + 5), 6);
});

Deno.test("a message with its own checksum in place sums to 0xffff", () => {
  const message = Uint8Array.fromHex("4500002800010000ff7036a1c0000201c0000202".replace("36a1", "0000"));
  const checksum = internetChecksum(message);
  message.set([checksum >> 8, checksum & 0xff], 10);
  assertEquals(fold(addBytes(0, message)), 0xffff);
});

Deno.test("addPseudoHeader() is the sum of the pseudo header written out", () => {
  const v4 = Uint8Array.fromHex("c0000201e000001200700010");
  assertEquals(addPseudoHeader(0, address("192.0.2.1"), address("224.0.0.18"), 112, 16), addBytes(0, v4));
  const v6 = Uint8Array.fromHex(
    "fe80000000000000000000fffe000001" + "ff020000000000000000000000000012" + "00000028" + "00000070",
  );
  assertEquals(addPseudoHeader(0, address("fe80::ff:fe00:1"), address("ff02::12"), 112, 40), addBytes(0, v6));
});
