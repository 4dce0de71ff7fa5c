/** IP and MAC addresses as bytes in network order: text in (RFC 4291 §2.2), canonical text out (RFC 5952). */

export type Family = 4 | 6;

/** An address and how many of its leading bits name the network. */
export interface Cidr {
  readonly address: Uint8Array<ArrayBuffer>;
  readonly prefix: number;
}

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const MAC_BYTES = 6;
const GROUPS = 8;

/**
 * 4 bytes for a dotted quad, 16 for IPv6, null for anything else: no zone, no prefix, no leading zeros in a
 * quad.
 */
export function parseAddress(text: string): Uint8Array<ArrayBuffer> | null {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/**
 * Dotted quad, or IPv6 as RFC 5952 wants it: lower case, no leading zeros, the first longest run of zeros as
 * `::`.
 */
export function formatAddress(address: Uint8Array): string {
  return familyOf(address) === 4 ? address.join(".") : formatIpv6(address);
}

/** The family that the length of an address tells; any other length is a bug of the caller. */
export function familyOf(address: Uint8Array): Family {
  if (address.length === IPV4_BYTES) return 4;
  if (address.length === IPV6_BYTES) return 6;
  throw new RangeError(`Cannot tell the family of an address: it has ${address.length} bytes`);
}

/** Bytes that one address of this family takes. */
export function addressLength(family: Family): number {
  return family === 4 ? IPV4_BYTES : IPV6_BYTES;
}

/**
 * Negative, zero or positive as `a` is below, equal to or above `b`, read as unsigned numbers in network
 * order.
 */
export function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

export function equalAddresses(a: Uint8Array, b: Uint8Array): boolean {
  return compareAddresses(a, b) === 0;
}

/**
 * `192.0.2.1/24`; without a prefix the address stands for itself alone (/32, /128). Null when it is neither.
 */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const bits = address.length * 8;
  if (slash < 0) return { address, prefix: bits };
  const prefix = parseDecimal(text.slice(slash + 1), bits);
  return prefix === null ? null : { address, prefix };
}

/** 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291 §2.5.6). */
export function isLinkLocal(address: Uint8Array): boolean {
  return familyOf(address) === 4
    ? address[0] === 169 && address[1] === 254
    : address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
}

/** 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291 §2.7). */
export function isMulticast(address: Uint8Array): boolean {
  return familyOf(address) === 4 ? (address[0]! & 0xf0) === 0xe0 : address[0] === 0xff;
}

/** 6 bytes for `00:00:5e:00:01:33` (either case), null for anything else. */
export function parseMac(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return null;
  return Uint8Array.from(text.split(":"), (octet) => parseInt(octet, 16));
}

/** `00:00:5e:00:01:33` for 6 bytes. */
export function formatMac(mac: Uint8Array): string {
  if (mac.length !== MAC_BYTES) {
    throw new RangeError(`Cannot format a MAC address: it has ${mac.length} bytes`);
  }
  return Array.from(mac, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}

/** A decimal number without sign, blank or leading zero, at most `max`; null otherwise. */
function parseDecimal(text: string, max: number): number | null {
  if (!/^(0|[1-9][0-9]{0,2})$/.test(text)) return null;
  const value = Number(text);
  return value <= max ? value : null;
}

function parseIpv4(text: string): Uint8Array<ArrayBuffer> | null {
  const parts = text.split(".");
  if (parts.length !== IPV4_BYTES) return null;
  const address = new Uint8Array(IPV4_BYTES);
  for (const [i, part] of parts.entries()) {
    const octet = parseDecimal(part, 255);
    if (octet === null) return null;
    address[i] = octet;
  }
  return address;
}

/**
 * At most one `::`, which stands for one or more groups of zeros (a longer run than none, as inet_pton reads
 * it).
 */
function parseIpv6(text: string): Uint8Array<ArrayBuffer> | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const compressed = halves.length === 2;
  const head = parseGroups(halves[0]!, !compressed);
  const tail = compressed ? parseGroups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = GROUPS - head.length - tail.length;
  if (compressed ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const address = new Uint8Array(IPV6_BYTES);
  for (const [i, group] of groups.entries()) {
    address[2 * i] = group >> 8;
    address[2 * i + 1] = group & 0xff;
  }
  return address;
}

/**
 * The 16-bit groups between colons; only the end of an address may be a dotted quad (RFC 4291 §2.2 form 3).
 */
function parseGroups(text: string, isEnd: boolean): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16));
      continue;
    }
    const quad = isEnd && i === parts.length - 1 ? parseIpv4(part) : null;
    if (quad === null) return null;
    groups.push(quad[0]! << 8 | quad[1]!, quad[2]! << 8 | quad[3]!);
  }
  return groups;
}

function formatIpv6(address: Uint8Array): string {
  const groups = Array.from({ length: GROUPS }, (_, i) => address[2 * i]! << 8 | address[2 * i + 1]!);
  // RFC 5952 §5: an IPv4-mapped address is the one that its well-known prefix shows to hold a dotted quad.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${address.subarray(12).join(".")}`;
  }
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

/** The first of the longest runs (RFC 5952 §4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: i - length + 1, length };
  }
  return best;
}
