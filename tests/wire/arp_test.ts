/** ARP frames against what keepalived and FRR send, and decoding of everything that is not one. */
import { assert, assertEquals } from "@std/assert";
import { ARP_REPLY, ARP_REQUEST, arpProbe, decodeArp, encodeArp, gratuitousArp } from "../../mod/wire/arp.ts";
import { parseMac } from "../../mod/wire/address.ts";
import { GRATUITOUS_ARPS } from "../golden/announcements.ts";
import { address, hex } from "../golden/bytes.ts";

const MAC = parseMac("02:00:00:00:00:01")!;
const BROADCAST = parseMac("ff:ff:ff:ff:ff:ff")!;
const IP = address("192.0.2.129");

for (const row of GRATUITOUS_ARPS) {
  Deno.test(`gratuitousArp() is the frame of ${row.name}`, () => {
    const mac = parseMac(row.mac)!;
    const ip = address(row.address);
    assertEquals(gratuitousArp(mac, ip), hex(row.bytes));
    assertEquals(decodeArp(hex(row.bytes)), {
      destination: BROADCAST,
      source: mac,
      operation: ARP_REQUEST,
      senderMac: mac,
      senderAddress: ip,
      targetMac: BROADCAST,
      targetAddress: ip,
    });
  });
}

Deno.test("arpProbe() asks without telling an address (RFC 5227 §2.1.1)", () => {
  assertEquals(decodeArp(arpProbe(MAC, IP)), {
    destination: BROADCAST,
    source: MAC,
    operation: ARP_REQUEST,
    senderMac: MAC,
    senderAddress: address("0.0.0.0"),
    targetMac: new Uint8Array(6),
    targetAddress: IP,
  });
});

Deno.test("decodeArp() reads a reply back, padded or not", () => {
  const reply = {
    destination: MAC,
    source: parseMac("02:00:00:00:00:02")!,
    operation: ARP_REPLY,
    senderMac: parseMac("02:00:00:00:00:02")!,
    senderAddress: IP,
    targetMac: MAC,
    targetAddress: address("192.0.2.1"),
  };
  const frame = encodeArp(reply);
  assertEquals(decodeArp(frame), reply);
  assertEquals(decodeArp(Uint8Array.of(...frame, ...new Uint8Array(18))), reply);
});

Deno.test("decodeArp() takes nothing else for ARP", () => {
  const frame = gratuitousArp(MAC, IP);
  for (let length = 0; length < frame.length; length++) assertEquals(decodeArp(frame.slice(0, length)), null);
  for (let at = 12; at < 20; at++) {
    const other = frame.slice();
    other[at]! ^= 0x80;
    assert(decodeArp(other) === null, `byte ${at}`);
  }
});
