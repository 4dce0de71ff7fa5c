/** Values of vipd.toml in the units of the kernel: whole seconds, and how much of an address counts. */
import * as z from "zod";
import { parseAddress } from "../wire/address.ts";
import { duration } from "./duration.ts";
import { wholeNumber } from "./values.ts";

/** A duration of whole seconds, in milliseconds. */
export function wholeSeconds(min: string, max: string): z.ZodType<number, string> {
  return duration(min, max).refine((ms) => ms % 1000 === 0, { error: "expected whole seconds" });
}

/** Leading bits of an address; a netmask is one of IPv4. */
export interface Granularity {
  readonly prefix: number;
  readonly family?: 4;
}

const EXPECTED = 'expected a prefix length 1..128 or a netmask such as "255.255.255.0"';

/** A prefix length, or an IPv4 netmask. */
export const netmask: z.ZodType<Granularity, number | string> = z.union([
  wholeNumber(1, 128).transform((prefix): Granularity => ({ prefix })),
  z.string().transform((text, context): Granularity => {
    const bytes = parseAddress(text);
    const bits = bytes?.length === 4
      ? Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("")
      : "";
    if (/^1+0*$/.test(bits)) return { prefix: bits.lastIndexOf("1") + 1, family: 4 };
    context.addIssue({ code: "custom", message: EXPECTED });
    return z.NEVER;
  }),
], { error: EXPECTED });
