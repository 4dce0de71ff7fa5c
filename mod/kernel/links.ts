/**
 * The interfaces of this host and their addresses, as the kernel last told: dumped once, then kept by
 * notifications.
 */
import type { Address, Link, Notification } from "../../ffi/rtnetlink.ts";
import { type Family, formatAddress, isLinkLocal } from "../wire/address.ts";

/** IFA_F_TENTATIVE and IFA_F_DADFAILED, linux/if_addr.h: an IPv6 address that may not be used (yet). */
const UNUSABLE_FLAGS = 0x40 | 0x08;

/** A model, not an authority: what it says is what the kernel said last. */
export class LinkTable {
  readonly #links = new Map<number, Link>();
  readonly #indexes = new Map<string, number>();
  /** By interface, then by what makes an address the same one; in the kernel's order. */
  readonly #addresses = new Map<number, Map<string, Address>>();
  /** What `addressesOf` answered last: it is asked far more often than anything changes. */
  readonly #lists = new Map<number, readonly Address[]>();

  /** Replaces everything by a fresh dump. */
  load(links: readonly Link[], addresses: readonly Address[]): void {
    this.#links.clear();
    this.#indexes.clear();
    this.#addresses.clear();
    this.#lists.clear();
    for (const link of links) this.#putLink(link);
    for (const address of addresses) this.#putAddress(address);
  }

  /** Takes one notification in; true when it says something about a link or an address. */
  apply(notification: Notification): boolean {
    switch (notification.type) {
      case "link":
        this.#putLink(notification.link);
        return true;
      case "link_removed":
        this.#removeLink(notification.link.index);
        return true;
      case "address":
        this.#putAddress(notification.address);
        return true;
      case "address_removed":
        this.#removeAddress(notification.address);
        return true;
      default:
        return false;
    }
  }

  all(): Link[] {
    return [...this.#links.values()];
  }

  byName(name: string): Link | undefined {
    const index = this.#indexes.get(name);
    return index === undefined ? undefined : this.#links.get(index);
  }

  /** 0 when there is no such interface. */
  indexOf(name: string): number {
    return this.#indexes.get(name) ?? 0;
  }

  nameOf(index: number): string {
    return this.#links.get(index)?.name ?? `ifindex ${index}`;
  }

  addressesOf(index: number): readonly Address[] {
    const known = this.#lists.get(index);
    if (known !== undefined) return known;
    const list = [...this.#addresses.get(index)?.values() ?? []];
    this.#lists.set(index, list);
    return list;
  }

  allAddresses(): Address[] {
    return [...this.#addresses.keys()].flatMap((index) => this.addressesOf(index));
  }

  /**
   * The address that advertisements come from: the interface's first one that is no virtual address;
   * link-local for IPv6 (RFC 9568 §5.1.2.1). `virtual`: canonical text. Null when there is none that may be
   * used.
   */
  primaryAddress(index: number, family: Family, virtual: ReadonlySet<string>): Uint8Array | null {
    const found = this.addressesOf(index).find((candidate) =>
      candidate.family === family && (candidate.flags & UNUSABLE_FLAGS) === 0 &&
      (family === 4 || isLinkLocal(candidate.address)) &&
      !virtual.has(formatAddress(candidate.address))
    );
    return found?.address ?? null;
  }

  #putLink(link: Link): void {
    const before = this.#links.get(link.index);
    if (before !== undefined && this.#indexes.get(before.name) === link.index) {
      this.#indexes.delete(before.name);
    }
    this.#links.set(link.index, link);
    this.#indexes.set(link.name, link.index);
  }

  #removeLink(index: number): void {
    const link = this.#links.get(index);
    if (link === undefined) return;
    this.#links.delete(index);
    this.#addresses.delete(index);
    this.#lists.delete(index);
    if (this.#indexes.get(link.name) === index) this.#indexes.delete(link.name);
  }

  #putAddress(address: Address): void {
    const { ifindex } = address;
    const others = this.#addresses.get(ifindex) ?? new Map<string, Address>();
    this.#addresses.set(ifindex, others.set(keyOf(address), address));
    this.#lists.delete(ifindex);
  }

  #removeAddress(address: Address): void {
    this.#addresses.get(address.ifindex)?.delete(keyOf(address));
    this.#lists.delete(address.ifindex);
  }
}

/**
 * The octets as they are: there may be thousands of addresses, and all are named when notifications were
 * lost.
 */
function keyOf({ address, prefix }: Address): string {
  return String.fromCharCode(prefix, ...address);
}
