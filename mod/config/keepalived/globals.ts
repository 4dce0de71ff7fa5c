/** What global_defs and its neighbours say about all blocks, under keepalived's own defaults. */

export interface Account {
  readonly user: string;
  readonly group?: string;
}

/** Gratuitous ARP and neighbour advertisements. */
export interface Garp {
  repeat: number;
  delayMs: number;
  refreshMs: number;
  refreshRepeat: number;
}

export interface Mail {
  server?: string;
  from?: string;
  readonly to: string[];
  heloName?: string;
  timeoutMs: number;
  /** smtp_alert, smtp_alert_vrrp, smtp_alert_checker. */
  all?: boolean;
  virtualRouters?: boolean;
  realServers?: boolean;
}

export interface Fifo {
  path: string;
  command?: readonly string[];
  account?: Account;
}

export type FifoEvents = "all" | "virtual_router" | "virtual_server";

export interface Globals {
  version: 2 | 3;
  strict: boolean;
  readonly garp: Garp;
  garpIntervalMs: number;
  gnaIntervalMs: number;
  /** garp_group: by interface. */
  readonly intervalsMs: Map<string, { garp?: number; gna?: number }>;
  multicast4?: string;
  multicast6?: string;
  checksumAsV2: boolean;
  vmacPrefix: string;
  scriptAccount?: Account;
  readonly mail: Mail;
  readonly fifos: Map<FifoEvents, Fifo>;
}

export function newGlobals(): Globals {
  return {
    version: 2,
    strict: false,
    garp: { repeat: 5, delayMs: 5_000, refreshMs: 0, refreshRepeat: 1 },
    garpIntervalMs: 0,
    gnaIntervalMs: 0,
    intervalsMs: new Map(),
    checksumAsV2: false,
    vmacPrefix: "vrrp",
    mail: { to: [], timeoutMs: 30_000 },
    fifos: new Map(),
  };
}
