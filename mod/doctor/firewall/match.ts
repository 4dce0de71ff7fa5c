/** How single properties of a VRRP packet compare with what a rule asks for. PURE. */
import { equalAddresses, parseAddress, parseCidr } from "../../wire/address.ts";
import type { Answer, Packet } from "./ruleset.ts";

const VRRP = new Set(["112", "vrrp"]);

export function matchesProtocol(wanted: string): Answer {
  if (wanted === "all" || wanted === "0" || wanted === "ip") return "yes";
  return VRRP.has(wanted.toLowerCase()) ? "yes" : "no";
}

/** `eth*` (nft) and `eth+` (iptables) mean all that begin so. */
export function matchesInterface(wanted: string, name: string): Answer {
  const prefix = /^(.*)[*+]$/.exec(wanted)?.[1];
  return (prefix === undefined ? wanted === name : name.startsWith(prefix)) ? "yes" : "no";
}

/** `192.0.2.1`, `224.0.0.0/4`, `192.0.2.1-192.0.2.9`, `ff02::12`. */
export function matchesAddress(wanted: string, address: string | null): Answer {
  if (address === null) return /^(0\.0\.0\.0|::)\/0$/.test(wanted) ? "yes" : "maybe";
  const octets = parseAddress(address);
  if (octets === null) return "maybe";
  const [first, last] = wanted.split("-");
  if (last !== undefined) return inRange(octets, first!, last);
  const cidr = parseCidr(maskedToPrefix(wanted));
  if (cidr === null) return "maybe";
  if (cidr.address.length !== octets.length) return "no";
  return isInPrefix(octets, cidr.address, cidr.prefix) ? "yes" : "no";
}

function inRange(octets: Uint8Array, first: string, last: string): Answer {
  const [low, high] = [parseAddress(first), parseAddress(last)];
  if (low === null || high === null) return "maybe";
  if (low.length !== octets.length) return "no";
  const compare = (a: Uint8Array, b: Uint8Array): number => {
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at < 0 ? 0 : a[at]! - b[at]!;
  };
  return compare(low, octets) <= 0 && compare(octets, high) <= 0 ? "yes" : "no";
}

function isInPrefix(octets: Uint8Array, network: Uint8Array, prefix: number): boolean {
  const masked = (bytes: Uint8Array): Uint8Array =>
    bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i)) & 0xff));
  return equalAddresses(masked(octets), masked(network));
}

/** iptables writes `224.0.0.0/255.0.0.0` for a mask that it was given so. */
function maskedToPrefix(text: string): string {
  const [address, mask] = text.split("/");
  const octets = mask === undefined || !mask.includes(".") ? null : parseAddress(mask);
  if (octets === null) return text;
  const bits = [...octets].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits) ? `${address}/${bits.indexOf("0") < 0 ? 32 : bits.indexOf("0")}` : text;
}

/** The kind of destination: `multicast`, `local`, `unicast`, `broadcast`. */
export function matchesKind(wanted: string, { multicast, direction }: Packet): Answer {
  const kind = multicast ? "multicast" : direction === "in" ? "local" : "unicast";
  const isSame = wanted.toLowerCase() === kind;
  return isSame ? "yes" : kind === "local" && wanted === "unicast" ? "maybe" : "no";
}

/** How the link carried it: `multicast`, `unicast` or `host`, `broadcast`. */
export function matchesPacketType(wanted: string, { multicast }: Packet): Answer {
  const kinds = multicast ? ["multicast"] : ["unicast", "host"];
  return kinds.includes(wanted.toLowerCase()) ? "yes" : "no";
}

/** Nobody has translated it, and nothing has come back. */
export function matchesStatus(wanted: string): Answer {
  return /^(dnat|snat|assured|seen-reply|expected)$/i.test(wanted) ? "no" : "maybe";
}

/** An advertisement is never answered, so to the connection tracker it is always new. */
export function matchesState(wanted: string): Answer {
  return wanted.toLowerCase() === "new" ? "yes" : wanted.toLowerCase() === "untracked" ? "maybe" : "no";
}
