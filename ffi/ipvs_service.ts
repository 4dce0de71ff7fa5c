/** Virtual services of the kernel's IPVS: add, change, remove, list, zero (linux/ip_vs.h). */

import { genlAttributes } from "./genetlink.ts";
import {
  addressOf,
  endpointText,
  familyOfNumber,
  type Ipvs,
  IPVS_CMD_ATTR_SERVICE,
  IPVS_CMD_DEL_SERVICE,
  IPVS_CMD_GET_SERVICE,
  IPVS_CMD_NEW_SERVICE,
  IPVS_CMD_SET_SERVICE,
  IPVS_CMD_ZERO,
  ipvsRequest,
  type IpvsStats,
  numberOfFamily,
  parseStats,
} from "./ipvs_message.ts";
import {
  type Attribute,
  Nest,
  type NetlinkMessage,
  type NetlinkRequest,
  NLM_F_DUMP,
  Scalar,
} from "./netlink_message.ts";
import { be16, be32, struct, u16, u32 } from "./struct.ts";

/** struct ip_vs_flags: which bits `mask` says to set or clear. */
export const ip_vs_flags = struct({ flags: u32, mask: u32 });

export const IP_VS_SVC_F_PERSISTENT = 0x01;
/** Set by the kernel: the service is in its table. */
export const IP_VS_SVC_F_HASHED = 0x02;
export const IP_VS_SVC_F_ONEPACKET = 0x04;
/** What they mean is the scheduler's: sh takes 1 as fallback and 2 as port, mh as well. */
export const IP_VS_SVC_F_SCHED1 = 0x08;
export const IP_VS_SVC_F_SCHED2 = 0x10;
export const IP_VS_SVC_F_SCHED3 = 0x20;

export const IPVS_SVC_ATTR_AF = 1;
export const IPVS_SVC_ATTR_PROTOCOL = 2;
export const IPVS_SVC_ATTR_ADDR = 3;
export const IPVS_SVC_ATTR_PORT = 4;
export const IPVS_SVC_ATTR_FWMARK = 5;
export const IPVS_SVC_ATTR_SCHED_NAME = 6;
export const IPVS_SVC_ATTR_FLAGS = 7;
export const IPVS_SVC_ATTR_TIMEOUT = 8;
export const IPVS_SVC_ATTR_NETMASK = 9;
export const IPVS_SVC_ATTR_STATS = 10;
export const IPVS_SVC_ATTR_PE_NAME = 11;
export const IPVS_SVC_ATTR_STATS64 = 12;

const ALL_FLAGS = 0xffffffff;

const nests = new WeakMap<IpvsServiceId, Nest>();

/** Which packets are a service's. */
export type IpvsServiceId =
  | {
    readonly family: 4 | 6;
    /** IPPROTO_*: 6 TCP, 17 UDP, 132 SCTP. */
    readonly protocol: number;
    /** 4 or 16 octets. */
    readonly address: Uint8Array;
    /** 0: every port. */
    readonly port: number;
  }
  | { readonly family: 4 | 6; readonly fwmark: number };

/** How a service is scheduled. */
export interface IpvsServiceOptions {
  readonly schedName: string;
  /** IP_VS_SVC_F_* bits. */
  readonly flags: number;
  /** Seconds that a client stays with its destination; of interest with IP_VS_SVC_F_PERSISTENT. */
  readonly timeout: number;
  /** Bits of a client's address that count for that: IPv4 a mask (0xffffff00), IPv6 their number (64). */
  readonly netmask: number;
  /** Persistence engine: `sip`; none when left out. */
  readonly peName?: string;
}

/** A service as the kernel has it. */
export interface IpvsService {
  readonly id: IpvsServiceId;
  readonly options: IpvsServiceOptions;
  readonly stats: IpvsStats;
}

/** Adds a service (EEXIST when it is there) or changes one (ESRCH when it is not). */
export function serviceRequest(
  ipvs: Ipvs,
  action: "add" | "change",
  id: IpvsServiceId,
  options: IpvsServiceOptions,
): NetlinkRequest {
  const { schedName, flags, timeout, netmask, peName } = options;
  const attributes: Attribute[] = [
    ...idAttributes(id),
    [IPVS_SVC_ATTR_SCHED_NAME, schedName],
    [IPVS_SVC_ATTR_PE_NAME, peName],
    [IPVS_SVC_ATTR_FLAGS, ip_vs_flags.encode({ flags, mask: ALL_FLAGS })],
    [IPVS_SVC_ATTR_TIMEOUT, new Scalar(u32, timeout)],
    [IPVS_SVC_ATTR_NETMASK, new Scalar(id.family === 4 ? be32 : u32, netmask)],
  ];
  const cmd = action === "add" ? IPVS_CMD_NEW_SERVICE : IPVS_CMD_SET_SERVICE;
  const description = `${action} service ${nameService(id)} with scheduler ${schedName}`;
  return ipvsRequest(ipvs, cmd, [[IPVS_CMD_ATTR_SERVICE, attributes]], { description, quiet: true });
}

/** Removes a service and its destinations. ESRCH when it is not there. */
export function removeServiceRequest(ipvs: Ipvs, id: IpvsServiceId): NetlinkRequest {
  const description = `remove service ${nameService(id)}`;
  const attributes: Attribute[] = [[IPVS_CMD_ATTR_SERVICE, idNest(id)]];
  return ipvsRequest(ipvs, IPVS_CMD_DEL_SERVICE, attributes, { description, quiet: true });
}

/** Sets the counters of a service and its destinations to zero. */
export function zeroService(ipvs: Ipvs, id: IpvsServiceId): void {
  const description = `zero service ${nameService(id)}`;
  ipvs.netlink.request([
    ipvsRequest(ipvs, IPVS_CMD_ZERO, [[IPVS_CMD_ATTR_SERVICE, idNest(id)]], { description }),
  ]);
}

/** All services of the namespace that the socket was opened in. */
export function listServices(ipvs: Ipvs): IpvsService[] {
  const [reply] = ipvs.netlink.request([
    ipvsRequest(ipvs, IPVS_CMD_GET_SERVICE, [], { flags: NLM_F_DUMP, description: "list services" }),
  ]);
  return (reply?.messages ?? []).map(parseService).filter((service) => service !== null);
}

/** A message about a service; null when it is not as this version knows them. */
export function parseService(message: NetlinkMessage): IpvsService | null {
  const attributes = genlAttributes(message).nested(IPVS_CMD_ATTR_SERVICE);
  if (attributes === undefined) return null;
  const family = familyOfNumber(attributes.u16(IPVS_SVC_ATTR_AF));
  const schedName = attributes.text(IPVS_SVC_ATTR_SCHED_NAME);
  if (family === null || schedName === undefined) return null;
  const fwmark = attributes.u32(IPVS_SVC_ATTR_FWMARK);
  const protocol = attributes.u16(IPVS_SVC_ATTR_PROTOCOL);
  const address = addressOf(attributes.octets(IPVS_SVC_ATTR_ADDR), family);
  const port = attributes.be16(IPVS_SVC_ATTR_PORT);
  const endpoint = protocol === undefined || address === null || port === undefined
    ? null
    : { family, protocol, address, port };
  const id = fwmark === undefined ? endpoint : { family, fwmark };
  if (id === null) return null;
  const peName = attributes.text(IPVS_SVC_ATTR_PE_NAME);
  return {
    id,
    options: {
      schedName,
      flags: attributes.field(IPVS_SVC_ATTR_FLAGS, ip_vs_flags)?.flags ?? 0,
      timeout: attributes.u32(IPVS_SVC_ATTR_TIMEOUT) ?? 0,
      netmask:
        (family === 4 ? attributes.be32(IPVS_SVC_ATTR_NETMASK) : attributes.u32(IPVS_SVC_ATTR_NETMASK)) ?? 0,
      ...(peName === undefined ? {} : { peName }),
    },
    stats: parseStats(attributes, IPVS_SVC_ATTR_STATS64, IPVS_SVC_ATTR_STATS),
  };
}

/** What tells a service from the others, for the messages about its destinations. */
export function idNest(id: IpvsServiceId): Nest {
  const nest = nests.get(id) ?? new Nest(idAttributes(id));
  nests.set(id, nest);
  return nest;
}

function idAttributes(id: IpvsServiceId): Attribute[] {
  const af: Attribute = [IPVS_SVC_ATTR_AF, new Scalar(u16, numberOfFamily(id.family))];
  if ("fwmark" in id) return [af, [IPVS_SVC_ATTR_FWMARK, new Scalar(u32, id.fwmark)]];
  return [
    af,
    [IPVS_SVC_ATTR_PROTOCOL, new Scalar(u16, id.protocol)],
    [IPVS_SVC_ATTR_ADDR, id.address],
    [IPVS_SVC_ATTR_PORT, new Scalar(be16, id.port)],
  ];
}

const PROTOCOLS: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/** `tcp 192.0.2.1:80`, `fwmark 7`, for the words of an error. */
export function nameService(id: IpvsServiceId): string {
  if ("fwmark" in id) return `fwmark ${id.fwmark} ipv${id.family}`;
  return `${PROTOCOLS[id.protocol] ?? `protocol ${id.protocol}`} ${endpointText(id.address, id.port)}`;
}
