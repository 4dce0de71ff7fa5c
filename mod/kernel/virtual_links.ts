/**
 * The macvlan interfaces that carry virtual router MAC addresses (RFC 9568 §7.3): made when a virtual router
 * comes, up only while it is active, removed when it goes.
 */
import { type Netlink, NetlinkError } from "../../ffi/netlink.ts";
import { addLink, type Link, listLinks, removeLink, setLink } from "../../ffi/rtnetlink.ts";
import { equalAddresses } from "../wire/address.ts";
import type { LinkTable } from "./links.ts";
import { type Parameters, Sysctl } from "./sysctl.ts";

/** Written into the interface's alias, so that a later run recognises what an earlier one left behind. */
const ALIAS = "vipd virtual router MAC";
/** The first octets of every virtual router MAC address. */
const VIRTUAL_PREFIX = Uint8Array.of(0x00, 0x00, 0x5e, 0x00);

/** One interface that carries a virtual router MAC address. */
export interface VirtualLink {
  readonly name: string;
  /** Name of the interface below it. */
  readonly base: string;
  readonly mac: Uint8Array;
}

/**
 * At least these values, by directory. The base must not answer for, nor ask from, addresses that live on the
 * macvlan: neighbours would learn its own MAC address for them. What comes in on the macvlan goes out through
 * the base, by the host's routes: strict reverse path filtering would drop it. And an address that is removed
 * must not take others of its subnet along.
 */
const LEAST: Readonly<Record<"base" | "own", Readonly<Record<string, number>>>> = {
  base: { arp_ignore: 1, arp_announce: 2 },
  own: { arp_ignore: 1, rp_filter: 2, promote_secondaries: 1 },
};
/** It is no interface of the host's own: it takes no addresses and no routes from the network. */
const IPV6_OFF = ["accept_ra", "autoconf"] as const;
/** What the kernel says about IPv6 on a host that has none. */
const NO_IPV6 = ["EAFNOSUPPORT", "EOPNOTSUPP"];

/** What to do with an interface of the wanted name. */
export type LinkAction = "none" | "create" | "replace" | "refuse";

/** An interface of ours by its name but with another base or MAC address makes way; a stranger's does not. */
export function planVirtualLink(there: Link | undefined, base: Link, { mac }: VirtualLink): LinkAction {
  if (there === undefined) return "create";
  if (there.kind !== "macvlan") return "refuse";
  if (there.linkIndex === base.index && equalAddresses(there.mac, mac)) return "none";
  const isVirtual = VIRTUAL_PREFIX.every((octet, i) => there.mac[i] === octet);
  return isVirtual ? "replace" : "refuse";
}

export class VirtualLinks {
  readonly sysctl: Sysctl;
  /** Who needs an interface, and who needs it up, by its name. */
  readonly #users = new Map<string, Set<object>>();
  readonly #raised = new Map<string, Set<object>>();
  /** Index of the interface whose parameters are set, by its name. */
  readonly #tuned = new Map<string, number>();

  constructor(readonly netlink: Netlink, readonly links: LinkTable, parameters: Parameters) {
    this.sysctl = new Sysctl(parameters);
  }

  /**
   * The interface exists as wanted, and is up if anybody serves on it. Without its base nothing is done.
   * Returns what stands in the way, else null.
   */
  attach(user: object, wanted: VirtualLink): string | null {
    put(this.#users, wanted.name, user);
    const base = this.links.byName(wanted.base);
    if (base === undefined) return null;
    const there = this.links.byName(wanted.name);
    const action = planVirtualLink(there, base, wanted);
    if (action === "refuse") {
      return `${wanted.name} exists and is no interface of a virtual router: choose another virtual_mac.interface`;
    }
    const isTuned = this.#tuned.get(wanted.name) === there?.index;
    if (action === "none" && isTuned && there!.up === this.#isRaised(wanted)) return null;
    return this.#try(() => {
      if (action === "replace") removeLink(this.netlink, there!.index);
      if (action !== "none" || !this.#set(wanted, this.#isRaised(wanted))) this.#create(wanted, base);
    }) ?? this.#tune(wanted);
  }

  /** Up, before addresses come. Returns what stands in the way, else null. */
  raise(user: object, wanted: VirtualLink): string | null {
    put(this.#raised, wanted.name, user);
    return this.#try(() => void this.#set(wanted, true));
  }

  /**
   * Down, after the addresses have gone, unless somebody else serves on it: a backup must not speak from this
   * MAC address.
   */
  lower(user: object, wanted: VirtualLink): string | null {
    take(this.#raised, wanted.name, user);
    return this.#isRaised(wanted) ? null : this.#try(() => void this.#set(wanted, false));
  }

  /** This user needs it no longer; when nobody does, it goes, and the base becomes what it was. */
  detach(user: object, wanted: VirtualLink): string | null {
    take(this.#raised, wanted.name, user);
    take(this.#users, wanted.name, user);
    if (this.#users.has(wanted.name)) return null;
    const index = this.links.indexOf(wanted.name);
    const problem = index === 0 ? null : this.#try(() => removeLink(this.netlink, index));
    const base = this.links.indexOf(wanted.base);
    const isNeeded = this.links.all().some(({ name, linkIndex }) =>
      name !== wanted.name && linkIndex === base && this.#users.has(name)
    );
    if (!isNeeded) this.sysctl.restore(ipv4(wanted.base));
    return problem;
  }

  /** Removes what an earlier run has left behind and nobody uses now. Returns the names. */
  sweep(): string[] {
    const found = this.links.all().filter(({ name, alias }) => alias === ALIAS && !this.#users.has(name));
    return found.filter(({ index }) => this.#try(() => removeLink(this.netlink, index)) === null)
      .map(({ name }) => name);
  }

  #create(wanted: VirtualLink, base: Link): void {
    const { name, mac } = wanted;
    // Bridge mode: in the others the kernel gives what another router sends from the same MAC address to this
    // interface alone, and the base would not hear it.
    addLink(this.netlink, { kind: "macvlan", name, mac, linkIndex: base.index, mode: "bridge" });
    this.#learn(name);
    const index = this.links.indexOf(name);
    setLink(this.netlink, index, { alias: ALIAS });
    try {
      setLink(this.netlink, index, { addrGenMode: "none" });
    } catch (error) {
      // A host without IPv6 makes no link-local addresses anyway.
      if (!(error instanceof NetlinkError) || !NO_IPV6.includes(error.code)) throw error;
    }
    this.#learn(name);
    if (this.#isRaised(wanted)) this.#set(wanted, true);
  }

  /** Its notification comes later; what is done next needs to know of it now. */
  #learn(name: string): void {
    const link = listLinks(this.netlink).find((candidate) => candidate.name === name);
    if (link !== undefined) this.links.apply({ type: "link", link, portId: 0 });
  }

  /** False when it has just gone: that is told in two steps, first that it is down. */
  #set({ name }: VirtualLink, up: boolean): boolean {
    const link = this.links.byName(name);
    if (link === undefined) return false;
    if (link.up === up) return true;
    try {
      setLink(this.netlink, link.index, { up });
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code !== "ENODEV") throw error;
      this.links.apply({ type: "link_removed", link, portId: 0 });
      return false;
    }
    this.links.apply({ type: "link", link: { ...link, up }, portId: 0 });
    return true;
  }

  #tune({ name, base }: VirtualLink): string | null {
    const problems = [
      ...Object.entries(LEAST.base).map(([key, least]) =>
        this.sysctl.setAtLeast(`${ipv4(base)}/${key}`, least)
      ),
      ...Object.entries(LEAST.own).map(([key, least]) =>
        this.sysctl.setAtLeast(`${ipv4(name)}/${key}`, least)
      ),
      ...IPV6_OFF.map((key) => this.sysctl.set(`net/ipv6/conf/${name}/${key}`, "0")),
    ];
    const problem = problems.find((candidate) => candidate !== null) ?? null;
    if (problem === null) this.#tuned.set(name, this.links.indexOf(name));
    return problem;
  }

  #isRaised({ name }: VirtualLink): boolean {
    return this.#raised.has(name);
  }

  #try(action: () => void): string | null {
    try {
      action();
      return null;
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      return error.message;
    }
  }
}

function ipv4(name: string): string {
  return `net/ipv4/conf/${name}`;
}

function put(users: Map<string, Set<object>>, name: string, user: object): void {
  users.set(name, (users.get(name) ?? new Set()).add(user));
}

function take(users: Map<string, Set<object>>, name: string, user: object): void {
  const left = users.get(name);
  left?.delete(user);
  if (left?.size === 0) users.delete(name);
}
