/** `[balance]` and `[direct_routing.*]` of vipd.toml. */
import * as z from "zod";
import { wholeSeconds } from "./persistence.ts";
import { address, interfaceName, multicastAddress, name, wholeNumber } from "./values.ts";

export interface BalanceConfig {
  readonly tune_kernel: boolean;
  /** Milliseconds. */
  readonly timeouts?: { readonly tcp?: number; readonly tcpfin?: number; readonly udp?: number };
  readonly flush: boolean;
  readonly flush_on_stop: boolean;
  readonly sync?: SyncConfig;
}

/** The kernel's sync daemon: connections of the ACTIVE director become known to the other. */
export interface SyncConfig {
  readonly virtual_router: string;
  readonly interface: string;
  readonly id: number;
  readonly max_length?: number;
  readonly port?: number;
  readonly ttl?: number;
  readonly group?: string;
}

/** A real server's part: these addresses are there, and nobody's ARP request for them is answered. */
export interface DirectRoutingConfig {
  readonly addresses: readonly string[];
  readonly interface: string;
}

const timeout = wholeSeconds("1s", "744h").exactOptional();

const timeouts = z.strictObject({
  tcp: timeout.describe("An idle TCP connection is forgotten after this"),
  tcpfin: timeout.describe("A TCP connection that is being closed is forgotten after this"),
  udp: timeout.describe("What came over UDP is forgotten after this"),
});

const sync = z.strictObject({
  virtual_router: name.describe("Where it is ACTIVE the daemon sends, elsewhere it receives"),
  interface: interfaceName.exactOptional().describe("Default: the virtual router's"),
  id: wholeNumber(0, 255).exactOptional().describe(
    "The same on both directors; default: the virtual router's vrid",
  ),
  max_length: wholeNumber(1, 65507).exactOptional().describe("Longest message; default: the interface's MTU"),
  port: wholeNumber(1, 65535).exactOptional().describe("UDP port; default 8848"),
  ttl: wholeNumber(1, 255).exactOptional().describe("Default 1"),
  group: multicastAddress.exactOptional().describe("Multicast group; default 224.0.0.81"),
});

/** `[balance]` as written; `sync` still has to learn from its virtual router. */
export const balanceFields = z.strictObject({
  tune_kernel: z.boolean().default(false).describe(
    "Set ip_forward, conn_reuse_mode and expire_nodest_conn, and restore them; else what is wrong is told",
  ),
  timeouts: timeouts.exactOptional().describe("Of IPVS; default: left alone"),
  flush: z.boolean().default(false).describe("At the start, remove IPVS services that are not vipd's"),
  flush_on_stop: z.boolean().default(true).describe("On stop, remove the services; false: they go on"),
  sync: sync.exactOptional().describe("Connections survive a failover to the other director (IPVS)"),
});

export type BalanceFields = z.output<typeof balanceFields>;

export const directRouting = z.strictObject({
  addresses: z.array(address).min(1, { error: "expected at least one address" }).describe(
    "Virtual addresses that this real server answers, without prefix",
  ),
  interface: interfaceName.default("lo").describe("Interface that carries them"),
});

/** The routers that `sync` may name, as far as they matter to it. */
type Routers = Readonly<Record<string, { readonly interface: string; readonly vrid: number } | undefined>>;

/**
 * `[balance]` with what `sync` has of its virtual router, `resolve` tells which that is;
 * cross_check_balance.ts refuses one without.
 */
export function deriveBalance(
  { sync, ...rest }: BalanceFields,
  resolve: (name: string) => string,
  routers: Routers,
): BalanceConfig {
  if (sync === undefined) return rest;
  const name = resolve(sync.virtual_router);
  const router = routers[name];
  if (router === undefined) return rest;
  return { ...rest, sync: { interface: router.interface, id: router.vrid, ...sync, virtual_router: name } };
}
