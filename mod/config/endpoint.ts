/** Addresses with ports in vipd.toml: `192.0.2.21:80`, `[2001:db8::1]:80`, and spans of addresses. */
import * as z from "zod";
import { addressLength, familyOf, formatAddress, isMulticast, parseAddress } from "../wire/address.ts";

/** An address and, where the text says one, a port. */
export interface Endpoint {
  /** As the operator wrote it. */
  readonly text: string;
  readonly family: 4 | 6;
  /** Canonical text (RFC 5952). */
  readonly address: string;
  readonly port?: number;
}

/** Addresses that follow one another, all with the same port. */
export interface Span extends Omit<Endpoint, "address"> {
  readonly addresses: readonly string[];
}

/** What one entry of `addresses` may count out to. */
const SPAN_MAX = 4096;

const ENDPOINT = 'expected an address and port such as "192.0.2.21:80" or "[2001:db8::21]:80"';
const SPAN = 'expected "192.0.2.10:80", a range "192.0.2.20-29:80" or a prefix "192.0.2.64/28:80"';

/** One address, with a port or without. */
export const endpoint: z.ZodType<Endpoint, string> = z.string({ error: ENDPOINT }).transform(
  (text, context): Endpoint => {
    const split = splitPort(text.trim());
    const bytes = split === null ? null : parseAddress(split.host);
    if (split === null) return refuse(context, ENDPOINT);
    if (bytes === null) {
      const isSpan = typeof spanOf(split.host) !== "string";
      return refuse(context, isSpan ? "expected one address: several go to `addresses`" : ENDPOINT);
    }
    if (!isUsable(bytes)) return refuse(context, "expected an address of one host");
    const { port } = split;
    return { text, ...named(bytes), ...(port === undefined ? {} : { port }) };
  },
);

/** One address, a range of its last number, or a prefix; with a port or without. */
export const span: z.ZodType<Span, string> = z.string({ error: SPAN }).transform((text, context): Span => {
  const split = splitPort(text.trim());
  const counted = split === null ? SPAN : spanOf(split.host);
  if (split === null || typeof counted === "string") return refuse(context, String(counted));
  if (!counted.every(isUsable)) return refuse(context, "expected addresses of hosts");
  const { port } = split;
  const addresses = counted.map(formatAddress);
  return { text, family: familyOf(counted[0]!), addresses, ...(port === undefined ? {} : { port }) };
});

function named(bytes: Uint8Array): { family: 4 | 6; address: string } {
  return { family: familyOf(bytes), address: formatAddress(bytes) };
}

/** An IPv6 address needs brackets before a port: without them all is address. */
function splitPort(text: string): { host: string; port?: number } | null {
  const isBareIpv6 = !text.startsWith("[") && text.split(":").length > 2;
  if (isBareIpv6) return { host: text };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*:[^\]]*)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text) ??
    [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(digits ?? 0) > 65535) return null;
  return digits === undefined ? { host } : { host, port: Number(digits) };
}

/** The addresses of `a`, `a-b` or `a/prefix`, or what is wrong with it. */
function spanOf(text: string): Uint8Array[] | string {
  const [, first = "", mark, rest = ""] = /^([^-/]+)(?:([-/])([0-9a-f]+))?$/i.exec(text) ?? [];
  const start = parseAddress(first);
  if (start === null) return SPAN;
  if (mark === "-") return rangeOf(start, rest);
  return mark === "/" ? prefixOf(start, rest) : [start];
}

/** Of IPv4 the last number is decimal, of IPv6 the last group is hexadecimal, as in the address itself. */
function rangeOf(start: Uint8Array, text: string): Uint8Array[] | string {
  const isIpv4 = familyOf(start) === 4;
  const last = /^\d+$/.test(text) || !isIpv4 ? parseInt(text, isIpv4 ? 10 : 16) : NaN;
  const from = isIpv4 ? start[3]! : start[14]! * 256 + start[15]!;
  if (!(last >= from && last <= (isIpv4 ? 0xff : 0xffff))) {
    return `expected a range whose end is not below its start, such as "${
      isIpv4 ? "192.0.2.20-29" : "2001:db8::20-2f"
    }"`;
  }
  return countOut(start, last - from + 1);
}

function prefixOf(start: Uint8Array, text: string): Uint8Array[] | string {
  const bits = addressLength(familyOf(start)) * 8;
  const prefix = /^\d{1,3}$/.test(text) ? Number(text) : NaN;
  if (!(prefix >= 0 && prefix <= bits)) return SPAN;
  const network = start.map((byte, i) => byte & (0xff << Math.min(8, Math.max(0, 8 * (i + 1) - prefix))));
  return countOut(network, 2 ** (bits - prefix));
}

function countOut(start: Uint8Array, count: number): Uint8Array[] | string {
  if (count > SPAN_MAX) return `expected at most ${SPAN_MAX} addresses`;
  const low = start.length - 2;
  const base = start[low]! * 256 + start[low + 1]!;
  return Array.from({ length: count }, (_, i) => {
    const bytes = start.slice();
    bytes.set([(base + i) >> 8, (base + i) & 0xff], low);
    return bytes;
  });
}

function isUsable(bytes: Uint8Array): boolean {
  const isBroadcast = familyOf(bytes) === 4 && bytes.every((byte) => byte === 255);
  return !isMulticast(bytes) && !isBroadcast && bytes.some((byte) => byte !== 0);
}

function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}
