/**
 * Listens for every virtual router: opens and closes the sockets that they share, reads packets, and sorts
 * out who hears what.
 */
import type { Epoll } from "../../ffi/epoll.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { ReceiverBatch } from "../../ffi/receiver.ts";
import type { Place } from "../kernel/news.ts";
import type { ForeignRouter } from "../snapshot.ts";
import { formatAddress } from "../wire/address.ts";
import { Channel } from "./channel.ts";
import type { Discard } from "./discard.ts";
import type { Heard, Instance } from "./instance.ts";
import { Envelope, read, type Received } from "./receive.ts";

/** Packets taken from one socket before the others have their turn: a flood must not starve the deadlines. */
const PACKETS_PER_TURN = 256;
const PACKETS_PER_CALL = 32;
/** An advertisement with 255 IPv6 addresses is 4,088 bytes. */
const PACKET_BYTES = 8_192;
/** Packets that come sooner after the ones before are worth waiting for the next ones. */
const DENSE_MS = 2;
/** Foreign routers remembered for the status. */
const MAX_FOREIGN = 64;
/** So many of them are told in so long. */
const MAX_TOLD_FOREIGN = 16;
const TELL_FOREIGN_MS = 60_000;

export interface ListenerEvents {
  now(): number;
  /** True when that was routine: nothing followed, nothing is due sooner. */
  heard(instance: Instance, heard: Heard, nowMs: number): boolean;
  aside(instance: Instance, type: "reminder" | "acknowledgement", source: Uint8Array, nowMs: number): void;
  /** One packet; several instances when it does not say which of them it is for. */
  rejected(instances: readonly Instance[], source: Uint8Array, discard: Discard): void;
  notice(level: "debug" | "info", name: string, message: string): void;
}

export class Listener {
  readonly #channels = new Map<string, Channel>();
  readonly #byFd = new Map<number, Channel>();
  readonly #foreign = new Map<string, ForeignRouter>();
  /** One for all sockets: what is in it is dealt with before the next packet is received. */
  readonly #batch = new ReceiverBatch(PACKETS_PER_CALL, PACKET_BYTES);
  readonly #envelopes = this.#batch.places.map((place) => new Envelope(place));
  #turn = { packets: 0, isRoutine: true };
  #lastTurnAtMs = -Infinity;
  #toldForeign = { sinceMs: -Infinity, count: 0 };

  constructor(readonly epoll: Epoll, readonly events: ListenerEvents) {}

  channelOf(instance: Instance): Channel | undefined {
    return this.#channels.get(keyOf(instance));
  }

  /** Routers that advertise a VRID which nobody here has. */
  get foreign(): ForeignRouter[] {
    return [...this.#foreign.values()];
  }

  /**
   * Sockets follow the interface: none while it does not exist (0), new ones when it comes back under another
   * index. Returns why there are none although there should be, else null.
   */
  attach(instance: Instance, ifindex: number): string | null {
    this.detach(instance);
    if (ifindex === 0) return null;
    instance.ifindex = ifindex;
    const key = keyOf(instance);
    const { interface: name, family } = instance.config;
    try {
      const channel = this.#channels.get(key) ?? new Channel(this.epoll, name, ifindex, family);
      this.#channels.set(key, channel);
      this.#byFd.set(channel.fd, channel);
      channel.add(instance);
      return null;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      // The interface went away in between (its notification follows), or the kernel refuses for good.
      this.detach(instance);
      return `cannot listen on ${name}: ${error.message}`;
    }
  }

  detach(instance: Instance): void {
    const key = keyOf(instance);
    const channel = this.#channels.get(key);
    instance.ifindex = 0;
    instance.packets.clear();
    if (channel === undefined || !channel.delete(instance)) return;
    this.#channels.delete(key);
    this.#byFd.delete(channel.fd);
    channel.close();
  }

  /**
   * Joins the groups of this place anew: with its last address the kernel forgets them, whatever the socket
   * still believes (an MTU too small for IPv6 does that). Who cannot is detached, so that the next look tries
   * again.
   */
  rejoin({ ifindex, family }: Place): void {
    const channel = this.#channels.get(`${ifindex}/${family}`);
    if (channel === undefined) return;
    try {
      channel.rejoin();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      for (const instance of channel.instances) this.detach(instance);
    }
  }

  /** Reads what waits on a descriptor, if it is one of ours. */
  drain(fd: number): void {
    const channel = this.#byFd.get(fd);
    if (channel === undefined) return;
    try {
      for (let taken = 0; taken < PACKETS_PER_TURN; taken += PACKETS_PER_CALL) {
        const count = this.#batch.receive(fd);
        const isRoutine = this.#take(channel, count);
        // What was not may have taken a while, in the kernel above all: what came meanwhile was in time.
        const isRead = count === 0 || (count < PACKETS_PER_CALL && isRoutine);
        if (isRead || this.#byFd.get(fd) !== channel) return;
      }
    } catch (error) {
      // The interface went down or away: netlink tells the same, and that is what counts.
      if (!(error instanceof SyscallError)) throw error;
      this.events.notice("debug", channel.name, `receiving: ${error.message}`);
    }
  }

  /** See {@link Engine.mayRest}. */
  mayRest(nowMs: number): boolean {
    const { packets, isRoutine } = this.#turn;
    if (packets === 0) return false;
    const isDense = nowMs - this.#lastTurnAtMs < DENSE_MS;
    this.#lastTurnAtMs = nowMs;
    this.#turn = { packets: 0, isRoutine: true };
    return isDense && isRoutine;
  }

  /** True when all of it was routine. */
  #take(channel: Channel, count: number): boolean {
    if (count === 0) return true;
    const now = Date.now();
    let nowMs = this.events.now();
    let isRoutine = true;
    this.#turn.packets += count;
    for (let i = 0; i < count; i++) {
      const envelope = this.#envelopes[i]!.open(channel.family, this.#batch.places[i]!.length);
      if (this.#sort(channel, read(channel, envelope, now), nowMs)) continue;
      // What followed may have taken a while.
      isRoutine = false;
      nowMs = this.events.now();
    }
    this.#turn.isRoutine &&= isRoutine;
    return isRoutine;
  }

  /** True when it was routine. */
  #sort(channel: Channel, received: Received, nowMs: number): boolean {
    switch (received.type) {
      case "advertisement":
        return this.events.heard(received.instance, received.heard, nowMs);
      case "reminder":
      case "acknowledgement":
        this.events.aside(received.instance, received.type, received.source, nowMs);
        return false;
      case "rejected":
        this.events.rejected([received.instance], received.source, received.discard);
        return true;
      case "foreign":
        this.#noteForeign(channel, received.source, received.vrid);
        return true;
      case "garbage":
        this.events.rejected(channel.instances, received.source, received.discard);
        return true;
    }
  }

  #noteForeign(channel: Channel, source: Uint8Array, vrid: number): void {
    const address = formatAddress(source);
    const key = `${channel.name} ${vrid} ${address}`;
    const packets = (this.#foreign.get(key)?.packets ?? 0) + 1;
    const family = channel.family === 4 ? "ipv4" : "ipv6";
    const last_seen = new Date().toISOString();
    this.#foreign.set(key, { interface: channel.name, family, vrid, address, last_seen, packets });
    if (this.#foreign.size > MAX_FOREIGN) this.#foreign.delete(this.#foreign.keys().next().value!);
    if (packets > 1 || !this.#mayTellForeign()) return;
    this.events.notice(
      "info",
      channel.name,
      `${address} advertises VRID ${vrid}, which no virtual router here has`,
    );
  }

  /**
   * The first few of each minute: there may be more of them than are remembered, and then each one is new for
   * ever.
   */
  #mayTellForeign(): boolean {
    const nowMs = this.events.now();
    if (nowMs - this.#toldForeign.sinceMs >= TELL_FOREIGN_MS) {
      this.#toldForeign = { sinceMs: nowMs, count: 0 };
    }
    return this.#toldForeign.count++ < MAX_TOLD_FOREIGN;
  }
}

function keyOf({ ifindex, config }: Instance): string {
  return `${ifindex}/${config.family}`;
}
