/** Addresses, peers and interfaces of a vrrp_instance. */
import { addressOf } from "./addresses.ts";
import { addressAt, switchAt, wholeNumberAt } from "./arguments.ts";
import { garpKeywords } from "./garp.ts";
import type { Garp } from "./globals.ts";
import type { VrrpInstance } from "./instance.ts";
import { type Tell, teller } from "./report.ts";
import { type Keywords, rows } from "./table.ts";
import type { Statement } from "./tree.ts";

type Rows = Keywords<VrrpInstance>;

export const ADDRESSES: Rows = [
  ...(["virtual_ipaddress", "virtual_ipaddress_excluded"] as const).map((keyword): Rows[number] => ({
    keyword,
    outcome: "converted",
    why: keyword === "virtual_ipaddress"
      ? "virtual_router.*.addresses"
      : "virtual_router.*.excluded_addresses",
    convert: ({ raw }, { addresses, excluded, conversion }, tell) => {
      if (raw === null) return tell.refuse("expected { and addresses");
      for (const line of raw) {
        const address = addressOf(line, conversion.rows);
        if (address !== null) (keyword === "virtual_ipaddress" ? addresses : excluded).push(address);
      }
    },
  })),
  ...rows("nothing to do", "a virtual router may have no address", ["no_virtual_ipaddress"]),
  ...rows("nothing to do", "addresses that the kernel removes with another one are put back at once", [
    "promote_secondaries",
  ]),
  ...rows("nothing to do", "always so", ["accept"]),
  ...rows(
    "refused",
    "the addresses answer here (Accept_Mode): drop what is not for this host in the firewall, such as nft " +
      "add rule inet filter input ip daddr ADDRESS drop",
    ["no_accept"],
  ),
  ...rows("refused", "vipd moves no routes: let notify.active and notify.backup call `ip route`", [
    "virtual_routes",
  ]),
  ...rows("refused", "vipd moves no rules: let notify.active and notify.backup call `ip rule`", [
    "virtual_rules",
  ]),
  ...rows("nothing to do", "another list of addresses is accepted, and shown in the status", [
    "skip_check_adv_addr",
  ]),
];

export const TRANSPORT: Rows = [
  {
    keyword: "unicast_peer",
    outcome: "converted",
    why: "virtual_router.*.unicast_peers; only they are heard, in keepalived with check_unicast_src only",
    convert: ({ raw }, instance, tell) => {
      instance.wantsUnicast = true;
      const peers = instance.peers ??= [];
      for (const [peer, option] of raw ?? []) {
        if (peer === undefined) continue;
        if (peers.includes(peer.text)) tell.nothing(`${peer.text} is named twice`);
        else peers.push(peer.text);
        if (option !== undefined) {
          teller(instance.conversion.rows, option.at, option.text).omit(
            "only the peers' source addresses are checked, not how far away they are",
          );
        }
      }
      if (peers.length === 0) delete instance.peers;
    },
  },
  {
    keyword: "unicast_src_ip",
    outcome: "converted",
    why: "virtual_router.*.unicast_source",
    convert: (statement, instance, tell) => {
      instance.wantsUnicast = true;
      const source = addressAt(statement, 0, tell);
      if (source !== undefined) instance.source = source;
    },
  },
  {
    keyword: "mcast_src_ip",
    outcome: "converted",
    why:
      "virtual_router.*.unicast_source with unicast_peer; multicast advertisements come from the interface's " +
      "first address",
    convert: (statement, instance, tell) => {
      const source = addressAt(statement, 0, tell);
      if (source === undefined) return;
      instance.source = source;
      instance.conversion.later.push(() => {
        if (instance.peers === undefined) {
          tell.omit(
            "multicast advertisements come from the interface's first address (a tie is decided by it)",
          );
        }
      });
    },
  },
  {
    keyword: "mcast_dst_ip",
    outcome: "converted",
    why: "virtual_router.*.multicast_group",
    convert: (statement, instance, tell) => {
      const group = addressAt(statement, 0, tell);
      if (group !== undefined) instance.multicastGroup = group;
    },
  },
  {
    keyword: "unicast_fault_no_peer",
    outcome: "converted",
    why: "refused where there is no peer: vipd never falls back to multicast",
    convert: (_statement, instance) => {
      instance.wantsUnicast = true;
      instance.faultWithoutPeers = true;
    },
  },
  {
    keyword: "check_unicast_src",
    outcome: "nothing to do",
    why: "only unicast_peers are heard, always",
    convert: (_statement, instance, tell) => {
      instance.wantsUnicast = true;
      tell.nothing("only unicast_peers are heard, always");
    },
  },
  {
    keyword: "unicast_ttl",
    outcome: "nothing to do",
    why: "255, as keepalived's default",
    convert: (statement, _instance, tell) => {
      const ttl = wholeNumberAt(statement, 0, [0, 255], tell);
      if (ttl === 255) tell.nothing("255 is what is sent");
      else if (ttl !== undefined) tell.omit("advertisements are sent with a TTL of 255");
    },
  },
  {
    keyword: "v3_checksum_as_v2",
    outcome: "converted",
    why: 'virtual_router.*.ipv4_checksum = "rfc9568"',
    convert: (statement, instance, tell) => {
      const on = switchAt(statement, tell);
      if (on !== undefined) instance.checksumAsV2 = on;
    },
  },
  ...rows("refused", "only needed with keepalived 1.3.6 and older, whose unicast checksum is wrong", [
    "old_unicast_checksum",
  ], true),
  ...rows("nothing to do", "without unicast_source on this host a virtual router waits", ["track_src_ip"]),
  ...rows("nothing to do", "receive buffers are as large as permitted", ["kernel_rx_buf_size"]),
];

export const INTERFACES: Rows = [
  {
    keyword: "use_vmac",
    outcome: "converted",
    why: "virtual_router.*.virtual_mac",
    convert: convertVirtualMac,
  },
  {
    keyword: "vmac_xmit_base",
    outcome: "converted",
    why: 'virtual_router.*.virtual_mac.advertise_from = "base"',
    convert: (_statement, instance) => {
      instance.advertiseFromBase = true;
    },
  },
  ...rows("refused", "only the addresses of virtual_mac's own interface have the virtual MAC address", [
    "use_vmac_addr",
  ], true),
  ...rows("refused", "there is no ipvlan: use virtual_mac (macvlan), or none", ["use_ipvlan"]),
  ...rows("refused", "start vipd in the VRF: `ip vrf exec NAME vipd run`", ["vrf"]),
  ...rows("refused", "an interface without carrier is FAULT, always", ["dont_track_primary"], true),
  ...rows("obsolete", "nothing: the kernel tells of every interface (netlink)", ["linkbeat_use_polling"]),
  ...garpKeywords<VrrpInstance>("", ({ garp }) => garp as Garp),
  ...rows("refused", "vipd sends no announcements on further interfaces", [
    "garp_extra_if",
    "vmac_garp_intvl",
  ], true),
];

/** `use_vmac [[name] INTERFACE] [MAC] [group N] [netlink_notify_msg]` */
function convertVirtualMac({ args }: Statement, instance: VrrpInstance, tell: Tell): void {
  let name: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const { text } = args[i]!;
    if (text.includes(":")) tell.omit(`the MAC address is that of the RFC, 00-00-5E-00-01-VRID, not ${text}`);
    else if (text === "group") {
      tell.omit(`the interface joins no group of interfaces (${args[++i]?.text ?? ""})`);
    } else if (text === "name") name = args[++i]?.text;
    else if (text !== "netlink_notify_msg") name = text;
  }
  instance.virtualMac = name === undefined ? {} : { name };
}
