/** Where the addresses of a virtual router are asked for and watched: one packet socket a link. */
import type { Epoll } from "../../ffi/epoll.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { close } from "../../ffi/fd.ts";
import { openPacketListener, sendFrame } from "../../ffi/packet.ts";
import { Receiver } from "../../ffi/receiver.ts";
import { attachFilter } from "../../ffi/socket.ts";
import { type Family, formatAddress } from "../wire/address.ts";
import { type Claim, CLAIM_BYTES, claimFilter, claimOf, etherTypeOf, probeFrame } from "../wire/claims.ts";

/** What waits to be read is a sign, not a record: a flood must not fill memory. */
const RECEIVE_BUFFER_BYTES = 32_768;
/** Frames taken at a time; then others have their turn. */
const FRAMES_PER_TURN = 16;

export class Watch {
  readonly fd: number;
  readonly #receiver: Receiver;
  /** What the filter lets through, canonical text. */
  #watched = "";
  #isRetired = false;

  constructor(
    readonly epoll: Epoll,
    readonly place: { readonly name: string; readonly ifindex: number; readonly family: Family },
  ) {
    const { ifindex, family } = place;
    this.fd = openPacketListener(ifindex, etherTypeOf(family), claimFilter(family, []), RECEIVE_BUFFER_BYTES);
    this.#receiver = new Receiver(this.fd, CLAIM_BYTES);
    epoll.add(this.fd);
  }

  /** Hears of these addresses and no others from now on; of none, and the kernel wakes nobody. */
  hear(addresses: readonly Uint8Array[]): void {
    const watched = addresses.map(formatAddress).join(" ");
    if (watched === this.#watched) return;
    this.#watched = watched;
    attachFilter(this.fd, claimFilter(this.place.family, addresses));
  }

  /** Asks for each, in this order; how many went out, for the interface may be down. */
  ask(mac: Uint8Array, addresses: readonly Uint8Array[]): number {
    let sent = 0;
    for (const address of addresses) {
      try {
        sendFrame(this.fd, this.place.ifindex, probeFrame(mac, address));
        sent++;
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
      }
    }
    return sent;
  }

  /** Some of what waits, copied; an interface that has gone says nothing any more. */
  claims(): Claim[] {
    const claims: Claim[] = [];
    try {
      for (let i = 0; i < FRAMES_PER_TURN; i++) {
        const length = this.#receiver.receive();
        if (length < 0) break;
        const claim = claimOf(this.#receiver.buffer.subarray(0, length));
        if (claim !== null) claims.push({ address: claim.address.slice(), mac: claim.mac.slice() });
      }
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
    return claims;
  }

  /** Nothing is heard of it any more; what is left to do is to close it. */
  retire(): void {
    this.epoll.remove(this.fd);
    this.#isRetired = true;
    this.hear([]);
  }

  close(): void {
    if (!this.#isRetired) this.epoll.remove(this.fd);
    close(this.fd);
  }
}
