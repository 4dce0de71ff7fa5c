/** Sending whole Ethernet frames: a packet socket that receives nothing (packet(7)). */

import { check } from "./errno.ts";
import { buffer, libc } from "./libc.ts";
import { AF_PACKET, sockaddrLl } from "./sockaddr.ts";
import { SOCK_RAW, socket } from "./socket.ts";

const MAC_LENGTH = 6;
const ETHERTYPE_AT = 12;

/** Protocol 0 asks for no packet at all, so nothing is queued and no filter is needed. */
export function openPacketSocket(): number {
  return socket(AF_PACKET, SOCK_RAW, 0);
}

/**
 * Sends a frame, Ethernet header included, out of one interface. Throws ENETDOWN when that is down, ENXIO
 * when it is gone.
 */
export function sendFrame(fd: number, ifindex: number, frame: Uint8Array): number {
  const address = frameAddress(ifindex, frame);
  return check("sendto", libc().sendto(fd, buffer(frame), frame.length, 0, address, address.length));
}

/** The struct sockaddr_ll that a frame is sent to. */
export function frameAddress(ifindex: number, frame: Uint8Array): Uint8Array<ArrayBuffer> {
  // Newer kernels would find the EtherType in the frame by themselves; for older ones filters would see none.
  const type = (frame[ETHERTYPE_AT] ?? 0) << 8 | (frame[ETHERTYPE_AT + 1] ?? 0);
  return sockaddrLl(ifindex, type, frame.subarray(0, MAC_LENGTH));
}
