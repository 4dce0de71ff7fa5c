/** Socket addresses: one declaration a family, and functions that make them from address octets. */

import { be16, be32, i32, octets, struct, text, u16, u32, u8 } from "./struct.ts";

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

/** struct sockaddr_in, ip(7) */
export const sockaddr_in = struct({
  sin_family: u16,
  sin_port: be16,
  sin_addr: octets(4, 4),
  sin_zero: octets(8),
});

/** struct sockaddr_in6, ipv6(7) */
export const sockaddr_in6 = struct({
  sin6_family: u16,
  sin6_port: be16,
  sin6_flowinfo: be32,
  sin6_addr: octets(16, 4),
  sin6_scope_id: u32,
});

/** struct sockaddr_ll, packet(7) */
export const sockaddr_ll = struct({
  sll_family: u16,
  sll_protocol: be16,
  sll_ifindex: i32,
  sll_hatype: u16,
  sll_pkttype: u8,
  sll_halen: u8,
  sll_addr: octets(8),
});

/** struct sockaddr_nl, netlink(7) */
export const sockaddr_nl = struct({ nl_family: u16, nl_pad: u16, nl_pid: u32, nl_groups: u32 });

/** struct sockaddr_un, unix(7) */
export const sockaddr_un = struct({ sun_family: u16, sun_path: text(108) });

/**
 * Where to: 4 octets make a sockaddr_in, 16 a sockaddr_in6 (`ifindex` says on which link a fe80:: or ff02::
 * address is).
 */
export function sockaddr(address: Uint8Array, port = 0, ifindex = 0): Uint8Array<ArrayBuffer> {
  if (address.length === 4) {
    return sockaddr_in.encode({ sin_family: AF_INET, sin_port: port, sin_addr: address });
  }
  if (address.length !== 16) throw new RangeError(`an IP address has 4 or 16 octets, not ${address.length}`);
  return sockaddr_in6.encode({
    sin6_family: AF_INET6,
    sin6_port: port,
    sin6_addr: address,
    sin6_scope_id: ifindex,
  });
}

/** Link-layer address of a packet socket. `protocol` is an EtherType, 0 receives nothing. */
export function sockaddrLl(
  ifindex: number,
  protocol = 0,
  mac: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  return sockaddr_ll.encode({
    sll_family: AF_PACKET,
    sll_protocol: protocol,
    sll_ifindex: ifindex,
    sll_halen: mac.length,
    sll_addr: mac,
  });
}

/** The address of a netlink port; port 0 is the kernel. */
export function sockaddrNl(portId = 0): Uint8Array<ArrayBuffer> {
  return sockaddr_nl.encode({ nl_family: AF_NETLINK, nl_pid: portId });
}

/** A unix socket's path; a leading `@` names the abstract namespace, as systemd writes it. */
export function sockaddrUn(path: string): Uint8Array<ArrayBuffer> {
  const length = sockaddr_un.offsets.sun_path + new TextEncoder().encode(path).length;
  if (path === "" || length >= sockaddr_un.size) throw new RangeError(`not a unix socket path: ${path}`);
  if (!path.startsWith("@")) return sockaddr_un.encode({ sun_family: AF_UNIX, sun_path: path });
  // An abstract name is all octets of the given length, its first one NUL: no terminator, no padding.
  return sockaddr_un.encode({ sun_family: AF_UNIX, sun_path: "\0" + path.slice(1) }).subarray(0, length);
}
