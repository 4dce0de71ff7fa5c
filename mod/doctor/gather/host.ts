/** This host's interfaces, kernel parameters and clock. */
import { clockSynchronised } from "../../../ffi/clock.ts";
import {
  IFA_F_DADFAILED,
  IFA_F_TENTATIVE,
  IFF_MULTICAST,
  listAddresses,
  listLinks,
  openRtnetlink,
} from "../../../ffi/rtnetlink.ts";
import { findProgram } from "../../../checks/command.ts";
import { formatAddress, formatMac } from "../../wire/address.ts";
import type { ClockFacts, Facts, LinkFacts } from "../facts.ts";
import { ask, readText } from "./programs.ts";

const IPV4_KEYS = ["rp_filter", "arp_ignore", "arp_announce", "promote_secondaries"] as const;
const IPV6_KEYS = ["disable_ipv6"] as const;
const MAX_LINKS = 4_096;

export function gatherLinks(): LinkFacts[] {
  using netlink = openRtnetlink();
  const links = listLinks(netlink).slice(0, MAX_LINKS);
  const addresses = Map.groupBy(listAddresses(netlink), ({ ifindex }) => ifindex);
  const nameOf = (index = 0): string => links.find((link) => link.index === index)?.name ?? "";
  return links.map((link) => ({
    name: link.name,
    index: link.index,
    up: link.up,
    carrier: link.running && link.lowerUp,
    mac: link.mac.length === 6 ? formatMac(link.mac) : "",
    kind: link.kind ?? "",
    mode: "",
    below: nameOf(link.linkIndex),
    master: nameOf(link.master),
    masterKind: links.find(({ index }) => index === link.master)?.kind ?? "",
    multicast: (link.flags & IFF_MULTICAST) !== 0,
    addresses: (addresses.get(link.index) ?? []).map(({ address, prefix, flags }) => ({
      address: formatAddress(address),
      prefix,
      tentative: (flags & IFA_F_TENTATIVE) !== 0,
      duplicate: (flags & IFA_F_DADFAILED) !== 0,
    })),
    snoopsUnasked: link.kind === "bridge" && isSnooping(link.name),
  }));
}

/** The modes of macvlans, as ip(8) tells them. */
export async function withModes(links: readonly LinkFacts[]): Promise<LinkFacts[]> {
  if (!links.some(({ kind }) => kind === "macvlan")) return [...links];
  const said = await ask(["ip", "-json", "-details", "link", "show", "type", "macvlan"]);
  const modes = modesIn(said?.text ?? "");
  return links.map((link) => ({ ...link, mode: modes.get(link.name) ?? "" }));
}

function modesIn(text: string): Map<string, string> {
  try {
    const links = JSON.parse(text) as { ifname?: string; linkinfo?: { info_data?: { mode?: string } } }[];
    return new Map(links.map(({ ifname = "", linkinfo }) => [ifname, linkinfo?.info_data?.mode ?? ""]));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // An older ip(8) that knows no JSON, or none at all.
    return new Map();
  }
}

function isSnooping(name: string): boolean {
  const key = (key: string): string => readText(`/sys/class/net/${name}/bridge/${key}`)?.trim() ?? "";
  return key("multicast_snooping") === "1" && key("multicast_querier") === "0";
}

export function gatherParameters(interfaces: readonly string[]): Map<string, string> {
  const paths = [
    "net/ipv4/ip_forward",
    ...["all", ...interfaces].flatMap((name) => [
      ...IPV4_KEYS.map((key) => `net/ipv4/conf/${name}/${key}`),
      ...IPV6_KEYS.map((key) => `net/ipv6/conf/${name}/${key}`),
    ]),
  ];
  return new Map(paths.flatMap((path): [string, string][] => {
    const value = readText(`/proc/sys/${path}`);
    return value === null ? [] : [[path, value.trim()]];
  }));
}

export function gatherVendor(): string {
  const read = (key: string): string => readText(`/sys/class/dmi/id/${key}`)?.trim() ?? "";
  return [read("sys_vendor"), read("product_name")].filter((text) => text !== "").join(" ");
}

export function gatherEngines(): Facts["engines"] {
  return {
    nft: findProgram("nft") !== undefined,
    haproxy: findProgram("haproxy") !== undefined,
    ipvs: readText("/proc/net/ip_vs") !== null,
  };
}

export function gatherConntrack(): Facts["conntrack"] {
  const number = (key: string): number => Number(readText(`/proc/sys/net/netfilter/${key}`) ?? NaN);
  const [used, limit] = [number("nf_conntrack_count"), number("nf_conntrack_max")];
  return Number.isFinite(used) && limit > 0 ? { used, limit } : null;
}

export function gatherClock(): ClockFacts {
  return { synchronised: clockSynchronised() };
}
