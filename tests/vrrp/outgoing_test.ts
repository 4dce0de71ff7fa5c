/** On the wire: packets and messages for raw sockets, whole frames from a virtual router MAC address. */
import { assertEquals } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import type { Prepared } from "../../ffi/sender_batch.ts";
import { sockaddrLl } from "../../ffi/sockaddr.ts";
import { outgoingOf } from "../../mod/vrrp/outgoing.ts";
import { bytes, instanceOf } from "./fixture.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const IPV6 = { addresses: ["fe80::100", "2001:db8::100"], virtual_mac: true };

Deno.test("outgoingOf(): an IPv4 packet to the group, an IPv6 message without its header", () => {
  const [ipv4, ...others] = outgoingOf(instanceOf(), 100, bytes("192.0.2.1"), 2);
  assertEquals([ipv4!.packet[0], ipv4!.packet[9], [...ipv4!.address.subarray(4, 8)], others], [
    0x45,
    112,
    [224, 0, 0, 18],
    [],
  ]);
  const [ipv6] = outgoingOf(instanceOf({ ...IPV6, virtual_mac: false }), 100, bytes("fe80::1"), 2);
  assertEquals([...ipv6!.packet.subarray(0, 3)], [0x31, 51, 100]);
});

Deno.test("outgoingOf(): one for each unicast peer", () => {
  const instance = instanceOf({ unicast_peers: ["198.51.100.2", "198.51.100.3"], virtual_mac: true });
  const sent = outgoingOf(instance, 100, bytes("192.0.2.1"), 2);
  assertEquals(sent.map(({ address }) => address[7]), [2, 3]);
  assertEquals(sent.map(({ packet }) => packet[0]), [0x45, 0x45]);
});

Deno.test("outgoingOf(): frames from the virtual router MAC address hold just what the socket would send", () => {
  const source = bytes("192.0.2.1");
  const plain = outgoingOf(instanceOf(), 100, source, 2)[0]!.packet;
  const [frame] = outgoingOf(instanceOf({ virtual_mac: true }), 100, source, 2);
  assertEquals(frame!.address, sockaddrLl(2, 0x0800, Uint8Array.of(1, 0, 0x5e, 0, 0, 0x12)));
  assertEquals([...frame!.packet.subarray(0, 14)], [1, 0, 0x5e, 0, 0, 0x12, 0, 0, 0x5e, 0, 1, 51, 8, 0]);
  assertEquals(frame!.packet.subarray(14), plain);
});

Deno.test("outgoingOf(): IPv6 frames carry the header that the kernel would write", () => {
  const source = bytes("fe80::1");
  const message = outgoingOf(instanceOf({ ...IPV6, virtual_mac: false }), 100, source, 2)[0]!.packet;
  const [frame] = outgoingOf(instanceOf(IPV6), 100, source, 2);
  const { packet } = frame!;
  assertEquals([...packet.subarray(0, 14)], [0x33, 0x33, 0, 0, 0, 0x12, 0, 0, 0x5e, 0, 2, 51, 0x86, 0xdd]);
  assertEquals([...packet.subarray(14, 22)], [0x6c, 0, 0, 0, 0, message.length, 112, 255]);
  assertEquals(packet.subarray(22, 38), source);
  assertEquals(packet.subarray(38, 54), bytes("ff02::12"));
  assertEquals(packet.subarray(54), message);
});

Deno.test('outgoingOf(): advertise_from = "base" sends as if there were no virtual MAC', () => {
  const source = bytes("192.0.2.1");
  const plain = outgoingOf(instanceOf(), 100, source, 2);
  const based = outgoingOf(instanceOf({ virtual_mac: { advertise_from: "base" } }), 100, source, 2);
  const told = (sent: readonly Prepared[]): unknown => sent.map(({ packet, address }) => [packet, address]);
  assertEquals(told(based), told(plain));
});
