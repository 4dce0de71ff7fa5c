/** Routes over rtnetlink: list, add, remove (rtnetlink(7), linux/rtnetlink.h). */

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
import { formatAddress } from "./rtnetlink_address.ts";
import { AF_INET, AF_INET6 } from "./sockaddr.ts";
import { struct, u32, u8 } from "./struct.ts";

/** struct rtmsg */
export const rtmsg = struct({
  rtm_family: u8,
  rtm_dst_len: u8,
  rtm_src_len: u8,
  rtm_tos: u8,
  rtm_table: u8,
  rtm_protocol: u8,
  rtm_scope: u8,
  rtm_type: u8,
  rtm_flags: u32,
});

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_VIA = 18;
const RTM_F_CLONED = 0x200;
const RTNH_F_ONLINK = 4;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;
/** RTPROT of everything that vipd adds. */
export const RTPROT_VIPD = 18;
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
/** RTN_* */
export const routeTypes = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const;
export type RouteType = keyof typeof routeTypes;
const typeNames: Readonly<Record<number, RouteType>> = Object.fromEntries(
  (Object.keys(routeTypes) as RouteType[]).map((name) => [routeTypes[name], name]),
);

/** A route to add or remove. */
export interface NewRoute {
  readonly family: 4 | 6;
  /** 4 or 16 octets; null is the default route. */
  readonly dst: Uint8Array | null;
  /** 0 for the default route. */
  readonly prefix: number;
  /** Next hop: 4 or 16 octets (an IPv4 route may go by an IPv6 next hop). */
  readonly via?: Uint8Array;
  /** Index of the interface that it leaves by. */
  readonly oif?: number;
  /** Preferred source address. */
  readonly src?: Uint8Array;
  /** Smaller wins. Kernel's default: 0 for IPv4, 1024 for IPv6. */
  readonly metric?: number;
  /** Default: main (254). */
  readonly table?: number;
  /** Default: link without `via`, else universe; host for local ones. Linux ignores it for IPv6. */
  readonly scope?: number;
  /** Default: 18 (vipd). Removing: any when it is 0. */
  readonly protocol?: number;
  readonly type?: RouteType;
  /** The next hop is on the link, whatever the addresses say. */
  readonly onlink?: boolean;
}

/** A route as the kernel has it. */
export interface Route extends NewRoute {
  readonly metric: number;
  readonly table: number;
  readonly scope: number;
  readonly protocol: number;
  readonly type: RouteType;
  readonly onlink: boolean;
  /** It has several next hops; `via` and `oif` are then absent. */
  readonly multipath: boolean;
}

/** All routes of all tables, without cached clones. */
export function listRoutes(nl: Netlink, family?: 4 | 6): Route[] {
  const header = rtmsg.encode({ rtm_family: family === undefined ? 0 : routeFamily(family) });
  const payload = encodePayload(header, []);
  const [reply] = nl.request([{
    type: RTM_GETROUTE,
    flags: NLM_F_DUMP,
    payload,
    description: "list routes",
  }]);
  return (reply?.messages ?? []).map(parseRoute).filter((route) => route !== null);
}

/** How a packet to this address leaves; ENETUNREACH as a NetlinkError when it does not. */
export function lookUpRoute(nl: Netlink, address: Uint8Array): Pick<Route, "type" | "oif" | "via"> | null {
  const header = rtmsg.encode({
    rtm_family: address.length === 4 ? AF_INET : AF_INET6,
    rtm_dst_len: address.length * 8,
  });
  const payload = encodePayload(header, [[RTA_DST, address]]);
  const description = `look up the route to ${formatAddress(address)}`;
  const [reply] = nl.request([{ type: RTM_GETROUTE, flags: 0, payload, description }]);
  const [message] = reply?.messages ?? [];
  if (message === undefined) return null;
  const type = typeNames[rtmsg.decode(message.payload).rtm_type];
  const attributes = new Attributes(message.payload, rtmsg.size);
  const via = attributes.octets(RTA_GATEWAY) ?? attributes.octets(RTA_VIA)?.subarray(2);
  const oif = attributes.u32(RTA_OIF);
  if (type === undefined) return null;
  return { type, ...(via === undefined ? {} : { via }), ...(oif === undefined ? {} : { oif }) };
}

/** Adds a route. EEXIST when one to the same place with the same metric is there, unless `replace`. */
export function addRoute(nl: Netlink, route: NewRoute, { replace = false } = {}): void {
  nl.request([routeRequest(replace ? "replace" : "add", route)]);
}

/** Removes a route; every given property must match. ESRCH when there is none. */
export function removeRoute(nl: Netlink, route: NewRoute): void {
  nl.request([routeRequest("remove", route)]);
}

/** One step of {@link changeRoutes}. */
export interface RouteChange {
  readonly action: "add" | "replace" | "remove";
  readonly route: NewRoute;
}

/** Many changes, in order, in one exchange: what became of each. */
export function changeRoutes(nl: Netlink, changes: readonly RouteChange[]): (NetlinkError | null)[] {
  return nl.requestAll(changes.map(({ action, route }) => routeRequest(action, route)));
}

/** The request for one change. */
export function routeRequest(action: RouteChange["action"], route: NewRoute): NetlinkRequest {
  const { dst, prefix, via, table = RT_TABLE_MAIN } = route;
  const header = rtmsg.encode({
    rtm_family: routeFamily(route.family),
    rtm_dst_len: prefix,
    // A table above 255 is told by RTA_TABLE alone.
    rtm_table: table < 256 ? table : 0,
    rtm_protocol: route.protocol ?? RTPROT_VIPD,
    rtm_scope: route.scope ?? defaultScope(route),
    rtm_type: routeTypes[route.type ?? "unicast"],
    rtm_flags: route.onlink === true ? RTNH_F_ONLINK : 0,
  });
  const foreignVia = via !== undefined && via.length !== (route.family === 4 ? 4 : 16);
  const payload = encodePayload(header, [
    [RTA_DST, dst ?? undefined],
    [RTA_GATEWAY, foreignVia ? undefined : via],
    [RTA_VIA, foreignVia ? rtvia(via) : undefined],
    [RTA_OIF, optional(u32, route.oif)],
    [RTA_PREFSRC, route.src],
    [RTA_PRIORITY, optional(u32, route.metric)],
    [RTA_TABLE, bytesOf(u32, table)],
  ]);
  const description = `${action} route ${describeRoute(route)}`;
  if (action === "remove") return { type: RTM_DELROUTE, flags: 0, payload, description };
  const flags = NLM_F_CREATE | (action === "replace" ? NLM_F_REPLACE : NLM_F_EXCL);
  return { type: RTM_NEWROUTE, flags, payload, description };
}

/**
 * An RTM_NEWROUTE or RTM_DELROUTE as a route; null for other families, clones and types that we do not name.
 */
export function parseRoute({ payload }: NetlinkMessage): Route | null {
  if (payload.length < rtmsg.size) return null;
  const header = rtmsg.decode(payload);
  const family = header.rtm_family === AF_INET ? 4 : header.rtm_family === AF_INET6 ? 6 : null;
  const type = typeNames[header.rtm_type];
  if (family === null || type === undefined || (header.rtm_flags & RTM_F_CLONED) !== 0) return null;
  const attributes = new Attributes(payload, rtmsg.size);
  const via = attributes.octets(RTA_GATEWAY) ?? attributes.octets(RTA_VIA)?.subarray(2);
  const oif = attributes.u32(RTA_OIF);
  const src = attributes.octets(RTA_PREFSRC);
  return {
    family,
    dst: attributes.octets(RTA_DST) ?? null,
    prefix: header.rtm_dst_len,
    ...(via === undefined ? {} : { via }),
    ...(oif === undefined ? {} : { oif }),
    ...(src === undefined ? {} : { src }),
    metric: attributes.u32(RTA_PRIORITY) ?? 0,
    table: attributes.u32(RTA_TABLE) ?? header.rtm_table,
    scope: header.rtm_scope,
    protocol: header.rtm_protocol,
    type,
    onlink: (header.rtm_flags & RTNH_F_ONLINK) !== 0,
    multipath: attributes.has(RTA_MULTIPATH),
  };
}

function describeRoute({ dst, prefix, via, oif }: NewRoute): string {
  const to = dst === null ? "default" : `${formatAddress(dst)}/${prefix}`;
  return to + (via === undefined ? "" : ` via ${formatAddress(via)}`) +
    (oif === undefined ? "" : ` on interface ${oif}`);
}

function defaultScope({ family, via, type = "unicast" }: NewRoute): number {
  if (family === 6 || via !== undefined || type !== "unicast" && type !== "local") return RT_SCOPE_UNIVERSE;
  return type === "local" ? RT_SCOPE_HOST : RT_SCOPE_LINK;
}

/** struct rtvia: a next hop of another family than the route's. */
function rtvia(via: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + via.length);
  new DataView(bytes.buffer).setUint16(0, via.length === 4 ? AF_INET : AF_INET6, true);
  bytes.set(via, 2);
  return bytes;
}

function routeFamily(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}
