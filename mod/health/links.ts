/** The state of network interfaces, kept up to date by rtnetlink while somebody watches. */
import type { Link as LinkState } from "../../checks/check.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../../ffi/netlink.ts";
import {
  getLink,
  type Link as KernelLink,
  listLinks,
  openRtnetlink,
  receiveNotifications,
  RTNLGRP_LINK,
} from "../../ffi/rtnetlink.ts";
import type { FdLoop } from "./fd_loop.ts";

interface Watcher {
  readonly name: string;
  readonly changed: () => void;
}

interface Link extends LinkState {
  readonly name: string;
}

export class Links {
  readonly #loop: FdLoop;
  readonly #watchers = new Set<Watcher>();
  readonly #byIndex = new Map<number, Link>();
  #monitor: NetlinkSocket | undefined;
  #requests: NetlinkSocket | undefined;

  constructor(loop: FdLoop) {
    this.#loop = loop;
  }

  /**
   * The interface as the kernel has it at this moment. What it told last is not enough: it tells of a lost
   * carrier up to a second late when other links have changed just before (net/core/link_watch.c).
   */
  find(name: string): LinkState | undefined {
    if (this.#monitor === undefined || this.#requests === undefined) {
      return listNow().find((link) => link.name === name);
    }
    this.#receive(this.#monitor);
    const known = this.#byIndex.entries().find(([, link]) => link.name === name);
    const link = known === undefined ? null : getLink(this.#requests, known[0]);
    return link?.name === name ? summary(link) : undefined;
  }

  /** See `Host.watchLink`. */
  async watch(name: string, changed: () => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const watcher = { name, changed };
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve(), { once: true });
    this.#watchers.add(watcher);
    try {
      this.#open();
      await promise;
    } finally {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#close();
    }
  }

  #open(): void {
    if (this.#monitor !== undefined) return;
    const monitor = new NetlinkSocket(NETLINK_ROUTE, [RTNLGRP_LINK]);
    this.#monitor = monitor;
    this.#requests = openRtnetlink();
    this.#loop.add(monitor.fd, () => this.#receive(monitor));
    this.#list();
  }

  #close(): void {
    if (this.#monitor === undefined) return;
    this.#loop.remove(this.#monitor.fd);
    this.#monitor.close();
    this.#monitor = undefined;
    this.#requests?.close();
    this.#requests = undefined;
    this.#byIndex.clear();
  }

  #list(): void {
    this.#byIndex.clear();
    // A socket of its own, so that the dump and the notifications do not mix.
    for (const link of listNow()) this.#byIndex.set(link.index, summary(link));
  }

  #receive(monitor: NetlinkSocket): void {
    const changed = new Set<string>();
    for (const notification of receiveNotifications(monitor)) {
      if (notification.type !== "link" && notification.type !== "link_removed") continue;
      const { type, link: { index } } = notification;
      const link = summary(notification.link);
      const before = this.#byIndex.get(index);
      if (type === "link" && before !== undefined && isSame(before, link)) continue;
      if (type === "link") this.#byIndex.set(index, link);
      else this.#byIndex.delete(index);
      changed.add(link.name);
      if (before !== undefined) changed.add(before.name);
    }
    const isComplete = !monitor.overrun;
    if (!isComplete) this.#list();
    for (const watcher of [...this.#watchers]) {
      if (!isComplete || changed.has(watcher.name)) watcher.changed();
    }
  }
}

function isSame(a: Link, b: Link): boolean {
  return a.name === b.name && a.up === b.up && a.running === b.running;
}

/**
 * Before its first carrier event an interface counts as running (operstate unknown) without having a carrier.
 */
function summary({ name, up, running, lowerUp }: KernelLink): Link {
  return { name, up, running: running && lowerUp };
}

function listNow(): KernelLink[] {
  using socket = openRtnetlink();
  return listLinks(socket);
}
