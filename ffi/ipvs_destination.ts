/**
 * Destinations (real servers) of a service of the kernel's IPVS: add, change, remove, list (linux/ip_vs.h).
 */

import { genlAttributes } from "./genetlink.ts";
import {
  addressOf,
  endpointText,
  familyOfNumber,
  type Ipvs,
  IPVS_CMD_ATTR_DEST,
  IPVS_CMD_ATTR_SERVICE,
  IPVS_CMD_DEL_DEST,
  IPVS_CMD_GET_DEST,
  IPVS_CMD_NEW_DEST,
  IPVS_CMD_SET_DEST,
  ipvsRequest,
  type IpvsStats,
  numberOfFamily,
  parseStats,
} from "./ipvs_message.ts";
import { idNest, type IpvsServiceId, nameService } from "./ipvs_service.ts";
import {
  type Attribute,
  type NetlinkMessage,
  type NetlinkRequest,
  NLM_F_DUMP,
  Scalar,
} from "./netlink_message.ts";
import { be16, u16, u32, u8 } from "./struct.ts";

/** Forwarding methods. */
export const IP_VS_CONN_F_MASQ = 0;
export const IP_VS_CONN_F_LOCALNODE = 1;
export const IP_VS_CONN_F_TUNNEL = 2;
export const IP_VS_CONN_F_DROUTE = 3;
export const IP_VS_CONN_F_BYPASS = 4;
export const IP_VS_CONN_F_FWD_MASK = 0x0007;
/** Encapsulations of IP_VS_CONN_F_TUNNEL (GUE: Linux 5.3, GRE: 5.3). */
export const IP_VS_CONN_F_TUNNEL_TYPE_IPIP = 0;
export const IP_VS_CONN_F_TUNNEL_TYPE_GUE = 1;
export const IP_VS_CONN_F_TUNNEL_TYPE_GRE = 2;
export const IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM = 0;
export const IP_VS_TUNNEL_ENCAP_FLAG_CSUM = 1;
export const IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM = 2;

export const IPVS_DEST_ATTR_ADDR = 1;
export const IPVS_DEST_ATTR_PORT = 2;
export const IPVS_DEST_ATTR_FWD_METHOD = 3;
export const IPVS_DEST_ATTR_WEIGHT = 4;
export const IPVS_DEST_ATTR_U_THRESH = 5;
export const IPVS_DEST_ATTR_L_THRESH = 6;
export const IPVS_DEST_ATTR_ACTIVE_CONNS = 7;
export const IPVS_DEST_ATTR_INACT_CONNS = 8;
export const IPVS_DEST_ATTR_PERSIST_CONNS = 9;
export const IPVS_DEST_ATTR_STATS = 10;
export const IPVS_DEST_ATTR_ADDR_FAMILY = 11;
export const IPVS_DEST_ATTR_STATS64 = 12;
export const IPVS_DEST_ATTR_TUN_TYPE = 13;
export const IPVS_DEST_ATTR_TUN_PORT = 14;
export const IPVS_DEST_ATTR_TUN_FLAGS = 15;

/** What tells a destination of a service from its others. */
export interface IpvsDestinationId {
  /** 4 or 16 octets; another family than the service's needs IP_VS_CONN_F_TUNNEL. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** How a destination is served; a change sets all of it. */
export interface IpvsDestinationOptions {
  /** IP_VS_CONN_F_*. */
  readonly fwdMethod: number;
  /** 0: no new connections. */
  readonly weight: number;
  /** Connections above which it gets no new ones, and below which it gets some again; 0: no threshold. */
  readonly uThresh: number;
  readonly lThresh: number;
  /** IP_VS_CONN_F_TUNNEL_TYPE_*. */
  readonly tunType: number;
  /** UDP port of the encapsulation; GUE needs one. */
  readonly tunPort: number;
  /** IP_VS_TUNNEL_ENCAP_FLAG_*. */
  readonly tunFlags: number;
}

/** A destination as the kernel has it. */
export interface IpvsDestination {
  readonly id: IpvsDestinationId;
  readonly options: IpvsDestinationOptions;
  readonly activeConns: number;
  readonly inactConns: number;
  readonly persistConns: number;
  readonly stats: IpvsStats;
}

/**
 * Adds a destination (EEXIST when it is there, ESRCH when the service is not) or changes one (ENOENT when it
 * is not there).
 */
export function destinationRequest(
  ipvs: Ipvs,
  action: "add" | "change",
  service: IpvsServiceId,
  id: IpvsDestinationId,
  options: IpvsDestinationOptions,
): NetlinkRequest {
  const isTunnel = options.fwdMethod === IP_VS_CONN_F_TUNNEL;
  const attributes: Attribute[] = [
    ...destinationId(id),
    [IPVS_DEST_ATTR_FWD_METHOD, new Scalar(u32, options.fwdMethod)],
    [IPVS_DEST_ATTR_WEIGHT, new Scalar(u32, options.weight)],
    [IPVS_DEST_ATTR_U_THRESH, new Scalar(u32, options.uThresh)],
    [IPVS_DEST_ATTR_L_THRESH, new Scalar(u32, options.lThresh)],
    [IPVS_DEST_ATTR_TUN_TYPE, isTunnel ? new Scalar(u8, options.tunType) : undefined],
    [IPVS_DEST_ATTR_TUN_PORT, isTunnel ? new Scalar(be16, options.tunPort) : undefined],
    [IPVS_DEST_ATTR_TUN_FLAGS, isTunnel ? new Scalar(u16, options.tunFlags) : undefined],
  ];
  const cmd = action === "add" ? IPVS_CMD_NEW_DEST : IPVS_CMD_SET_DEST;
  return request(ipvs, cmd, service, attributes, action, id);
}

/** Removes a destination. ENOENT when it is not there. */
export function removeDestinationRequest(
  ipvs: Ipvs,
  service: IpvsServiceId,
  id: IpvsDestinationId,
): NetlinkRequest {
  return request(ipvs, IPVS_CMD_DEL_DEST, service, destinationId(id), "remove", id);
}

/** All destinations of a service; none when there is no such service. */
export function listDestinations(ipvs: Ipvs, service: IpvsServiceId): IpvsDestination[] {
  const [reply] = ipvs.netlink.request([
    ipvsRequest(ipvs, IPVS_CMD_GET_DEST, [[IPVS_CMD_ATTR_SERVICE, idNest(service)]], {
      flags: NLM_F_DUMP,
      description: `list destinations of ${nameService(service)}`,
    }),
  ]);
  return (reply?.messages ?? []).map((message) => parseDestination(message, service.family))
    .filter((destination) => destination !== null);
}

/** A message about a destination of a service of `family`; null when it is not as this version knows them. */
export function parseDestination(message: NetlinkMessage, family: 4 | 6): IpvsDestination | null {
  const attributes = genlAttributes(message).nested(IPVS_CMD_ATTR_DEST);
  if (attributes === undefined) return null;
  // Before Linux 3.18 a destination had the family of its service.
  const own = attributes.has(IPVS_DEST_ATTR_ADDR_FAMILY)
    ? familyOfNumber(attributes.u16(IPVS_DEST_ATTR_ADDR_FAMILY))
    : family;
  if (own === null) return null;
  const address = addressOf(attributes.octets(IPVS_DEST_ATTR_ADDR), own);
  const port = attributes.be16(IPVS_DEST_ATTR_PORT);
  if (address === null || port === undefined) return null;
  return {
    id: { address, port },
    options: {
      fwdMethod: (attributes.u32(IPVS_DEST_ATTR_FWD_METHOD) ?? 0) & IP_VS_CONN_F_FWD_MASK,
      weight: attributes.u32(IPVS_DEST_ATTR_WEIGHT) ?? 0,
      uThresh: attributes.u32(IPVS_DEST_ATTR_U_THRESH) ?? 0,
      lThresh: attributes.u32(IPVS_DEST_ATTR_L_THRESH) ?? 0,
      tunType: attributes.u8(IPVS_DEST_ATTR_TUN_TYPE) ?? 0,
      tunPort: attributes.be16(IPVS_DEST_ATTR_TUN_PORT) ?? 0,
      tunFlags: attributes.u16(IPVS_DEST_ATTR_TUN_FLAGS) ?? 0,
    },
    activeConns: attributes.u32(IPVS_DEST_ATTR_ACTIVE_CONNS) ?? 0,
    inactConns: attributes.u32(IPVS_DEST_ATTR_INACT_CONNS) ?? 0,
    persistConns: attributes.u32(IPVS_DEST_ATTR_PERSIST_CONNS) ?? 0,
    stats: parseStats(attributes, IPVS_DEST_ATTR_STATS64, IPVS_DEST_ATTR_STATS),
  };
}

function request(
  ipvs: Ipvs,
  cmd: number,
  service: IpvsServiceId,
  destination: readonly Attribute[],
  action: string,
  id: IpvsDestinationId,
): NetlinkRequest {
  const attributes: Attribute[] = [
    [IPVS_CMD_ATTR_SERVICE, idNest(service)],
    [IPVS_CMD_ATTR_DEST, destination],
  ];
  return ipvsRequest(ipvs, cmd, attributes, {
    get description() {
      const { address, port } = id;
      return `${action} destination ${endpointText(address, port)} of ${nameService(service)}`;
    },
    quiet: true,
  });
}

function destinationId({ address, port }: IpvsDestinationId): Attribute[] {
  return [
    [IPVS_DEST_ATTR_ADDR_FAMILY, new Scalar(u16, numberOfFamily(address.length === 4 ? 4 : 6))],
    [IPVS_DEST_ATTR_ADDR, address],
    [IPVS_DEST_ATTR_PORT, new Scalar(be16, port)],
  ];
}
