/**
 * The IPv4 header: written as keepalived's raw socket puts it on the wire, read with every way it can lie.
 */
import { assert, assertEquals } from "@std/assert";
import { decodeIpv4, encodeIpv4Header, encodeIpv6Header, IPV4_HEADER_LENGTH } from "../../mod/wire/ip.ts";
import { address, hex } from "../golden/bytes.ts";

const SOURCE = address("192.0.2.1");
const DESTINATION = address("192.0.2.2");
/**
 * keepalived 2.2.7, unicast: version and length, TOS, total length, id, fragment, TTL, protocol, checksum,
 * addresses.
 */
const CAPTURED = hex(["45", "c0", "0028", "0001", "0000", "ff", "70", "36a1", "c0000201", "c0000202"]);
const PAYLOAD = hex(["2139640101017af8", "c000027f", "7365637265740000"]);
const PACKET = Uint8Array.of(...CAPTURED, ...PAYLOAD);

const HEADER = {
  source: SOURCE,
  destination: DESTINATION,
  ttl: 255,
  protocol: 112,
  payloadLength: 20,
};

Deno.test("encodeIpv4Header() writes what keepalived sends, over whatever the buffer holds", () => {
  const buffer = new Uint8Array(40).fill(0xa5);
  encodeIpv4Header({ ...HEADER, identification: 1 }, buffer);
  assertEquals(buffer.subarray(0, IPV4_HEADER_LENGTH), CAPTURED);
  assertEquals(buffer.subarray(IPV4_HEADER_LENGTH), new Uint8Array(20).fill(0xa5));
});

Deno.test("encodeIpv4Header() leaves the identification to the kernel and takes another TOS", () => {
  const buffer = encodeIpv4Header({ ...HEADER, tos: 0x10 }, new Uint8Array(20));
  assertEquals(buffer.subarray(0, 6), Uint8Array.of(0x45, 0x10, 0, 40, 0, 0));
});

Deno.test("decodeIpv4() reads the addresses, TTL, protocol and payload", () => {
  assertEquals(decodeIpv4(PACKET), {
    ok: true,
    source: SOURCE,
    destination: DESTINATION,
    ttl: 255,
    protocol: 112,
    payload: PAYLOAD,
  });
});

Deno.test("decodeIpv4() ends the payload where the header says", () => {
  const packet = decodeIpv4(Uint8Array.of(...PACKET, 1, 2, 3));
  assertEquals(packet.ok && packet.payload, PAYLOAD);
});

Deno.test("decodeIpv4() skips options", () => {
  const bytes = Uint8Array.of(...CAPTURED, 0x94, 4, 0, 0, ...PAYLOAD);
  bytes[0] = 0x46;
  bytes[3] = 44;
  const packet = decodeIpv4(bytes);
  assertEquals(packet.ok && packet.payload, PAYLOAD);
});

Deno.test("decodeIpv4() refuses every proper prefix", () => {
  for (let length = 0; length < PACKET.length; length++) assert(!decodeIpv4(PACKET.slice(0, length)).ok);
});

Deno.test("decodeIpv4() says what is wrong", () => {
  const patched = (patch: Readonly<Record<number, number>>): string | null => {
    const bytes = PACKET.slice();
    for (const [at, value] of Object.entries(patch)) bytes[Number(at)] = value;
    const packet = decodeIpv4(bytes);
    return packet.ok ? null : packet.detail;
  };
  assertEquals(patched({ 0: 0x65 }), "IP version 6 instead of 4");
  assertEquals(patched({ 0: 0x44 }), "header of 16 in 40 bytes, 40 received");
  assertEquals(patched({ 0: 0x4f }), "header of 60 in 40 bytes, 40 received");
  assertEquals(patched({ 3: 41 }), "header of 20 in 41 bytes, 40 received");
  assertEquals(patched({ 3: 19 }), "header of 20 in 19 bytes, 40 received");
  assertEquals(patched({ 6: 0x20 }), "a fragment");
  assertEquals(patched({ 7: 1 }), "a fragment");
  assertEquals(patched({ 6: 0x40 }), null, "don't fragment is fine");
});

Deno.test("encodeIpv6Header() writes class network control, lengths and addresses (RFC 8200 §3)", () => {
  const buffer = new Uint8Array(50).fill(0xa5);
  const [source, destination] = [address("fe80::1"), address("ff02::12")];
  encodeIpv6Header({ source, destination, hopLimit: 255, nextHeader: 112, payloadLength: 260 }, buffer);
  const expected = hex(["6c000000", "0104", "70", "ff"]);
  assertEquals(buffer.subarray(0, 40), Uint8Array.of(...expected, ...source, ...destination));
  assertEquals(buffer.subarray(40), new Uint8Array(10).fill(0xa5));
});
