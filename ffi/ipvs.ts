/**
 * The kernel's IP Virtual Server over generic netlink (linux/ip_vs.h); this file: finding it, and what
 * concerns all services.
 */

import { findFamily, genlAttributes } from "./genetlink.ts";
import {
  type Ipvs,
  IPVS_CMD_ATTR_TIMEOUT_TCP,
  IPVS_CMD_ATTR_TIMEOUT_TCP_FIN,
  IPVS_CMD_ATTR_TIMEOUT_UDP,
  IPVS_CMD_FLUSH,
  IPVS_CMD_GET_CONFIG,
  IPVS_CMD_GET_INFO,
  IPVS_CMD_SET_CONFIG,
  IPVS_CMD_ZERO,
  IPVS_GENL_NAME,
  IPVS_GENL_VERSION,
  ipvsRequest,
} from "./ipvs_message.ts";
import type { Netlink } from "./netlink_conversation.ts";
import { type Attribute, Attributes, type NetlinkRequest, optional } from "./netlink_message.ts";
import { u32 } from "./struct.ts";

export * from "./ipvs_message.ts";
export * from "./ipvs_service.ts";
export * from "./ipvs_destination.ts";
export * from "./ipvs_daemon.ts";

export const IPVS_INFO_ATTR_VERSION = 1;
export const IPVS_INFO_ATTR_CONN_TAB_SIZE = 2;

/** What IPVS says of itself. */
export interface IpvsInfo {
  /** `1.2.1` */
  readonly version: string;
  /** Buckets of the table of connections. */
  readonly connTabSize: number;
}

/** Seconds without a packet after which a connection is forgotten. */
export interface IpvsTimeouts {
  readonly tcp: number;
  readonly tcpFin: number;
  readonly udp: number;
}

/** IPVS of the namespace that the socket was opened in; null when the kernel has none. */
export function findIpvs(netlink: Netlink): Ipvs | null {
  const id = findFamily(netlink, IPVS_GENL_NAME);
  return id === null ? null : { netlink, family: { id, version: IPVS_GENL_VERSION } };
}

export function getInfo(ipvs: Ipvs): IpvsInfo {
  const attributes = ask(ipvs, IPVS_CMD_GET_INFO, "ask IPVS for its version");
  const version = attributes.u32(IPVS_INFO_ATTR_VERSION) ?? 0;
  return {
    version: [version >>> 16 & 0xff, version >>> 8 & 0xff, version & 0xff].join("."),
    connTabSize: attributes.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE) ?? 0,
  };
}

export function getTimeouts(ipvs: Ipvs): IpvsTimeouts {
  const attributes = ask(ipvs, IPVS_CMD_GET_CONFIG, "ask IPVS for its timeouts");
  return {
    tcp: attributes.u32(IPVS_CMD_ATTR_TIMEOUT_TCP) ?? 0,
    tcpFin: attributes.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN) ?? 0,
    udp: attributes.u32(IPVS_CMD_ATTR_TIMEOUT_UDP) ?? 0,
  };
}

/** What is left out, or 0, stays as it is. */
export function setTimeouts(ipvs: Ipvs, { tcp, tcpFin, udp }: Partial<IpvsTimeouts>): void {
  const attributes: Attribute[] = [
    [IPVS_CMD_ATTR_TIMEOUT_TCP, optional(u32, tcp)],
    [IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, optional(u32, tcpFin)],
    [IPVS_CMD_ATTR_TIMEOUT_UDP, optional(u32, udp)],
  ];
  ipvs.netlink.request([
    ipvsRequest(ipvs, IPVS_CMD_SET_CONFIG, attributes, { description: "set the timeouts of IPVS" }),
  ]);
}

/** Removes every service, whoever added it. */
export function flush(ipvs: Ipvs): void {
  ipvs.netlink.request([plain(ipvs, IPVS_CMD_FLUSH, "remove all services")]);
}

/** Sets all counters to zero. */
export function zeroAll(ipvs: Ipvs): void {
  ipvs.netlink.request([plain(ipvs, IPVS_CMD_ZERO, "zero all services")]);
}

function ask(ipvs: Ipvs, cmd: number, description: string): Attributes {
  const [reply] = ipvs.netlink.request([plain(ipvs, cmd, description)]);
  const [message] = reply?.messages ?? [];
  return message === undefined ? new Attributes(new Uint8Array(0)) : genlAttributes(message);
}

function plain(ipvs: Ipvs, cmd: number, description: string): NetlinkRequest {
  return ipvsRequest(ipvs, cmd, [], { description });
}
