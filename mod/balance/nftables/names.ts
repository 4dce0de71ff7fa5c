/**
 * Names of chains, sets and counters, such that `nft list` reads well: `tcp-192.0.2.10-80/192.0.2.21-80`.
 * PURE.
 */
import type { Destination, Match } from "../model.ts";

/** The chain that picks a destination for new connections. */
export function serviceName(match: Match): string {
  if (match.kind === "fwmark") return `fwmark-${match.fwmark}-ipv${match.family}`;
  return `${match.protocol}-${word(match.address)}-${match.port}`;
}

/** The chain of one destination, and the counter of its connections. */
export function destinationName(match: Match, { address, port }: Destination): string {
  return `${serviceName(match)}/${word(address)}-${port}`;
}

/** Counters of a destination's packets and octets: towards it, and from it. */
export function inCounter(destination: string): string {
  return `${destination}/in`;
}

export function outCounter(destination: string): string {
  return `${destination}/out`;
}

/** Clients that a destination keeps. */
export function stickySet(destination: string): string {
  return `sticky/${destination}`;
}

/**
 * Flows that go to a destination without translation, and those of a service that somebody has begun to end.
 */
export function flowSet(destination: string): string {
  return `flows/${destination}`;
}

export function closingSet(service: string): string {
  return `closing/${service}`;
}

/** nft(8) takes no colon in a name; a dot tells IPv4, so nothing becomes ambiguous. */
function word(address: string): string {
  return address.replaceAll(":", "_");
}
