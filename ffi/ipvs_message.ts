/** The commands of the kernel's IPVS and what their messages have in common (linux/ip_vs.h). */

import { type Family, type GenlOptions, genlRequest } from "./genetlink.ts";
import type { Netlink } from "./netlink_conversation.ts";
import type { Attribute, Attributes, NetlinkRequest } from "./netlink_message.ts";
import { AF_INET, AF_INET6 } from "./sockaddr.ts";

export const IPVS_GENL_NAME = "IPVS";
export const IPVS_GENL_VERSION = 1;

export const IPVS_CMD_NEW_SERVICE = 1;
export const IPVS_CMD_SET_SERVICE = 2;
export const IPVS_CMD_DEL_SERVICE = 3;
export const IPVS_CMD_GET_SERVICE = 4;
export const IPVS_CMD_NEW_DEST = 5;
export const IPVS_CMD_SET_DEST = 6;
export const IPVS_CMD_DEL_DEST = 7;
export const IPVS_CMD_GET_DEST = 8;
export const IPVS_CMD_NEW_DAEMON = 9;
export const IPVS_CMD_DEL_DAEMON = 10;
export const IPVS_CMD_GET_DAEMON = 11;
export const IPVS_CMD_SET_CONFIG = 12;
export const IPVS_CMD_GET_CONFIG = 13;
export const IPVS_CMD_SET_INFO = 14;
export const IPVS_CMD_GET_INFO = 15;
export const IPVS_CMD_ZERO = 16;
export const IPVS_CMD_FLUSH = 17;

export const IPVS_CMD_ATTR_SERVICE = 1;
export const IPVS_CMD_ATTR_DEST = 2;
export const IPVS_CMD_ATTR_DAEMON = 3;
export const IPVS_CMD_ATTR_TIMEOUT_TCP = 4;
export const IPVS_CMD_ATTR_TIMEOUT_TCP_FIN = 5;
export const IPVS_CMD_ATTR_TIMEOUT_UDP = 6;

export const IPVS_STATS_ATTR_CONNS = 1;
export const IPVS_STATS_ATTR_INPKTS = 2;
export const IPVS_STATS_ATTR_OUTPKTS = 3;
export const IPVS_STATS_ATTR_INBYTES = 4;
export const IPVS_STATS_ATTR_OUTBYTES = 5;

/** A conversation with the kernel's IPVS. */
export interface Ipvs {
  readonly netlink: Netlink;
  readonly family: Family;
}

/** Counted since the service or destination was added, or since it was zeroed. */
export interface IpvsStats {
  readonly conns: number;
  readonly inpkts: number;
  readonly outpkts: number;
  readonly inbytes: number;
  readonly outbytes: number;
}

/** The request for one command. */
export function ipvsRequest(
  { family }: Ipvs,
  cmd: number,
  attributes: readonly Attribute[],
  options: GenlOptions,
): NetlinkRequest {
  return genlRequest(family, cmd, attributes, options);
}

/** 64-bit counters, or the 32-bit ones that kernels before 4.1 have alone. */
export function parseStats(of: Attributes, stats64: number, stats: number): IpvsStats {
  const wide = of.nested(stats64);
  const narrow = wide === undefined ? of.nested(stats) : undefined;
  const read = (type: number): number => Number(wide?.u64(type) ?? 0);
  if (narrow === undefined) {
    return {
      conns: read(IPVS_STATS_ATTR_CONNS),
      inpkts: read(IPVS_STATS_ATTR_INPKTS),
      outpkts: read(IPVS_STATS_ATTR_OUTPKTS),
      inbytes: read(IPVS_STATS_ATTR_INBYTES),
      outbytes: read(IPVS_STATS_ATTR_OUTBYTES),
    };
  }
  return {
    conns: narrow.u32(IPVS_STATS_ATTR_CONNS) ?? 0,
    inpkts: narrow.u32(IPVS_STATS_ATTR_INPKTS) ?? 0,
    outpkts: narrow.u32(IPVS_STATS_ATTR_OUTPKTS) ?? 0,
    inbytes: Number(narrow.u64(IPVS_STATS_ATTR_INBYTES) ?? 0),
    outbytes: Number(narrow.u64(IPVS_STATS_ATTR_OUTBYTES) ?? 0),
  };
}

/** The address family that a message names; null when vipd does not know it. */
export function familyOfNumber(number: number | undefined): 4 | 6 | null {
  return number === AF_INET ? 4 : number === AF_INET6 ? 6 : null;
}

export function numberOfFamily(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/**
 * The kernel's `union nf_inet_addr` is 16 octets of which IPv4 uses the first 4; null when there are too few.
 */
export function addressOf(octets: Uint8Array | undefined, family: 4 | 6): Uint8Array | null {
  const length = family === 4 ? 4 : 16;
  return octets === undefined || octets.length < length ? null : octets.slice(0, length);
}

/** `192.0.2.1:80`, for the words of an error: octets, not RFC 5952. */
export function endpointText(address: Uint8Array, port: number): string {
  if (address.length === 4) return `${address.join(".")}:${port}`;
  const groups = Array.from({ length: 8 }, (_, i) => (address[2 * i] ?? 0) << 8 | (address[2 * i + 1] ?? 0));
  return `[${groups.map((group) => group.toString(16)).join(":")}]:${port}`;
}
