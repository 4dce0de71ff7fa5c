/**
 * The kernel's network configuration over rtnetlink; this file: the socket, the monitor and its
 * notifications.
 */

import { type Netlink, NETLINK_ROUTE, type NetlinkMessage, NetlinkSocket, nlmsghdr } from "./netlink.ts";
import { type Address, parseAddress, RTM_DELADDR, RTM_NEWADDR } from "./rtnetlink_address.ts";
import { type Link, parseLink, RTM_DELLINK, RTM_NEWLINK } from "./rtnetlink_link.ts";
import { attachFilter, type Instruction } from "./socket.ts";
import { parseRoute, type Route, RTM_DELROUTE, RTM_NEWROUTE } from "./rtnetlink_route.ts";

export * from "./rtnetlink_address.ts";
export * from "./rtnetlink_link.ts";
export * from "./rtnetlink_route.ts";

/** Groups of notifications (linux/rtnetlink.h). */
export const RTNLGRP_LINK = 1;
export const RTNLGRP_IPV4_IFADDR = 5;
export const RTNLGRP_IPV4_ROUTE = 7;
export const RTNLGRP_IPV6_IFADDR = 9;
export const RTNLGRP_IPV6_ROUTE = 11;

/**
 * A change of the kernel's state. `portId` is the socket that asked for it; 0 when the kernel did, and always
 * for IPv6 addresses.
 */
export type Notification =
  | { readonly type: "link" | "link_removed"; readonly link: Link; readonly portId: number }
  | { readonly type: "address" | "address_removed"; readonly address: Address; readonly portId: number }
  | { readonly type: "route" | "route_removed"; readonly route: Route; readonly portId: number };

/** A socket for requests, in the network namespace that the calling thread is in now. */
export function openRtnetlink(): NetlinkSocket {
  return new NetlinkSocket(NETLINK_ROUTE);
}

export interface MonitorOptions {
  readonly routes?: boolean;
  /**
   * Port of a socket of ours that renews addresses: the kernel tells of that as of any change, and nobody
   * needs to hear it. (Not so for IPv6, where it does not say who asked.)
   */
  readonly deafTo?: number;
}

/** A socket that is told of every change of links and addresses, and if asked of routes. */
export function openMonitor({ routes = false, deafTo }: MonitorOptions = {}): NetlinkSocket {
  const groups = [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR];
  const monitor = new NetlinkSocket(
    NETLINK_ROUTE,
    routes ? [...groups, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE] : groups,
  );
  if (deafTo !== undefined) attachFilter(monitor.fd, withoutNewAddresses(deafTo));
  return monitor;
}

/** All but RTM_NEWADDR that this port has caused. A filter reads in network order what the host wrote. */
function withoutNewAddresses(portId: number): Instruction[] {
  const LOAD_16 = 0x28;
  const LOAD_32 = 0x20;
  const JUMP_EQUAL = 0x15;
  const RETURN = 0x06;
  return [
    [LOAD_16, 0, 0, nlmsghdr.offsets.nlmsg_type],
    [JUMP_EQUAL, 0, 3, swap16(RTM_NEWADDR)],
    [LOAD_32, 0, 0, nlmsghdr.offsets.nlmsg_pid],
    [JUMP_EQUAL, 0, 1, swap32(portId)],
    [RETURN, 0, 0, 0],
    [RETURN, 0, 0, 0xffffffff],
  ];
}

function swap16(value: number): number {
  return new DataView(Uint16Array.of(value).buffer).getUint16(0);
}

function swap32(value: number): number {
  return new DataView(Uint32Array.of(value).buffer).getUint32(0);
}

/** Every notification that is waiting. Check `nl.overrun` afterwards: when it is set, some were lost. */
export function receiveNotifications(nl: Netlink): Notification[] {
  return nl.receive().map(parseNotification).filter((notification) => notification !== null);
}

/** A message of the monitor as a value; null when it is about something that vipd does not watch. */
export function parseNotification(message: NetlinkMessage): Notification | null {
  const { type, portId } = message;
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const link = parseLink(message);
      return link && { type: type === RTM_NEWLINK ? "link" : "link_removed", link, portId };
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const address = parseAddress(message);
      return address && { type: type === RTM_NEWADDR ? "address" : "address_removed", address, portId };
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = parseRoute(message);
      return route && { type: type === RTM_NEWROUTE ? "route" : "route_removed", route, portId };
    }
    default:
      return null;
  }
}
