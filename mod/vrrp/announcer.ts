/**
 * Tells the neighbours where the virtual addresses live now: gratuitous ARP, and unsolicited neighbour
 * advertisements for IPv6.
 */
import { SyscallError } from "../../ffi/errno.ts";
import { openPacketSocket, sendFrame } from "../../ffi/packet.ts";
import { equalAddresses } from "../wire/address.ts";
import { gratuitousArp } from "../wire/arp.ts";
import { unsolicitedNeighborAdvertisement } from "../wire/ndp.ts";
import type { CounterName } from "./counters.ts";

/** One address to announce on one interface. */
export interface Announcement {
  readonly address: Uint8Array;
  readonly ifindex: number;
  readonly mac: Uint8Array;
  /**
   * Whether this host forwards for the address's family on that interface: the R flag of the neighbour
   * advertisement.
   */
  readonly router: boolean;
}

interface Pending {
  readonly ifindex: number;
  readonly address: Uint8Array;
  readonly frame: Uint8Array;
  readonly atMs: number;
  readonly counter: CounterName;
  readonly count: (name: CounterName) => void;
}

/**
 * Frames that wait for their turn are bounded: an announcement that nobody could send for so long is worth
 * nothing.
 */
const MAX_PENDING = 10_000;

export class Announcer {
  readonly #fd = openPacketSocket();
  #pending: Pending[] = [];

  constructor(readonly onError: (ifindex: number, error: SyscallError) => void) {}

  get deadlineMs(): number {
    return this.#pending[0]?.atMs ?? Infinity;
  }

  /**
   * `repeat` rounds over all addresses; with `intervalMs` only the first frame goes out at once and the rest
   * is paced.
   */
  announce(
    announcements: readonly Announcement[],
    { repeat, intervalMs, nowMs }: {
      readonly repeat: number;
      readonly intervalMs: number;
      readonly nowMs: number;
    },
    count: (name: CounterName) => void,
  ): void {
    const frames = announcements.map(({ address, ifindex, mac, router }): Omit<Pending, "atMs"> =>
      address.length === 4
        ? { ifindex, address, frame: gratuitousArp(mac, address), counter: "gratuitous_arp_sent", count }
        : {
          ifindex,
          address,
          frame: unsolicitedNeighborAdvertisement(mac, address, { router }),
          counter: "neighbor_advertisements_sent",
          count,
        }
    );
    let atMs = nowMs;
    for (let round = 0; round < repeat; round++) {
      for (const frame of frames) {
        if (atMs <= nowMs) this.#send(frame);
        else if (this.#pending.length < MAX_PENDING) this.#pending.push({ ...frame, atMs });
        atMs += intervalMs;
      }
    }
    if (intervalMs > 0) this.#pending.sort((a, b) => a.atMs - b.atMs);
  }

  /** These addresses are leaving: what was still to be said of them would be wrong. */
  cancel(addresses: readonly Pick<Announcement, "address" | "ifindex">[]): void {
    if (this.#pending.length === 0) return;
    this.#pending = this.#pending.filter(({ address, ifindex }) =>
      !addresses.some((leaving) => leaving.ifindex === ifindex && equalAddresses(leaving.address, address))
    );
  }

  sendDue(nowMs: number): void {
    if (this.deadlineMs > nowMs) return;
    const due = this.#pending.filter(({ atMs }) => atMs <= nowMs);
    this.#pending = this.#pending.filter(({ atMs }) => atMs > nowMs);
    for (const pending of due) this.#send(pending);
  }

  #send({ ifindex, frame, counter, count }: Omit<Pending, "atMs">): void {
    try {
      sendFrame(this.#fd, ifindex, frame);
      count(counter);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.onError(ifindex, error);
    }
  }
}
