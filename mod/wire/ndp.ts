/**
 * IPv6 neighbour discovery (RFC 4861): the unsolicited advertisements that tell a network who holds an
 * address (§4.4, §7.2.6), and the solicitation that asks whether anybody does (RFC 4862 §5.4.2).
 */
import { addBytes, addPseudoHeader, finish, fold } from "./checksum.ts";

/**
 * A neighbour advertisement with the Ethernet and IPv6 header fields around it; MACs are 6 bytes, addresses
 * 16.
 */
export interface NeighborAdvertisement {
  readonly destinationMac: Uint8Array;
  readonly sourceMac: Uint8Array;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit: number;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  readonly target: Uint8Array;
  /** From the target link-layer address option; null when there is none. */
  readonly targetMac: Uint8Array | null;
  readonly checksumOk: boolean;
}

const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
const ALL_NODES = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ICMPV6 = 58;
const NEIGHBOR_SOLICITATION = 135;
const NEIGHBOR_ADVERTISEMENT = 136;
const TARGET_LINK_LAYER_ADDRESS = 2;
const ROUTER_FLAG = 0x80;
const SOLICITED_FLAG = 0x40;
const OVERRIDE_FLAG = 0x20;
const IP_AT = 14;
const ICMP_AT = IP_AT + 40;
const OPTION_AT = ICMP_AT + 24;
const FRAME_LENGTH = OPTION_AT + 8;
const UNSPECIFIED = new Uint8Array(16);
/** ff02::1:ff00:0/104, RFC 4291 §2.7.1; the last three octets are the address's. */
const SOLICITED_NODE = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0);

/**
 * Ethernet frame to all nodes that moves `ip` to `mac` in every neighbour's cache (override flag set).
 * `router` must say whether the interface forwards: neighbours drop a default route through a router that
 * denies it.
 */
export function unsolicitedNeighborAdvertisement(
  mac: Uint8Array,
  ip: Uint8Array,
  { router }: { readonly router: boolean },
): Uint8Array<ArrayBuffer> {
  const frame = message(FRAME_LENGTH, { destinationMac: ALL_NODES_MAC, mac, source: ip, to: ALL_NODES });
  frame[ICMP_AT] = NEIGHBOR_ADVERTISEMENT;
  frame[ICMP_AT + 4] = OVERRIDE_FLAG | (router ? ROUTER_FLAG : 0);
  frame.set(ip, ICMP_AT + 8);
  frame.set([TARGET_LINK_LAYER_ADDRESS, 1], OPTION_AT);
  frame.set(mac, OPTION_AT + 2);
  return summed(frame);
}

/**
 * Frame that asks whether anybody holds `ip` without touching a cache: the source is unspecified, so whoever
 * has it answers to all nodes (RFC 4862 §5.4.2, §5.4.3).
 */
export function neighborProbe(mac: Uint8Array, ip: Uint8Array): Uint8Array<ArrayBuffer> {
  const to = SOLICITED_NODE.slice();
  to.set(ip.subarray(13), 13);
  const destinationMac = Uint8Array.of(0x33, 0x33, ...to.subarray(12));
  const frame = message(OPTION_AT, { destinationMac, mac, source: UNSPECIFIED, to });
  frame[ICMP_AT] = NEIGHBOR_SOLICITATION;
  frame.set(ip, ICMP_AT + 8);
  return summed(frame);
}

interface Headers {
  readonly destinationMac: Uint8Array;
  readonly mac: Uint8Array;
  readonly source: Uint8Array;
  readonly to: Uint8Array;
}

/** The Ethernet and IPv6 headers of a frame of so many bytes. */
function message(length: number, { destinationMac, mac, source, to }: Headers): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(length);
  frame.set(destinationMac, 0);
  frame.set(mac, 6);
  frame.set([0x86, 0xdd, 0x60], 12);
  frame.set([0, length - ICMP_AT, ICMPV6, 255], IP_AT + 4);
  frame.set(source, IP_AT + 8);
  frame.set(to, IP_AT + 24);
  return frame;
}

/** The same frame, with its checksum (RFC 4443 §2.3). */
function summed(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [source, to] = [frame.subarray(IP_AT + 8, IP_AT + 24), frame.subarray(IP_AT + 24, ICMP_AT)];
  const length = frame.length - ICMP_AT;
  const checksum = finish(addPseudoHeader(addBytes(0, frame, ICMP_AT), source, to, ICMPV6, length));
  frame[ICMP_AT + 2] = checksum >> 8;
  frame[ICMP_AT + 3] = checksum & 0xff;
  return frame;
}

/**
 * Views into an Ethernet frame that carries a neighbour advertisement right after the IPv6 header; null for
 * any other.
 */
export function decodeNeighborAdvertisement(frame: Uint8Array): NeighborAdvertisement | null {
  if (frame.length < OPTION_AT || frame[12] !== 0x86 || frame[13] !== 0xdd) return null;
  if (frame[IP_AT]! >> 4 !== 6 || frame[IP_AT + 6] !== ICMPV6 || frame[ICMP_AT] !== NEIGHBOR_ADVERTISEMENT) {
    return null;
  }
  const icmpLength = frame[IP_AT + 4]! << 8 | frame[IP_AT + 5]!;
  const end = ICMP_AT + icmpLength;
  if (end < OPTION_AT || end > frame.length) return null;
  const source = frame.subarray(IP_AT + 8, IP_AT + 24);
  const destination = frame.subarray(IP_AT + 24, ICMP_AT);
  const flags = frame[ICMP_AT + 4]!;
  const sum = addPseudoHeader(addBytes(0, frame, ICMP_AT, end), source, destination, ICMPV6, icmpLength);
  return {
    destinationMac: frame.subarray(0, 6),
    sourceMac: frame.subarray(6, 12),
    source,
    destination,
    hopLimit: frame[IP_AT + 7]!,
    router: (flags & ROUTER_FLAG) !== 0,
    solicited: (flags & SOLICITED_FLAG) !== 0,
    override: (flags & OVERRIDE_FLAG) !== 0,
    target: frame.subarray(ICMP_AT + 8, OPTION_AT),
    targetMac: targetMac(frame.subarray(OPTION_AT, end)),
    checksumOk: fold(sum) === 0xffff,
  };
}

function targetMac(options: Uint8Array): Uint8Array | null {
  const isLinkLayer = options.length >= 8 && options[0] === TARGET_LINK_LAYER_ADDRESS && options[1] === 1;
  return isLinkLayer ? options.subarray(2, 8) : null;
}
