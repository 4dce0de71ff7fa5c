/** Payloads as the configuration writes them: text, or hexadecimal octets of which some may be any. */
import * as z from "zod";

/** Octets to compare with; null stands for any octet. */
export type Pattern = readonly (number | null)[];

const expected = 'expected pairs of hexadecimal digits such as "de ad xx ef", xx for any octet';

function parse(text: string): Pattern | undefined {
  const digits = text.replace(/\s+/g, "");
  if (!/^(?:[0-9a-f]{2}|xx)+$/i.test(digits)) return undefined;
  return (digits.match(/../g) ?? []).map((pair) => /xx/i.test(pair) ? null : parseInt(pair, 16));
}

/** Hexadecimal octets, with xx for any. */
export const hexPattern = z.string().transform((text, context) => {
  const pattern = parse(text);
  if (pattern !== undefined) return pattern;
  context.addIssue({ code: "custom", message: expected });
  return z.NEVER;
});

/** Hexadecimal octets, all of them given. */
export const hexOctets = z.string().transform((text, context) => {
  const pattern = parse(text);
  if (pattern !== undefined && !pattern.includes(null)) return Uint8Array.from(pattern.map(Number));
  context.addIssue({ code: "custom", message: 'expected pairs of hexadecimal digits such as "de ad be ef"' });
  return z.NEVER;
});

/** Whether the octets begin with the pattern. */
export function beginsWith(bytes: Uint8Array, pattern: Pattern): boolean {
  return bytes.length >= pattern.length &&
    pattern.every((octet, index) => octet === null || octet === bytes[index]);
}

/** The first octets for a message: "00 01 ff … (300 octets)". */
export function quoteOctets(bytes: Uint8Array, atMost = 16): string {
  const shown = [...bytes.subarray(0, atMost)].map((octet) => octet.toString(16).padStart(2, "0")).join(" ");
  return bytes.length > atMost ? `${shown} … (${bytes.length} octets)` : shown;
}
