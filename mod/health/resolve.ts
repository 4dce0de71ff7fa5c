/** Where a check's socket goes: an address as text, or the addresses that a name has. */
import { lookup } from "node:dns/promises";
import { describe, fail } from "../../checks/check.ts";
import { ifNameToIndex, sockaddr } from "../../ffi/socket.ts";
import { parseAddress } from "../wire/address.ts";

/** A socket address, and the octets of the IP address in it. */
export interface Peer {
  readonly address: Uint8Array<ArrayBuffer>;
  readonly sockaddr: Uint8Array<ArrayBuffer>;
}

/** Those of the configuration come again with every look, and are few. */
const known = new Map<string, Peer>();
const knownMax = 20_000;

/** The peer, when `host` is an IP address; `fe80::1%eth0` names its link. */
export function literal(host: string, port: number): Peer | undefined {
  const key = `${host} ${port}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const [text = "", zone] = host.split("%");
  const address = parseAddress(text);
  if (address === null) return undefined;
  const peer = { address, sockaddr: sockaddr(address, port, zone === undefined ? 0 : ifNameToIndex(zone)) };
  // The number of an interface changes when it comes anew.
  if (zone !== undefined) return peer;
  if (known.size >= knownMax) known.clear();
  known.set(key, peer);
  return peer;
}

/** Its peers in the order in which the system's resolver gives them; `CheckFailed` when there is none. */
export async function resolve(host: string, port: number): Promise<Peer[]> {
  try {
    const found = await lookup(host, { all: true });
    return found.flatMap(({ address }) => literal(address, port) ?? []);
  } catch (error) {
    return fail(`cannot find ${host}: ${describe(error)}`);
  }
}
