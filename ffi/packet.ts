/** Sending whole Ethernet frames: a packet socket that receives nothing (packet(7)). */

import { check, lastErrno } from "./errno.ts";
import { buffer, libc } from "./libc.ts";
import { AF_PACKET, sockaddr_ll } from "./sockaddr.ts";
import { SOCK_RAW, socket } from "./socket.ts";

const address = sockaddr_ll.encode({ sll_family: AF_PACKET, sll_halen: 6 });
const addressView = new DataView(address.buffer);
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
  return check("sendto", send(fd, ifindex, frame));
}

/** Like {@link sendFrame}, for callers that expect failure: octets sent, or -errno. */
export function trySendFrame(fd: number, ifindex: number, frame: Uint8Array): number {
  const sent = send(fd, ifindex, frame);
  return sent === -1 ? -lastErrno() : sent;
}

function send(fd: number, ifindex: number, frame: Uint8Array): number {
  // Newer kernels would find the EtherType in the frame by themselves; for older ones filters would see none.
  const type = (frame[ETHERTYPE_AT] ?? 0) << 8 | (frame[ETHERTYPE_AT + 1] ?? 0);
  addressView.setUint16(sockaddr_ll.offsets.sll_protocol, type);
  addressView.setInt32(sockaddr_ll.offsets.sll_ifindex, ifindex, true);
  return libc().sendto(fd, buffer(frame), frame.length, 0, address, address.length);
}
