/**
 * The small value types of vipd.toml: whole numbers in a range, names, interfaces, addresses, places to
 * listen at.
 */
import * as z from "zod";
import { familyOf, formatAddress, isMulticast, parseAddress, parseCidr } from "../wire/address.ts";
import { duration } from "./duration.ts";

/** A whole number of a closed range. */
export function wholeNumber(min: number, max: number): z.ZodInt {
  const error = `expected a whole number ${min}..${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

const NAME = { error: "expected a name (1..64 letters, digits and _ . -)" };
/** A name that an operator gives: it appears in URLs, metrics and logs. */
export const name = z.string(NAME).regex(/^[\p{L}\p{N}_.\-]{1,64}$/u, NAME);

const INTERFACE = {
  error: 'expected an interface name such as "eth0" (1..15 characters, no blank, no / and no :)',
};
/** What the kernel accepts as the name of a network interface (dev_valid_name). */
export const interfaceName = z.string(INTERFACE).regex(/^(?!\.{1,2}$)[^\s/:]{1,15}$/, INTERFACE);

const account = z.string().min(1, { error: "expected a name or a number" }).exactOptional();

/** Whom programs run as. */
export const runAsFields = {
  user: account.describe("User for the programs, by name or uid; default: vipd's own"),
  group: account.describe("Group for the programs, by name or gid; default: the user's own"),
};

/** Family of an address in text that was already parsed. */
export function familyOfText(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}

/** An IPv4 or IPv6 address without a prefix, brought into canonical text (RFC 5952). */
export const address: z.ZodType<string, string> = canonical(
  'expected an address such as "192.0.2.1" or "2001:db8::1"',
  (bytes) => !isMulticast(bytes) && bytes.some((byte) => byte !== 0),
);

/** A multicast group in canonical text. */
export const multicastAddress: z.ZodType<string, string> = canonical(
  'expected a multicast address such as "224.0.0.18" or "ff02::12"',
  isMulticast,
);

/** An address that a virtual router owns. */
export interface Vip {
  /** Canonical text without prefix. */
  readonly address: string;
  readonly prefix: number;
  /** Interface that carries it, when it is not the router's. */
  readonly interface?: string;
  readonly label?: string;
  readonly scope?: "global" | "site" | "link" | "host";
  /** Milliseconds that the kernel prefers it as a source address. */
  readonly preferred_lifetime?: number;
}

const cidr = z.string().transform((text, context): { address: string; prefix: number } => {
  const parsed = parseCidr(text.trim());
  if (parsed === null) {
    return refuse(context, 'expected an address such as "192.0.2.10/24" or "2001:db8::10/64"');
  }
  const { address, prefix } = parsed;
  if (isMulticast(address)) return refuse(context, "expected a unicast address");
  if (address.every((byte) => byte === 0)) {
    return refuse(context, "expected an address other than the unspecified one");
  }
  if (familyOf(address) === 4 && address.every((byte) => byte === 255)) {
    return refuse(context, "expected an address other than the broadcast one");
  }
  return { address: formatAddress(address), prefix };
});

const vipTable = z.strictObject({
  address: cidr.describe("The address; without a prefix it stands alone (/32, /128)"),
  interface: interfaceName.exactOptional().describe(
    "Interface that carries it, when not the virtual router's own",
  ),
  label: z.string().min(1, { error: 'expected a label such as "eth0:vip"' }).max(15, {
    error: "expected a label of at most 15 characters",
  }).exactOptional().describe('IPv4 label such as "eth0:vip": makes the address visible to ifconfig'),
  scope: z.enum(["global", "site", "link", "host"]).exactOptional().describe("Scope of the address"),
  preferred_lifetime: duration("0s", "24h").exactOptional().describe(
    'How long the kernel prefers it as a source address; "0s": never (deprecated from the start)',
  ),
}).transform(({ address, ...rest }): Vip => ({ ...address, ...rest }));

/** A virtual address: text, or a table when there is more to say. */
export const vip: z.ZodType<Vip, unknown> = z.union([cidr, vipTable]);

/** Where the API listens. */
export type Listen =
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

const LISTEN = 'expected "address:port", "[IPv6]:port" or "unix:/path"';

export const listen: z.ZodType<Listen, string> = z.string({ error: LISTEN }).transform(
  (text, context): Listen => {
    if (text.startsWith("unix:")) {
      const path = text.slice("unix:".length);
      // sun_path holds 108 bytes with its closing zero (unix(7)).
      const fits = path.startsWith("/") && new TextEncoder().encode(path).length <= 107;
      return fits
        ? { kind: "unix", path }
        : refuse(context, "expected unix: and an absolute path of at most 107 bytes");
    }
    const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? [];
    const port = Number(digits);
    if (digits === undefined || port < 1 || port > 65535) return refuse(context, LISTEN);
    if (bracketed === undefined) return { kind: "tcp", hostname: plain!, port };
    const bytes = bracketed.includes(":") ? parseAddress(bracketed) : null;
    return bytes === null ? refuse(context, LISTEN) : { kind: "tcp", hostname: formatAddress(bytes), port };
  },
);

/** The place as it is written in the configuration. */
export function formatListen(place: Listen): string {
  if (place.kind === "unix") return `unix:${place.path}`;
  return place.hostname.includes(":")
    ? `[${place.hostname}]:${place.port}`
    : `${place.hostname}:${place.port}`;
}

/** Whether nobody but this host can reach it. */
export function isLoopback(place: Listen): boolean {
  if (place.kind === "unix" || place.hostname === "localhost") return true;
  const bytes = parseAddress(place.hostname);
  if (bytes === null) return false;
  return familyOf(bytes) === 4 ? bytes[0] === 127 : formatAddress(bytes) === "::1";
}

/** Stops a transform with a message; zod wants the issue in its context and a value that nobody sees. */
function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

function canonical(error: string, accepts: (bytes: Uint8Array) => boolean): z.ZodType<string, string> {
  return z.string({ error }).transform((text, context) => {
    const bytes = parseAddress(text.trim());
    return bytes !== null && accepts(bytes) ? formatAddress(bytes) : refuse(context, error);
  });
}
