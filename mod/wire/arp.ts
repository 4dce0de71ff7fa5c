/**
 * ARP over Ethernet for IPv4 (RFC 826): the announcements and probes that tell a network who holds an address
 * (RFC 5227).
 */

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** The fields of one ARP packet and of the Ethernet header before it; MACs are 6 bytes, addresses 4. */
export interface Arp {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly senderAddress: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetAddress: Uint8Array;
}

const BROADCAST = new Uint8Array(6).fill(0xff);
const UNKNOWN_MAC = new Uint8Array(6);
const UNSPECIFIED = new Uint8Array(4);
const FRAME_LENGTH = 42;
/** Ethertype ARP, then hardware type Ethernet, protocol type IPv4, their address lengths. */
const FIXED = [0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4];

/**
 * Frame that moves `ip` to `mac` in every neighbour's cache: an ARP request about itself.
 * A request rather than a reply, and the broadcast as target hardware address, because caches that ignore one
 * form take the other; RFC 5227 §3 recommends the request.
 */
export function gratuitousArp(mac: Uint8Array, ip: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeArp({
    destination: BROADCAST,
    source: mac,
    operation: ARP_REQUEST,
    senderMac: mac,
    senderAddress: ip,
    targetMac: BROADCAST,
    targetAddress: ip,
  });
}

/**
 * Frame that asks whether anybody holds `ip` without touching a cache: the sender address is unspecified (RFC
 * 5227 §2.1.1).
 */
export function arpProbe(mac: Uint8Array, ip: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeArp({
    destination: BROADCAST,
    source: mac,
    operation: ARP_REQUEST,
    senderMac: mac,
    senderAddress: UNSPECIFIED,
    targetMac: UNKNOWN_MAC,
    targetAddress: ip,
  });
}

/** A whole Ethernet frame of 42 bytes, without the padding that the network card adds. */
export function encodeArp(arp: Arp): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_LENGTH);
  frame.set(arp.destination, 0);
  frame.set(arp.source, 6);
  frame.set(FIXED, 12);
  frame[21] = arp.operation;
  frame.set(arp.senderMac, 22);
  frame.set(arp.senderAddress, 28);
  frame.set(arp.targetMac, 32);
  frame.set(arp.targetAddress, 38);
  return frame;
}

/** Views into an Ethernet frame that carries ARP for IPv4; null for any other frame. */
export function decodeArp(frame: Uint8Array): Arp | null {
  if (frame.length < FRAME_LENGTH || FIXED.some((byte, i) => frame[12 + i] !== byte)) return null;
  return {
    destination: frame.subarray(0, 6),
    source: frame.subarray(6, 12),
    operation: frame[20]! << 8 | frame[21]!,
    senderMac: frame.subarray(22, 28),
    senderAddress: frame.subarray(28, 32),
    targetMac: frame.subarray(32, 38),
    targetAddress: frame.subarray(38, 42),
  };
}
