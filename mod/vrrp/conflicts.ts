/**
 * Whether an address of a virtual router that somebody claims is claimed wrongly: not by this host, and not
 * by a router of its group that is there and on its way in or out. PURE.
 */
import { formatMac } from "../wire/address.ts";
import { virtualRouterMac } from "../wire/ethernet.ts";
import type { Advertisement } from "./packet.ts";
import { activeDownIntervalMs, intervalMs } from "./timers.ts";

/** A router of the group, as far as it excuses a claim. Times are Unix milliseconds. */
export interface Peer {
  readonly address: string;
  readonly advertisement: Advertisement;
  readonly lastSeen: number;
}

/** Everything that a claim is judged by; MAC addresses as text. */
export interface Witnesses {
  readonly ownMacs: ReadonlySet<string>;
  readonly peers: readonly Peer[];
  /** Of the peers that have answered for their own addresses. */
  readonly macs: ReadonlyMap<string, string>;
  readonly family: 4 | 6;
  readonly vrid: number;
  readonly version: 2 | 3;
  readonly advertisementInterval: number;
  readonly now: number;
}

/**
 * Heard so recently that nobody could take it for dead: it says itself what it does with the addresses, and
 * an active router that resigns keeps them until it hears its successor.
 */
export function isAlive(
  { advertisement, lastSeen }: Pick<Peer, "advertisement" | "lastSeen">,
  { version, advertisementInterval, now }: Pick<Witnesses, "version" | "advertisementInterval" | "now">,
): boolean {
  const interval = version === 2 ? advertisementInterval : advertisement.maxAdvertiseInterval;
  // Half an interval less than the best backup waits: who has waited must not take it for alive.
  return now - lastSeen < activeDownIntervalMs(version, 255, interval) - intervalMs(interval) / 2;
}

/**
 * Whose claim this is, in a sentence's words, when two hosts serve one address; null when it is all right.
 * `here`: it came over the link that the advertisements come over, where a peer's own address is asked for.
 */
export function conflictBy(
  mac: string,
  witnesses: Witnesses,
  { here }: { readonly here: boolean },
): string | null {
  const { ownMacs, peers, macs, family, vrid } = witnesses;
  if (ownMacs.has(mac)) return null;
  const alive = peers.filter((peer) => isAlive(peer, witnesses));
  const shared = mac === formatMac(virtualRouterMac(family, vrid));
  if (alive.some(({ address }) => shared || !here || macs.get(address) === mac)) return null;
  const known = peers.find(({ address }) => macs.get(address) === mac);
  if (known !== undefined) return `${mac}, the router ${known.address}, which is not heard any more`;
  return shared ? `${mac}, the virtual router MAC address: a router that is not heard` : mac;
}
