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

/** The peer, when `host` is an IP address; `fe80::1%eth0` names its link. */
export function literal(host: string, port: number): Peer | undefined {
  const [text = "", zone] = host.split("%");
  const address = parseAddress(text);
  if (address === null) return undefined;
  return { address, sockaddr: sockaddr(address, port, zone === undefined ? 0 : ifNameToIndex(zone)) };
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
