/**
 * Sockets: open, bind, send and every option that VRRP needs. Addresses are in sockaddr.ts, receiving in
 * receiver.ts.
 */

import { check, orErrno } from "./errno.ts";
import { addressOf, buffer, cstring, libc, memory } from "./libc.ts";
import { i32, octets, struct, u16, u32, u64, u8 } from "./struct.ts";

export * from "./sockaddr.ts";
export { Receiver } from "./receiver.ts";

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_VRRP = 112;
export const SOL_SOCKET = 1;
export const SOL_PACKET = 263;
export const SOL_NETLINK = 270;
export const SHUT_WR = 1;

/**
 * Level and number of every option by its C name. IPV6_CHECKSUM takes the offset of the checksum: 6 in VRRP.
 */
export const socketOptions = {
  SO_REUSEADDR: [SOL_SOCKET, 2],
  SO_ERROR: [SOL_SOCKET, 4],
  SO_SNDBUF: [SOL_SOCKET, 7],
  SO_RCVBUF: [SOL_SOCKET, 8],
  SO_PRIORITY: [SOL_SOCKET, 12],
  SO_REUSEPORT: [SOL_SOCKET, 15],
  SO_BINDTODEVICE: [SOL_SOCKET, 25],
  SO_ATTACH_FILTER: [SOL_SOCKET, 26],
  SO_SNDBUFFORCE: [SOL_SOCKET, 32],
  SO_RCVBUFFORCE: [SOL_SOCKET, 33],
  SO_MARK: [SOL_SOCKET, 36],
  TCP_NODELAY: [IPPROTO_TCP, 1],
  IP_TOS: [IPPROTO_IP, 1],
  IP_TTL: [IPPROTO_IP, 2],
  IP_HDRINCL: [IPPROTO_IP, 3],
  IP_PKTINFO: [IPPROTO_IP, 8],
  IP_RECVTTL: [IPPROTO_IP, 12],
  IP_FREEBIND: [IPPROTO_IP, 15],
  IP_MULTICAST_IF: [IPPROTO_IP, 32],
  IP_MULTICAST_TTL: [IPPROTO_IP, 33],
  IP_MULTICAST_LOOP: [IPPROTO_IP, 34],
  IP_ADD_MEMBERSHIP: [IPPROTO_IP, 35],
  IP_DROP_MEMBERSHIP: [IPPROTO_IP, 36],
  IP_MULTICAST_ALL: [IPPROTO_IP, 49],
  IPV6_CHECKSUM: [IPPROTO_IPV6, 7],
  IPV6_UNICAST_HOPS: [IPPROTO_IPV6, 16],
  IPV6_MULTICAST_IF: [IPPROTO_IPV6, 17],
  IPV6_MULTICAST_HOPS: [IPPROTO_IPV6, 18],
  IPV6_MULTICAST_LOOP: [IPPROTO_IPV6, 19],
  IPV6_ADD_MEMBERSHIP: [IPPROTO_IPV6, 20],
  IPV6_DROP_MEMBERSHIP: [IPPROTO_IPV6, 21],
  IPV6_V6ONLY: [IPPROTO_IPV6, 26],
  IPV6_MULTICAST_ALL: [IPPROTO_IPV6, 29],
  IPV6_RECVPKTINFO: [IPPROTO_IPV6, 49],
  IPV6_RECVHOPLIMIT: [IPPROTO_IPV6, 51],
  IPV6_TCLASS: [IPPROTO_IPV6, 67],
  IPV6_FREEBIND: [IPPROTO_IPV6, 78],
  PACKET_IGNORE_OUTGOING: [SOL_PACKET, 23],
} as const satisfies Readonly<Record<string, readonly [level: number, option: number]>>;

export type SocketOption = keyof typeof socketOptions;

/** struct ip_mreqn, ip(7) */
export const ip_mreqn = struct({ imr_multiaddr: octets(4, 4), imr_address: octets(4, 4), imr_ifindex: i32 });
/** struct ipv6_mreq, ipv6(7) */
export const ipv6_mreq = struct({ ipv6mr_multiaddr: octets(16, 4), ipv6mr_interface: i32 });
/** struct sock_filter, linux/filter.h */
export const sock_filter = struct({ code: u16, jt: u8, jf: u8, k: u32 });
/** struct sock_fprog, linux/filter.h; `filter` is a pointer. */
export const sock_fprog = struct({ len: u16, filter: u64 });

/** A new socket, close-on-exec and non-blocking always. */
export function socket(domain: number, type: number, protocol = 0): number {
  return check("socket", libc().socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

export function bind(fd: number, address: Uint8Array): void {
  check("bind", libc().bind(fd, buffer(address), address.length));
}

/**
 * On a raw or datagram socket: where {@link sendto} without an address goes, and whose packets are received.
 */
export function connect(fd: number, address: Uint8Array): void {
  check("connect", libc().connect(fd, buffer(address), address.length));
}

/** As {@link connect}, but a failure is the answer -errno: -EINPROGRESS while a stream is being connected. */
export function tryConnect(fd: number, address: Uint8Array): number {
  return orErrno(libc().connect(fd, buffer(address), address.length));
}

/** Ends one direction: SHUT_WR tells the peer that nothing more comes. Throws ENOTCONN too. */
export function shutdown(fd: number, how: number): void {
  check("shutdown", libc().shutdown(fd, how));
}

/** The address that a socket is bound to, at most `size` octets of it. */
export function getsockname(fd: number, size: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(size);
  const length = Uint32Array.of(size);
  check("getsockname", libc().getsockname(fd, address, length));
  return address.subarray(0, Math.min(length[0] ?? 0, size));
}

/** Sends one datagram; how many octets went out. */
export function sendto(fd: number, bytes: Uint8Array, address: Uint8Array | null = null): number {
  return check("sendto", rawSend(fd, bytes, address));
}

/** As {@link sendto}, but a failure is the answer -errno: the way to send many and count what failed. */
export function trySendto(fd: number, bytes: Uint8Array, address: Uint8Array | null = null): number {
  return orErrno(rawSend(fd, bytes, address));
}

function rawSend(fd: number, bytes: Uint8Array, address: Uint8Array | null): number {
  if (address === null) return libc().sendto(fd, buffer(bytes), bytes.length, 0, null, 0);
  return libc().sendto(fd, buffer(bytes), bytes.length, 0, buffer(address), address.length);
}

/** Sets an option by level and number: an int, or the octets of its struct. */
export function setsockopt(fd: number, level: number, option: number, value: number | Uint8Array): void {
  set(`setsockopt(${level}, ${option})`, fd, level, option, value);
}

/** Sets an option by its C name, which an error then carries: `setsockopt(IP_HDRINCL): EPERM: ...`. */
export function setOption(fd: number, name: SocketOption, value: number | Uint8Array): void {
  const [level, option] = socketOptions[name];
  set(`setsockopt(${name})`, fd, level, option, value);
}

/** Reads an int option by its C name. */
export function getOption(fd: number, name: SocketOption): number {
  const [level, option] = socketOptions[name];
  const value = new Int32Array(1);
  check(`getsockopt(${name})`, libc().getsockopt(fd, level, option, value, Uint32Array.of(4)));
  return value[0] ?? 0;
}

function set(call: string, fd: number, level: number, option: number, value: number | Uint8Array): void {
  const bytes = typeof value === "number" ? new Uint8Array(Int32Array.of(value).buffer) : buffer(value);
  check(call, libc().setsockopt(fd, level, option, bytes, bytes.length));
}

/** Only packets of this interface; gone (ENODEV on use) when the interface is. */
export function bindToDevice(fd: number, ifname: string): void {
  setOption(fd, "SO_BINDTODEVICE", cstring(ifname));
}

/**
 * Joins a group on one interface. Linux lets one socket join at most `net.ipv4.igmp_max_memberships` (20)
 * IPv4 groups and answers ENOBUFS beyond that; the same group on two interfaces counts twice. EADDRINUSE:
 * joined already.
 */
export function joinMulticast(fd: number, family: 4 | 6, group: Uint8Array, ifindex: number): void {
  membership(fd, family, "ADD_MEMBERSHIP", group, ifindex);
}

/** EADDRNOTAVAIL: was not joined, or the interface is gone and took the membership along. */
export function leaveMulticast(fd: number, family: 4 | 6, group: Uint8Array, ifindex: number): void {
  membership(fd, family, "DROP_MEMBERSHIP", group, ifindex);
}

function membership(
  fd: number,
  family: 4 | 6,
  change: "ADD_MEMBERSHIP" | "DROP_MEMBERSHIP",
  group: Uint8Array,
  ifindex: number,
): void {
  if (family === 4) {
    setOption(fd, `IP_${change}`, ip_mreqn.encode({ imr_multiaddr: group, imr_ifindex: ifindex }));
  } else {
    setOption(fd, `IPV6_${change}`, ipv6_mreq.encode({ ipv6mr_multiaddr: group, ipv6mr_interface: ifindex }));
  }
}

/** The interface (and for IPv4 optionally the source address) that multicast leaves by. */
export function setMulticastInterface(fd: number, family: 4 | 6, ifindex: number, source?: Uint8Array): void {
  if (family === 6) return setOption(fd, "IPV6_MULTICAST_IF", ifindex);
  const value = source === undefined
    ? { imr_ifindex: ifindex }
    : { imr_ifindex: ifindex, imr_address: source };
  setOption(fd, "IP_MULTICAST_IF", ip_mreqn.encode(value));
}

/** Hop limit of what is sent, unicast and multicast. */
export function setHopLimit(fd: number, family: 4 | 6, hops: number): void {
  setOption(fd, family === 4 ? "IP_MULTICAST_TTL" : "IPV6_MULTICAST_HOPS", hops);
  setOption(fd, family === 4 ? "IP_TTL" : "IPV6_UNICAST_HOPS", hops);
}

/** Whether this host's own listeners hear what is sent to a group. */
export function setMulticastLoop(fd: number, family: 4 | 6, on: boolean): void {
  setOption(fd, family === 4 ? "IP_MULTICAST_LOOP" : "IPV6_MULTICAST_LOOP", on ? 1 : 0);
}

/** DSCP and ECN octet of what is sent. */
export function setTrafficClass(fd: number, family: 4 | 6, octet: number): void {
  setOption(fd, family === 4 ? "IP_TOS" : "IPV6_TCLASS", octet);
}

/** Has a Receiver on this socket learn destination, interface and hop limit of every packet. */
export function receivePacketInfo(fd: number, family: 4 | 6): void {
  setOption(fd, family === 4 ? "IP_PKTINFO" : "IPV6_RECVPKTINFO", 1);
  setOption(fd, family === 4 ? "IP_RECVTTL" : "IPV6_RECVHOPLIMIT", 1);
}

/** Receive buffer in bytes, beyond net.core.rmem_max where CAP_NET_ADMIN permits. */
export function setReceiveBuffer(fd: number, bytes: number): void {
  const [level, option] = socketOptions.SO_RCVBUFFORCE;
  const value = Int32Array.of(bytes);
  if (libc().setsockopt(fd, level, option, value, 4) === -1) setOption(fd, "SO_RCVBUF", bytes);
}

/** One instruction of classic BPF, as `tcpdump -dd` prints it. */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number];

/**
 * Only packets that the program accepts are queued. On a raw IPv4 socket it sees the IP header first, on IPv6
 * the payload.
 */
export function attachFilter(fd: number, program: readonly Instruction[]): void {
  // One block, passed whole: the instructions that `filter` points to live as long as the call.
  const block = memory(sock_fprog.size + program.length * sock_filter.size);
  sock_fprog.encode({ len: program.length, filter: addressOf(block) + BigInt(sock_fprog.size) }, block);
  program.forEach(([code, jt, jf, k], i) => {
    sock_filter.encode({ code, jt, jf, k }, block.subarray(sock_fprog.size + i * sock_filter.size));
  });
  const [level, option] = socketOptions.SO_ATTACH_FILTER;
  check("setsockopt(SO_ATTACH_FILTER)", libc().setsockopt(fd, level, option, block, sock_fprog.size));
}

/** Index of an interface by name; 0 when there is none. */
export function ifNameToIndex(name: string): number {
  return libc().if_nametoindex(cstring(name));
}
