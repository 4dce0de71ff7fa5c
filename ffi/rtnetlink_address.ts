/** Addresses over rtnetlink: list, add, renew, remove, with lifetimes (rtnetlink(7), linux/if_addr.h). */

import type { Netlink } from "./netlink_conversation.ts";
import type { NetlinkError } from "./netlink_error.ts";
import {
  Attributes,
  bytesOf,
  encodePayload,
  type NetlinkMessage,
  type NetlinkRequest,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  optional,
} from "./netlink_message.ts";
import { AF_INET, AF_INET6 } from "./sockaddr.ts";
import { struct, u32, u8 } from "./struct.ts";

/** struct ifaddrmsg */
export const ifaddrmsg = struct({
  ifa_family: u8,
  ifa_prefixlen: u8,
  ifa_flags: u8,
  ifa_scope: u8,
  ifa_index: u32,
});
/** struct ifa_cacheinfo: lifetimes in seconds, timestamps in hundredths of a second since boot. */
export const ifa_cacheinfo = struct({ ifa_prefered: u32, ifa_valid: u32, cstamp: u32, tstamp: u32 });

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;
export const IFA_F_SECONDARY = 0x01;
export const IFA_F_NODAD = 0x02;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_NOPREFIXROUTE = 0x200;

/** Lifetime of an address that stays for ever. */
const INFINITY_LIFE_TIME = 0xffffffff;

/** One address of an interface, as the kernel has it. */
export interface Address {
  readonly ifindex: number;
  readonly family: 4 | 6;
  /** 4 or 16 octets. */
  readonly address: Uint8Array;
  readonly prefix: number;
  /** 0 universe, 253 link, 254 host. */
  readonly scope: number;
  /** IFA_F_* bits. */
  readonly flags: number;
  /** IPv4 only: `eth0` or `eth0:vip`. */
  readonly label?: string;
  readonly broadcast?: Uint8Array;
  /** Other end of a point-to-point address. */
  readonly peer?: Uint8Array;
  /** Who added it (IFA_PROTO, Linux 5.18); 18 is the number that vipd uses. */
  readonly proto?: number;
  /** Seconds that it stays, from now; Infinity for ever. */
  readonly validLft: number;
  /** Seconds that it may be chosen as a source address; Infinity for ever. */
  readonly preferredLft: number;
  /** IPv6: being checked for duplicates, does not work yet. */
  readonly tentative: boolean;
  /** IPv6: somebody else has it, does not work. */
  readonly dadFailed: boolean;
}

/** An address to add or remove; what is left out gets the kernel's default. */
export interface NewAddress {
  readonly ifindex: number;
  /** 4 or 16 octets. */
  readonly address: Uint8Array;
  readonly prefix: number;
  /** IPv4 only. At most 15 octets; must start with the interface's name for `ifconfig` to show it. */
  readonly label?: string;
  readonly scope?: number;
  readonly broadcast?: Uint8Array;
  /**
   * IPv6: usable at once, without looking for duplicates. Neighbours that ask for it are answered a little
   * later (the kernel joins the solicited-node group from a work queue, and sends the notification after
   * that).
   */
  readonly noDad?: boolean;
  /** No route to the prefix appears with it. */
  readonly noPrefixRoute?: boolean;
  /** Whole seconds until the kernel removes it; left out or Infinity: never. */
  readonly validLft?: number;
  /** Whole seconds, at most `validLft` (which is the default); 0: never chosen as a source address. */
  readonly preferredLft?: number;
  /** IFA_PROTO. Kernels before 5.18 ignore it, and report none. */
  readonly proto?: number;
}

/** One step of {@link changeAddresses}. `replace` adds, or renews lifetimes and flags of what is there. */
export interface AddressChange extends NewAddress {
  readonly action: "add" | "replace" | "remove";
}

/** All addresses, or those of one family, of the namespace that `nl` was opened in. */
export function listAddresses(nl: Netlink, family?: 4 | 6): Address[] {
  const header = ifaddrmsg.encode({ ifa_family: family === undefined ? 0 : addressFamily(family) });
  const [reply] = nl.request([{
    type: RTM_GETADDR,
    flags: NLM_F_DUMP,
    payload: encodePayload(header, []),
    description: "list addresses",
  }]);
  return (reply?.messages ?? []).map(parseAddress).filter((address) => address !== null);
}

/** Adds an address. EEXIST when it is there, unless `replace`: then its lifetimes begin anew. */
export function addAddress(nl: Netlink, address: NewAddress, { replace = false } = {}): void {
  nl.request([addressRequest({ ...address, action: replace ? "replace" : "add" })]);
}

/** Removes an address. EADDRNOTAVAIL when it is not there. */
export function removeAddress(nl: Netlink, address: NewAddress): void {
  nl.request([addressRequest({ ...address, action: "remove" })]);
}

/** Many changes, in order, in one exchange: what became of each. A refused one does not hinder the others. */
export function changeAddresses(nl: Netlink, changes: readonly AddressChange[]): (NetlinkError | null)[] {
  return nl.requestAll(changes.map(addressRequest));
}

/** The request for one change. */
export function addressRequest(change: AddressChange): NetlinkRequest {
  const { action, ifindex, address, prefix } = change;
  const family = address.length === 4 ? 4 : 6;
  const header = ifaddrmsg.encode({
    ifa_family: addressFamily(family),
    ifa_prefixlen: prefix,
    ifa_scope: change.scope ?? 0,
    ifa_index: ifindex,
  });
  const label = family === 4 ? change.label : undefined;
  const description = `${action} ${formatAddress(address)}/${prefix} on interface ${ifindex}`;
  const which = [[IFA_LOCAL, address], [IFA_ADDRESS, address], [IFA_LABEL, label]] as const;
  if (action === "remove") {
    return { type: RTM_DELADDR, flags: 0, payload: encodePayload(header, which), description };
  }
  const payload = encodePayload(header, [
    ...which,
    [IFA_BROADCAST, change.broadcast],
    [IFA_FLAGS, bytesOf(u32, requestFlags(change, family))],
    [IFA_CACHEINFO, lifetimes(change)],
    [IFA_PROTO, optional(u8, change.proto)],
  ]);
  const flags = NLM_F_CREATE | (action === "replace" ? NLM_F_REPLACE : NLM_F_EXCL);
  return { type: RTM_NEWADDR, flags, payload, description };
}

/**
 * An RTM_NEWADDR or RTM_DELADDR as an address; null for other families, and when it is not as long as those
 * of its own.
 */
export function parseAddress({ payload }: NetlinkMessage): Address | null {
  if (payload.length < ifaddrmsg.size) return null;
  const header = ifaddrmsg.decode(payload);
  const family = header.ifa_family === AF_INET ? 4 : header.ifa_family === AF_INET6 ? 6 : null;
  const attributes = new Attributes(payload, ifaddrmsg.size);
  const far = attributes.octets(IFA_ADDRESS);
  const address = attributes.octets(IFA_LOCAL) ?? far;
  if (family === null || address?.length !== addressLength(family)) return null;
  const flags = attributes.u32(IFA_FLAGS) ?? header.ifa_flags;
  const lifetime = attributes.field(IFA_CACHEINFO, ifa_cacheinfo);
  const label = attributes.text(IFA_LABEL);
  const broadcast = attributes.octets(IFA_BROADCAST);
  const proto = attributes.u8(IFA_PROTO);
  return {
    ifindex: header.ifa_index,
    family,
    address,
    prefix: header.ifa_prefixlen,
    scope: header.ifa_scope,
    flags,
    ...(label === undefined ? {} : { label }),
    ...(broadcast === undefined ? {} : { broadcast }),
    ...(far === undefined || sameOctets(far, address) ? {} : { peer: far }),
    ...(proto === undefined ? {} : { proto }),
    validLft: seconds(lifetime?.ifa_valid),
    preferredLft: seconds(lifetime?.ifa_prefered),
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
    dadFailed: (flags & IFA_F_DADFAILED) !== 0,
  };
}

/**
 * Dotted or colon-hex text, uncompressed: for the words of an error, where the octets matter more than RFC
 * 5952.
 */
export function formatAddress(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  const groups = Array.from(
    { length: address.length / 2 },
    (_, i) => (address[2 * i] ?? 0) << 8 | (address[2 * i + 1] ?? 0),
  );
  return groups.map((group) => group.toString(16)).join(":");
}

function requestFlags({ noDad, noPrefixRoute }: NewAddress, family: 4 | 6): number {
  return (noDad === true && family === 6 ? IFA_F_NODAD : 0) |
    (noPrefixRoute === true ? IFA_F_NOPREFIXROUTE : 0);
}

function lifetimes({ validLft = Infinity, preferredLft = validLft }: NewAddress): Uint8Array | undefined {
  if (validLft === Infinity && preferredLft === Infinity) return undefined;
  return ifa_cacheinfo.encode({ ifa_valid: wireSeconds(validLft), ifa_prefered: wireSeconds(preferredLft) });
}

function wireSeconds(seconds: number): number {
  return seconds === Infinity ? INFINITY_LIFE_TIME : Math.ceil(seconds);
}

function seconds(wire: number | undefined): number {
  return wire === undefined || wire === INFINITY_LIFE_TIME ? Infinity : wire;
}

function addressLength(family: 4 | 6): number {
  return family === 4 ? 4 : 16;
}

function addressFamily(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}
