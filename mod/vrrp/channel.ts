/** The raw sockets of one interface and address family, shared by every virtual router on it. */
import type { Epoll } from "../../ffi/epoll.ts";
import { close } from "../../ffi/fd.ts";
import {
  AF_INET,
  AF_INET6,
  bind,
  bindToDevice,
  joinMulticast,
  receivePacketInfo,
  Receiver,
  setHopLimit,
  setMulticastInterface,
  setMulticastLoop,
  setOption,
  setReceiveBuffer,
  setTrafficClass,
  SOCK_RAW,
  sockaddr,
  socket,
  trySendto,
} from "../../ffi/socket.ts";
import { type Family, formatAddress } from "../wire/address.ts";
import { TOS_NETWORK_CONTROL } from "../wire/ip.ts";
import type { Instance } from "./instance.ts";
import { VRRP_PROTOCOL, VRRP_TTL } from "./packet.ts";

/** Room for 255 routers at 10 ms while the thread sleeps a tenth of a second. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
/** An advertisement with 255 IPv6 addresses is 4,088 bytes. */
const PACKET_BYTES = 8_192;

export class Channel {
  readonly receiver: Receiver;
  /** Who listens here, by VRID. */
  readonly routers = new Map<number, Instance[]>();
  readonly #fd: number;
  readonly #groups = new Set<string>();
  /** IPv6 sockets by source address: the kernel writes that header, so the socket must be bound to the source. */
  readonly #senders = new Map<string, number>();

  constructor(
    readonly epoll: Epoll,
    readonly name: string,
    readonly ifindex: number,
    readonly family: Family,
  ) {
    this.#fd = this.#open();
    setReceiveBuffer(this.#fd, RECEIVE_BUFFER_BYTES);
    // Only the groups joined here, not those that others on this host have joined.
    setOption(this.#fd, family === 4 ? "IP_MULTICAST_ALL" : "IPV6_MULTICAST_ALL", 0);
    if (family === 6) receivePacketInfo(this.#fd, 6);
    else setOption(this.#fd, "IP_HDRINCL", 1);
    this.receiver = new Receiver(this.#fd, PACKET_BYTES);
    epoll.add(this.#fd);
  }

  get fd(): number {
    return this.#fd;
  }

  add(instance: Instance): void {
    const { vrid } = instance.config;
    this.routers.set(vrid, [...this.routers.get(vrid) ?? [], instance]);
    if (!instance.wire.unicast) this.#join(instance.wire.multicastGroup);
  }

  /** True when nobody is left. */
  delete(instance: Instance): boolean {
    const { vrid } = instance.config;
    const left = (this.routers.get(vrid) ?? []).filter((other) => other !== instance);
    if (left.length > 0) this.routers.set(vrid, left);
    else this.routers.delete(vrid);
    return this.routers.size === 0;
  }

  /** Octets sent, or -errno. For IPv4 `packet` starts with the IP header, for IPv6 it is the payload. */
  send(packet: Uint8Array, source: Uint8Array, destination: Uint8Array): number {
    return trySendto(this.family === 4 ? this.#fd : this.#sender(source), packet, destination);
  }

  close(): void {
    this.epoll.remove(this.#fd);
    close(this.#fd);
    for (const fd of this.#senders.values()) close(fd);
    this.#senders.clear();
  }

  #open(): number {
    const fd = socket(this.family === 4 ? AF_INET : AF_INET6, SOCK_RAW, VRRP_PROTOCOL);
    bindToDevice(fd, this.name);
    setMulticastInterface(fd, this.family, this.ifindex);
    setMulticastLoop(fd, this.family, false);
    setHopLimit(fd, this.family, VRRP_TTL);
    setTrafficClass(fd, this.family, TOS_NETWORK_CONTROL);
    return fd;
  }

  #join(group: Uint8Array): void {
    const key = formatAddress(group);
    if (this.#groups.has(key)) return;
    joinMulticast(this.#fd, this.family, group, this.ifindex);
    this.#groups.add(key);
  }

  #sender(source: Uint8Array): number {
    const key = formatAddress(source);
    const known = this.#senders.get(key);
    if (known !== undefined) return known;
    const fd = this.#open();
    bind(fd, sockaddr(source, 0, this.ifindex));
    // What arrives for the source would queue up here as well; nobody reads it.
    setOption(fd, "SO_RCVBUF", 0);
    this.#senders.set(key, fd);
    return fd;
  }
}
