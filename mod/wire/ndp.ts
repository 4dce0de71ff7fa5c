/**
 * IPv6 neighbour advertisements (RFC 4861 §4.4): the unsolicited ones that tell a network who holds an
 * address (§7.2.6).
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
const NEIGHBOR_ADVERTISEMENT = 136;
const TARGET_LINK_LAYER_ADDRESS = 2;
const ROUTER_FLAG = 0x80;
const SOLICITED_FLAG = 0x40;
const OVERRIDE_FLAG = 0x20;
const IP_AT = 14;
const ICMP_AT = IP_AT + 40;
const OPTION_AT = ICMP_AT + 24;
const FRAME_LENGTH = OPTION_AT + 8;

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
  const frame = new Uint8Array(FRAME_LENGTH);
  const icmpLength = FRAME_LENGTH - ICMP_AT;
  frame.set(ALL_NODES_MAC, 0);
  frame.set(mac, 6);
  frame.set([0x86, 0xdd, 0x60], 12);
  frame.set([0, icmpLength, ICMPV6, 255], IP_AT + 4);
  frame.set(ip, IP_AT + 8);
  frame.set(ALL_NODES, IP_AT + 24);
  frame[ICMP_AT] = NEIGHBOR_ADVERTISEMENT;
  frame[ICMP_AT + 4] = OVERRIDE_FLAG | (router ? ROUTER_FLAG : 0);
  frame.set(ip, ICMP_AT + 8);
  frame.set([TARGET_LINK_LAYER_ADDRESS, 1], OPTION_AT);
  frame.set(mac, OPTION_AT + 2);
  const sum = addPseudoHeader(addBytes(0, frame, ICMP_AT), ip, ALL_NODES, ICMPV6, icmpLength);
  const checksum = finish(sum);
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
