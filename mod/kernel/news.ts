/**
 * What the kernel tells of links and addresses: taken into the link table, and summed up; read anew when some
 * of it was lost.
 */
import { SyscallError } from "../../ffi/errno.ts";
import { type Netlink, NetlinkError } from "../../ffi/netlink.ts";
import {
  type Address,
  listAddresses,
  listLinks,
  type Notification,
  parseNotification,
} from "../../ffi/rtnetlink.ts";
import { equalAddresses } from "../wire/address.ts";
import type { LinkTable } from "./links.ts";

/**
 * While others change things faster than they can be read, the next attempt waits so long: reading costs time
 * as well.
 */
const RETRY_MS = 1_000;

/** What happened since the last look. */
export interface News {
  /** A link, or an address that is not virtual, is not as before. */
  readonly moved: boolean;
  /** Some address is gone, or may be. */
  readonly removed: boolean;
  /** Virtual addresses that were added or renewed. */
  readonly virtual: readonly Address[];
  /** Indexes of interfaces whose link-layer address is another one. */
  readonly readdressed: readonly number[];
  /**
   * Where the last address that is not virtual went: the kernel may have forgotten the multicast groups with
   * it.
   */
  readonly emptied: readonly Place[];
  /** A sentence for the log when something was lost, else null. */
  readonly loss: string | null;
}

/** One address family of one interface. */
export type Place = Pick<Address, "ifindex" | "family">;

export class KernelNews {
  #retryAtMs = Infinity;

  constructor(readonly netlink: Netlink, readonly monitor: Netlink, readonly links: LinkTable) {}

  /** When `receive` has something to do although nothing was told. */
  get deadlineMs(): number {
    return this.#retryAtMs;
  }

  /** Everything anew. Throws when the kernel refuses, or changes faster than it can be read. */
  load(): void {
    this.links.load(listLinks(this.netlink), listAddresses(this.netlink));
  }

  receive(nowMs: number, isVirtual: (address: Uint8Array) => boolean): News {
    const messages = this.monitor.receive();
    if (this.monitor.overrun || nowMs >= this.#retryAtMs) return this.#reload(nowMs);
    let moved = false;
    let removed = false;
    const virtual: Address[] = [];
    const readdressed: number[] = [];
    const emptied: Place[] = [];
    for (const message of messages) {
      const notification = parseNotification(message);
      if (notification === null) continue;
      if (this.#changesMac(notification)) readdressed.push(notification.link.index);
      if (!this.links.apply(notification)) continue;
      removed ||= notification.type === "address_removed" || notification.type === "link_removed";
      if (!("address" in notification) || !isVirtual(notification.address.address)) moved = true;
      else if (notification.type === "address") virtual.push(notification.address);
      if (notification.type === "address_removed" && this.#isEmpty(notification.address, isVirtual)) {
        emptied.push(notification.address);
      }
    }
    return { moved, removed, virtual, readdressed, emptied, loss: null };
  }

  #isEmpty({ ifindex, family }: Place, isVirtual: (address: Uint8Array) => boolean): boolean {
    return !this.links.addressesOf(ifindex).some((left) =>
      left.family === family && !isVirtual(left.address)
    );
  }

  /** What is known stays until all has been read: better old than half. */
  #reload(nowMs: number): News {
    const all = { moved: true, removed: true, virtual: [], readdressed: [], emptied: [] };
    try {
      this.load();
      this.#retryAtMs = Infinity;
      return { ...all, loss: "netlink notifications were lost: all interfaces have been read anew" };
    } catch (error) {
      if (!(error instanceof SyscallError) && !(error instanceof NetlinkError)) throw error;
      this.#retryAtMs = nowMs + RETRY_MS;
      const loss =
        `netlink notifications were lost, reading the interfaces failed, trying again: ${error.message}`;
      return { ...all, moved: false, removed: false, loss };
    }
  }

  #changesMac(notification: Notification): notification is Notification & { type: "link" } {
    if (notification.type !== "link") return false;
    const { link } = notification;
    const before = this.links.byName(link.name);
    return before?.index === link.index && !equalAddresses(before.mac, link.mac);
  }
}
