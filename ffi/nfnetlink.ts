/**
 * What all of netfilter's netlink protocols share (linux/netfilter/nfnetlink.h), and nf_tables' generation.
 */

import type { Netlink } from "./netlink_conversation.ts";
import { Attributes, encodePayload } from "./netlink_message.ts";
import { be16, struct, u8 } from "./struct.ts";

/** struct nfgenmsg */
export const nfgenmsg = struct({ nfgen_family: u8, version: u8, res_id: be16 });

export const NFNL_SUBSYS_CTNETLINK = 1;
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;

/** The type of a message: its subsystem and a number of that subsystem. */
export function nfnetlinkType(subsystem: number, message: number): number {
  return subsystem << 8 | message;
}

/**
 * The number of changes that were ever made to the rules of this network namespace, by anybody: packets and
 * time do not count. Throws a NetlinkError when the kernel has no nf_tables.
 */
export function rulesGeneration(nl: Netlink): number {
  const [reply] = nl.request([{
    type: nfnetlinkType(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN),
    flags: 0,
    payload: encodePayload(nfgenmsg.encode({}), []),
    description: "ask for the generation of nf_tables",
  }]);
  const [message] = reply?.messages ?? [];
  if (message === undefined) return 0;
  return new Attributes(message.payload, nfgenmsg.size).be32(NFTA_GEN_ID) ?? 0;
}
