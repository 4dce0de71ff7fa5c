/**
 * Follows the kernel's news: what it tells of links and addresses is looked at for every virtual router, and
 * an address that we hold but that somebody else has removed comes back.
 */
import type { Netlink } from "../../ffi/netlink.ts";
import { KernelNews, type News } from "../kernel/news.ts";
import { isSame } from "../kernel/plan.ts";
import { formatAddress } from "../wire/address.ts";
import type { Dispatcher, DispatcherParts } from "./dispatcher.ts";
import type { Instance } from "./instance.ts";

export interface GuardianParts extends DispatcherParts {
  readonly dispatcher: Dispatcher;
  /** For requests. */
  readonly netlink: Netlink;
  /** Subscribed to links and addresses. */
  readonly monitor: Netlink;
  /** Something was lost: a sentence for the log. */
  warn(message: string): void;
}

export class Guardian {
  readonly #parts: GuardianParts;
  readonly #kernel: KernelNews;
  #waiting = false;

  /** Reads all links and addresses. */
  constructor(parts: GuardianParts) {
    this.#parts = parts;
    this.#kernel = new KernelNews(parts.netlink, parts.monitor, parts.links);
    this.#kernel.load();
  }

  /** When there is something to do although nothing was told. */
  get deadlineMs(): number {
    return this.#kernel.deadlineMs;
  }

  /** The monitor is readable. Its news waits for `hearDue`: what other routers have said comes first. */
  ready(): void {
    this.#waiting = true;
  }

  hearDue(nowMs: number): void {
    if (this.#waiting || this.#kernel.deadlineMs <= nowMs) this.hear(nowMs);
  }

  hear(nowMs: number): void {
    const { roster, listener, effects, warn } = this.#parts;
    this.#waiting = false;
    const news = this.#kernel.receive(nowMs, (address) => roster.virtual.has(formatAddress(address)));
    if (news.loss !== null) warn(news.loss);
    for (const address of news.virtual) effects.announceAnswering(roster.instances.values(), address, nowMs);
    for (const place of news.emptied) listener.rejoin(place);
    this.#relocate(news, nowMs);
  }

  /** What we hold but is gone comes back; and if anything else moved, conditions are looked at anew. */
  #relocate({ moved, removed, virtual, readdressed }: News, nowMs: number): void {
    const { roster, dispatcher, effects } = this.#parts;
    for (const instance of roster.all()) {
      if (moved) dispatcher.evaluate(instance, nowMs);
      if (removed) this.#guard(instance, nowMs);
      if (moved) this.#complete(instance, nowMs);
      if (virtual.length > 0 && !instance.isActive) effects.holding.expel(instance, nowMs);
      if (instance.isActive && instance.addresses.some(({ ifindex }) => readdressed.includes(ifindex))) {
        effects.announce(instance, nowMs);
      }
    }
  }

  /** Somebody else has removed an address: back with it, and tell the neighbours. */
  #guard(instance: Instance, nowMs: number): void {
    const { links, dispatcher, effects } = this.#parts;
    const lost = instance.addresses.filter((managed) =>
      managed.held && !links.addressesOf(managed.ifindex).some((there) => isSame(there, managed))
    );
    if (lost.length === 0) return;
    const names = new Set(lost.map(({ address }) => formatAddress(address)));
    if (!instance.isActive || lost.some(({ ifindex, interface: name }) => links.indexOf(name) !== ifindex)) {
      instance.addresses = instance.addresses.map((managed) =>
        lost.includes(managed) ? { ...managed, held: false } : managed
      );
      if (!instance.isActive) return;
    }
    const blocked = instance.blocked;
    effects.setAddresses(instance, true, nowMs);
    if (instance.blocked !== blocked) return dispatcher.evaluate(instance, nowMs);
    const back = instance.addresses.filter(({ held, address }) => held && names.has(formatAddress(address)));
    if (back.length > 0) effects.announceRestored(instance, back, nowMs);
  }

  /** The interface of an address has come back before the router had to let go: the address as well. */
  #complete(instance: Instance, nowMs: number): void {
    const { links, dispatcher, effects } = this.#parts;
    const heldBefore = instance.heldCount;
    const isMissing = instance.addresses.some(({ held, interface: name }) =>
      !held && links.indexOf(name) !== 0
    );
    if (!instance.isActive || instance.blocked !== null || !isMissing) return;
    effects.setAddresses(instance, true, nowMs);
    if (instance.blocked !== null) return dispatcher.evaluate(instance, nowMs);
    if (instance.heldCount > heldBefore) effects.announce(instance, nowMs);
  }
}
