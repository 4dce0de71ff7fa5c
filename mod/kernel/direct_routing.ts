/**
 * A real server that answers for virtual addresses which others ask for elsewhere (direct routing, tunnels):
 * the addresses are on its loopback or tunnel interface, and ARP keeps silent about them.
 */
import { type Netlink, NetlinkError } from "../../ffi/netlink.ts";
import { addLink, type Link, listAddresses, listLinks, setLink } from "../../ffi/rtnetlink.ts";
import { familyOf, formatAddress, parseAddress } from "../wire/address.ts";
import { LinkTable } from "./links.ts";
import { isSame, type ManagedAddress } from "./plan.ts";
import { reconcileAddresses } from "./reconcile.ts";
import { type ChangedParameter, type Parameters, Sysctl } from "./sysctl.ts";

/** One address that is wanted on one interface. */
export interface DirectAddress {
  /** Canonical text (RFC 5952). */
  readonly address: string;
  readonly interface: string;
}

/** How a round has ended. */
export interface DirectOutcome {
  /** Sentences; empty when all is as it should be. */
  readonly problems: readonly string[];
  /** Which of the wanted ones are there now. */
  readonly present: readonly DirectAddress[];
  /** Which of them somebody else had taken away. */
  readonly restored: readonly DirectAddress[];
}

/** What is to be put back by whoever goes on in our place. */
export interface DirectMemory {
  readonly parameters: readonly ChangedParameter[];
  /** Names of interfaces that we have set up. */
  readonly raised: readonly string[];
}

/** IPv4: a /32 that is never chosen as the source of this host's own connections. */
const SCOPE_HOST = 254;
/**
 * Answer only for addresses of the interface that is asked, ask only from them. The larger of both counts.
 */
const SILENT_ARP = { arp_ignore: 1, arp_announce: 2 } as const;
/** The kernel makes these when their module is loaded, which asking for another one of its kind does. */
const TUNNELS: Readonly<Record<string, "ipip">> = { tunl0: "ipip" };
const ALREADY_THERE = "EEXIST";

export class DirectRouting {
  readonly #netlink: Netlink;
  readonly #sysctl: Sysctl;
  readonly #raised = new Set<string>();
  #addresses: readonly ManagedAddress[] = [];

  constructor(
    netlink: Netlink,
    parameters: Parameters,
    memory: DirectMemory = { parameters: [], raised: [] },
  ) {
    this.#netlink = netlink;
    this.#sysctl = new Sysctl(parameters);
    this.#sysctl.inherit(memory.parameters);
    for (const name of memory.raised) this.#raised.add(name);
  }

  get memory(): DirectMemory {
    return { parameters: this.#sysctl.changes, raised: [...this.#raised] };
  }

  /** Makes these the addresses, and takes away those that we have added before. Throws when netlink fails. */
  reconcile(wanted: readonly DirectAddress[]): DirectOutcome {
    const problems = [...this.#tune(wanted), ...this.#prepare(wanted)];
    const links = new LinkTable();
    links.load(listLinks(this.#netlink), listAddresses(this.#netlink));
    const known = this.#addresses.map((address) => asItIs(address, links));
    const keep = wanted.map((one) => known.find((address) => isFor(address, one)) ?? managed(one));
    const others = known.filter((address) => !wanted.some((one) => isFor(address, one)));
    const lost = keep.filter((address) => address.held && !isThere(address, links));
    // What somebody else has configured was there before and has to outlive us.
    const wish = { leaseMs: 0, owner: true };
    const removed = reconcileAddresses(this.#netlink, links, others, { ...wish, wanted: false });
    const added = reconcileAddresses(this.#netlink, links, keep, { ...wish, wanted: true });
    this.#addresses = [...added.addresses, ...removed.addresses.filter(({ held }) => held)];
    if (wanted.length === 0) this.#restore(links);
    const held = added.addresses.filter((address) => address.held);
    return {
      problems: [...problems, ...removed.problems, ...added.problems],
      present: wanted.filter((one) =>
        added.addresses.some((address) => isFor(address, one) && (address.held || isThere(address, links)))
      ),
      restored: wanted.filter((one) =>
        held.some((address) => isFor(address, one)) && lost.some((address) => isFor(address, one))
      ),
    };
  }

  /** Set for all interfaces: that of the answer is not known beforehand. */
  #tune(wanted: readonly DirectAddress[]): string[] {
    if (!wanted.some(({ address }) => !address.includes(":"))) return [];
    const names = new Set(["all", ...wanted.map((one) => one.interface)]);
    return [...names].flatMap((name) =>
      Object.entries(SILENT_ARP).map(([key, least]) => this.#sysctl.setAtLeast(parameter(name, key), least))
    ).filter((problem) => problem !== null);
  }

  /** Up, and tunnels are there and take packets from where no route of theirs leads. */
  #prepare(wanted: readonly DirectAddress[]): string[] {
    return [...new Set(wanted.map((one) => one.interface))].flatMap((name) => {
      try {
        const link = this.#find(name);
        if (link === undefined) return [`${name}: there is no such interface${moduleHint(name)}`];
        if (!link.up) {
          setLink(this.#netlink, link.index, { up: true });
          this.#raised.add(name);
        }
        const problem = link.loopback ? null : this.#loosen(name);
        return problem === null ? [] : [problem];
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        return [`${name}: ${error.message}`];
      }
    });
  }

  #find(name: string): Link | undefined {
    const find = (): Link | undefined => listLinks(this.#netlink).find((link) => link.name === name);
    const kind = TUNNELS[name];
    const found = find();
    if (found !== undefined || kind === undefined) return found;
    try {
      addLink(this.#netlink, { kind, name });
    } catch (error) {
      // It came with its module. Any other refusal: the module is not there.
      if (!(error instanceof NetlinkError)) throw error;
      if (error.code !== ALREADY_THERE) return undefined;
    }
    return find();
  }

  /** Strict reverse path filtering drops what comes out of a tunnel; the larger of both values counts. */
  #loosen(name: string): string | null {
    const values = ["all", name].map((one) =>
      Number(this.#sysctl.parameters.read(parameter(one, "rp_filter")))
    );
    return Math.max(...values) === 1 ? this.#sysctl.set(parameter(name, "rp_filter"), "2") : null;
  }

  #restore(links: LinkTable): void {
    this.#sysctl.restoreAll();
    for (const name of this.#raised) {
      const index = links.indexOf(name);
      if (index !== 0) setLink(this.#netlink, index, { up: false });
    }
    this.#raised.clear();
  }
}

function parameter(name: string, key: string): string {
  return `net/ipv4/conf/${name}/${key}`;
}

function moduleHint(name: string): string {
  const module = TUNNELS[name];
  return module === undefined ? "" : ` (module ${module})`;
}

function managed(wanted: DirectAddress): ManagedAddress {
  const address = parseAddress(wanted.address);
  if (address === null) throw new RangeError(`${wanted.address} is not an address`);
  const isV4 = familyOf(address) === 4;
  return {
    address,
    prefix: isV4 ? 32 : 128,
    interface: wanted.interface,
    scope: isV4 ? SCOPE_HOST : 0,
    ifindex: 0,
    held: false,
  };
}

function isFor(address: ManagedAddress, wanted: DirectAddress): boolean {
  return address.interface === wanted.interface && formatAddress(address.address) === wanted.address;
}

/** An interface that is another one now has taken the address along. */
function asItIs(address: ManagedAddress, links: LinkTable): ManagedAddress {
  return links.indexOf(address.interface) === address.ifindex ? address : { ...address, held: false };
}

function isThere(address: ManagedAddress, links: LinkTable): boolean {
  return links.addressesOf(address.ifindex).some((there) => isSame(there, address));
}
