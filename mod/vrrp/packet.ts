/**
 * The VRRP advertisement as bytes: version 2 (RFC 3768 §5.1, RFC 2338 for the password) and 3 (RFC 9568
 * §5.1).
 */
import {
  addressLength,
  compareAddresses,
  equalAddresses,
  type Family,
  formatAddress,
  isMulticast,
} from "../wire/address.ts";
import { addBytes, addPseudoHeader, finish, fold } from "../wire/checksum.ts";
import { AUTHENTICATION_LENGTH, passwordMatches } from "./auth.ts";
import { type Discard, discard } from "./discard.ts";
import { fromWireSeconds, intervalMs, isAdvertisementInterval, type Version, wireSeconds } from "./timers.ts";

export { type Discard, type Reason, REASONS } from "./discard.ts";

export const VRRP_PROTOCOL = 112;
export const VRRP_TTL = 255;
const MAX_ADDRESSES = 255;

/**
 * What the checksum covers. `rfc3768`: a v2 message over IPv4. `pseudo_header`: the message and a pseudo
 * header (always over IPv6; keepalived and FRR do so for v3 over IPv4 too). `rfc9568`: a v3 message over IPv4
 * alone.
 */
export type ChecksumKind = "rfc3768" | "pseudo_header" | "rfc9568";

/** What an advertisement says, whichever version carried it. */
export interface Advertisement {
  readonly version: Version;
  /** 1..255 */
  readonly vrid: number;
  /** 0 = the active router resigns, 255 = it owns the addresses. */
  readonly priority: number;
  /** Centiseconds in both versions; v2 carries whole seconds. */
  readonly maxAdvertiseInterval: number;
  /** 4 or 16 bytes each, in wire order. */
  readonly addresses: readonly Uint8Array[];
  readonly family: Family;
  readonly checksum: ChecksumKind;
}

/** An advertisement to send; `checksum` decides for v3 over IPv4, everything else leaves no choice. */
export interface OutgoingAdvertisement extends Advertisement {
  /**
   * 8 bytes for v2, ignored by v3; null or absent sends authentication type 0. Over IPv6 only the type is
   * sent.
   */
  readonly password?: Uint8Array | null;
}

/** What a virtual router expects of an advertisement, and what the IP header said; addresses as bytes. */
export interface ReceiveContext {
  readonly family: Family;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit: number;
  readonly expectedVersion: Version;
  /**
   * Require a hop limit of 255, which no router on the way can forge (RFC 5082). Looked at for multicast
   * only.
   */
  readonly ttlSecurity: boolean;
  readonly unicast: boolean;
  /** Only these sources are heard; absent = any. */
  readonly peers?: readonly Uint8Array[];
  readonly multicastGroup: Uint8Array;
  /** 8 bytes; null or absent expects no authentication. */
  readonly password?: Uint8Array | null;
  /** Ours, in centiseconds: a v2 advertisement with another one is refused (RFC 3768 §7.1). */
  readonly advertisementIntervalCs: number;
  /** We own the addresses and have to hear nobody (RFC 9568 §7.1). */
  readonly owner: boolean;
  /**
   * We advertise no address ourselves (a cloud's own floating address), so a peer need not either; default
   * false.
   */
  readonly addressless?: boolean;
}

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |Version| Type  | Virtual Rtr ID|   Priority    |Count IPvX Addr|
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  v2: Auth Type|   Adver Int   |           Checksum            |
 * |  v3: 0 | Max Advertise Interval|                              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  addresses; then, for v2 over IPv4, 8 bytes of authentication  |
 */
const HEADER_LENGTH = 8;
const TYPE_ADVERTISEMENT = 1;
const NO_AUTHENTICATION = 0;
const SIMPLE_TEXT_PASSWORD = 1;
const IP_AUTHENTICATION_HEADER = 2;
const CHECKSUM_AT = 6;
/**
 * The least that Ethernet carries; a short IPv4 packet may arrive filled up to it, and the filling counted in
 * its length.
 */
const ETHERNET_MIN_PAYLOAD = 46;
const IPV4_HEADER_LENGTH = 20;

/** Bytes of the encoded advertisement. */
export function encodedLength({ version, family, addresses }: Advertisement): number {
  return messageLength(version, family, addresses.length);
}

/** The VRRP message, which follows an IP header from `source` to `destination`. */
export function encode(
  advertisement: OutgoingAdvertisement,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(encodedLength(advertisement));
  encodeInto(buffer, advertisement, source, destination);
  return buffer;
}

/** As `encode`, into the start of `buffer` (whatever it holds); returns the bytes written. */
export function encodeInto(
  buffer: Uint8Array,
  advertisement: OutgoingAdvertisement,
  source: Uint8Array,
  destination: Uint8Array,
): number {
  assertEncodable(advertisement);
  const { version, vrid, priority, maxAdvertiseInterval, addresses } = advertisement;
  const length = encodedLength(advertisement);
  if (buffer.length < length) throw new RangeError(`Cannot encode ${length} bytes into ${buffer.length}`);
  const password = version === 2 ? advertisement.password ?? null : null;
  buffer[0] = version << 4 | TYPE_ADVERTISEMENT;
  buffer[1] = vrid;
  buffer[2] = priority;
  buffer[3] = addresses.length;
  if (version === 2) {
    buffer[4] = password === null ? NO_AUTHENTICATION : SIMPLE_TEXT_PASSWORD;
    buffer[5] = wireSeconds(maxAdvertiseInterval);
  } else {
    buffer[4] = maxAdvertiseInterval >> 8;
    buffer[5] = maxAdvertiseInterval & 0xff;
  }
  buffer[CHECKSUM_AT] = 0;
  buffer[CHECKSUM_AT + 1] = 0;
  let at = HEADER_LENGTH;
  for (const address of addresses) {
    buffer.set(address, at);
    at += address.length;
  }
  if (at < length) writeAuthentication(buffer, at, password);
  let sum = addBytes(0, buffer, 0, length);
  if (coversPseudoHeader(advertisement)) {
    sum = addPseudoHeader(sum, source, destination, VRRP_PROTOCOL, length);
  }
  const checksum = finish(sum);
  buffer[CHECKSUM_AT] = checksum >> 8;
  buffer[CHECKSUM_AT + 1] = checksum & 0xff;
  return length;
}

function writeAuthentication(buffer: Uint8Array, at: number, password: Uint8Array | null): void {
  if (password === null) buffer.fill(0, at, at + AUTHENTICATION_LENGTH);
  else buffer.set(password, at);
}

/** The VRID that a message is for, needed to find the virtual router whose context `decode` takes. */
export function peekVrid(payload: Uint8Array): number | Discard {
  if (payload.length < HEADER_LENGTH) return tooShort(payload.length, HEADER_LENGTH);
  const vrid = payload[1]!;
  return vrid === 0 ? discard("vrid_errors", "VRID 0") : vrid;
}

/**
 * What the message says, or why it must not count. Never throws, reads nothing beyond the payload, and
 * returns copies: the payload's buffer may be used again. A different address list is no reason to discard;
 * see `addressesMatch`.
 */
export function decode(payload: Uint8Array, context: ReceiveContext): Advertisement | Discard {
  return checkLength(payload, context) ?? checkHopLimit(context) ?? checkVersion(payload, context) ??
    (context.expectedVersion === 2 ? checkV2(payload, context) : checkV3(payload, context)) ??
    checkShape(payload, context) ?? verify(payload, context);
}

export function isDiscard(result: Advertisement | Discard | number): result is Discard {
  return typeof result === "object" && "discard" in result;
}

/** Whether both lists hold the same addresses; routers order them as they please. */
export function addressesMatch(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  if (a.length !== b.length) return false;
  if (a.every((address, i) => equalAddresses(address, b[i]!))) return true;
  const sorted = a.toSorted(compareAddresses);
  return b.toSorted(compareAddresses).every((address, i) => equalAddresses(address, sorted[i]!));
}

function hasAuthenticationData(version: number, family: Family): boolean {
  return version === 2 && family === 4;
}

function messageLength(version: number, family: Family, count: number): number {
  const authentication = hasAuthenticationData(version, family) ? AUTHENTICATION_LENGTH : 0;
  return HEADER_LENGTH + count * addressLength(family) + authentication;
}

function coversPseudoHeader({ version, family, checksum }: Advertisement): boolean {
  return family === 6 || (version === 3 && checksum === "pseudo_header");
}

/** What the configuration has let through must fit the fields: anything else is a bug. */
function assertEncodable(advertisement: OutgoingAdvertisement): void {
  const { version, vrid, priority, maxAdvertiseInterval, addresses, family, password } = advertisement;
  const fits = isByte(vrid) && vrid > 0 && isByte(priority) &&
    isAdvertisementInterval(version, maxAdvertiseInterval) &&
    addresses.length <= MAX_ADDRESSES &&
    addresses.every((address) => address.length === addressLength(family)) &&
    (password === undefined || password === null || password.length === AUTHENTICATION_LENGTH);
  if (fits) return;
  throw new RangeError(
    `Cannot encode an advertisement: version ${version}, VRID ${vrid}, priority ${priority}, ` +
      `${maxAdvertiseInterval} centiseconds, ${addresses.length} addresses of IPv${family}`,
  );
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}

/** The message's own version rules its length, so that a version mismatch is not taken for a short packet. */
function declaredLength(payload: Uint8Array, family: Family): number {
  return messageLength(payload[0]! >> 4, family, payload[3]!);
}

function tooShort(length: number, needed: number): Discard {
  return discard("packet_length_errors", `${length} bytes instead of ${needed}`);
}

function checkLength(payload: Uint8Array, { family }: ReceiveContext): Discard | null {
  const vrid = peekVrid(payload);
  if (typeof vrid !== "number") return vrid;
  const needed = declaredLength(payload, family);
  return payload.length < needed ? tooShort(payload.length, needed) : null;
}

function checkHopLimit({ hopLimit, ttlSecurity, unicast }: ReceiveContext): Discard | null {
  if (unicast || !ttlSecurity || hopLimit === VRRP_TTL) return null;
  return discard("ip_ttl_errors", `TTL ${hopLimit} instead of ${VRRP_TTL}`);
}

function checkVersion(payload: Uint8Array, { expectedVersion }: ReceiveContext): Discard | null {
  const version = payload[0]! >> 4;
  return version === expectedVersion
    ? null
    : discard("version_errors", `version ${version} instead of ${expectedVersion}`);
}

function checkV2(payload: Uint8Array, context: ReceiveContext): Discard | null {
  return checkAuthentication(payload, context) ?? checkInterval(payload, context);
}

/** An interval other than ours is fine here (RFC 9568 §7.1), but 0 would let every timer expire at once. */
function checkV3(payload: Uint8Array, { addressless }: ReceiveContext): Discard | null {
  if (readInterval(payload) === 0) return discard("interval_errors", "advertisement interval 0");
  if (payload[3] !== 0 || addressless === true) return null;
  return discard("address_list_errors", "no address");
}

/** keepalived tells the type over IPv6 too, where no authentication data follows. */
function checkAuthentication(payload: Uint8Array, context: ReceiveContext): Discard | null {
  const { family, password = null } = context;
  const type = payload[4]!;
  if (type > IP_AUTHENTICATION_HEADER) {
    return discard("invalid_authentication_type", `authentication type ${type}`);
  }
  const expected = password === null ? NO_AUTHENTICATION : SIMPLE_TEXT_PASSWORD;
  if (type !== expected) {
    return discard("authentication_type_mismatch", `authentication type ${type} instead of ${expected}`);
  }
  if (password === null || !hasAuthenticationData(2, family)) return null;
  const at = HEADER_LENGTH + payload[3]! * addressLength(family);
  return passwordMatches(password, payload, at)
    ? null
    : discard("authentication_failures", "the password differs");
}

function checkInterval(payload: Uint8Array, { advertisementIntervalCs }: ReceiveContext): Discard | null {
  const interval = readInterval(payload);
  if (interval === advertisementIntervalCs) return null;
  const [theirs, ours] = [intervalMs(interval), intervalMs(advertisementIntervalCs)];
  return discard("interval_errors", `advertisement interval ${theirs} ms instead of ${ours} ms`);
}

/** Centiseconds; the upper 4 bits of v3's field are reserved and ignored. */
function readInterval(payload: Uint8Array): number {
  return payload[0]! >> 4 === 2 ? fromWireSeconds(payload[5]!) : (payload[4]! & 0x0f) << 8 | payload[5]!;
}

function checkShape(payload: Uint8Array, { family }: ReceiveContext): Discard | null {
  const type = payload[0]! & 0x0f;
  if (type !== TYPE_ADVERTISEMENT) return discard("invalid_type_pkts_rcvd", `packet type ${type}`);
  const needed = declaredLength(payload, family);
  const padded = family === 4 && IPV4_HEADER_LENGTH + payload.length <= ETHERNET_MIN_PAYLOAD;
  if (payload.length === needed || padded) return null;
  return discard("packet_length_errors", `${payload.length} bytes instead of ${needed}`);
}

/** The last stages: whole and well-formed, is it meant for us? */
function verify(payload: Uint8Array, context: ReceiveContext): Advertisement | Discard {
  const checksum = verifiedChecksum(payload, context);
  if (checksum === null) {
    const field = (payload[CHECKSUM_AT]! << 8 | payload[CHECKSUM_AT + 1]!).toString(16).padStart(4, "0");
    return discard("checksum_errors", `checksum 0x${field}`);
  }
  return checkDestination(context) ?? checkSource(context) ?? read(payload, context.family, checksum);
}

/** Which checksum is right, null when none is; of two that both are, the one that nearly all routers send. */
function verifiedChecksum(
  payload: Uint8Array,
  { family, source, destination }: ReceiveContext,
): ChecksumKind | null {
  const length = declaredLength(payload, family);
  const sum = addBytes(0, payload, 0, length);
  const isV2Ipv4 = hasAuthenticationData(payload[0]! >> 4, family);
  if (!isV2Ipv4 && fold(addPseudoHeader(sum, source, destination, VRRP_PROTOCOL, length)) === 0xffff) {
    return "pseudo_header";
  }
  if (family === 6 || fold(sum) !== 0xffff) return null;
  return isV2Ipv4 ? "rfc3768" : "rfc9568";
}

function checkDestination({ unicast, destination, multicastGroup }: ReceiveContext): Discard | null {
  const isExpected = unicast ? !isMulticast(destination) : equalAddresses(destination, multicastGroup);
  if (isExpected) return null;
  const expected = unicast ? "a unicast address" : formatAddress(multicastGroup);
  return discard("unicast_mismatch", `sent to ${formatAddress(destination)} instead of ${expected}`);
}

function checkSource({ owner, peers, source }: ReceiveContext): Discard | null {
  if (owner) return discard("owner_conflict", `${formatAddress(source)} advertises our addresses`);
  if (peers === undefined || peers.some((peer) => equalAddresses(peer, source))) return null;
  return discard("unknown_source", `${formatAddress(source)} is no peer`);
}

function read(payload: Uint8Array, family: Family, checksum: ChecksumKind): Advertisement {
  const size = addressLength(family);
  // One copy for all: allocating buffers is what decoding costs.
  const block = payload.slice(HEADER_LENGTH, HEADER_LENGTH + payload[3]! * size);
  const addresses: Uint8Array[] = [];
  for (let at = 0; at < block.length; at += size) addresses.push(block.subarray(at, at + size));
  return {
    version: payload[0]! >> 4 === 2 ? 2 : 3,
    vrid: payload[1]!,
    priority: payload[2]!,
    maxAdvertiseInterval: readInterval(payload),
    addresses,
    family,
    checksum,
  };
}
