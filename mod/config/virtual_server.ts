/** `[virtual_server.*]`, `[balance]`, `[direct_routing.*]` of vipd.toml: what they mean, defaults applied. */
import type { CheckConfig } from "./check.ts";
import type { HaproxyOptions } from "./haproxy.ts";

/** How packets reach a real server. */
export type ForwardConfig =
  | { readonly method: "nat" }
  | { readonly method: "dr" }
  | {
    readonly method: "tunnel";
    readonly type: "ipip" | "gue" | "gre";
    readonly port: number;
    readonly checksum: "none" | "checksum" | "remote";
  };

/** One address and port, a span of addresses, or a firewall mark; spans are counted out already. */
export type VirtualAddressConfig =
  | { readonly kind: "address"; readonly family: 4 | 6; readonly address: string; readonly port: number }
  | { readonly kind: "fwmark"; readonly family: 4 | 6; readonly fwmark: number };

/** A check of a real server; `attempts` are made only while the server is up: otherwise one look decides. */
export interface RealServerCheckConfig extends CheckConfig {
  /** The first look is made after a random part of this; milliseconds. */
  readonly warmup: number;
}

export interface RealServerConfig {
  readonly name: string;
  /** Canonical text (RFC 5952). */
  readonly address: string;
  /** 0 where the virtual server has every port or a mark alone. */
  readonly port: number;
  readonly weight: number;
  readonly forward: ForwardConfig;
  readonly upper_threshold: number;
  readonly lower_threshold: number;
  readonly on_failure: "remove" | "quiesce";
  /** Before the first look; down is keepalived's alpha. */
  readonly initial: "up" | "down";
  /** Milliseconds over which the weight of a returning server rises. */
  readonly slow_start: number;
  readonly check: readonly RealServerCheckConfig[];
}

export interface SorryServerConfig {
  readonly address: string;
  readonly port: number;
  readonly forward: ForwardConfig;
  readonly on_failure: "remove" | "quiesce";
}

export interface BalanceNotifyConfig {
  readonly quorum_up?: readonly string[];
  readonly quorum_down?: readonly string[];
  readonly up?: readonly string[];
  readonly down?: readonly string[];
  readonly timeout: number;
  readonly user?: string;
}

export interface VirtualServerConfig {
  /** At least one; several are a group with one set of checks. */
  readonly addresses: readonly VirtualAddressConfig[];
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly engine: "auto" | "ipvs" | "nftables" | "haproxy";
  readonly mode: "tcp" | "http";
  readonly virtual_router?: string;
  readonly scheduler: string;
  readonly flags: readonly string[];
  readonly one_packet: boolean;
  readonly persistence:
    | { readonly seconds: number; readonly prefix: number; readonly engine: "sip" | null }
    | null;
  readonly quorum: number;
  readonly hysteresis: number;
  readonly omega: boolean;
  readonly sorry_server?: SorryServerConfig;
  /** Milliseconds; 0: a drained server goes only at zero connections. */
  readonly drain_timeout: number;
  /** Of the engine haproxy alone. */
  readonly options: HaproxyOptions;
  readonly notify: BalanceNotifyConfig;
  readonly real_server: readonly RealServerConfig[];
}

export interface BalanceConfig {
  readonly tune_kernel: boolean;
  /** Milliseconds. */
  readonly timeouts?: { readonly tcp?: number; readonly tcpfin?: number; readonly udp?: number };
  readonly flush: boolean;
  readonly flush_on_stop: boolean;
  readonly sync?: {
    readonly virtual_router: string;
    readonly interface: string;
    readonly id: number;
    readonly max_length?: number;
    readonly port?: number;
    readonly ttl?: number;
    readonly group?: string;
  };
  readonly state_file: string;
}

export interface DirectRoutingConfig {
  readonly addresses: readonly string[];
  readonly interface: string;
}
