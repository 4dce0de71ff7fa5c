/**
 * The engine with a real kernel at one end of a cable, and somebody who listens and speaks VRRP at the
 * other.
 */
import { Epoll } from "../../ffi/epoll.ts";
import { close } from "../../ffi/fd.ts";
import type { Netlink, NetlinkSocket } from "../../ffi/netlink.ts";
import { type Address, listAddresses, openMonitor, openRtnetlink } from "../../ffi/rtnetlink.ts";
import * as s from "../../ffi/socket.ts";
import type { Parameters } from "../../mod/kernel/sysctl.ts";
import { Engine } from "../../mod/vrrp/engine.ts";
import type {
  Command,
  EngineEvent,
  EngineReport,
  RouterReport,
  TrackerState,
} from "../../mod/vrrp/messages.ts";
import type { Override } from "../../mod/vrrp/override.ts";
import type { Inheritance } from "../../mod/vrrp/saved.ts";
import { encode, type OutgoingAdvertisement } from "../../mod/vrrp/packet.ts";
import { decodeArp } from "../../mod/wire/arp.ts";
import { decodeIpv4 } from "../../mod/wire/ip.ts";

import { indexOf } from "../ffi/namespace.ts";
import { cable } from "./cable.ts";
import { bytes, configOf, type Written } from "./fixture.ts";
import { LabClock } from "./lab_clock.ts";

const PATIENCE_MS = 5000;
const TURN_MS_MAX = 20;
const IPV4_AT = 14;
const GROUP = bytes("224.0.0.18");

/** A virtual router of 10 ms: `web` on eth0 with 192.0.2.100/24. */
export const WEB: Written = {
  advertisement_interval: "10ms",
  garp: { repeat: 1, delay: "0s", refresh: "0s" },
};

const MADE_UP: Parameters = { read: (): string => "0", write: (): null => null };

export class EngineLab implements Disposable {
  readonly posted: EngineEvent[] = [];
  /** Turns after which packets might have gathered. */
  rests = 0;
  readonly clock = new LabClock();
  readonly #line = cable();
  #epoll = new Epoll();
  readonly #netlink: NetlinkSocket;
  readonly #wrap: (netlink: Netlink) => Netlink;
  readonly #background: NetlinkSocket;
  readonly #parameters: Parameters;
  #monitor: NetlinkSocket;
  #engine: Engine;
  readonly #voice: number;

  /** `wrap` may come between the engine and the kernel; its parameters are made up unless told otherwise. */
  constructor(wrap: (netlink: Netlink) => Netlink = (netlink): Netlink => netlink, parameters = MADE_UP) {
    const { here, there } = this.#line;
    this.#netlink = here.run(() => openRtnetlink());
    this.#background = here.run(() => openRtnetlink());
    this.#monitor = here.run(() => openMonitor());
    this.#voice = there.run(openVoice);
    this.#wrap = wrap;
    this.#parameters = parameters;
    this.#engine = here.run(() => this.#open());
  }

  /** `groups`: members by the name of their sync group. */
  configure(
    routers: Readonly<Record<string, Written>>,
    groups: Readonly<Record<string, readonly string[]>> = {},
  ): void {
    const configs = Object.entries(routers).map(([name, written]) => [name, configOf(written)] as const);
    this.#command({
      type: "configure",
      routers: Object.fromEntries(configs),
      groups: Object.fromEntries(
        Object.entries(groups).map(([name, members]) => [name, { members, track: [] }]),
      ),
    });
  }

  track(...trackers: readonly TrackerState[]): void {
    this.#command({ type: "trackers", trackers });
  }

  pause(): Inheritance | string {
    this.#command({ type: "pause", id: 1 });
    const last = this.posted.findLast((event) => event.type === "pause");
    if (last?.type !== "pause") throw new Error("no answer");
    return last.result;
  }

  handOver(name: string, back = false): void {
    const reason = `handed over on demand at ${new Date().toISOString()}`;
    this.#command({ type: "handover", id: 1, name, back, reason });
  }

  maintain(maintenance: { readonly reason: string; readonly force: boolean } | null): void {
    this.#command({ type: "maintain", id: 1, maintenance });
  }

  override(overrides: Readonly<Record<string, Override>>): void {
    this.#command({ type: "override", overrides });
  }

  holdBack(reasons: Readonly<Record<string, string>>): void {
    this.#command({ type: "holdBack", reasons });
  }

  goOn(): void {
    this.#command({ type: "goOn" });
  }

  inherit(inheritance: Inheritance): void {
    this.#command({ type: "inherit", inheritance });
  }

  /** Another engine in the place of this one, which ends as in an execve: without a word. */
  replaceEngine(): void {
    this.#monitor[Symbol.dispose]();
    this.#epoll.close();
    this.#epoll = new Epoll();
    this.posted.length = 0;
    this.#engine = this.#line.here.run(() => {
      this.#monitor = openMonitor();
      return this.#open();
    });
  }

  stop(): void {
    this.#command({ type: "stop", reason: "stopped" });
  }

  report(): EngineReport {
    this.#command({ type: "report", id: 1 });
    const last = this.posted.pop();
    if (last?.type !== "report") throw new Error("no report");
    return last.report;
  }

  status(name: string): RouterReport {
    const found = this.report().virtual_routers.find((router) => router.name === name);
    if (found === undefined) throw new Error(`no virtual router ${name}`);
    return found;
  }

  deadlineMs(): number {
    return this.#engine.deadlineMs();
  }

  /** Turns the engine's loop until this is so; throws after five seconds of its clock. */
  until(condition: () => boolean): void {
    const endMs = this.clock.now() + PATIENCE_MS;
    this.#line.here.run(() => {
      for (; !condition(); this.#turn(TURN_MS_MAX)) {
        if (this.clock.now() > endMs) throw new Error(`still not: ${condition}`);
      }
    });
  }

  /** Turns it for a while. */
  during(ms: number): void {
    const endMs = this.clock.now() + ms;
    this.#line.here.run(() => {
      for (let leftMs = ms; leftMs > 0; leftMs = endMs - this.clock.now()) {
        this.#turn(Math.min(TURN_MS_MAX, leftMs));
      }
    });
  }

  /** IPv4 addresses of eth0, `192.0.2.1/24`. */
  addresses(): string[] {
    return listAddresses(this.#netlink, 4).filter(({ ifindex }) => ifindex === this.#line.ifindex)
      .map(({ address, prefix }) => `${address.join(".")}/${prefix}`);
  }

  find(text: string): Address | undefined {
    return listAddresses(this.#netlink, 4).find(({ address }) => address.join(".") === text);
  }

  /** Priorities that were advertised since the last look, and `arp` for each announcement, in order. */
  heard(): (number | "arp")[] {
    return this.#line.frames().flatMap(wordOf);
  }

  /** The intervals that were advertised since the last look, centiseconds. */
  intervals(): number[] {
    return this.heardWithIntervals().map(([, interval]) => interval);
  }

  /** Priority and interval of each advertisement since the last look. */
  heardWithIntervals(): [priority: number, interval: number][] {
    return this.#line.frames().flatMap((frame): [number, number][] => {
      const payload = advertisementIn(frame);
      return payload === null ? [] : [[payload[2]!, (payload[4]! & 0x0f) << 8 | payload[5]!]];
    });
  }

  /** An advertisement from the other end. */
  speak(change: Partial<OutgoingAdvertisement> = {}, ttl = 255): void {
    s.setHopLimit(this.#voice, 4, ttl);
    s.sendto(this.#voice, message(change), s.sockaddr(GROUP));
  }

  /** Something done to the interfaces by somebody else. */
  kernel<T>(action: (nl: NetlinkSocket, eth0: number) => T): T {
    return this.#line.here.run(() => {
      using nl = openRtnetlink();
      return action(nl, indexOf("eth0"));
    });
  }

  [Symbol.dispose](): void {
    close(this.#voice);
    this.#netlink[Symbol.dispose]();
    this.#background[Symbol.dispose]();
    this.#monitor[Symbol.dispose]();
    this.#epoll.close();
    this.#line[Symbol.dispose]();
  }

  #command(command: Command): void {
    this.#line.here.run(() => this.#engine.command(command));
  }

  #open(): Engine {
    return new Engine({
      epoll: this.#epoll,
      netlink: this.#wrap(this.#netlink),
      renewals: this.#background,
      monitor: this.#monitor,
      now: this.clock.now,
      readyAtMs: 0,
      parameters: this.#parameters,
      post: (event): number => this.posted.push(event),
    });
  }

  #turn(atMostMs: number): void {
    const { now } = this.clock;
    const waitMs = Math.max(0, Math.min(atMostMs, this.#engine.deadlineMs() - now()));
    const count = this.#epoll.wait(waitMs);
    this.clock.waited(waitMs);
    for (let i = 0; i < count; i++) this.#engine.ready(this.#epoll.fd(i));
    this.#engine.tick(now());
    if (this.#engine.mayRest(now())) this.rests++;
  }
}

function openVoice(): number {
  const fd = s.socket(s.AF_INET, s.SOCK_RAW, s.IPPROTO_VRRP);
  s.setMulticastInterface(fd, 4, indexOf("peer0"));
  return fd;
}

function message(change: Partial<OutgoingAdvertisement> = {}): Uint8Array {
  const advertisement: OutgoingAdvertisement = {
    version: 3,
    vrid: 51,
    priority: 200,
    maxAdvertiseInterval: 1,
    addresses: [bytes("192.0.2.100")],
    family: 4,
    checksum: "pseudo_header",
    ...change,
  };
  return encode(advertisement, bytes("192.0.2.2"), GROUP);
}

/** A frame of ours that matters: an advertisement's priority, or an announcement of the virtual address. */
function wordOf(frame: Uint8Array): (number | "arp")[] {
  if (decodeArp(frame)?.senderAddress.join(".") === "192.0.2.100") return ["arp"];
  const payload = advertisementIn(frame);
  return payload === null ? [] : [payload[2]!];
}

/** The VRRP message in a frame of ours; null when it is another one. */
function advertisementIn(frame: Uint8Array): Uint8Array | null {
  if (frame[12] !== 0x08 || frame[13] !== 0x00) return null;
  const ip = decodeIpv4(frame.subarray(IPV4_AT));
  return ip.ok && ip.protocol === 112 && ip.source.join(".") === "192.0.2.1" ? ip.payload : null;
}
