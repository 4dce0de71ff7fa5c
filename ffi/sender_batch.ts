/** Sending many datagrams with one call; each is prepared once and may be sent again and again. */

import { orErrno } from "./errno.ts";
import { addressOf, libc, memory } from "./libc.ts";
import { iovec, mmsghdr } from "./receiver.ts";
import { roundUp } from "./struct.ts";

/** A datagram and where it goes, as the kernel wants to find them. */
export interface Prepared {
  readonly packet: Uint8Array;
  /** A struct sockaddr_*. */
  readonly address: Uint8Array;
  /** A struct mmsghdr. What it points to follows it in the same memory, so it lives as long as this does. */
  readonly header: Uint8Array<ArrayBuffer>;
}

const IOVEC_AT = mmsghdr.size;
const ADDRESS_AT = IOVEC_AT + iovec.size;

/** `address`: a struct sockaddr_*, copied like the packet. */
export function prepare(packet: Uint8Array, address: Uint8Array): Prepared {
  const packetAt = ADDRESS_AT + roundUp(address.length, 8);
  const block = memory(packetAt + packet.length);
  const base = addressOf(block);
  const msg_hdr = {
    msg_name: base + BigInt(ADDRESS_AT),
    msg_namelen: address.length,
    msg_iov: base + BigInt(IOVEC_AT),
    msg_iovlen: 1n,
  };
  mmsghdr.encode({ msg_hdr }, block);
  const vector = { iov_base: base + BigInt(packetAt), iov_len: BigInt(packet.length) };
  iovec.encode(vector, block.subarray(IOVEC_AT, ADDRESS_AT));
  block.set(address, ADDRESS_AT);
  block.set(packet, packetAt);
  return {
    packet: block.subarray(packetAt),
    address: block.subarray(ADDRESS_AT, ADDRESS_AT + address.length),
    header: block.subarray(0, mmsghdr.size),
  };
}

/** Datagrams that wait to be sent together. Adding and sending allocates nothing. */
export class SenderBatch {
  readonly #headers: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  /** Kept until they are sent: the headers only point to them. */
  readonly #prepared: (Prepared | null)[];
  readonly #results: Int32Array;
  #count = 0;

  constructor(readonly capacity: number) {
    this.#headers = memory(capacity * mmsghdr.size);
    this.#view = new DataView(this.#headers.buffer);
    this.#prepared = Array.from({ length: capacity }, () => null);
    this.#results = new Int32Array(capacity);
  }

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  /** Throws a RangeError beyond `capacity`. */
  add(prepared: Prepared): void {
    this.#headers.set(prepared.header, this.#count * mmsghdr.size);
    this.#prepared[this.#count++] = prepared;
  }

  /**
   * Sends them all, in the order in which they were added; none waits afterwards. What became of the i-th
   * one: octets sent, or -errno; valid until the next call. One that is refused hinders no other.
   */
  send(fd: number): Int32Array {
    const count = this.#count;
    let done = 0;
    while (done < count) {
      const rest = done === 0 ? this.#headers : this.#headers.subarray(done * mmsghdr.size);
      // The kernel stops at the first one that it refuses, and says why only if that is the first of a call.
      const sent = orErrno(libc().sendmmsg(fd, rest, count - done, 0));
      if (sent <= 0) this.#results[done++] = sent;
      for (let i = 0; i < sent; i++, done++) {
        this.#results[done] = this.#view.getUint32(done * mmsghdr.size + mmsghdr.offsets.msg_len, true);
      }
    }
    this.#prepared.fill(null, 0, count);
    this.#count = 0;
    return this.#results;
  }
}
