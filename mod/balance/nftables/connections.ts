/**
 * To whom a tracked connection belongs: its service by where it was for, its destination by who answers.
 * PURE.
 */
import { parseAddress } from "../../wire/address.ts";
import type { Destination, Match, Service } from "../model.ts";
import { destinationName } from "./names.ts";
import { isLoopback } from "./nat.ts";

/** IPPROTO_* */
const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const;

/** Connections of one destination: those that are open, and those that end or are of no such protocol. */
export interface Counts {
  active: number;
  inactive: number;
}

/** What a connection is compared by. */
interface Tuple {
  /** IPPROTO_* */
  readonly protocol: number;
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  readonly server: Uint8Array;
  readonly serverPort: number;
}

export class ConnectionIndex {
  readonly #endpoints = new Set<string>();
  readonly #destinations = new Map<string, string>();
  readonly #key = new Key();

  constructor(services: readonly Service[]) {
    for (const { match, destinations } of services) {
      if (match.kind === "address") {
        this.#endpoints.add(this.#key.of(tupleOf(match), match.port === 0 ? ANY : EXACT));
      }
      for (const destination of destinations) this.#add(match, destination);
    }
  }

  /** The name of its destination; null when it is to a service of ours and to none of its destinations. */
  find(connection: Tuple): string | null | undefined {
    const at = (layout: Layout): string => this.#key.of(connection, layout);
    if (this.#endpoints.has(at(EXACT))) {
      return this.#destinations.get(at(EXACT_TO)) ?? this.#destinations.get(at(EXACT_HERE)) ?? null;
    }
    if (this.#endpoints.has(at(ANY))) {
      return this.#destinations.get(at(ANY_TO)) ?? this.#destinations.get(at(ANY_HERE)) ?? null;
    }
    return this.#destinations.get(at(MARKED_TO)) ?? this.#destinations.get(at(MARKED_ANY));
  }

  #add(match: Match, destination: Destination): void {
    const isHere = isLoopback(destination.address);
    const layout = match.kind === "fwmark"
      ? destination.port === 0 ? MARKED_ANY : MARKED_TO
      : match.port === 0
      ? isHere ? ANY_HERE : ANY_TO
      : isHere
      ? EXACT_HERE
      : EXACT_TO;
    const tuple = { ...tupleOf(match), server: octets(destination.address), serverPort: destination.port };
    const key = this.#key.of(tuple, layout);
    // The first of two services by mark: which one it was is not known of a connection.
    if (!this.#destinations.has(key)) this.#destinations.set(key, destinationName(match, destination));
  }
}

function tupleOf(match: Match): Tuple {
  const none = { server: new Uint8Array(0), serverPort: 0 };
  if (match.kind === "fwmark") return { protocol: 0, destination: none.server, destinationPort: 0, ...none };
  const { protocol, address, port } = match;
  return { protocol: PROTOCOLS[protocol], destination: octets(address), destinationPort: port, ...none };
}

function octets(address: string): Uint8Array {
  return parseAddress(address) ?? new Uint8Array(0);
}

/**
 * Which parts of a connection are in a key; the number is part of it, so that no two layouts are mixed up.
 */
interface Layout {
  readonly number: number;
  readonly destination: boolean;
  readonly destinationPort: boolean;
  readonly server: boolean;
  readonly serverPort: boolean;
}

function layout(number: number, ...parts: readonly (keyof Layout)[]): Layout {
  const has = (part: keyof Layout): boolean => parts.includes(part);
  return {
    number,
    destination: has("destination"),
    destinationPort: has("destinationPort"),
    server: has("server"),
    serverPort: has("serverPort"),
  };
}

const EXACT = layout(0, "destination", "destinationPort");
const EXACT_TO = layout(1, "destination", "destinationPort", "server", "serverPort");
/** A server on this host: its address is the one that the packet came in by. */
const EXACT_HERE = layout(2, "destination", "destinationPort", "serverPort");
const ANY = layout(3, "destination");
const ANY_TO = layout(4, "destination", "server");
const ANY_HERE = layout(5, "destination");
const MARKED_TO = layout(6, "server", "serverPort");
const MARKED_ANY = layout(7, "server");

/** Keys as text of their octets, put together in one place. */
class Key {
  readonly #bytes = new Uint8Array(2 + 16 + 2 + 16 + 2);
  readonly #text = new TextDecoder("latin1");
  #length = 0;

  of(tuple: Tuple, { number, destination, destinationPort, server, serverPort }: Layout): string {
    this.#bytes[0] = number;
    this.#bytes[1] = destination ? tuple.protocol : 0;
    this.#length = 2;
    if (destination) this.#add(tuple.destination);
    if (destinationPort) this.#addPort(tuple.destinationPort);
    if (server) this.#add(tuple.server);
    if (serverPort) this.#addPort(tuple.serverPort);
    return this.#text.decode(this.#bytes.subarray(0, this.#length));
  }

  #add(octets: Uint8Array): void {
    this.#bytes.set(octets, this.#length);
    this.#length += octets.length;
  }

  #addPort(port: number): void {
    this.#bytes[this.#length++] = port >> 8;
    this.#bytes[this.#length++] = port & 0xff;
  }
}
