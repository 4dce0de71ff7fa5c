/** Ethernet headers (IEEE 802.3) and the MAC addresses that VRRP and multicast derive from others. */
import { type Family, familyOf } from "./address.ts";

export const ETHERNET_HEADER_LENGTH = 14;
const ETHERTYPES: Readonly<Record<Family, number>> = { 4: 0x0800, 6: 0x86dd };

/**
 * The virtual router MAC address, 00-00-5E-00-01-{VRID} for IPv4 and 00-00-5E-00-02-{VRID} for IPv6 (RFC 9568
 * §7.3).
 */
export function virtualRouterMac(family: Family, vrid: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0x00, 0x00, 0x5e, 0x00, family === 4 ? 0x01 : 0x02, vrid);
}

/**
 * Where a multicast packet goes on Ethernet: the low 23 bits (RFC 1112 §6.4) or 32 bits (RFC 2464 §7) of its
 * group.
 */
export function multicastMac(group: Uint8Array): Uint8Array<ArrayBuffer> {
  return familyOf(group) === 4
    ? Uint8Array.of(0x01, 0x00, 0x5e, group[1]! & 0x7f, group[2]!, group[3]!)
    : Uint8Array.of(0x33, 0x33, ...group.subarray(12));
}

/** Writes the 14 bytes before an IP packet of this family at the start of `buffer` and returns `buffer`. */
export function encodeEthernetHeader<Buffer extends ArrayBufferLike = ArrayBuffer>(
  header: { readonly destination: Uint8Array; readonly source: Uint8Array; readonly family: Family },
  buffer: Uint8Array<Buffer>,
): Uint8Array<Buffer> {
  buffer.set(header.destination, 0);
  buffer.set(header.source, 6);
  buffer[12] = ETHERTYPES[header.family] >> 8;
  buffer[13] = ETHERTYPES[header.family] & 0xff;
  return buffer;
}
