/** Sockets of checks: TCP connections and datagrams, from any local address and with any mark. */
import { CheckFailed, type DatagramSocket, fail, type Origin } from "../../checks/check.ts";
import { type Connection, type Endpoint, formatEndpoint } from "../../checks/connection.ts";
import { formatMs } from "../../checks/deadline.ts";
import { deadline } from "../../checks/timers.ts";
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from "../../ffi/epoll.ts";
import { EACCES, EAGAIN, EINPROGRESS, EPERM, strerror, SyscallError } from "../../ffi/errno.ts";
import { close, tryRead } from "../../ffi/fd.ts";
import {
  AF_INET,
  AF_INET6,
  bind,
  bindToDevice,
  getOption,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  setOption,
  SHUT_WR,
  shutdown,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  socket,
  tryConnect,
  trySendto,
} from "../../ffi/socket.ts";
import type { FdLoop } from "./fd_loop.ts";
import { literal, type Peer, resolve } from "./resolve.ts";

/** Edge-triggered: one system call says it all for the socket's whole life. */
const everything = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

/** See `Host.connect`. */
export async function connect(
  loop: FdLoop,
  to: Endpoint,
  origin: Origin,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  const peer = literal(to.host, to.port);
  if (peer !== undefined) return await connectTo(loop, peer, to, origin, timeoutMs, signal);
  const startMs = performance.now();
  let problem: unknown = new CheckFailed(`${to.host} has no address`);
  for (const candidate of await named(to, signal)) {
    try {
      const leftMs = Math.max(1, timeoutMs - (performance.now() - startMs));
      return await connectTo(loop, candidate, to, origin, leftMs, signal);
    } catch (error) {
      signal.throwIfAborted();
      problem = error;
    }
  }
  throw problem;
}

/** A resolver cannot be interrupted; nobody waits for it after the abort. */
function named(to: Endpoint, signal: AbortSignal): Promise<Peer[]> {
  const { promise, resolve: settle, reject } = Promise.withResolvers<Peer[]>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  resolve(to.host, to.port).then(settle, reject);
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

function connectTo(
  loop: FdLoop,
  peer: Peer,
  to: Endpoint,
  origin: Origin,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Connection> {
  const fd = open(peer, SOCK_STREAM, 0, origin);
  const result = tryConnect(fd, peer.sockaddr);
  if (result !== 0 && result !== -EINPROGRESS) {
    close(fd);
    return fail(`cannot connect to ${formatEndpoint(to)}: ${reason(-result)}`);
  }
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  const wire = new Wire(loop, fd);
  const giveUp = (why: unknown): void => {
    endTimer();
    wire.close();
    reject(why);
  };
  const abort = (): void => giveUp(signal.reason);
  const endTimer = deadline(timeoutMs, () => {
    giveUp(new CheckFailed(`no connection to ${formatEndpoint(to)} within ${formatMs(timeoutMs)}`));
  });
  wire.onReady = (events): void => {
    const errno = (events & (EPOLLERR | EPOLLHUP)) === 0 ? 0 : getOption(fd, "SO_ERROR");
    if (errno !== 0) {
      giveUp(new CheckFailed(`cannot connect to ${formatEndpoint(to)}: ${reason(errno)}`));
    } else if ((events & EPOLLOUT) !== 0) {
      endTimer();
      wire.onReady = undefined;
      resolve(new WireConnection(wire, signal));
    }
  };
  wire.onClose = (): void => signal.removeEventListener("abort", abort);
  signal.addEventListener("abort", abort, { once: true });
  return promise;
}

/** A new socket for that peer, bound and marked. */
function open({ address }: Peer, type: number, protocol: number, origin: Origin): number {
  const { bindAddress, bindInterface, fwmark } = origin;
  const fd = socket(address.length === 4 ? AF_INET : AF_INET6, type, protocol);
  try {
    if (fwmark !== undefined) setOption(fd, "SO_MARK", fwmark);
    if (bindInterface !== undefined) bindToDevice(fd, bindInterface);
    if (bindAddress !== undefined) bindTo(fd, bindAddress, address.length);
    return fd;
  } catch (error) {
    close(fd);
    if (!(error instanceof SyscallError)) throw error;
    return fail(`cannot prepare a socket: ${error.call}: ${reason(error.errno)}`);
  }
}

function bindTo(fd: number, text: string, length: number): void {
  const local = literal(text, 0);
  if (local?.address.length !== length) {
    fail(`bind_address ${text} is of another family than the address to check`);
  }
  try {
    bind(fd, local.sockaddr);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    fail(`cannot send from ${text}: ${reason(error.errno)}`);
  }
}

/** "connection refused" */
function reason(errno: number): string {
  const text = strerror(errno);
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** A descriptor in the loop, and who waits for it. */
class Wire {
  readonly fd: number;
  readonly #loop: FdLoop;
  readonly #waiting = new Set<() => void>();
  isOpen = true;
  /** Instead of waking who waits. */
  onReady: ((events: number) => void) | undefined;
  onClose: (() => void) | undefined;

  constructor(loop: FdLoop, fd: number) {
    this.fd = fd;
    this.#loop = loop;
    loop.add(fd, (events) => this.onReady === undefined ? this.#wake() : this.onReady(events), everything);
  }

  /** Until something has happened to the descriptor since the last try; rejects when it was closed. */
  async ready(): Promise<void> {
    this.throwIfClosed();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    await promise;
    this.throwIfClosed();
  }

  throwIfClosed(): void {
    if (!this.isOpen) throw new Error("the socket was closed");
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#loop.close(this.fd);
    this.onClose?.();
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }
}

class WireConnection implements Connection {
  readonly signal: AbortSignal;
  readonly #wire: Wire;

  constructor(wire: Wire, signal: AbortSignal) {
    this.#wire = wire;
    this.signal = signal;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    this.#wire.throwIfClosed();
    for (;;) {
      const count = tryRead(this.#wire.fd, buffer);
      if (count >= 0) return count === 0 && buffer.length > 0 ? null : count;
      if (count !== -EAGAIN) throw new Error(reason(-count));
      await this.#wire.ready();
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.#wire.throwIfClosed();
    for (;;) {
      const count = trySendto(this.#wire.fd, bytes);
      if (count >= 0) return count;
      if (count !== -EAGAIN) throw new Error(reason(-count));
      await this.#wire.ready();
    }
  }

  closeWrite(): Promise<void> {
    this.#wire.throwIfClosed();
    shutdown(this.#wire.fd, SHUT_WR);
    return Promise.resolve();
  }

  setNoDelay(): void {
    setOption(this.#wire.fd, "TCP_NODELAY", 1);
  }

  close(): void {
    this.#wire.close();
  }
}

/** See `Host.datagrams`. */
export async function datagrams(
  loop: FdLoop,
  kind: "udp" | "icmp",
  to: Endpoint,
  origin: Origin,
  signal: AbortSignal,
): Promise<DatagramSocket> {
  signal.throwIfAborted();
  const peer = literal(to.host, to.port) ?? (await named(to, signal))[0];
  if (peer === undefined) return fail(`${to.host} has no address`);
  const family = peer.address.length === 4 ? 4 : 6;
  const { fd, isRaw } = kind === "udp" ? { fd: open(peer, SOCK_DGRAM, 0, origin), isRaw: false } : openIcmp(
    peer,
    origin,
  );
  const result = tryConnect(fd, peer.sockaddr);
  if (result !== 0) {
    close(fd);
    return fail(`cannot reach ${to.host}: ${reason(-result)}`);
  }
  const place = kind === "udp" ? formatEndpoint(to) : to.host;
  return new Datagrams(new Wire(loop, fd), place, family, isRaw && family === 4);
}

/**
 * A raw socket, which CAP_NET_RAW permits; else the datagram socket that net.ipv4.ping_group_range permits.
 * Connected, it hears one peer only.
 */
function openIcmp(peer: Peer, origin: Origin): { fd: number; isRaw: boolean } {
  const protocol = peer.address.length === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  try {
    return { fd: open(peer, SOCK_RAW, protocol, origin), isRaw: true };
  } catch (error) {
    if (!(error instanceof SyscallError) || (error.errno !== EPERM && error.errno !== EACCES)) throw error;
    return { fd: open(peer, SOCK_DGRAM, protocol, origin), isRaw: false };
  }
}

const datagramRoom = new Uint8Array(65_536);

class Datagrams implements DatagramSocket {
  readonly family: 4 | 6;
  readonly #wire: Wire;
  /** Of the peer, for messages. */
  readonly #place: string;
  readonly #hasHeader: boolean;

  constructor(wire: Wire, place: string, family: 4 | 6, hasHeader: boolean) {
    this.#wire = wire;
    this.#place = place;
    this.family = family;
    this.#hasHeader = hasHeader;
  }

  send(bytes: Uint8Array): void {
    const count = trySendto(this.#wire.fd, bytes);
    if (count < 0) fail(`${this.#place}: ${reason(-count)}`);
  }

  async receive(): Promise<Uint8Array> {
    this.#wire.throwIfClosed();
    for (;;) {
      const count = tryRead(this.#wire.fd, datagramRoom);
      if (count >= 0) return this.#payload(datagramRoom.slice(0, count));
      if (count !== -EAGAIN) return fail(`${this.#place}: ${reason(-count)}`);
      await this.#wire.ready();
    }
  }

  /** Without the IPv4 header, which a raw socket shows. */
  #payload(packet: Uint8Array): Uint8Array {
    return this.#hasHeader ? packet.subarray(((packet[0] ?? 0) & 0x0f) * 4) : packet;
  }

  close(): void {
    this.#wire.close();
  }
}
