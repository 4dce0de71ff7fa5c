/** Everything that the examinations know: plain values, gathered once (`gather/`). PURE. */
import type { Config, VirtualRouterConfig } from "../config/schema.ts";
import type { Snapshot, VirtualRouterStatus } from "../snapshot.ts";
import type { Ruleset } from "./firewall/ruleset.ts";

export interface Facts {
  /** Null: there is none that can be used, `configProblem` says why. */
  readonly config: Config | null;
  readonly configFile: string;
  readonly configProblem: string | null;
  /** What `vipd validate` says about the commands of the configuration. */
  readonly commandProblems: readonly string[];
  /** Of the running daemon; null: none answers. */
  readonly status: Snapshot | null;
  readonly links: readonly LinkFacts[];
  /** Kernel parameters by their path below /proc/sys; one that does not exist is not there. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly firewalls: readonly Ruleset[];
  /** Programs of this host, of this network namespace where they are about the network. */
  readonly services: readonly ServiceFacts[];
  readonly daemon: ProcessFacts | null;
  readonly files: readonly FileFacts[];
  readonly clock: ClockFacts;
  /** Who answers for an address. */
  readonly claims: readonly ClaimFacts[];
  /** VRRP packets that came in on the wire, before any firewall; null: could not listen. */
  readonly heard: readonly HeardFacts[] | null;
  /** The interval in which they were heard. */
  readonly listenedMs: number;
  readonly peers: readonly PeerFacts[];
  /** Who else looks after the addresses of an interface. */
  readonly managers: readonly ManagerFacts[];
  /** Names that checks need, and that the resolver does not know, with its words. */
  readonly unresolved: readonly { readonly name: string; readonly problem: string }[];
  /** As the firmware says: `Amazon EC2`, `VMware, Inc.`; empty when it does not. */
  readonly vendor: string;
  /** Which of nft, haproxy are installed, and whether the kernel has IPVS. */
  readonly engines: Readonly<Record<"nft" | "haproxy" | "ipvs", boolean>>;
  readonly conntrack: { readonly used: number; readonly limit: number } | null;
  readonly notExamined: readonly Unseen[];
  /** Milliseconds since a time of the read model. */
  ageMs(time: string): number;
}

/** A look that was not possible, and why: what these examinations say is not all there is. */
export interface Unseen {
  readonly examinations: readonly string[];
  readonly why: string;
}

export interface LinkFacts {
  readonly name: string;
  readonly index: number;
  readonly up: boolean;
  readonly carrier: boolean;
  readonly mac: string;
  /** `macvlan`, `bridge`; empty for hardware. */
  readonly kind: string;
  /** Of a macvlan: `bridge`, `private`, ...; empty: unknown. */
  readonly mode: string;
  /** The interface below it, and the bridge, bond or VRF above it; empty: none. */
  readonly below: string;
  readonly master: string;
  readonly masterKind: string;
  readonly multicast: boolean;
  readonly addresses: readonly AddressFacts[];
  /** Of a bridge: it snoops, and nobody asks who is listening. */
  readonly snoopsUnasked: boolean;
}

export interface AddressFacts {
  readonly address: string;
  readonly prefix: number;
  readonly tentative: boolean;
  readonly duplicate: boolean;
}

export interface ServiceFacts {
  /** The program's name: `keepalived`, `firewalld`. */
  readonly name: string;
  readonly pid: number;
  /** keepalived: the VRIDs of its configuration. */
  readonly vrids: readonly number[];
}

export interface ProcessFacts {
  readonly pid: number;
  readonly uid: number;
  /** Effective capabilities, as a bit mask. */
  readonly capabilities: bigint;
  /** How far the clock has been moved since it started, milliseconds; positive: forward. */
  readonly clockMovedMs: number;
}

export interface FileFacts {
  readonly path: string;
  readonly what: "configuration" | "token" | "state";
  readonly exists: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  /** Bytes that are free where it is; null: unknown. */
  readonly free: number | null;
  /** Holds a password. */
  readonly secret: boolean;
}

export interface ClockFacts {
  /** Null: the kernel does not say. */
  readonly synchronised: boolean | null;
}

/** One address that was asked for, and the MAC addresses of other hosts that answered. */
export interface ClaimFacts {
  readonly address: string;
  readonly interface: string;
  /** `virtual`: of a virtual router; `own`: this host's; `router`: of another router that was heard. */
  readonly what: "virtual" | "own" | "router";
  readonly macs: readonly string[];
}

export interface HeardFacts {
  readonly interface: string;
  readonly family: 4 | 6;
  readonly source: string;
  readonly mac: string;
  readonly hopLimit: number;
  readonly version: number;
  readonly vrid: number;
  readonly priority: number;
  readonly intervalMs: number;
  readonly addresses: readonly string[];
  readonly multicast: boolean;
}

export interface PeerFacts {
  readonly name: string;
  /** Of a file. */
  readonly config: Config | null;
  /** Of a running daemon. */
  readonly status: Snapshot | null;
  /** What could not be read. */
  readonly problem: string | null;
  /** Its clock against this one, milliseconds; null: unknown. */
  readonly clockAheadMs: number | null;
  /** What `vipd validate` says about the two files together. */
  readonly comparison: readonly string[];
}

export interface ManagerFacts {
  readonly manager: "NetworkManager" | "systemd-networkd";
  readonly interface: string;
  /** systemd-networkd: the file that it goes by, and whether foreign addresses are kept. */
  readonly file: string;
  readonly keeps: boolean;
}

export interface RouterFacts {
  readonly name: string;
  readonly config: VirtualRouterConfig;
  readonly status: VirtualRouterStatus | null;
}

/** The virtual routers of the configuration, with what the daemon says of each. */
export function routersOf({ config, status }: Pick<Facts, "config" | "status">): RouterFacts[] {
  return Object.entries(config?.virtual_router ?? {}).map(([name, router]) => ({
    name,
    config: router,
    status: status?.virtual_routers.find((candidate) => candidate.name === name) ?? null,
  }));
}

/** The virtual addresses of a virtual router and the interface below which clients reach each. */
export function addressesOf(
  { config }: RouterFacts,
): { address: string; prefix: number; interface: string }[] {
  return [...config.addresses, ...config.excluded_addresses].map(({ address, prefix, interface: name }) => ({
    address,
    prefix,
    interface: name === undefined || name === config.virtual_mac?.interface ? config.interface : name,
  }));
}

/** A parameter of an interface as the kernel uses it: the larger one of its own and of `all`. */
export function effective({ parameters }: Facts, name: string, key: string): number | null {
  const own = parameters.get(`net/ipv4/conf/${name}/${key}`);
  const all = parameters.get(`net/ipv4/conf/all/${key}`);
  if (own === undefined && all === undefined) return null;
  return Math.max(Number(own ?? 0), Number(all ?? 0));
}
