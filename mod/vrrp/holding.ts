/**
 * What a virtual router holds in the kernel: its addresses come and go, the macvlan under them, what an
 * earlier run left behind, what somebody else adds.
 */
import type { Netlink } from "../../ffi/netlink.ts";
import type { LinkTable } from "../kernel/links.ts";
import { isSame, planIntruders, planLeftovers, planResumption } from "../kernel/plan.ts";
import { nameAddress, reconcileAddresses, removeFound } from "../kernel/reconcile.ts";
import type { Secondaries } from "../kernel/secondaries.ts";
import type { VirtualLinks } from "../kernel/virtual_links.ts";
import { formatAddress } from "../wire/address.ts";
import type { Instance } from "./instance.ts";
import type { EngineEvent } from "./messages.ts";
import { OWNER_PRIORITY } from "./state.ts";

/** After the kernel refused an address the virtual router stays out for so long, then tries again. */
const BLOCK_MS = 10_000;

export interface HoldingParts {
  readonly netlink: Netlink;
  readonly links: LinkTable;
  readonly virtualLinks: VirtualLinks;
  readonly secondaries: Secondaries;
  post(event: EngineEvent): void;
  /** At most once a minute for each virtual router and key. */
  tell(instance: Instance, key: string, message: string, nowMs: number): void;
}

export class Holding {
  readonly #parts: HoldingParts;

  constructor(parts: HoldingParts) {
    this.#parts = parts;
  }

  /**
   * Brings the kernel to what is wanted; an address that is held but gone comes back. A macvlan is up around
   * its addresses.
   */
  set(instance: Instance, wanted: boolean, nowMs: number): void {
    const { virtualLinks } = this.#parts;
    const { virtualLink } = instance;
    if (virtualLink === null) return this.#reconcile(instance, wanted, nowMs);
    const problem = wanted ? virtualLinks.raise(instance, virtualLink) : null;
    if (problem !== null) return this.#fail(instance, [problem], wanted, nowMs);
    this.#reconcile(instance, wanted, nowMs);
    const left = wanted ? null : virtualLinks.lower(instance, virtualLink);
    if (left !== null) this.#fail(instance, [left], wanted, nowMs);
  }

  #reconcile(instance: Instance, wanted: boolean, nowMs: number): void {
    const { netlink, links } = this.#parts;
    const { config, counters } = instance;
    if (wanted) this.#protectOthers(instance, nowMs);
    const wish = { wanted, leaseMs: instance.leaseMs, owner: config.priority === OWNER_PRIORITY };
    const { addresses, problems, restored } = reconcileAddresses(netlink, links, instance.addresses, wish);
    instance.addresses = addresses;
    counters.addresses_restored += restored;
    if (problems.length > 0) this.#fail(instance, problems, wanted, nowMs);
  }

  /** Whoever has a whole subnet could become its primary address; one that stands alone has none. */
  #protectOthers(instance: Instance, nowMs: number): void {
    const { links, secondaries } = this.#parts;
    for (const { address, prefix, interface: name } of instance.addresses) {
      if (address.length !== 4 || prefix === 32) continue;
      const problem = secondaries.protect(name, links.indexOf(name));
      if (problem !== null) this.#parts.tell(instance, "secondaries", problem, nowMs);
    }
  }

  /** The last virtual router has let go of its addresses. */
  end(): void {
    this.#parts.secondaries.release();
  }

  /** The kernel refuses: who cannot serve stays out for a while, who cannot let go says so. */
  #fail(instance: Instance, problems: readonly string[], wanted: boolean, nowMs: number): void {
    instance.counters.address_errors += problems.length;
    for (const problem of problems) {
      this.#parts.post({ type: "notice", level: "error", name: instance.name, message: problem });
    }
    if (wanted) instance.blocked = { reason: problems[0]!, untilMs: nowMs + BLOCK_MS };
  }

  /** The macvlan of this virtual router, if it has one, is there; who cannot have it is blocked. */
  prepareLink(instance: Instance, nowMs: number): void {
    const { virtualLink, blocked } = instance;
    if (virtualLink === null || blocked !== null) return;
    const problem = this.#parts.virtualLinks.attach(instance, virtualLink);
    if (problem !== null) this.#fail(instance, [problem], true, nowMs);
  }

  /** The run before has left addresses on it, with which this one goes on. */
  keepLink(instance: Instance): void {
    if (instance.virtualLink !== null) this.#parts.virtualLinks.raise(instance, instance.virtualLink);
  }

  /** What an earlier run left behind and no virtual router needs now. */
  sweepLinks(): void {
    const names = this.#parts.virtualLinks.sweep();
    if (names.length === 0) return;
    const message = `removed interfaces that an earlier run left behind: ${names.join(", ")}`;
    this.#parts.post({ type: "notice", level: "warn", name: "", message });
  }

  /** A stopped virtual router needs its macvlan no longer. */
  releaseLink(instance: Instance): void {
    if (instance.virtualLink === null) return;
    const problem = this.#parts.virtualLinks.detach(instance, instance.virtualLink);
    if (problem === null) return;
    this.#parts.post({ type: "notice", level: "warn", name: instance.name, message: problem });
  }

  /**
   * What an earlier run left behind, before anything begins: addresses whose lease still runs become this
   * router's, the others are removed. Returns how many those were.
   */
  takeLeftovers(instance: Instance, others: readonly Instance[]): number {
    const { netlink, links, post } = this.#parts;
    const { name, config } = instance;
    const owner = config.priority === OWNER_PRIORITY;
    const taken = others.flatMap(({ addresses }) => addresses.filter((managed) => managed.held));
    instance.addresses = planResumption(instance.addresses, links, taken);
    const held = [...taken, ...instance.addresses.filter((managed) => managed.held)];
    const found = planLeftovers(instance.addresses, links.allAddresses(), owner)
      .filter((there) => !held.some((managed) => isSame(managed, there)));
    if (found.length === 0) return 0;
    const problems = removeFound(netlink, found);
    const names = found.map(({ address, ifindex }) =>
      `${formatAddress(address)} on ${links.nameOf(ifindex)}`
    );
    const message = `removed what an earlier run left behind: ${names.join(", ")}`;
    post({ type: "notice", level: "warn", name, message });
    for (const problem of problems) post({ type: "notice", level: "error", name, message: problem });
    return found.length;
  }

  /**
   * Removes the addresses of a router that is not active but that somebody else has added: two hosts would
   * answer for them.
   */
  expel(instance: Instance, nowMs: number, { besidesOurs = false } = {}): void {
    const { netlink, links } = this.#parts;
    const { addresses, config } = instance;
    // What we have just removed ourselves is still in the table.
    const found = planIntruders(addresses, links, config.priority === OWNER_PRIORITY)
      .filter((there) => !besidesOurs || !addresses.some((managed) => isSame(managed, there)));
    if (found.length === 0) return;
    instance.counters.leftovers_removed += found.length;
    const names = found.map((there) => nameAddress({ ...there, interface: links.nameOf(there.ifindex) }));
    const message = `somebody added ${names.join(", ")} although this router is not active: removed`;
    this.#parts.tell(instance, "expel", message, nowMs);
    for (const problem of removeFound(netlink, found)) {
      this.#parts.tell(instance, "expel failed", problem, nowMs);
    }
  }
}
