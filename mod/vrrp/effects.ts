/**
 * Carries out what `step()` decided, in its order: packets out, addresses in and out of the kernel
 * (`holding.ts`), announcements, the news of a transition.
 */
import { errnoName, type SyscallError } from "../../ffi/errno.ts";
import type { NetlinkPost } from "../../ffi/netlink.ts";
import type { Address } from "../../ffi/rtnetlink.ts";
import type { SenderBatch } from "../../ffi/sender_batch.ts";
import { isSame, type ManagedAddress } from "../kernel/plan.ts";
import { renewal } from "../kernel/reconcile.ts";
import { Renewals } from "../kernel/renewals.ts";
import { equalAddresses, formatAddress } from "../wire/address.ts";
import { type Announcement, Announcer } from "./announcer.ts";
import { sendAside } from "./aside.ts";
import type { Channel } from "./channel.ts";
import { Detector, type DetectorParts } from "./detector.ts";
import { Holding, type HoldingParts } from "./holding.ts";
import type { Heard, Instance } from "./instance.ts";
import { Outbox } from "./outbox.ts";
import { outgoingOf } from "./outgoing.ts";
import { obstacles, stateName } from "./report.ts";
import { type Effect, RESIGNATION } from "./state.ts";

/** The same trouble is told at most so often. */
const TELL_EVERY_MS = 60_000;
/** Who removes an address again and again must not make us flood the link. */
const ANNOUNCE_RESTORED_MS = 1_000;
/** The kernel tells of a new address within a millisecond; what it tells later are renewals. */
const NEW_ADDRESS_MS = 200;

/** What the effects work on; `channelOf` is undefined while a router has no sockets. */
export interface Surroundings extends Omit<HoldingParts & DetectorParts, "tell" | "defend"> {
  now(): number;
  /** For what is renewed every other second: nobody waits for it, and the monitor need not hear of it. */
  readonly renewals: NetlinkPost;
  channelOf(instance: Instance): Channel | undefined;
  /**
   * Whether this host forwards IPv6 on the interface: the R flag of neighbour advertisements. May read a
   * file.
   */
  forwards(ifname: string): boolean;
}

export class Effects {
  readonly announcer: Announcer;
  readonly renewals: Renewals<Instance>;
  readonly holding: Holding;
  readonly detector: Detector;
  /** Interfaces that forward IPv6: an announcement must not wait for a file. */
  readonly #forwarding = new Set<string>();

  #isGathering = false;
  readonly #outbox: Outbox;

  constructor(readonly around: Surroundings, batch?: SenderBatch) {
    this.#outbox = new Outbox({
      sent(instance, priority): void {
        instance.counters.advertisements_sent++;
        if (priority === RESIGNATION) instance.counters.priority_zero_pkts_sent++;
      },
      refused: (instance, errno) => this.#refused(instance, errno, around.now()),
    }, batch);
    const tell: HoldingParts["tell"] = (...what) => this.tell(...what);
    this.holding = new Holding({ ...around, tell });
    this.detector = new Detector({
      ...around,
      tell,
      defend: (instance, address, nowMs) => this.announce(instance, nowMs, { address, repeat: 1 }),
    });
    this.announcer = new Announcer((ifindex, error) => this.#announceFailed(ifindex, error));
    this.renewals = new Renewals(
      around.renewals,
      (instance, problem, nowMs) => this.tell(instance, "renew", problem, nowMs),
    );
  }

  /** In order: the order is part of the contract with `step()`. */
  run(instance: Instance, effects: readonly Effect[], nowMs: number): void {
    for (const effect of effects) this.#runOne(instance, effect, nowMs);
    if (!this.#isGathering) this.flush();
  }

  /**
   * What is due for many virtual routers at one moment: `work` runs the effects of each. Advertisements may
   * leave together, and renewals after them; before anything else is done they are all out.
   */
  together(work: () => void): void {
    this.#isGathering = true;
    work();
    this.#isGathering = false;
    this.flush();
  }

  /** What was gathered goes out: advertisements, then renewals. */
  flush(): void {
    this.#outbox.flush();
    if (this.renewals.deadlineMs !== Infinity) this.renewals.turn(this.around.now());
  }

  /** Tells something at most once a minute for each virtual router and key. */
  tell(instance: Instance, key: string, message: string | (() => string), nowMs: number): void {
    if (!instance.isDue(key, TELL_EVERY_MS, nowMs)) return;
    const text = typeof message === "string" ? message : message();
    this.around.post({ type: "notice", level: "warn", name: instance.name, message: text });
  }

  /** A peer advertises other addresses: it counts all the same, but somebody has to know. */
  noteMismatch(instance: Instance, { source, advertisement }: Heard, nowMs: number): void {
    instance.counters.address_list_mismatches++;
    const message = (): string =>
      `${formatAddress(source)} advertises other addresses than this router has: ${
        advertisement.addresses.map(formatAddress).join(", ")
      }`;
    this.tell(instance, "addresses", message, nowMs);
  }

  /** To be called when a virtual router gets its interface or its addresses. */
  learnForwarding({ addresses }: Instance): void {
    for (const { address, interface: name } of addresses) {
      if (address.length !== 16) continue;
      if (this.around.forwards(name)) this.#forwarding.add(name);
      else this.#forwarding.delete(name);
    }
  }

  /** What a stopped router waits for now, unless its transition has just said so. */
  tellObstacles(instance: Instance): void {
    const { name, state, reason, toldObstacles } = instance;
    const message = obstacles(state).join(", ");
    instance.toldObstacles = message;
    if (message === "" || message === toldObstacles || message === reason) return;
    this.around.post({
      type: "notice",
      level: "info",
      name,
      message: `${stateName(state.name)}: ${message}`,
    });
  }

  #runOne(instance: Instance, effect: Effect, nowMs: number): void {
    if (effect.type === "sendAdvertisement") return this.#send(instance, effect.priority, nowMs);
    if (effect.type === "renewAddresses") {
      return this.renewals.add(instance, renewal(instance.addresses, instance.leaseMs));
    }
    this.flush();
    switch (effect.type) {
      case "remind":
      case "acknowledge":
        return this.#tellAlone(instance, effect, nowMs);
      case "addAddresses":
        return this.setAddresses(instance, true, nowMs);
      case "removeAddresses":
        return this.setAddresses(instance, false, nowMs);
      case "announceAddresses":
        return this.announce(instance, nowMs);
      case "probeAddresses":
        return this.detector.probe(instance);
      case "transition":
        return this.#transition(instance, effect, nowMs);
    }
  }

  #send(instance: Instance, priority: number, nowMs: number): void {
    const channel = this.around.channelOf(instance);
    const source = instance.primaryAddress;
    if (channel === undefined || source === null) return;
    const fd = channel.senderOf(source, instance.wire.virtualMac !== null);
    if (fd < 0) return this.#refused(instance, -fd, nowMs);
    const known = instance.packets.get(priority);
    const copies = known ?? outgoingOf(instance, priority, source, channel.ifindex);
    if (known === undefined) instance.packets.set(priority, copies);
    this.#outbox.post(instance, priority, fd, copies);
  }

  #tellAlone(instance: Instance, effect: Effect & { type: "remind" | "acknowledge" }, nowMs: number): void {
    const channel = this.around.channelOf(instance);
    const mac = this.around.links.byName(instance.config.interface)?.mac ?? null;
    const sent = channel === undefined ? 0 : sendAside(instance, effect, channel, mac);
    if (sent < 0) this.#refused(instance, -sent, nowMs);
  }

  #refused(instance: Instance, errno: number, nowMs: number): void {
    instance.counters.send_errors++;
    const name = errnoName(errno);
    this.tell(instance, `send ${name}`, `cannot send an advertisement: ${name}`, nowMs);
  }

  /** The addresses come or go; who lets go says nothing more of them. */
  setAddresses(instance: Instance, wanted: boolean, nowMs: number): void {
    if (!wanted) {
      this.announcer.cancel(instance.addresses);
      this.renewals.settle(instance, nowMs);
    }
    this.holding.set(instance, wanted, nowMs);
  }

  /**
   * What somebody else has removed is back. The neighbours know where it is; they are told now and then, not
   * each time.
   */
  announceRestored(instance: Instance, restored: readonly ManagedAddress[], nowMs: number): void {
    const names = restored.map(({ address }) => formatAddress(address)).join(", ");
    this.tell(instance, "guard", `somebody removed ${names}: added again`, nowMs);
    if (instance.isDue("restored", ANNOUNCE_RESTORED_MS, nowMs)) this.announce(instance, nowMs);
  }

  /** All addresses that are held, or only one; as often as configured, or `repeat` times. */
  announce(
    instance: Instance,
    nowMs: number,
    only: { readonly address?: Uint8Array; readonly repeat?: number } = {},
  ): void {
    const { repeat, interval } = instance.config.garp;
    const announcements: Announcement[] = [];
    for (const { address, held, ifindex, interface: name } of instance.addresses) {
      const mac = this.around.links.byName(name)?.mac;
      if (!held || mac === undefined || mac.length !== 6) continue;
      if (only.address !== undefined && !equalAddresses(only.address, address)) continue;
      announcements.push({ address, ifindex, mac, router: this.#forwarding.has(name) });
    }
    const options = { repeat: only.repeat ?? repeat, intervalMs: interval, nowMs };
    this.announcer.announce(announcements, options, (name) => instance.counters[name]++);
  }

  /**
   * The kernel joins the solicited-node group of a new IPv6 address a moment after it has added it; who asked
   * in between would ask again only after a second. So once more, now that it is there.
   */
  announceAnswering(
    instances: Iterable<Instance>,
    { address, family, ...place }: Address,
    nowMs: number,
  ): void {
    if (family !== 6) return;
    for (const instance of instances) {
      if (!instance.isActive || nowMs - instance.activeSinceMs >= NEW_ADDRESS_MS) continue;
      if (!instance.addresses.some((managed) => managed.held && isSame(managed, { address, ...place }))) {
        continue;
      }
      this.announce(instance, nowMs, { address, repeat: 1 });
    }
  }

  #announceFailed(ifindex: number, error: SyscallError): void {
    const message = `cannot announce on ${this.around.links.nameOf(ifindex)}: ${error.message}`;
    this.around.post({ type: "notice", level: "debug", name: "", message });
  }

  #transition(
    instance: Instance,
    { from, to, reason }: Effect & { type: "transition" },
    nowMs: number,
  ): void {
    const { counters } = instance;
    if (to === "active") {
      counters.became_active++;
      instance.activeSinceMs = nowMs;
    }
    if (from === "active") {
      counters.released_active++;
      // Whatever has been added beside ours, while that did no harm.
      this.holding.expel(instance, nowMs, { besidesOurs: true });
    }
    instance.since = Date.now();
    instance.reason = reason;
    this.around.post({
      type: "transition",
      at: instance.since,
      name: instance.name,
      from: stateName(from),
      to: stateName(to),
      priority: instance.state.priority,
      reason,
    });
  }
}
