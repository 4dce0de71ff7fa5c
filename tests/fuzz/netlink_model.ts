/** A second reader of netlink datagrams, written from rtnetlink(7) and the kernel's headers alone. */

/** Where one message or attribute begins and ends, header included, and what it says it is. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly type: number;
}

function word(bytes: Uint8Array, at: number, octets: number): number {
  let value = 0;
  for (let i = octets - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

/** Everything up to the first header that cannot be true. */
function spans(bytes: Uint8Array, from: number, header: number, lengthOctets: 2 | 4): Span[] {
  const found: Span[] = [];
  for (let at = from; at <= bytes.length - header;) {
    const length = word(bytes, at, lengthOctets);
    if (length < header || length > bytes.length - at) break;
    found.push({ from: at, to: at + length, type: word(bytes, at + lengthOctets, 2) });
    at += length + (4 - length % 4) % 4;
  }
  return found;
}

export function messages(datagram: Uint8Array): Span[] {
  return spans(datagram, 0, 16, 4);
}

export function attributes(payload: Uint8Array, from: number): Span[] {
  return spans(payload, from, 4, 2).map((span) => ({ ...span, type: span.type % 0x4000 }));
}

/** The number that the recording has for it. */
const IPVS = 32;

/** Octets that the family's own header takes, by message type; null for types that nobody here knows. */
export function familyHeader(type: number): number | null {
  if (type === 16 || type === 17) return 16;
  if (type === 20 || type === 21) return 8;
  if (type === IPVS) return 4;
  return type === 24 || type === 25 ? 12 : null;
}

/** The fields that vipd decides by, as text; null when the message is none of its business. */
export function told(type: number, payload: Uint8Array): string | null {
  const header = familyHeader(type);
  if (header === null || payload.length < header || type === IPVS) return null;
  const list = attributes(payload, header);
  const last = (wanted: number, least = 0): Uint8Array | undefined => {
    const span = list.findLast((candidate) => candidate.type === wanted);
    if (span === undefined || span.to - span.from - 4 < least) return undefined;
    return payload.slice(span.from + 4, span.to);
  };
  if (type <= 17) return toldLink(payload, last);
  return type <= 21 ? toldAddress(payload, last) : toldRoute(payload, last);
}

type Last = (type: number, least?: number) => Uint8Array | undefined;

function number(bytes: Uint8Array | undefined): number | undefined {
  return bytes === undefined ? undefined : word(bytes, 0, 4);
}

function toldLink(payload: Uint8Array, last: Last): string | null {
  const [name, mtu] = [last(3), number(last(4, 4))];
  if (payload[0] !== 0 || name === undefined || mtu === undefined) return null;
  const end = name.indexOf(0);
  const text = new TextDecoder().decode(name.slice(0, end === -1 ? name.length : end));
  const up = word(payload, 8, 4) % 2 === 1;
  return ["link", word(payload, 4, 4) | 0, text, mtu, up, last(1)?.toHex() ?? "", number(last(10, 4))].join(
    " ",
  );
}

function toldAddress(payload: Uint8Array, last: Last): string | null {
  const octets = payload[0] === 2 ? 4 : 16;
  const address = last(2) ?? last(1);
  if (payload[0] !== 2 && payload[0] !== 10 || address?.length !== octets) return null;
  const flags = number(last(8, 4)) ?? payload[2]!;
  const valid = number(last(6, 16)?.slice(4)) ?? 0xffffffff;
  return ["address", word(payload, 4, 4), address.toHex(), payload[1], flags, valid].join(" ");
}

const ROUTE_TYPES = [1, 2, 3, 6, 7, 8, 9];

function toldRoute(payload: Uint8Array, last: Last): string | null {
  const isKnown = (payload[0] === 2 || payload[0] === 10) && ROUTE_TYPES.includes(payload[7]!);
  if (!isKnown || Math.floor(word(payload, 8, 4) / 0x200) % 2 === 1) return null;
  const table = number(last(15, 4)) ?? payload[4];
  return ["route", last(1)?.toHex() ?? "default", payload[1], table, number(last(4, 4))].join(" ");
}
