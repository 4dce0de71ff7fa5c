/**
 * What of this host direct routing depends on: its interfaces, and by which of them a real server is reached.
 */
import { SyscallError } from "../../../ffi/errno.ts";
import { NetlinkError } from "../../../ffi/netlink.ts";
import { type Link, listLinks, lookUpRoute, openRtnetlink } from "../../../ffi/rtnetlink.ts";
import { parseAddress } from "../../wire/address.ts";
import { type Hop, NOWHERE, type Surroundings } from "./direct.ts";

/** ARPHRD_ETHER */
const ETHERNET = 1;

/** The network namespace of the calling thread, for these real servers. */
export function lookAround(addresses: Iterable<string>): Surroundings {
  const wanted = [...new Set(addresses)];
  if (wanted.length === 0) return NOWHERE;
  using nl = openRtnetlink();
  const links = new Map(listLinks(nl).map((link) => [link.index, link]));
  const devices = [...links.values()].filter((link) => takesPackets(link, links)).map(({ name }) => name)
    .sort();
  const hop = (address: string): Hop => {
    const octets = parseAddress(address);
    if (octets === null) return { kind: "none", why: "is no address" };
    try {
      const route = lookUpRoute(nl, octets);
      const device = links.get(route?.oif ?? 0)?.name;
      if (route?.type === "local") return { kind: "here" };
      if (route?.type !== "unicast" || device === undefined) {
        return { kind: "none", why: "cannot be reached" };
      }
      return route.via === undefined
        ? { kind: "device", device }
        : { kind: "none", why: "is behind a router, and direct routing needs it on the same network" };
    } catch (error) {
      if (!(error instanceof NetlinkError) && !(error instanceof SyscallError)) throw error;
      return { kind: "none", why: `cannot be reached (${error.message})` };
    }
  };
  return { devices, hops: new Map(wanted.map((address) => [address, hop(address)])) };
}

/**
 * Ethernet of its own: what comes in by a port of a bridge or bond comes in by that one too. Also what is
 * down: the interface of a virtual router's MAC address may go up at any moment.
 */
function takesPackets({ type, loopback, master }: Link, links: ReadonlyMap<number, Link>): boolean {
  if (type !== ETHERNET || loopback) return false;
  return master === undefined || links.get(master)?.kind === "vrf";
}
