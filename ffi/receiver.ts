/** Receiving datagrams with their source, destination, interface and hop limit, without garbage. */

import { EAGAIN, EINTR, lastErrno, SyscallError } from "./errno.ts";
import { addressOf, libc, memory } from "./libc.ts";
import { AF_INET, AF_INET6, sockaddr_in, sockaddr_in6 } from "./sockaddr.ts";
import { i32, octets, roundUp, struct, u32, u64 } from "./struct.ts";

/** struct iovec; pointers and size_t are 64 bits on both of our platforms. */
export const iovec = struct({ iov_base: u64, iov_len: u64 });
/** struct msghdr, recvmsg(2) */
export const msghdr = struct({
  msg_name: u64,
  msg_namelen: u32,
  msg_iov: u64,
  msg_iovlen: u64,
  msg_control: u64,
  msg_controllen: u64,
  msg_flags: i32,
});
/** struct mmsghdr, recvmmsg(2); `msg_hdr` is a struct msghdr. */
export const mmsghdr = struct({ msg_hdr: msghdr, msg_len: u32 });
/** struct cmsghdr, cmsg(3) */
export const cmsghdr = struct({ cmsg_len: u64, cmsg_level: i32, cmsg_type: i32 });
/** struct in_pktinfo, ip(7) */
export const in_pktinfo = struct({ ipi_ifindex: i32, ipi_spec_dst: octets(4, 4), ipi_addr: octets(4, 4) });
/** struct in6_pktinfo, ipv6(7) */
export const in6_pktinfo = struct({ ipi6_addr: octets(16, 4), ipi6_ifindex: u32 });

const MSG_TRUNC = 0x20;
const MSG_CTRUNC = 0x08;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const IP_TTL = 2;
const IP_PKTINFO = 8;
const IPV6_PKTINFO = 50;
const IPV6_HOPLIMIT = 52;
const NAME_SIZE = 128;
const CONTROL_SIZE = 256;
const NONE = new Uint8Array(0);

/**
 * Room for one datagram, and what the kernel says about it. Everything that the getters return is overwritten
 * by the next one that lands here; take a `slice()` of what is to be kept. Destination, hop limit and
 * interface need `receivePacketInfo(fd, family)`.
 */
export class Datagram {
  /**
   * The packet, from 0 to `length`. On raw IPv4 it starts with the IP header, on IPv6 with the payload.
   */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Interface that it arrived on; 0 when unknown. */
  ifindex = 0;
  /** TTL or hop limit; -1 when unknown. */
  hopLimit = -1;
  /** The packet was longer than the buffer. */
  truncated = false;

  readonly #name = memory(NAME_SIZE);
  readonly #control = memory(CONTROL_SIZE);
  readonly #iovec = memory(iovec.size);
  readonly #nameView = new DataView(this.#name.buffer);
  readonly #controlView = new DataView(this.#control.buffer);
  readonly #headerView: DataView;
  // Views of the places where addresses land, made once.
  readonly #source4 = subarray(this.#name, sockaddr_in.offsets.sin_addr, 4);
  readonly #source6 = subarray(this.#name, sockaddr_in6.offsets.sin6_addr, 16);
  readonly #destination4 = new Uint8Array(4);
  readonly #destination6 = new Uint8Array(16);
  #destination: Uint8Array<ArrayBuffer> = NONE;

  /** `header`: {@link memory} for its struct msghdr, which is written here. */
  constructor(header: Uint8Array<ArrayBuffer>, bufferSize: number) {
    this.buffer = memory(bufferSize);
    this.#headerView = new DataView(header.buffer, header.byteOffset, msghdr.size);
    iovec.encode({ iov_base: addressOf(this.buffer), iov_len: BigInt(bufferSize) }, this.#iovec);
    msghdr.encode({
      msg_name: addressOf(this.#name),
      msg_iov: addressOf(this.#iovec),
      msg_iovlen: 1n,
      msg_control: addressOf(this.#control),
    }, header);
    this.offer();
  }

  /** 4 or 16 octets; none when the family is another one (see {@link name}). */
  source(): Uint8Array<ArrayBuffer> {
    const family = this.#nameView.getUint16(0, true);
    if (family === AF_INET) return this.#source4;
    return family === AF_INET6 ? this.#source6 : NONE;
  }

  /** Where the packet was sent to, 4 or 16 octets; none when unknown. */
  destination(): Uint8Array<ArrayBuffer> {
    return this.#destination;
  }

  /** The whole source address as a struct sockaddr_*, for sockets that are not IP. */
  name(): Uint8Array<ArrayBuffer> {
    return this.#name.subarray(0, this.#headerView.getUint32(msghdr.offsets.msg_namelen, true));
  }

  /**
   * To be called before each receiving: the kernel writes the lengths that it used over the lengths that it
   * may use. The high halves stay zero.
   */
  protected offer(): void {
    this.#headerView.setUint32(msghdr.offsets.msg_namelen, NAME_SIZE, true);
    this.#headerView.setUint32(msghdr.offsets.msg_controllen, CONTROL_SIZE, true);
  }

  /** To be called after each: what the kernel wrote beside the packet. */
  protected accept(): void {
    const flags = this.#headerView.getInt32(msghdr.offsets.msg_flags, true);
    this.truncated = (flags & (MSG_TRUNC | MSG_CTRUNC)) !== 0;
    this.ifindex = 0;
    this.hopLimit = -1;
    this.#destination = NONE;
    const end = this.#headerView.getUint32(msghdr.offsets.msg_controllen, true);
    let at = 0;
    while (at + cmsghdr.size <= end) {
      const length = this.#controlView.getUint32(at + cmsghdr.offsets.cmsg_len, true);
      if (length < cmsghdr.size) return;
      this.#readMessage(at);
      at += roundUp(length, 8);
    }
  }

  #readMessage(at: number): void {
    const level = this.#controlView.getInt32(at + cmsghdr.offsets.cmsg_level, true);
    const type = this.#controlView.getInt32(at + cmsghdr.offsets.cmsg_type, true);
    const data = at + cmsghdr.size;
    if (level === IPPROTO_IP && type === IP_TTL || level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT) {
      this.hopLimit = this.#controlView.getInt32(data, true);
    } else if (level === IPPROTO_IP && type === IP_PKTINFO) {
      this.ifindex = this.#controlView.getInt32(data + in_pktinfo.offsets.ipi_ifindex, true);
      this.#destination = this.#copy(this.#destination4, data + in_pktinfo.offsets.ipi_addr);
    } else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
      this.ifindex = this.#controlView.getInt32(data + in6_pktinfo.offsets.ipi6_ifindex, true);
      this.#destination = this.#copy(this.#destination6, data + in6_pktinfo.offsets.ipi6_addr);
    }
  }

  /** Octet by octet: a subarray for `set()` would be garbage for every packet. */
  #copy(target: Uint8Array<ArrayBuffer>, from: number): Uint8Array<ArrayBuffer> {
    for (let i = 0; i < target.length; i++) target[i] = this.#control[from + i] ?? 0;
    return target;
  }
}

/** Reads one socket, datagram by datagram. */
export class Receiver extends Datagram {
  readonly #header: Uint8Array<ArrayBuffer>;

  constructor(readonly fd: number, bufferSize = 2048) {
    const header = memory(msghdr.size);
    super(header, bufferSize);
    this.#header = header;
  }

  /**
   * Takes the next packet: its length, cut to the buffer; -1 when none is waiting. An error of the interface
   * (ENETDOWN once after it went down, ENODEV) is a {@link SyscallError}, and is cleared by that: the next
   * call goes on.
   */
  receive(): number {
    this.offer();
    const length = libc().recvmsg(this.fd, this.#header, 0);
    if (length === -1) return nothing("recvmsg");
    this.accept();
    return length;
  }
}

/** One of the places of a {@link ReceiverBatch}. */
class Place extends Datagram {
  /** Octets of the packet, cut to the buffer. */
  length = 0;

  refill(): void {
    this.offer();
  }

  fill(length: number): void {
    this.length = length;
    this.accept();
  }
}

/** Reads many datagrams with one call, from whichever socket it is told. */
export class ReceiverBatch {
  /** The first ones, as many as the last `receive` said, are filled. */
  readonly places: readonly Place[];
  readonly #headers: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #filled = 0;

  constructor(places: number, bufferSize: number) {
    this.#headers = memory(places * mmsghdr.size);
    this.#view = new DataView(this.#headers.buffer);
    this.places = Array.from(
      { length: places },
      (_, i) => new Place(subarray(this.#headers, i * mmsghdr.size, msghdr.size), bufferSize),
    );
  }

  /**
   * Takes the packets that wait, as many as there are places: how many those were. Fewer than places: no more
   * were waiting, or the interface has an error for the next call. Errors as in {@link Receiver.receive}.
   */
  receive(fd: number): number {
    const { places } = this;
    for (let i = 0; i < this.#filled; i++) places[i]!.refill();
    this.#filled = 0;
    const count = libc().recvmmsg(fd, this.#headers, places.length, 0, null);
    if (count === -1) return Math.max(0, nothing("recvmmsg"));
    for (let i = 0; i < count; i++) {
      places[i]!.fill(this.#view.getUint32(i * mmsghdr.size + mmsghdr.offsets.msg_len, true));
    }
    this.#filled = count;
    return count;
  }
}

/** -1 when nothing was waiting. */
function nothing(call: string): -1 {
  const number = lastErrno();
  if (number === EAGAIN || number === EINTR) return -1;
  throw new SyscallError(call, number);
}

function subarray(bytes: Uint8Array<ArrayBuffer>, at: number, length: number): Uint8Array<ArrayBuffer> {
  return bytes.subarray(at, at + length);
}
