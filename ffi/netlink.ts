/**
 * Netlink sockets (netlink(7)); the protocol they speak is in netlink_conversation.ts, the bytes in
 * netlink_message.ts.
 */

import { waitReadable } from "./epoll.ts";
import { ENOBUFS, ENOPROTOOPT, SyscallError } from "./errno.ts";
import { close } from "./fd.ts";
import { type Datagram, NetlinkConversation, type Transport } from "./netlink_conversation.ts";
import { Receiver } from "./receiver.ts";
import { AF_NETLINK, sockaddr_nl, sockaddrNl } from "./sockaddr.ts";
import {
  bind,
  getsockname,
  sendto,
  setReceiveBuffer,
  setsockopt,
  SOCK_RAW,
  socket,
  SOL_NETLINK,
} from "./socket.ts";

export * from "./netlink_message.ts";
export * from "./netlink_conversation.ts";
export { NetlinkError } from "./netlink_error.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const NETLINK_GENERIC = 16;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

/** Above the 32 KiB that the kernel puts at most in a datagram of a dump. */
const DATAGRAM_BYTES = 64 * 1024;
/** Some thousand notifications: a link that takes all its addresses and routes along is one burst. */
const MONITOR_BUFFER_BYTES = 4 * 1024 * 1024;

/** A real netlink socket; `groups` are RTNLGRP_* numbers whose notifications `receive()` returns. */
export class NetlinkSocket extends NetlinkConversation implements Disposable {
  readonly fd: number;

  constructor(protocol: number, groups: readonly number[] = []) {
    const transport = new SocketTransport(protocol, groups);
    super(transport);
    this.fd = transport.fd;
  }

  close(): void {
    close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** One socket; what it receives from the kernel, datagram by datagram. */
export class SocketTransport implements Transport {
  readonly fd: number;
  readonly portId: number;
  readonly #receiver: Receiver;

  constructor(protocol: number, groups: readonly number[]) {
    this.fd = openSocket(protocol, groups);
    this.portId = sockaddr_nl.decode(getsockname(this.fd, sockaddr_nl.size)).nl_pid;
    this.#receiver = new Receiver(this.fd, DATAGRAM_BYTES);
  }

  send(bytes: Uint8Array): void {
    sendto(this.fd, bytes);
  }

  receive(waitMs: number): Datagram | null {
    let length = this.#receiver.receive();
    if (length === -1 && waitMs > 0 && waitReadable(this.fd, waitMs)) length = this.#receiver.receive();
    if (length === -1) return null;
    if (this.#receiver.truncated) throw new SyscallError("netlink datagram cut off", ENOBUFS);
    const from = sockaddr_nl.decode(this.#receiver.name());
    // Only the kernel (port 0) is believed; another process could write to our port.
    const bytes = from.nl_pid === 0 ? this.#receiver.buffer.slice(0, length) : new Uint8Array(0);
    return { bytes, multicast: from.nl_groups !== 0 };
  }
}

function openSocket(protocol: number, groups: readonly number[]): number {
  const fd = socket(AF_NETLINK, SOCK_RAW, protocol);
  try {
    // Explanations in errors, no echo of the request in them, and dumps that heed the filter in their header.
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK]) enable(fd, option);
    if (groups.length > 0) setReceiveBuffer(fd, MONITOR_BUFFER_BYTES);
    bind(fd, sockaddrNl());
    for (const group of groups) setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Kernels before 4.20 lack the one or the other; their answers are poorer, not wrong. */
function enable(fd: number, option: number): void {
  try {
    setsockopt(fd, SOL_NETLINK, option, 1);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== ENOPROTOOPT) throw error;
  }
}
