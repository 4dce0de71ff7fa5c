/**
 * An advertisement as it passes by on a link, whole frame: read leniently, for what does not count for a
 * router is what a doctor wants to see. PURE.
 */
import { ETHERTYPE_IPV6 } from "../wire/claims.ts";
import { decodeIpv4 } from "../wire/ip.ts";

const VRRP = 112;
const ETHERNET_BYTES = 14;
const IPV6_BYTES = 40;
const ETHERTYPE_IPV4 = 0x0800;

type Instruction = readonly [code: number, jt: number, jf: number, k: number];

/** ldb [k]; jeq 112; accept; drop. */
function protocolAt(at: number): Instruction[] {
  return [[0x30, 0, 0, at], [0x15, 0, 1, VRRP], [0x06, 0, 0, 0xffff], [0x06, 0, 0, 0]];
}

/** What a packet socket has to let through. */
export const VRRP_FILTERS = {
  4: { etherType: ETHERTYPE_IPV4, program: protocolAt(23) },
  6: { etherType: ETHERTYPE_IPV6, program: protocolAt(20) },
} as const;

export interface Overheard {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly mac: Uint8Array;
  readonly hopLimit: number;
  readonly version: number;
  readonly vrid: number;
  readonly priority: number;
  readonly intervalMs: number;
  readonly addresses: readonly Uint8Array[];
}

/** Null when it is none. */
export function readAdvertisement(frame: Uint8Array, family: 4 | 6): Overheard | null {
  const packet = family === 4 ? ipv4(frame) : ipv6(frame);
  if (packet === null || packet.payload.length < 8) return null;
  const { payload } = packet;
  const [first, vrid, priority, count, high, low] = payload as unknown as number[];
  const version = first! >> 4;
  if ((first! & 0x0f) !== 1) return null;
  const size = family === 4 ? 4 : 16;
  const addresses = Array.from({ length: count! }, (_, i) => payload.slice(8 + i * size, 8 + (i + 1) * size))
    .filter(({ length }) => length === size);
  const intervalMs = version === 2 ? low! * 1_000 : ((high! & 0x0f) << 8 | low!) * 10;
  const { source, destination, hopLimit } = packet;
  return {
    source,
    destination,
    hopLimit,
    mac: frame.slice(6, 12),
    version,
    vrid: vrid!,
    priority: priority!,
    intervalMs,
    addresses,
  };
}

interface Packet {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit: number;
  readonly payload: Uint8Array;
}

function ipv4(frame: Uint8Array): Packet | null {
  const packet = decodeIpv4(frame.subarray(ETHERNET_BYTES));
  return packet.ok && packet.protocol === VRRP ? { ...packet, hopLimit: packet.ttl } : null;
}

function ipv6(frame: Uint8Array): Packet | null {
  const packet = frame.subarray(ETHERNET_BYTES);
  if (packet.length < IPV6_BYTES || packet[6] !== VRRP) return null;
  const payload = packet.subarray(IPV6_BYTES, IPV6_BYTES + (packet[4]! << 8 | packet[5]!));
  return { source: packet.slice(8, 24), destination: packet.slice(24, 40), hopLimit: packet[7]!, payload };
}
