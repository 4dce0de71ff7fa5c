/**
 * Connections that the kernel tracks, over ctnetlink (linux/netfilter/nfnetlink_conntrack.h): looked through
 * by the hundred thousand, so without an object for each, and removed.
 */

import { ETIMEDOUT } from "./errno.ts";
import { close } from "./fd.ts";
import { NETLINK_NETFILTER, SocketTransport } from "./netlink.ts";
import { decodeError, NetlinkError } from "./netlink_error.ts";
import {
  bytesOf,
  decodeMessages,
  encodeMessage,
  encodePayload,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  nlmsghdr,
} from "./netlink_message.ts";
import { nfgenmsg, nfnetlinkType, NFNL_SUBSYS_CTNETLINK } from "./nfnetlink.ts";
import { AF_INET, AF_INET6 } from "./sockaddr.ts";
import { be32 } from "./struct.ts";

const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_PROTOINFO = 4;
const CTA_ZONE = 18;
const CTA_STATUS_MASK = 26;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
/** struct nlattr */
const HEADER = 4;
const NLA_TYPE_MASK = 0x3fff;
const NLA_F_NESTED = 0x8000;
const NONE: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
/** Its destination address has been replaced. */
export const IPS_DST_NAT = 1 << 5;
const IPPROTO_TCP = 6;
const IPPROTO_SCTP = 132;
const TCP_CONNTRACK_ESTABLISHED = 3;
const SCTP_CONNTRACK_ESTABLISHED = 4;

const TIMEOUT_MS = 2000;
/** Of removals at once, and at most of one. */
const BATCH_BYTES = 32 * 1024;
const MESSAGE_BYTES = 256;

const SOURCE = { 4: CTA_IP_V4_SRC, 6: CTA_IP_V6_SRC } as const;
const DESTINATION = { 4: CTA_IP_V4_DST, 6: CTA_IP_V6_DST } as const;
const REQUEST = "list tracked connections";
/** Where the first attribute of a message is. */
const ATTRIBUTES = nlmsghdr.size + nfgenmsg.size;
const LENGTH_AT = nlmsghdr.offsets.nlmsg_len;
const TYPE_AT = nlmsghdr.offsets.nlmsg_type;

/** One tracked connection; the same object for each, so what is to be kept has to be copied. */
export interface Connection {
  readonly family: 4 | 6;
  /** IPPROTO_*. */
  readonly protocol: number;
  /** Where the first packet was for: 4 or 16 octets, and a port (0 where the protocol has none). */
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** Who answers: after translation, the real server. */
  readonly server: Uint8Array;
  readonly serverPort: number;
  /** TCP and SCTP: the handshake is over and nobody has begun to close. */
  readonly established: boolean;
  /** What names it when it is to be removed. */
  readonly original: Uint8Array;
  readonly zone: number;
}

/**
 * Shows every connection of a family whose destination has been translated. A dump of a table that changes
 * meanwhile may show one twice or not at all. Throws a NetlinkError when the kernel does not track.
 */
export function visitTranslated(family: 4 | 6, visit: (connection: Connection) => void): void {
  const transport = new SocketTransport(NETLINK_NETFILTER, []);
  try {
    const header = nfgenmsg.encode({ nfgen_family: family === 4 ? AF_INET : AF_INET6 });
    // Kernels before 5.14 do not filter by status, so the reader looks as well.
    const status = bytesOf(be32, IPS_DST_NAT);
    const payload = encodePayload(header, [[CTA_STATUS, status], [CTA_STATUS_MASK, status]]);
    const type = nfnetlinkType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET);
    const flags = NLM_F_REQUEST | NLM_F_DUMP;
    transport.send(encodeMessage({ type, flags, sequence: 1, portId: transport.portId }, payload));
    while (!look(next(transport), family, visit));
  } finally {
    close(transport.fd);
  }
}

/** What names a connection: {@link Connection}'s `original`, copied, and its zone. */
export interface ConnectionName {
  readonly family: 4 | 6;
  readonly original: Uint8Array;
  readonly zone: number;
}

/**
 * Removes connections: the next packet of each is a stranger's. One that has ended by itself meanwhile does
 * not matter. Many in one datagram, and nobody waits for answers: a hundred thousand are a matter of tenths
 * of a second.
 */
export function removeConnections(names: readonly ConnectionName[]): void {
  const transport = new SocketTransport(NETLINK_NETFILTER, []);
  try {
    const batch = new Uint8Array(BATCH_BYTES);
    let length = 0;
    const flush = (): void => {
      transport.send(batch.subarray(0, length));
      length = 0;
      // Refusals; read, so that they do not pile up.
      while (transport.receive(0) !== null);
    };
    for (const name of names) {
      if (length + MESSAGE_BYTES > BATCH_BYTES) flush();
      length += writeRemoval(batch, length, name);
    }
    if (length > 0) flush();
  } finally {
    close(transport.fd);
  }
}

/** One message from this place on; returns its length. */
function writeRemoval(batch: Uint8Array, at: number, { family, original, zone }: ConnectionName): number {
  const view = new DataView(batch.buffer, batch.byteOffset + at);
  const padded = original.length + 3 & ~3;
  const length = ATTRIBUTES + HEADER + padded + (zone === 0 ? 0 : 2 * HEADER);
  batch.fill(0, at, at + length);
  view.setUint32(LENGTH_AT, length, true);
  view.setUint16(TYPE_AT, nfnetlinkType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE), true);
  view.setUint16(nlmsghdr.offsets.nlmsg_flags, NLM_F_REQUEST, true);
  view.setUint8(nlmsghdr.size, family === 4 ? AF_INET : AF_INET6);
  view.setUint16(ATTRIBUTES, HEADER + original.length, true);
  view.setUint16(ATTRIBUTES + 2, CTA_TUPLE_ORIG | NLA_F_NESTED, true);
  batch.set(original, at + ATTRIBUTES + HEADER);
  if (zone !== 0) {
    const zoneAt = ATTRIBUTES + HEADER + padded;
    view.setUint16(zoneAt, HEADER + 2, true);
    view.setUint16(zoneAt + 2, CTA_ZONE, true);
    view.setUint16(zoneAt + HEADER, zone);
  }
  return length;
}

function next(transport: SocketTransport): Uint8Array {
  const datagram = transport.receive(TIMEOUT_MS);
  if (datagram === null) throw new NetlinkError(REQUEST, ETIMEDOUT);
  return datagram.bytes;
}

/** Shows what is in one datagram; true when it was the last one. */
function look(bytes: Uint8Array, family: 4 | 6, visit: (connection: Connection) => void): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const connection = new Look(family);
  for (let at = 0; at + ATTRIBUTES <= bytes.length;) {
    const length = view.getUint32(at + LENGTH_AT, true);
    const type = view.getUint16(at + TYPE_AT, true);
    if (type === NLMSG_DONE || type === NLMSG_ERROR) {
      const [message] = decodeMessages(bytes.subarray(at));
      const error = message === undefined ? null : decodeError(REQUEST, message);
      if (error !== null) throw error;
      return true;
    }
    if (length < ATTRIBUTES || at + length > bytes.length) break;
    if (connection.read(view, at + ATTRIBUTES, at + length)) visit(connection);
    at += length + 3 & ~3;
  }
  return false;
}

/**
 * Reads attributes where they are, without a function or an object for each: it does so half a million times
 * for a hundred thousand connections.
 */
class Look implements Connection {
  protocol = 0;
  destination = NONE;
  destinationPort = 0;
  server = NONE;
  serverPort = 0;
  established = false;
  original = NONE;
  zone = 0;
  #status = 0;
  #state = 0;

  constructor(readonly family: 4 | 6) {}

  /** False when it is not translated, or has no addresses. */
  read(view: DataView, from: number, end: number): boolean {
    this.destination = this.server = NONE;
    this.zone =
      this.#status =
      this.#state =
      this.protocol =
      this.destinationPort =
      this.serverPort =
        0;
    for (let at = from, next = at; at + HEADER < end; at = next) {
      next = following(view, at);
      const value = at + HEADER;
      const type = view.getUint16(at + 2, true) & NLA_TYPE_MASK;
      if (type === CTA_TUPLE_ORIG) this.#readOriginal(view, value, next);
      else if (type === CTA_TUPLE_REPLY) this.#readTuple(view, value, next, false);
      else if (type === CTA_STATUS) this.#status = view.getUint32(value);
      else if (type === CTA_ZONE) this.zone = view.getUint16(value);
      // The first attribute in the only one: the state, with TCP and with SCTP.
      else if (type === CTA_PROTOINFO) this.#state = view.getUint8(value + 2 * HEADER);
    }
    this.established = this.protocol === IPPROTO_TCP && this.#state === TCP_CONNTRACK_ESTABLISHED ||
      this.protocol === IPPROTO_SCTP && this.#state === SCTP_CONNTRACK_ESTABLISHED;
    return (this.#status & IPS_DST_NAT) !== 0 && this.destination !== NONE && this.server !== NONE;
  }

  #readOriginal(view: DataView, from: number, end: number): void {
    this.original = octets(view, from, end);
    this.#readTuple(view, from, end, true);
  }

  #readTuple(view: DataView, from: number, end: number, isOriginal: boolean): void {
    for (let part = from, nextPart = part; part + HEADER < end; part = nextPart) {
      nextPart = following(view, part);
      const type = view.getUint16(part + 2, true) & NLA_TYPE_MASK;
      for (let at = part + HEADER, next = at; at + HEADER < nextPart; at = next) {
        next = following(view, at);
        const inner = view.getUint16(at + 2, true) & NLA_TYPE_MASK;
        if (type === CTA_TUPLE_IP) this.#readAddress(view, at, inner, isOriginal);
        else if (type === CTA_TUPLE_PROTO) this.#readProtocol(view, at + HEADER, inner, isOriginal);
      }
    }
  }

  #readAddress(view: DataView, at: number, type: number, isOriginal: boolean): void {
    const end = at + view.getUint16(at, true);
    if (isOriginal && type === DESTINATION[this.family]) this.destination = octets(view, at + HEADER, end);
    else if (!isOriginal && type === SOURCE[this.family]) this.server = octets(view, at + HEADER, end);
  }

  #readProtocol(view: DataView, value: number, type: number, isOriginal: boolean): void {
    if (type === CTA_PROTO_NUM) this.protocol = view.getUint8(value);
    else if (isOriginal && type === CTA_PROTO_DST_PORT) this.destinationPort = view.getUint16(value);
    else if (!isOriginal && type === CTA_PROTO_SRC_PORT) this.serverPort = view.getUint16(value);
  }
}

/** Where the attribute after the one at this place begins; never the same place. */
function following(view: DataView, at: number): number {
  return at + Math.max(HEADER, view.getUint16(at, true) + 3 & ~3);
}

function octets(view: DataView, from: number, end: number): Uint8Array<ArrayBufferLike> {
  return new Uint8Array(view.buffer, view.byteOffset + from, end - from);
}
