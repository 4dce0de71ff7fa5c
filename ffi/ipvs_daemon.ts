/** The kernel threads that copy IPVS connections from one director to another (linux/ip_vs.h). */

import { genlAttributes } from "./genetlink.ts";
import {
  type Ipvs,
  IPVS_CMD_ATTR_DAEMON,
  IPVS_CMD_DEL_DAEMON,
  IPVS_CMD_GET_DAEMON,
  IPVS_CMD_NEW_DAEMON,
  ipvsRequest,
} from "./ipvs_message.ts";
import { type Attribute, bytesOf, type NetlinkMessage, NLM_F_DUMP, optional } from "./netlink_message.ts";
import { u16, u32, u8 } from "./struct.ts";

/** Sends what this director knows. */
export const IP_VS_STATE_MASTER = 1;
/** Takes in what another one sends. */
export const IP_VS_STATE_BACKUP = 2;

export const IPVS_DAEMON_ATTR_STATE = 1;
export const IPVS_DAEMON_ATTR_MCAST_IFN = 2;
export const IPVS_DAEMON_ATTR_SYNC_ID = 3;
export const IPVS_DAEMON_ATTR_SYNC_MAXLEN = 4;
export const IPVS_DAEMON_ATTR_MCAST_GROUP = 5;
export const IPVS_DAEMON_ATTR_MCAST_GROUP6 = 6;
export const IPVS_DAEMON_ATTR_MCAST_PORT = 7;
export const IPVS_DAEMON_ATTR_MCAST_TTL = 8;

/** A daemon to start; what is left out gets the kernel's default. */
export interface NewIpvsDaemon {
  /** IP_VS_STATE_*; one of each may run. */
  readonly state: number;
  readonly mcastIfn: string;
  /** 0 to 255. A backup takes in what carries its own number, with 0 everything. */
  readonly syncId: number;
  /** Octets of a datagram at most: what fits into the interface's MTU. */
  readonly syncMaxlen?: number;
  /** 4 or 16 octets: 224.0.0.81. */
  readonly mcastGroup?: Uint8Array;
  /** 8848. */
  readonly mcastPort?: number;
  /** 1. */
  readonly mcastTtl?: number;
}

/** A daemon that runs; kernels before 4.3 tell no more than state, interface and number. */
export type IpvsDaemon = NewIpvsDaemon;

/** Starts a daemon. EEXIST: one of this state runs. ENODEV: no such interface. */
export function startDaemon(ipvs: Ipvs, daemon: NewIpvsDaemon): void {
  const { state, mcastIfn, syncId, syncMaxlen, mcastGroup, mcastPort, mcastTtl } = daemon;
  const isV6 = mcastGroup?.length === 16;
  const attributes: Attribute[] = [
    [IPVS_DAEMON_ATTR_STATE, bytesOf(u32, state)],
    [IPVS_DAEMON_ATTR_MCAST_IFN, mcastIfn],
    [IPVS_DAEMON_ATTR_SYNC_ID, bytesOf(u32, syncId)],
    [IPVS_DAEMON_ATTR_SYNC_MAXLEN, optional(u16, syncMaxlen)],
    [isV6 ? IPVS_DAEMON_ATTR_MCAST_GROUP6 : IPVS_DAEMON_ATTR_MCAST_GROUP, mcastGroup],
    // In host order, unlike every other port.
    [IPVS_DAEMON_ATTR_MCAST_PORT, optional(u16, mcastPort)],
    [IPVS_DAEMON_ATTR_MCAST_TTL, optional(u8, mcastTtl)],
  ];
  const description = `start the ${nameState(state)} sync daemon on ${mcastIfn}`;
  ipvs.netlink.request([
    ipvsRequest(ipvs, IPVS_CMD_NEW_DAEMON, [[IPVS_CMD_ATTR_DAEMON, attributes]], { description }),
  ]);
}

/** Stops the daemon of this state. ESRCH: none runs. */
export function stopDaemon(ipvs: Ipvs, state: number): void {
  const attributes: Attribute[] = [[IPVS_DAEMON_ATTR_STATE, bytesOf(u32, state)]];
  const description = `stop the ${nameState(state)} sync daemon`;
  ipvs.netlink.request([
    ipvsRequest(ipvs, IPVS_CMD_DEL_DAEMON, [[IPVS_CMD_ATTR_DAEMON, attributes]], { description }),
  ]);
}

/** The daemons that run: none, one of a state, or one of each. */
export function listDaemons(ipvs: Ipvs): IpvsDaemon[] {
  const [reply] = ipvs.netlink.request([
    ipvsRequest(ipvs, IPVS_CMD_GET_DAEMON, [], { flags: NLM_F_DUMP, description: "list sync daemons" }),
  ]);
  return (reply?.messages ?? []).map(parseDaemon).filter((daemon) => daemon !== null);
}

/** A message about a daemon; null when it is not as this version knows them. */
export function parseDaemon(message: NetlinkMessage): IpvsDaemon | null {
  const attributes = genlAttributes(message).nested(IPVS_CMD_ATTR_DAEMON);
  const state = attributes?.u32(IPVS_DAEMON_ATTR_STATE);
  const mcastIfn = attributes?.text(IPVS_DAEMON_ATTR_MCAST_IFN);
  const syncId = attributes?.u32(IPVS_DAEMON_ATTR_SYNC_ID);
  if (attributes === undefined || state === undefined || mcastIfn === undefined || syncId === undefined) {
    return null;
  }
  const syncMaxlen = attributes.u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN);
  const mcastGroup = attributes.octets(IPVS_DAEMON_ATTR_MCAST_GROUP) ??
    attributes.octets(IPVS_DAEMON_ATTR_MCAST_GROUP6);
  const mcastPort = attributes.u16(IPVS_DAEMON_ATTR_MCAST_PORT);
  const mcastTtl = attributes.u8(IPVS_DAEMON_ATTR_MCAST_TTL);
  return {
    state,
    mcastIfn,
    syncId,
    ...(syncMaxlen === undefined ? {} : { syncMaxlen }),
    ...(mcastGroup === undefined ? {} : { mcastGroup }),
    ...(mcastPort === undefined ? {} : { mcastPort }),
    ...(mcastTtl === undefined ? {} : { mcastTtl }),
  };
}

function nameState(state: number): string {
  return state === IP_VS_STATE_MASTER ? "master" : "backup";
}
