/** Services for the tests of the nftables engine, in few words. */
import type { Destination, Match, Service } from "../../../mod/balance/model.ts";

/** `tcp 192.0.2.10:80`, or an IPv6 address in brackets; port 0 for every port. */
export function at(text: string): Match {
  const [, protocol = "", v6, v4, port] = /^(\w+) (?:\[(.*)\]|(.*)):(\d+)$/.exec(text) ?? [];
  return {
    kind: "address",
    family: v6 === undefined ? 4 : 6,
    protocol: protocol as "tcp" | "udp" | "sctp",
    address: v6 ?? v4 ?? "",
    port: Number(port),
  };
}

export function to(address: string, port: number, settings: Partial<Destination> = {}): Destination {
  const defaults = { weight: 1, forward: { method: "nat" }, upperThreshold: 0, lowerThreshold: 0 } as const;
  return { address, port, ...defaults, ...settings };
}

export function service(
  match: Match,
  destinations: readonly Destination[],
  settings: Partial<Service> = {},
): Service {
  return {
    match,
    scheduler: "rr",
    flags: [],
    onePacket: false,
    persistence: null,
    destinations,
    ...settings,
  };
}

export const TWO = [to("192.0.2.21", 80), to("192.0.2.22", 80)];
