/** The raw sockets of one interface and address family, shared by every virtual router on it. */
import type { Epoll } from "../../ffi/epoll.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { close } from "../../ffi/fd.ts";
import { openPacketSocket } from "../../ffi/packet.ts";
import {
  AF_INET,
  AF_INET6,
  bind,
  bindToDevice,
  joinMulticast,
  leaveMulticast,
  receivePacketInfo,
  setHopLimit,
  setMulticastInterface,
  setMulticastLoop,
  setOption,
  setReceiveBuffer,
  setTrafficClass,
  SOCK_RAW,
  sockaddr,
  socket,
} from "../../ffi/socket.ts";
import { type Family, formatAddress } from "../wire/address.ts";
import { TOS_NETWORK_CONTROL } from "../wire/ip.ts";
import type { Instance } from "./instance.ts";
import { VRRP_PROTOCOL, VRRP_TTL } from "./packet.ts";

/** Room for 255 routers at 10 ms while the thread sleeps a tenth of a second. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
/**
 * Sources at a time: more than one only while an address is being replaced, or with several
 * `unicast_source`s.
 */
const MAX_SENDERS = 32;

export class Channel {
  /** Who listens here, by VRID. */
  readonly routers = new Map<number, Instance[]>();
  readonly #fd: number;
  #instances: readonly Instance[] = [];
  readonly #groups = new Map<string, Uint8Array>();
  /** For frames that carry another MAC address than the interface's; opened when the first one goes out. */
  #frames: number | null = null;
  /**
   * IPv6 sockets by source address: the kernel writes that header, so the socket must be bound to the source.
   */
  readonly #senders = new Map<string, number>();

  constructor(
    readonly epoll: Epoll,
    readonly name: string,
    readonly ifindex: number,
    readonly family: Family,
  ) {
    this.#fd = this.#open((fd) => {
      setReceiveBuffer(fd, RECEIVE_BUFFER_BYTES);
      // Only the groups joined here, not those that others on this host have joined.
      setOption(fd, family === 4 ? "IP_MULTICAST_ALL" : "IPV6_MULTICAST_ALL", 0);
      if (family === 6) receivePacketInfo(fd, 6);
      else setOption(fd, "IP_HDRINCL", 1);
    });
    epoll.add(this.#fd);
  }

  get fd(): number {
    return this.#fd;
  }

  /** Everybody who listens here. */
  get instances(): readonly Instance[] {
    return this.#instances;
  }

  add(instance: Instance): void {
    const { vrid } = instance.config;
    this.routers.set(vrid, [...this.routers.get(vrid) ?? [], instance]);
    this.#instances = [...this.routers.values()].flat();
    if (!instance.wire.unicast) this.#join(instance.wire.multicastGroup);
  }

  /** True when nobody is left. */
  delete(instance: Instance): boolean {
    const { vrid } = instance.config;
    const left = (this.routers.get(vrid) ?? []).filter((other) => other !== instance);
    if (left.length > 0) this.routers.set(vrid, left);
    else this.routers.delete(vrid);
    this.#instances = [...this.routers.values()].flat();
    return this.routers.size === 0;
  }

  /** The socket that advertisements with this source leave by, for whole frames another one; or -errno. */
  senderOf(source: Uint8Array, frames: boolean): number {
    if (this.family === 4 && !frames) return this.#fd;
    try {
      return frames ? this.#frames ??= openPacketSocket() : this.#sender(source);
    } catch (error) {
      // The source or the interface has just gone: its notification follows.
      if (!(error instanceof SyscallError)) throw error;
      return -error.errno;
    }
  }

  /** Leaves every group and joins it again. */
  rejoin(): void {
    for (const group of this.#groups.values()) {
      leaveMulticast(this.#fd, this.family, group, this.ifindex);
      joinMulticast(this.#fd, this.family, group, this.ifindex);
    }
  }

  close(): void {
    this.epoll.remove(this.#fd);
    close(this.#fd);
    for (const fd of this.#senders.values()) close(fd);
    this.#senders.clear();
    if (this.#frames !== null) close(this.#frames);
  }

  /** A socket of this interface, made ready by `prepare`; none is left open when the kernel refuses. */
  #open(prepare: (fd: number) => void): number {
    const fd = socket(this.family === 4 ? AF_INET : AF_INET6, SOCK_RAW, VRRP_PROTOCOL);
    try {
      bindToDevice(fd, this.name);
      setMulticastInterface(fd, this.family, this.ifindex);
      setMulticastLoop(fd, this.family, false);
      setHopLimit(fd, this.family, VRRP_TTL);
      setTrafficClass(fd, this.family, TOS_NETWORK_CONTROL);
      prepare(fd);
      return fd;
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  #join(group: Uint8Array): void {
    const key = formatAddress(group);
    if (this.#groups.has(key)) return;
    joinMulticast(this.#fd, this.family, group, this.ifindex);
    this.#groups.set(key, group);
  }

  #sender(source: Uint8Array): number {
    const key = formatAddress(source);
    const known = this.#senders.get(key);
    if (known !== undefined) return known;
    const fd = this.#open((fd) => {
      bind(fd, sockaddr(source, 0, this.ifindex));
      // What arrives for the source would queue up here as well; nobody reads it.
      setOption(fd, "SO_RCVBUF", 0);
    });
    this.#senders.set(key, fd);
    if (this.#senders.size > MAX_SENDERS) this.#closeOldestSender();
    return fd;
  }

  #closeOldestSender(): void {
    const [[key, fd]] = this.#senders as unknown as [[string, number]];
    this.#senders.delete(key);
    close(fd);
  }
}
