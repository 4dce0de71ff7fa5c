/**
 * Who says that an address is theirs: what tells so in ARP and in neighbour discovery, how to ask for it, and
 * the classic BPF program that lets nothing else through.
 */
import type { Family } from "./address.ts";
import { arpProbe, decodeArp } from "./arp.ts";
import { decodeNeighborAdvertisement, neighborProbe } from "./ndp.ts";

/** Views into the frame that it was read from. */
export interface Claim {
  readonly address: Uint8Array;
  readonly mac: Uint8Array;
}

/** One instruction of classic BPF: code, jump if true, jump if false, operand (linux/filter.h). */
type Instruction = readonly [code: number, jt: number, jf: number, k: number];

const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;
/** Such a frame whole, with an IPv6 header and options that fill it. */
export const CLAIM_BYTES = 256;

const LD_WORD = 0x20;
const LD_BYTE = 0x30;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;
const DROP: Instruction = [RETURN, 0, 0, 0];
const ACCEPT: Instruction = [RETURN, 0, 0, CLAIM_BYTES];
/** Where a frame names the address; of IPv6 the last four octets, the rest is looked at when it is read. */
const SENDER_ADDRESS_AT = 28;
const TARGET_TAIL_AT = 74;
const NEXT_HEADER_AT = 20;
const ICMP_TYPE_AT = 54;
const ICMPV6 = 58;
const NEIGHBOR_ADVERTISEMENT = 136;

/** What claims of this family come in. */
export function etherTypeOf(family: Family): number {
  return family === 4 ? ETHERTYPE_ARP : ETHERTYPE_IPV6;
}

/** Asks without saying anything: the frame leaves no trace in any cache. */
export function probeFrame(mac: Uint8Array, address: Uint8Array): Uint8Array<ArrayBuffer> {
  return address.length === 4 ? arpProbe(mac, address) : neighborProbe(mac, address);
}

/**
 * For a packet socket of the EtherType of `family`: only frames that claim one of these addresses; none at
 * all when there are none. Each frame costs the kernel a comparison an address, and wakes nobody.
 */
export function claimFilter(family: 4 | 6, addresses: readonly Uint8Array[]): Instruction[] {
  const compared = addresses.flatMap((address): Instruction[] => {
    const tail = address.subarray(address.length - 4);
    return [[JUMP_EQUAL, 0, 1, new DataView(tail.buffer, tail.byteOffset).getUint32(0)], ACCEPT];
  });
  if (compared.length === 0) return [DROP];
  if (family === 4) return [[LD_WORD, 0, 0, SENDER_ADDRESS_AT], ...compared, DROP];
  return [
    [LD_BYTE, 0, 0, NEXT_HEADER_AT],
    [JUMP_EQUAL, 1, 0, ICMPV6],
    DROP,
    [LD_BYTE, 0, 0, ICMP_TYPE_AT],
    [JUMP_EQUAL, 1, 0, NEIGHBOR_ADVERTISEMENT],
    DROP,
    [LD_WORD, 0, 0, TARGET_TAIL_AT],
    ...compared,
    DROP,
  ];
}

/**
 * What a frame claims; null when it claims nothing. A proxy's answer does not override (RFC 4861 §7.2.8), an
 * anycast address's neither: both are nobody's own.
 */
export function claimOf(frame: Uint8Array): Claim | null {
  const arp = decodeArp(frame);
  if (arp !== null) {
    const isClaim = !arp.senderAddress.every((byte) => byte === 0);
    return isClaim ? { address: arp.senderAddress, mac: arp.senderMac } : null;
  }
  const advertisement = decodeNeighborAdvertisement(frame);
  if (advertisement === null || !advertisement.override || !advertisement.checksumOk) return null;
  if (advertisement.hopLimit !== 255) return null;
  return { address: advertisement.target, mac: advertisement.targetMac ?? advertisement.sourceMac };
}
