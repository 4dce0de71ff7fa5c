/** Who holds an address on a link, asked by ARP (RFC 826) or neighbour discovery (RFC 4861). */
import { CheckFailed, fail } from "../../checks/check.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { openPacketListener, sendFrame } from "../../ffi/packet.ts";
import { Receiver } from "../../ffi/receiver.ts";
import { listLinks, openRtnetlink } from "../../ffi/rtnetlink.ts";
import { equalAddresses, familyOf, formatMac, parseAddress } from "../wire/address.ts";
import { CLAIM_BYTES, claimFilter, claimOf, etherTypeOf, probeFrame } from "../wire/claims.ts";
import type { FdLoop } from "./fd_loop.ts";

/** Answers to one question; more of them tell nothing more. */
const receiveBytes = 32_768;
/** A frame may be lost. */
const askAgainMs = 300;

/**
 * See `Host.neighbour`. The question has no sender address, so it leaves no trace in anybody's cache; the
 * kernel of this host takes no part, and what its own cache says does not count.
 */
export async function neighbour(
  loop: FdLoop,
  text: string,
  device: string,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const address = parseAddress(text) ?? fail(`${text} is no IP address`);
  const { index, mac } = linkOf(device);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fd = open(index, address, device);
  const receiver = new Receiver(fd, CLAIM_BYTES);
  // The interface may go down, or away, at any moment.
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      reject(error instanceof SyscallError ? new CheckFailed(`${device}: ${error.message}`) : error);
    }
  };
  const ask = (): void => guarded(() => sendFrame(fd, index, probeFrame(mac, address)));
  const answered = (): void =>
    guarded(() => {
      for (let length = receiver.receive(); length >= 0; length = receiver.receive()) {
        const claim = claimOf(receiver.buffer.subarray(0, length));
        if (claim !== null && equalAddresses(claim.address, address)) resolve(formatMac(claim.mac));
      }
    });
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  loop.add(fd, answered);
  const timer = setInterval(ask, askAgainMs);
  ask();
  try {
    return await promise;
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", abort);
    loop.close(fd);
  }
}

function open(index: number, address: Uint8Array, device: string): number {
  const family = familyOf(address);
  try {
    return openPacketListener(index, etherTypeOf(family), claimFilter(family, [address]), receiveBytes);
  } catch (error) {
    if (error instanceof SyscallError) return fail(`cannot ask on ${device}: ${error.message}`);
    throw error;
  }
}

function linkOf(device: string): { index: number; mac: Uint8Array } {
  using socket = openRtnetlink();
  const link = listLinks(socket).find(({ name }) => name === device) ??
    fail(`there is no interface ${device}`);
  const { index, mac, up } = link;
  if (!up) return fail(`${device} is administratively down`);
  return mac.length === 6 ? { index, mac } : fail(`${device} is no Ethernet`);
}
