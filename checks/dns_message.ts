/** DNS messages (RFC 1035 §4) as a probe needs them: writes one query, reads one response of any server. */

/** Types that a query can ask for, by their names. */
export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DS: 43,
  DNSKEY: 48,
  SVCB: 64,
  HTTPS: 65,
  CAA: 257,
  ANY: 255,
} as const;

export type RecordType = keyof typeof recordTypes;

/** RFC 1035 §4.1.1 and RFC 6895 §2.3; a code without a name is written as a number. */
const rcodeNames = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  /** As a zone file has it for the types that we know, otherwise in hexadecimal digits. */
  readonly data: string;
}

export interface DnsResponse {
  /** "NOERROR", "NXDOMAIN", ... */
  readonly rcode: string;
  /** Cut to what fits in a datagram (TC). */
  readonly truncated: boolean;
  readonly answers: readonly DnsRecord[];
}

/** What is wrong with the octets; a response that is not for the query is no response at all. */
export class DnsMessageError extends Error {}

const headerSize = 12;
const IN = 1;
const recursionDesired = 0x0100;
/** Pointers in a name go backwards, thus come to an end; so many are enough for any that means something. */
const pointersMax = 64;

/** Octets of a name's labels with their lengths; undefined when it is no domain name. */
export function encodeName(name: string): Uint8Array | undefined {
  const labels = name === "." ? [] : name.replace(/\.$/, "").split(".").map((label) => encoder.encode(label));
  if (labels.some(({ length }) => length < 1 || length > 63)) return undefined;
  const octets = [...labels.flatMap((label) => [label.length, ...label]), 0];
  return octets.length > 255 ? undefined : Uint8Array.from(octets);
}

/** A query with recursion desired. */
export function encodeQuery(id: number, name: string, type: RecordType): Uint8Array {
  const question = encodeName(name) ?? Uint8Array.of(0);
  const message = new Uint8Array(headerSize + question.length + 4);
  const view = new DataView(message.buffer);
  view.setUint16(0, id);
  view.setUint16(2, recursionDesired);
  view.setUint16(4, 1);
  message.set(question, headerSize);
  view.setUint16(message.length - 4, recordTypes[type]);
  view.setUint16(message.length - 2, IN);
  return message;
}

/** Whether these octets claim to be a response to the query; the rest is for `decodeResponse`. */
export function isResponseTo(message: Uint8Array, query: Uint8Array): boolean {
  return message.length >= headerSize && message[0] === query[0] && message[1] === query[1] &&
    ((message[2] ?? 0) & 0x80) !== 0;
}

/** Throws `DnsMessageError` when the message is malformed. */
export function decodeResponse(message: Uint8Array): DnsResponse {
  const reader = new Reader(message);
  reader.skip(2);
  const flags = reader.u16();
  const [questions, answers] = [reader.u16(), reader.u16()];
  reader.skip(4);
  const truncated = (flags & 0x0200) !== 0;
  const rcode = rcodeNames[flags & 0x0f] ?? String(flags & 0x0f);
  for (let i = 0; i < questions; i++) {
    reader.name();
    reader.skip(4);
  }
  // What was cut off is asked for again over TCP, so nothing that is left counts.
  if (truncated) return { rcode, truncated, answers: [] };
  return { rcode, truncated, answers: Array.from({ length: answers }, () => reader.record()) };
}

const encoder = new TextEncoder();

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  skip(count: number): void {
    this.#require(count);
    this.#at += count;
  }

  u8(): number {
    this.#require(1);
    return this.#view.getUint8(this.#at++);
  }

  u16(): number {
    this.#require(2);
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2);
  }

  u32(): number {
    this.#require(4);
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  /** "www.example.com.", lower case; other octets than the usual ones as \DDD. */
  name(): string {
    const labels: string[] = [];
    let back: number | undefined;
    let length = 0;
    for (let pointers = 0; pointers <= pointersMax;) {
      const size = this.u8();
      if (size === 0) {
        if (back !== undefined) this.#at = back;
        return labels.length === 0 ? "." : `${labels.join(".")}.`;
      }
      if (size >= 0xc0) {
        const target = (size & 0x3f) << 8 | this.u8();
        back ??= this.#at;
        if (target >= this.#at - 2) throw new DnsMessageError("a name points forward");
        this.#at = target;
        pointers++;
        continue;
      }
      if (size > 63) throw new DnsMessageError("a name has a label of an unknown kind");
      length += size + 1;
      if (length > 255) throw new DnsMessageError("a name is too long");
      labels.push(this.#label(size));
    }
    throw new DnsMessageError("a name has too many pointers");
  }

  record(): DnsRecord {
    const name = this.name();
    const type = this.u16();
    this.skip(6);
    const length = this.u16();
    this.#require(length);
    const end = this.#at + length;
    const data = this.#data(type, end);
    if (this.#at > end) throw new DnsMessageError("a record is longer than it says");
    this.#at = end;
    return { name, type, data };
  }

  #data(type: number, end: number): string {
    const { A, AAAA, CNAME, NS, PTR, MX, SOA, SRV, TXT } = recordTypes;
    if (type === CNAME || type === NS || type === PTR) return this.name();
    if (type === A && end - this.#at === 4) return this.#take(end).join(".");
    if (type === AAAA && end - this.#at === 16) return ipv6(this.#take(end));
    if (type === MX) return `${this.u16()} ${this.name()}`;
    if (type === SRV) return `${this.u16()} ${this.u16()} ${this.u16()} ${this.name()}`;
    if (type === SOA) {
      return [this.name(), this.name(), this.u32(), this.u32(), this.u32(), this.u32(), this.u32()].join(" ");
    }
    if (type === TXT) return this.#strings(end);
    return this.#take(end).toHex();
  }

  /** The strings of a TXT record, joined as their readers do (RFC 7208 §3.3). */
  #strings(end: number): string {
    let text = "";
    while (this.#at < end) text += decoder.decode(this.#take(this.u8() + this.#at));
    return text;
  }

  #label(size: number): string {
    const octets = this.#take(this.#at + size);
    return Array.from(octets, (octet) => {
      const character = String.fromCharCode(octet).toLowerCase();
      return /[a-z0-9_*/-]/.test(character) ? character : `\\${String(octet).padStart(3, "0")}`;
    }).join("");
  }

  #take(end: number): Uint8Array {
    this.#require(end - this.#at);
    const part = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return part;
  }

  #require(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new DnsMessageError("the message is cut short");
  }
}

const decoder = new TextDecoder();

/** RFC 5952, which the platform's URLs write. */
function ipv6(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((octets[2 * i] ?? 0) << 8 | (octets[2 * i + 1] ?? 0)));
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]/`).hostname.slice(1, -1);
}
