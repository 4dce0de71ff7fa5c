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
  type NetlinkRequest,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  nlmsghdr,
} from "./netlink_message.ts";
import { nfgenmsg, nfnetlinkType, NFNL_SUBSYS_CTNETLINK } from "./nfnetlink.ts";
import { AF_INET, AF_INET6 } from "./sockaddr.ts";
import { be16, be32 } from "./struct.ts";

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
/** CTA_PROTOINFO_TCP_STATE and CTA_PROTOINFO_SCTP_STATE. */
const CTA_PROTOINFO_STATE = 1;
const NLA_TYPE_MASK = 0x3fff;
const NONE: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
/** Its destination address has been replaced. */
export const IPS_DST_NAT = 1 << 5;
const IPPROTO_TCP = 6;
const IPPROTO_SCTP = 132;
const TCP_CONNTRACK_ESTABLISHED = 3;
const SCTP_CONNTRACK_ESTABLISHED = 4;

const TIMEOUT_MS = 2000;

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

/** Removes a connection: its next packet is a stranger's. ENOENT when it is gone already. */
export function removeConnection(family: 4 | 6, original: Uint8Array, zone: number): NetlinkRequest {
  return {
    type: nfnetlinkType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE),
    flags: 0,
    payload: encodePayload(nfgenmsg.encode({ nfgen_family: family === 4 ? AF_INET : AF_INET6 }), [
      [CTA_TUPLE_ORIG, original],
      [CTA_ZONE, zone === 0 ? undefined : bytesOf(be16, zone)],
    ]),
    description: "remove a tracked connection",
  };
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

/** Reads attributes where they are; what it does not know it steps over. */
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
    each(view, from, end, (type, at, stop) => {
      if (type === CTA_TUPLE_ORIG) this.#readOriginal(view, at, stop);
      else if (type === CTA_TUPLE_REPLY) this.#readReply(view, at, stop);
      else if (type === CTA_STATUS) this.#status = view.getUint32(at);
      else if (type === CTA_ZONE) this.zone = view.getUint16(at);
      // The state is the first octet in the only attribute that both protocols have in common.
      else if (type === CTA_PROTOINFO) this.#readState(view, at, stop);
    });
    this.established = this.protocol === IPPROTO_TCP && this.#state === TCP_CONNTRACK_ESTABLISHED ||
      this.protocol === IPPROTO_SCTP && this.#state === SCTP_CONNTRACK_ESTABLISHED;
    return (this.#status & IPS_DST_NAT) !== 0 && this.destination !== NONE && this.server !== NONE;
  }

  #readOriginal(view: DataView, from: number, end: number): void {
    this.original = octets(view, from, end);
    eachOfTuple(view, from, end, (isAddress, type, at, stop) => {
      if (!isAddress && type === CTA_PROTO_NUM) this.protocol = view.getUint8(at);
      else if (!isAddress && type === CTA_PROTO_DST_PORT) this.destinationPort = view.getUint16(at);
      else if (isAddress && type === DESTINATION[this.family]) this.destination = octets(view, at, stop);
    });
  }

  #readReply(view: DataView, from: number, end: number): void {
    eachOfTuple(view, from, end, (isAddress, type, at, stop) => {
      if (!isAddress && type === CTA_PROTO_SRC_PORT) this.serverPort = view.getUint16(at);
      else if (isAddress && type === SOURCE[this.family]) this.server = octets(view, at, stop);
    });
  }

  #readState(view: DataView, from: number, end: number): void {
    each(view, from, end, (_, inner, stop) => {
      each(view, inner, stop, (type, at) => {
        if (type === CTA_PROTOINFO_STATE) this.#state = view.getUint8(at);
      });
    });
  }
}

function eachOfTuple(
  view: DataView,
  from: number,
  end: number,
  see: (isAddress: boolean, type: number, at: number, stop: number) => void,
): void {
  each(view, from, end, (part, inner, innerEnd) => {
    if (part !== CTA_TUPLE_IP && part !== CTA_TUPLE_PROTO) return;
    each(view, inner, innerEnd, (type, at, stop) => see(part === CTA_TUPLE_IP, type, at, stop));
  });
}

/** Every attribute between two places: its type, where its value begins and ends. */
function each(
  view: DataView,
  from: number,
  end: number,
  see: (type: number, at: number, stop: number) => void,
): void {
  for (let at = from; at + 4 < end;) {
    const length = view.getUint16(at, true);
    if (length < 5 || at + length > end) return;
    see(view.getUint16(at + 2, true) & NLA_TYPE_MASK, at + 4, at + length);
    at += length + 3 & ~3;
  }
}

function octets(view: DataView, from: number, end: number): Uint8Array<ArrayBufferLike> {
  return new Uint8Array(view.buffer, view.byteOffset + from, end - from);
}
