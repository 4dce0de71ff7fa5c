/** Network interfaces over rtnetlink: list, create, change, remove (rtnetlink(7), linux/if_link.h). */

import { ENODEV } from "./errno.ts";
import type { Netlink } from "./netlink_conversation.ts";
import { NetlinkError } from "./netlink_error.ts";
import {
  type Attribute,
  Attributes,
  bytesOf,
  concat,
  encodeAttributes,
  encodePayload,
  type NetlinkMessage,
  type NetlinkRequest,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  optional,
} from "./netlink_message.ts";
import { i32, struct, u16, u32, u8 } from "./struct.ts";

/** struct ifinfomsg */
export const ifinfomsg = struct({
  ifi_family: u8,
  ifi_type: u16,
  ifi_index: i32,
  ifi_flags: u32,
  ifi_change: u32,
});

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const IFF_UP = 0x1;
export const IFF_LOOPBACK = 0x8;
export const IFF_RUNNING = 0x40;
export const IFF_MULTICAST = 0x1000;
export const IFF_LOWER_UP = 0x10000;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_OPERSTATE = 16;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_AF_SPEC = 26;
const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_MACVLAN_MODE = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const VETH_INFO_PEER = 1;
const AF_INET6 = 10;
const RTEXT_FILTER_SKIP_STATS = 8;
const skipStatistics = bytesOf(u32, RTEXT_FILTER_SKIP_STATS);

/** RFC 2863 states by number (linux/if.h). */
const operStates = ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"] as const;
export type OperState = typeof operStates[number];

const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const addrGenModes = { eui64: 0, none: 1 } as const;

/** One network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFF_* bits. */
  readonly flags: number;
  /** The operator wants it up. */
  readonly up: boolean;
  /**
   * Up, and nothing is known against it: `operstate` is up, or unknown as with loopback and what was made
   * just now.
   */
  readonly running: boolean;
  /**
   * The carrier: a cable is in, the peer of a veth is up. After it came, packets are dropped until
   * `operstate` is up.
   */
  readonly lowerUp: boolean;
  readonly loopback: boolean;
  readonly mtu: number;
  /** Link-layer address; empty where the kind has none. */
  readonly mac: Uint8Array;
  readonly operstate: OperState;
  /** Hardware type: 1 Ethernet, 772 loopback (linux/if_arp.h). */
  readonly type: number;
  /** `bridge`, `veth`, `macvlan`, ...; undefined for hardware. */
  readonly kind?: string;
  /** Index of the bridge, bond or VRF that it belongs to. */
  readonly master?: number;
  /** Index of the interface below it (macvlan, vlan) or beside it (veth; perhaps in another namespace). */
  readonly linkIndex?: number;
  /** What somebody has written down about it (`ip link set ... alias`). */
  readonly alias?: string;
}

/** What {@link addLink} makes. */
export type NewLink =
  & {
    readonly name: string;
    readonly mac?: Uint8Array;
    readonly mtu?: number;
    readonly namespaceFd?: number;
  }
  & (
    | { readonly kind: "bridge" | "dummy" | "ipip" }
    | { readonly kind: "veth"; readonly peer: { name: string; mac?: Uint8Array; namespaceFd?: number } }
    | { readonly kind: "macvlan"; readonly linkIndex: number; readonly mode: keyof typeof macvlanModes }
  );

/** What {@link setLink} changes; what is left out stays. */
export interface LinkChange {
  readonly up?: boolean;
  readonly name?: string;
  readonly mac?: Uint8Array;
  readonly mtu?: number;
  readonly alias?: string;
  /** Index of the bridge to join; 0 leaves it. */
  readonly master?: number;
  /** Open descriptor of the network namespace to move to. */
  readonly namespaceFd?: number;
  /**
   * Whether IPv6 makes itself a link-local address when the interface goes up. Not accepted while it is being
   * created.
   */
  readonly addrGenMode?: keyof typeof addrGenModes;
}

/** All interfaces of the namespace that `nl` was opened in. */
export function listLinks(nl: Netlink): Link[] {
  const payload = encodePayload(ifinfomsg.encode({}), [[
    IFLA_EXT_MASK,
    bytesOf(u32, RTEXT_FILTER_SKIP_STATS),
  ]]);
  const [reply] = nl.request([{
    type: RTM_GETLINK,
    flags: NLM_F_DUMP,
    payload,
    description: "list interfaces",
  }]);
  return (reply?.messages ?? []).map(parseLink).filter((link) => link !== null);
}

/**
 * One interface as it is now; null when there is none of this index. `lowerUp` is the carrier itself, at
 * once, while the notification of a lost carrier (and `running`) comes up to a second late: the kernel tells
 * of at most one a second, and only of a carrier that came back without delay.
 */
export function getLink(nl: Netlink, index: number): Link | null {
  const payload = encodePayload(ifinfomsg.encode({ ifi_index: index }), [[IFLA_EXT_MASK, skipStatistics]]);
  try {
    const [reply] = nl.request([{
      type: RTM_GETLINK,
      flags: 0,
      payload,
      description: `look at interface ${index}`,
    }]);
    const [message] = reply?.messages ?? [];
    return message === undefined ? null : parseLink(message);
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENODEV) return null;
    throw error;
  }
}

/** Creates an interface, down. A veth makes two: itself and its peer. */
export function addLink(nl: Netlink, link: NewLink): void {
  const attributes: Attribute[] = [
    [IFLA_IFNAME, link.name],
    [IFLA_ADDRESS, link.mac],
    [IFLA_MTU, optional(u32, link.mtu)],
    [IFLA_NET_NS_FD, optional(u32, link.namespaceFd)],
    [IFLA_LINK, link.kind === "macvlan" ? bytesOf(u32, link.linkIndex) : undefined],
    [IFLA_LINKINFO, [[IFLA_INFO_KIND, link.kind], [IFLA_INFO_DATA, kindData(link)]]],
  ];
  nl.request([{
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: encodePayload(ifinfomsg.encode({}), attributes),
    description: `add ${link.kind} interface ${link.name}`,
  }]);
}

/**
 * Changes an interface. ENODEV: there is none of this index. Going down is done before all else and going up
 * after it (the kernel, given one message, would set it up before it heeds `addrGenMode`).
 */
export function setLink(nl: Netlink, index: number, { up, ...rest }: LinkChange): void {
  const others = Object.keys(rest).length === 0 ? [] : [setLinkRequest(index, rest)];
  if (up === undefined) nl.request(others);
  else if (up) nl.request([...others, setLinkRequest(index, { up })]);
  else nl.request([setLinkRequest(index, { up }), ...others]);
}

/** Removes an interface; a veth takes its peer along. */
export function removeLink(nl: Netlink, index: number): void {
  const payload = encodePayload(ifinfomsg.encode({ ifi_index: index }), []);
  nl.request([{ type: RTM_DELLINK, flags: 0, payload, description: `remove interface ${index}` }]);
}

/**
 * An RTM_NEWLINK or RTM_DELLINK as a link; null when it is about something else than the interface itself: a
 * bridge says that a port left it with RTM_DELLINK of family AF_BRIDGE, and wireless drivers send events
 * without an MTU.
 */
export function parseLink({ payload }: NetlinkMessage): Link | null {
  if (payload.length < ifinfomsg.size) return null;
  const header = ifinfomsg.decode(payload);
  const attributes = new Attributes(payload, ifinfomsg.size);
  const name = attributes.text(IFLA_IFNAME);
  const mtu = attributes.u32(IFLA_MTU);
  if (header.ifi_family !== 0 || name === undefined || mtu === undefined) return null;
  const kind = attributes.nested(IFLA_LINKINFO)?.text(IFLA_INFO_KIND);
  const master = attributes.u32(IFLA_MASTER);
  const linkIndex = attributes.u32(IFLA_LINK);
  const alias = attributes.text(IFLA_IFALIAS);
  return {
    index: header.ifi_index,
    name,
    flags: header.ifi_flags,
    up: (header.ifi_flags & IFF_UP) !== 0,
    running: (header.ifi_flags & IFF_RUNNING) !== 0,
    lowerUp: (header.ifi_flags & IFF_LOWER_UP) !== 0,
    loopback: (header.ifi_flags & IFF_LOOPBACK) !== 0,
    mtu,
    mac: attributes.octets(IFLA_ADDRESS) ?? new Uint8Array(0),
    operstate: operStates[attributes.u8(IFLA_OPERSTATE) ?? 0] ?? "unknown",
    type: header.ifi_type,
    ...(kind === undefined ? {} : { kind }),
    ...(master === undefined ? {} : { master }),
    ...(linkIndex === undefined ? {} : { linkIndex }),
    ...(alias === undefined ? {} : { alias }),
  };
}

function setLinkRequest(index: number, change: LinkChange): NetlinkRequest {
  const header = ifinfomsg.encode({
    ifi_index: index,
    ifi_flags: change.up === true ? IFF_UP : 0,
    ifi_change: change.up === undefined ? 0 : IFF_UP,
  });
  const payload = encodePayload(header, [
    [IFLA_IFNAME, change.name],
    [IFLA_ADDRESS, change.mac],
    [IFLA_MTU, optional(u32, change.mtu)],
    [IFLA_IFALIAS, change.alias],
    [IFLA_MASTER, optional(u32, change.master)],
    [IFLA_NET_NS_FD, optional(u32, change.namespaceFd)],
    [IFLA_AF_SPEC, afSpec(change.addrGenMode)],
  ]);
  return { type: RTM_NEWLINK, flags: 0, payload, description: `change interface ${index}` };
}

function afSpec(mode: keyof typeof addrGenModes | undefined): Attribute[] | undefined {
  if (mode === undefined) return undefined;
  return [[AF_INET6, [[IFLA_INET6_ADDR_GEN_MODE, bytesOf(u8, addrGenModes[mode])]]]];
}

function kindData(link: NewLink): Attribute[] | undefined {
  switch (link.kind) {
    case "macvlan":
      return [[IFLA_MACVLAN_MODE, bytesOf(u32, macvlanModes[link.mode])]];
    case "veth": {
      const { name, mac, namespaceFd } = link.peer;
      const peer = encodeAttributes([
        [IFLA_IFNAME, name],
        [IFLA_ADDRESS, mac],
        [IFLA_NET_NS_FD, optional(u32, namespaceFd)],
      ]);
      // The peer has a header of its own before its attributes, so this is not a plain nest.
      return [[VETH_INFO_PEER, concat([ifinfomsg.encode({}), peer])]];
    }
    default:
      return undefined;
  }
}
