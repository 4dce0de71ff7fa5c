/** Whole Ethernet frames, packet(7): sockets that only send, and ones that hear what a filter lets in. */

import { check } from "./errno.ts";
import { buffer, libc } from "./libc.ts";
import { AF_PACKET, sockaddrLl } from "./sockaddr.ts";
import { close } from "./fd.ts";
import { attachFilter, bind, type Instruction, setOption, SOCK_RAW, socket } from "./socket.ts";

const MAC_LENGTH = 6;
const ETHERTYPE_AT = 12;

/** Protocol 0 asks for no packet at all, so nothing is queued and no filter is needed. */
export function openPacketSocket(): number {
  return socket(AF_PACKET, SOCK_RAW, 0);
}

/**
 * Hears frames of one EtherType on one interface, as many as the program accepts and `bytes` hold; what this
 * host sends itself is not among them. The program is attached before the first frame can come.
 */
export function openPacketListener(
  ifindex: number,
  etherType: number,
  program: readonly Instruction[],
  bytes: number,
): number {
  const fd = openPacketSocket();
  try {
    attachFilter(fd, program);
    setOption(fd, "PACKET_IGNORE_OUTGOING", 1);
    setOption(fd, "SO_RCVBUF", bytes);
    bind(fd, sockaddrLl(ifindex, etherType));
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
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
