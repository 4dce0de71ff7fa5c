/**
 * Why a received advertisement does not count: the reasons, each of them a counter (names of RFC 8347 where
 * it has one).
 */

/** Where RFC 8347 counts a reason: for the node, or for the virtual router that the VRID found. */
type Scope = "global" | "virtual_router";

interface Explanation {
  readonly scope: Scope;
  /** One line for the operator: what it means and what to do about it. */
  readonly explanation: string;
}

/** Every reason, in the order in which `decode` looks for it; the last one the engine finds by itself. */
export const REASONS = {
  packet_length_errors: {
    scope: "global",
    explanation:
      "The packet is shorter or longer than its own fields say; look for a device that cuts or rewrites VRRP.",
  },
  vrid_errors: {
    scope: "global",
    explanation:
      "No virtual router here has this VRID on this interface; another cluster shares the link, or `vrid` differs.",
  },
  ip_ttl_errors: {
    scope: "global",
    explanation:
      "The packet crossed a router, or its sender does not send TTL 255; keep the peers on one link or use unicast.",
  },
  version_errors: {
    scope: "global",
    explanation: "The peer speaks the other VRRP version; set the same `version` on both sides.",
  },
  invalid_authentication_type: {
    scope: "virtual_router",
    explanation:
      "The authentication type is none that VRRPv2 knows; the sender is broken or is not a VRRP router.",
  },
  authentication_type_mismatch: {
    scope: "virtual_router",
    explanation:
      "One side sends a password and the other does not; set the same `password` on both, or remove it from both.",
  },
  authentication_failures: {
    scope: "virtual_router",
    explanation:
      "The password differs; compare `password` on both sides (keepalived uses only the first 8 characters).",
  },
  interval_errors: {
    scope: "virtual_router",
    explanation:
      "The advertisement interval is unusable or (v2) not ours; set the same `advertisement_interval` on both sides.",
  },
  invalid_type_pkts_rcvd: {
    scope: "virtual_router",
    explanation:
      "The packet is not an advertisement, the only type there is; the sender is broken or is not a VRRP router.",
  },
  address_list_errors: {
    scope: "virtual_router",
    explanation: "The packet advertises no address; give the peer its `addresses`.",
  },
  checksum_errors: {
    scope: "global",
    explanation:
      "The checksum is wrong with and without the pseudo header; the packet was damaged, or NAT rewrote its addresses.",
  },
  unicast_mismatch: {
    scope: "virtual_router",
    explanation:
      "One side uses unicast and the other multicast, or another group; set `unicast_peers` on both sides or on none.",
  },
  owner_conflict: {
    scope: "virtual_router",
    explanation:
      "Another router advertises addresses that this one owns (priority 255); only one may have priority 255.",
  },
  unknown_source: {
    scope: "virtual_router",
    explanation: "The sender is not among `unicast_peers`; add it there, or find out who it is.",
  },
  own_address: {
    scope: "virtual_router",
    explanation:
      "The packet carries our own source address; another host has the same address, or a loop sends our packets back.",
  },
} as const satisfies Record<string, Explanation>;

export type Reason = keyof typeof REASONS;

/** A packet that must not count, with what was found in it. */
export interface Discard {
  readonly discard: Reason;
  readonly detail: string;
}

export function discard(reason: Reason, detail: string): Discard {
  return { discard: reason, detail };
}
