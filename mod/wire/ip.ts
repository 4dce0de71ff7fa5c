/**
 * The IPv4 header (RFC 791 §3.1), written for raw sockets with IP_HDRINCL and read from what raw sockets
 * receive, and the IPv6 header (RFC 8200 §3), written for whole frames.
 */
import { addBytes, finish } from "./checksum.ts";

export const IPV4_HEADER_LENGTH = 20;
export const IPV6_HEADER_LENGTH = 40;
/**
 * DSCP CS6, network control (RFC 4594 §3.1): what routing protocols send, so that a congested switch drops
 * other traffic first.
 */
export const TOS_NETWORK_CONTROL = 0xc0;

/** What a sender chooses; addresses are 4 bytes. */
export interface Ipv4Header {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly ttl: number;
  readonly protocol: number;
  /** Bytes after the header. */
  readonly payloadLength: number;
  readonly tos?: number;
  /** 0 (the default) lets the kernel choose. */
  readonly identification?: number;
}

/** Like {@link Ipv4Header}; addresses are 16 bytes. */
export interface Ipv6Header {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit: number;
  readonly nextHeader: number;
  /** Bytes after the header. */
  readonly payloadLength: number;
}

/** A received packet: `payload` is a view that ends where the header says, the addresses are copies. */
export type Ipv4Packet =
  | {
    readonly ok: true;
    readonly source: Uint8Array<ArrayBuffer>;
    readonly destination: Uint8Array<ArrayBuffer>;
    readonly ttl: number;
    readonly protocol: number;
    readonly payload: Uint8Array;
  }
  | { readonly ok: false; readonly detail: string };

/** Writes the 20 bytes of a header without options at the start of `buffer` and returns `buffer`. */
export function encodeIpv4Header<Buffer extends ArrayBufferLike = ArrayBuffer>(
  header: Ipv4Header,
  buffer: Uint8Array<Buffer>,
): Uint8Array<Buffer> {
  const { source, destination, ttl, protocol, payloadLength } = header;
  const { tos = TOS_NETWORK_CONTROL, identification = 0 } = header;
  const totalLength = IPV4_HEADER_LENGTH + payloadLength;
  buffer[0] = 0x45;
  buffer[1] = tos;
  writeWord(buffer, 2, totalLength);
  writeWord(buffer, 4, identification);
  writeWord(buffer, 6, 0);
  buffer[8] = ttl;
  buffer[9] = protocol;
  writeWord(buffer, 10, 0);
  buffer.set(source, 12);
  buffer.set(destination, 16);
  writeWord(buffer, 10, finish(addBytes(0, buffer, 0, IPV4_HEADER_LENGTH)));
  return buffer;
}

/**
 * Writes 40 bytes, of class network control and without a flow label, at the start of `buffer` and returns
 * `buffer`.
 */
export function encodeIpv6Header<Buffer extends ArrayBufferLike = ArrayBuffer>(
  { source, destination, hopLimit, nextHeader, payloadLength }: Ipv6Header,
  buffer: Uint8Array<Buffer>,
): Uint8Array<Buffer> {
  writeWord(buffer, 0, 0x6000 | TOS_NETWORK_CONTROL << 4);
  writeWord(buffer, 2, 0);
  writeWord(buffer, 4, payloadLength);
  buffer[6] = nextHeader;
  buffer[7] = hopLimit;
  buffer.set(source, 8);
  buffer.set(destination, 24);
  return buffer;
}

/**
 * Reads a packet that starts with its IPv4 header. The header checksum is not looked at: the kernel has
 * verified it.
 */
export function decodeIpv4(packet: Uint8Array): Ipv4Packet {
  const { length } = packet;
  if (length < IPV4_HEADER_LENGTH) {
    return { ok: false, detail: `${length} bytes are too few for an IPv4 header` };
  }
  const version = packet[0]! >> 4;
  if (version !== 4) return { ok: false, detail: `IP version ${version} instead of 4` };
  const headerLength = (packet[0]! & 0x0f) * 4;
  const totalLength = readWord(packet, 2);
  if (headerLength < IPV4_HEADER_LENGTH || headerLength > totalLength || totalLength > length) {
    return { ok: false, detail: `header of ${headerLength} in ${totalLength} bytes, ${length} received` };
  }
  // More Fragments, or an offset: what follows is not a whole message. Raw sockets get packets reassembled.
  if ((readWord(packet, 6) & 0x3fff) !== 0) return { ok: false, detail: "a fragment" };
  return {
    ok: true,
    source: packet.slice(12, 16),
    destination: packet.slice(16, 20),
    ttl: packet[8]!,
    protocol: packet[9]!,
    payload: packet.subarray(headerLength, totalLength),
  };
}

function writeWord(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >> 8;
  buffer[at + 1] = value & 0xff;
}

function readWord(buffer: Uint8Array, at: number): number {
  return buffer[at]! << 8 | buffer[at + 1]!;
}
