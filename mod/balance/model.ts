/** What every engine is told and tells: services with their destinations, in the words of IPVS. PURE. */
import type { ForwardConfig as Forward } from "../config/forward.ts";

export type { Forward };
export type Family = 4 | 6;
export type Protocol = "tcp" | "udp" | "sctp";

/** What a packet must be for to belong to a service: address and port, or a firewall mark of one family. */
export type Match =
  | {
    readonly kind: "address";
    readonly family: Family;
    readonly protocol: Protocol;
    /** Canonical text (RFC 5952). */
    readonly address: string;
    /** 0: every port, which needs persistence. */
    readonly port: number;
  }
  | { readonly kind: "fwmark"; readonly family: Family; readonly fwmark: number };

export interface Persistence {
  readonly seconds: number;
  /** Bits of a client's address that tell it from others: 32 or 128 unless clients are taken together. */
  readonly prefix: number;
  readonly engine: "sip" | null;
}

export interface Destination {
  /** Canonical text (RFC 5952). */
  readonly address: string;
  /** 0 where the service has every port. */
  readonly port: number;
  /** 0: no new connections; those that are there go on. */
  readonly weight: number;
  readonly forward: Forward;
  /** Connections at which the destination is overloaded, and below which it is not any more; 0: none. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
}

export interface Service {
  readonly match: Match;
  readonly scheduler: string;
  /** Names as in the configuration: "sh-port", "mh-fallback", "flag-1". */
  readonly flags: readonly string[];
  readonly onePacket: boolean;
  readonly persistence: Persistence | null;
  readonly destinations: readonly Destination[];
}

/** Counted since the service or destination is in the engine; `null` where the engine cannot tell. */
export interface Traffic {
  readonly connections: number;
  readonly packetsIn: number | null;
  readonly packetsOut: number | null;
  readonly bytesIn: number | null;
  readonly bytesOut: number | null;
}

/** What the engine has of one destination at a moment. */
export interface DestinationReport {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  /** Established connections; `null` where the engine cannot tell. */
  readonly activeConnections: number | null;
  /** Those that are ending, or of a protocol without connections. */
  readonly inactiveConnections: number | null;
  readonly persistentConnections: number | null;
  readonly traffic: Traffic | null;
}

export interface ServiceReport {
  /** `serviceKey` of the match. */
  readonly key: string;
  readonly traffic: Traffic | null;
  readonly destinations: readonly DestinationReport[];
}

/** What `apply` had to do although nothing was asked anew: somebody else has changed what is ours. */
export interface Drift {
  readonly key: string;
  /** For people: "service was missing", "destination 192.0.2.21:80 had weight 3 instead of 1". */
  readonly what: string;
}

/** How a round of `apply` ended; what failed is tried again with the next one. */
export interface Applied {
  readonly drift: readonly Drift[];
  /** For people, with the system's own words; empty when all is as it should be. */
  readonly problems: readonly string[];
  /** For people: it works, but not well. */
  readonly advice?: readonly string[];
}

/** The kernel's daemon that tells the other director of the connections (master) or hears it (backup). */
export interface SyncDaemon {
  readonly role: "master" | "backup";
  readonly interface: string;
  /** 0..255, the same on both directors. */
  readonly id: number;
  /** Octets of a message; absent, as the rest: the kernel's own default. */
  readonly maxLength?: number;
  readonly port?: number;
  readonly group?: string;
  readonly ttl?: number;
}

/** What carries traffic to the destinations: the kernel's IPVS, its nftables, a haproxy. */
export interface Engine {
  readonly name: "ipvs" | "nftables" | "haproxy";
  /**
   * Makes these services and no others of ours what the engine does: reads what is there, plans, and does
   * only what differs. What is not ours is not touched. Calls come one after the other.
   */
  apply(services: readonly Service[]): Promise<Applied>;
  /** What is there of ours, for the status. */
  read(): Promise<readonly ServiceReport[]>;
  /**
   * Makes this the daemon that tells the other director of the connections; null: none runs. Only IPVS has
   * one. What fails is tried again with the next `apply`.
   */
  sync?(daemon: SyncDaemon | null): Promise<Applied>;
  /** What the next engine of its kind has to know to go on in its place, as JSON. */
  memory?(): unknown;
  /** Takes away all that is ours, or lets go of it as it is; nothing of the engine runs afterwards. */
  stop(keep: boolean): Promise<void>;
}

/** One text for one match: `tcp 192.0.2.10:80`, `udp [2001:db8::1]:53`, `fwmark 7 ipv4`. */
export function serviceKey(match: Match): string {
  if (match.kind === "fwmark") return `fwmark ${match.fwmark} ipv${match.family}`;
  return `${match.protocol} ${endpointKey(match)}`;
}

/** `192.0.2.21:80`, `[2001:db8::1]:80`. */
export function endpointKey(endpoint: Readonly<{ address: string; port: number }>): string {
  const { address, port } = endpoint;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
