/** Netlink messages and their attributes: values to bytes and back (linux/netlink.h). */

import { be16, be32, type Field, roundUp, struct, u16, u32, u64, u8 } from "./struct.ts";

/** struct nlmsghdr */
export const nlmsghdr = struct({
  nlmsg_len: u32,
  nlmsg_type: u16,
  nlmsg_flags: u16,
  nlmsg_seq: u32,
  nlmsg_pid: u32,
});
/** struct nlattr */
export const nlattr = struct({ nla_len: u16, nla_type: u16 });

export const NLM_F_REQUEST = 0x001;
export const NLM_F_MULTI = 0x002;
export const NLM_F_ACK = 0x004;
export const NLM_F_DUMP_INTR = 0x010;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLM_F_DUMP = 0x300;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** One message as the kernel sends it. Its payload: the family's own header, then attributes. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  /** A view of the datagram, not copied again. */
  readonly payload: Uint8Array;
  /** The request's number in an answer. */
  readonly sequence: number;
  /** Port of the socket whose request caused it; 0 when the kernel itself did, or does not say. */
  readonly portId: number;
}

/** One message as we send it; NLM_F_REQUEST, NLM_F_ACK, number and port are added on the way. */
export interface NetlinkRequest {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** What it asks for, in the words of an error: `add 192.0.2.1/32 to interface 3`. */
  readonly description: string;
  /**
   * Only a refusal is of interest: the acknowledgement is left out, unless this is the last of a datagram.
   * Not for what has an answer.
   */
  readonly quiet?: boolean;
}

/** A number as its field writes it: less to make and to forget than octets, where there are thousands. */
export class Scalar {
  constructor(readonly field: Field<number>, readonly value: number) {}
}

/** Attributes that go into many messages, encoded once. */
export class Nest {
  readonly bytes: Uint8Array;
  constructor(attributes: readonly Attribute[]) {
    this.bytes = encodeAttributes(attributes);
  }
}

/** What an attribute holds: octets, a number, text (NUL-terminated), attributes (marked NLA_F_NESTED). */
export type AttributeValue = Uint8Array | Scalar | string | Nest | readonly Attribute[];

/** An attribute to send; one whose value is undefined is left out. */
export type Attribute = readonly [type: number, value: AttributeValue | undefined];

/** Bytes of one message with its header. */
export function encodeMessage(
  message: Omit<NetlinkMessage, "payload">,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const length = nlmsghdr.size + payload.length;
  const bytes = new Uint8Array(roundUp(length, 4));
  nlmsghdr.encode({
    nlmsg_len: length,
    nlmsg_type: message.type,
    nlmsg_flags: message.flags,
    nlmsg_seq: message.sequence,
    nlmsg_pid: message.portId,
  }, bytes);
  bytes.set(payload, nlmsghdr.size);
  return bytes;
}

/** All messages of a datagram; what is cut off at its end is left out. */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at + nlmsghdr.size <= datagram.length) {
    const header = nlmsghdr.decode(datagram.subarray(at));
    if (header.nlmsg_len < nlmsghdr.size || at + header.nlmsg_len > datagram.length) break;
    messages.push({
      type: header.nlmsg_type,
      flags: header.nlmsg_flags,
      sequence: header.nlmsg_seq,
      portId: header.nlmsg_pid,
      payload: datagram.subarray(at + nlmsghdr.size, at + header.nlmsg_len),
    });
    at += roundUp(header.nlmsg_len, 4);
  }
  return messages;
}

/** A payload: the family's header, padded to 4, and attributes. */
export function encodePayload(header: Uint8Array, attributes: readonly Attribute[]): Uint8Array<ArrayBuffer> {
  const tail = encodeAttributes(attributes);
  const payload = new Uint8Array(roundUp(header.length, 4) + tail.length);
  payload.set(header);
  payload.set(tail, roundUp(header.length, 4));
  return payload;
}

/** Attributes one after another, each padded to 4. */
export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(attributesLength(attributes));
  writeAttributes(attributes, bytes, new DataView(bytes.buffer), 0);
  return bytes;
}

function attributesLength(attributes: readonly Attribute[]): number {
  let length = 0;
  for (const [, value] of attributes) {
    if (value !== undefined) length += roundUp(nlattr.size + valueLength(value), 4);
  }
  return length;
}

function valueLength(value: AttributeValue): number {
  if (value instanceof Scalar) return value.field.size;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof Nest) return value.bytes.length;
  return typeof value === "string" ? textValue(value).length : attributesLength(value);
}

/** All of them from `at` on, in one buffer: there may be thousands of messages. Returns where they end. */
function writeAttributes(
  attributes: readonly Attribute[],
  bytes: Uint8Array,
  view: DataView,
  at: number,
): number {
  for (const [type, value] of attributes) {
    if (value === undefined) continue;
    const nested = value instanceof Nest || Array.isArray(value);
    const length = writeValue(value, bytes, view, at + nlattr.size) - at;
    if (length > 0xffff) {
      throw new RangeError(`netlink attribute ${type} of ${length - 4} octets is too long`);
    }
    view.setUint16(at, length, true);
    view.setUint16(at + 2, nested ? type | NLA_F_NESTED : type, true);
    at += roundUp(length, 4);
  }
  return at;
}

/** Returns where it ends. */
function writeValue(value: AttributeValue, bytes: Uint8Array, view: DataView, at: number): number {
  if (value instanceof Scalar) {
    value.field.write(view, at, value.value);
    return at + value.field.size;
  }
  const isList = typeof value !== "string" && !(value instanceof Uint8Array) && !(value instanceof Nest);
  if (isList) return writeAttributes(value, bytes, view, at);
  const data = typeof value === "string" ? textValue(value) : value instanceof Nest ? value.bytes : value;
  bytes.set(data, at);
  return at + data.length;
}

/** Attributes in the order they came, repeated types included; values are views. */
export function listAttributes(bytes: Uint8Array): { type: number; value: Uint8Array }[] {
  const attributes: { type: number; value: Uint8Array }[] = [];
  eachAttribute(viewOf(bytes), 0, bytes.length, (type, from, to) => {
    attributes.push({ type, value: bytes.subarray(from, to) });
  });
  return attributes;
}

/** Where the value of each attribute between `from` and `to` is. */
function eachAttribute(
  view: DataView,
  from: number,
  to: number,
  found: (type: number, from: number, to: number) => void,
): void {
  for (let at = from; at + nlattr.size <= to;) {
    const length = view.getUint16(at, true);
    if (length < nlattr.size || at + length > to) break;
    found(view.getUint16(at + 2, true) & NLA_TYPE_MASK, at + nlattr.size, at + length);
    at += roundUp(length, 4);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Attributes by type; the last one counts, as in the kernel. */
export class Attributes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where each value begins, and where it ends, by type. */
  readonly #from = new Map<number, number>();
  readonly #to = new Map<number, number>();

  /** `bytes`: a payload; `headerSize`: what of it comes before the attributes. */
  constructor(bytes: Uint8Array, headerSize = 0) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    eachAttribute(this.#view, roundUp(headerSize, 4), bytes.length, (type, from, to) => {
      this.#from.set(type, from);
      this.#to.set(type, to);
    });
  }

  has(type: number): boolean {
    return this.#from.has(type);
  }

  /** A copy, so that it may outlive the datagram. */
  octets(type: number): Uint8Array | undefined {
    return this.#value(type)?.slice();
  }

  text(type: number): string | undefined {
    const value = this.#value(type);
    if (value === undefined) return undefined;
    const end = value.indexOf(0);
    return new TextDecoder().decode(end === -1 ? value : value.subarray(0, end));
  }

  nested(type: number): Attributes | undefined {
    const value = this.#value(type);
    return value === undefined ? undefined : new Attributes(value);
  }

  /** The attributes inside `type`, in order. */
  list(type: number): { type: number; value: Uint8Array }[] {
    return listAttributes(this.#value(type) ?? new Uint8Array(0));
  }

  u8(type: number): number | undefined {
    return this.field(type, u8);
  }

  u16(type: number): number | undefined {
    return this.field(type, u16);
  }

  u32(type: number): number | undefined {
    return this.field(type, u32);
  }

  u64(type: number): bigint | undefined {
    return this.field(type, u64);
  }

  be16(type: number): number | undefined {
    return this.field(type, be16);
  }

  be32(type: number): number | undefined {
    return this.field(type, be32);
  }

  /** Any field or struct; undefined too when the attribute is shorter (an older kernel's struct). */
  field<T>(type: number, field: Field<T>): T | undefined {
    const from = this.#from.get(type);
    if (from === undefined || this.#to.get(type)! - from < field.size) return undefined;
    return field.read(this.#view, from);
  }

  #value(type: number): Uint8Array | undefined {
    const from = this.#from.get(type);
    return from === undefined ? undefined : this.#bytes.subarray(from, this.#to.get(type));
  }
}

/** Bytes of one number: `bytesOf(u32, 7)`. */
export function bytesOf<T>(field: Field<T>, value: T): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(field.size);
  field.write(new DataView(bytes.buffer), 0, value);
  return bytes;
}

/** As {@link bytesOf}, but undefined stays undefined, so that the attribute is left out. */
export function optional<T>(field: Field<T>, value: T | undefined): Uint8Array<ArrayBuffer> | undefined {
  return value === undefined ? undefined : bytesOf(field, value);
}

function textValue(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/** All parts in one array. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
