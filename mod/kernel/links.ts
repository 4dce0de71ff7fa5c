/** The interfaces of this host and their addresses, as the kernel last told: dumped once, then kept by notifications. */
import type { Address, Link, Notification } from "../../ffi/rtnetlink.ts";
import { type Family, formatAddress, isLinkLocal } from "../wire/address.ts";
import { isSame } from "./plan.ts";

/** IFA_F_TENTATIVE and IFA_F_DADFAILED, linux/if_addr.h: an IPv6 address that may not be used (yet). */
const UNUSABLE_FLAGS = 0x40 | 0x08;

/** A model, not an authority: what it says is what the kernel said last. */
export class LinkTable {
  readonly #links = new Map<number, Link>();
  readonly #indexes = new Map<string, number>();
  readonly #addresses = new Map<number, Address[]>();

  /** Replaces everything by a fresh dump. */
  load(links: readonly Link[], addresses: readonly Address[]): void {
    this.#links.clear();
    this.#indexes.clear();
    this.#addresses.clear();
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
    return this.#addresses.get(index) ?? [];
  }

  allAddresses(): Address[] {
    return [...this.#addresses.values()].flat();
  }

  /**
   * The address that advertisements come from: the interface's first one that is no virtual address; link-local for IPv6
   * (RFC 9568 §5.1.2.1). `virtual`: canonical text. Null when there is none that may be used.
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
    if (before !== undefined && before.name !== link.name) this.#indexes.delete(before.name);
    this.#links.set(link.index, link);
    this.#indexes.set(link.name, link.index);
  }

  #removeLink(index: number): void {
    const link = this.#links.get(index);
    if (link === undefined) return;
    this.#links.delete(index);
    this.#addresses.delete(index);
    if (this.#indexes.get(link.name) === index) this.#indexes.delete(link.name);
  }

  #putAddress(address: Address): void {
    const others = this.addressesOf(address.ifindex);
    const at = others.findIndex((other) => isSame(other, address));
    this.#addresses.set(address.ifindex, at < 0 ? [...others, address] : others.with(at, address));
  }

  #removeAddress(address: Address): void {
    const left = this.addressesOf(address.ifindex).filter((other) => !isSame(other, address));
    this.#addresses.set(address.ifindex, left);
  }
}
