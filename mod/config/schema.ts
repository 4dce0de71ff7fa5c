/**
 * The schema of vipd.toml: every key, its default and its meaning; validation, JSON Schema and docs derive
 * from it.
 */
import * as z from "zod";
import {
  type BalanceConfig,
  balanceFields,
  deriveBalance,
  directRouting,
  type DirectRoutingConfig,
} from "./balance.ts";
import { type CheckConfig, checkSchema, type CheckType } from "./check.ts";
import { duration } from "./duration.ts";
import { deriveParts, spokesman } from "./dual_stack.ts";
import { haproxy, type HaproxyConfig } from "./haproxy.ts";
import { type MailConfig, mailFields, type NotifyConfig, notifyFields } from "./notify.ts";
import { type SyncGroupConfig, syncGroupFields, withGroupTracks } from "./sync_group.ts";
import { type Listen, listen, name } from "./values.ts";
import { type NotifyingRouterConfig, routerFields } from "./virtual_router.ts";
import { deriveVirtualServer, type VirtualServerConfig, virtualServerFields } from "./virtual_server.ts";

export type { CheckConfig, CheckType } from "./check.ts";
export type { SyncGroupConfig } from "./sync_group.ts";
export type { Listen, Vip } from "./values.ts";
export type { Track, VirtualRouterConfig } from "./virtual_router.ts";

/**
 * What vipd.toml means: `z.output` of the schema, under the file's own snake_case keys, defaults applied.
 * Every duration is a number of milliseconds; every address is canonical text (RFC 5952).
 */
export interface Config {
  readonly node: NodeConfig;
  readonly api: ApiConfig;
  readonly log: LogConfig;
  readonly notify: NotifyConfig;
  /** Without it nobody gets mail. */
  readonly mail?: MailConfig;
  readonly virtual_router: Readonly<Record<string, NotifyingRouterConfig>>;
  readonly sync_group: Readonly<Record<string, SyncGroupConfig>>;
  readonly check: Readonly<Record<string, CheckConfig>>;
  readonly balance: BalanceConfig;
  readonly haproxy: HaproxyConfig;
  readonly virtual_server: Readonly<Record<string, VirtualServerConfig>>;
  readonly direct_routing: Readonly<Record<string, DirectRoutingConfig>>;
}

export interface NodeConfig {
  readonly name: string;
  /** Milliseconds. */
  readonly startup_delay: number;
  readonly realtime: boolean;
  readonly state_file: string;
}

export interface ApiConfig {
  readonly listen: readonly Listen[];
  readonly token_file?: string;
  readonly exporter_names: boolean;
}

export interface LogConfig {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly format: "auto" | "text" | "json";
}

const node = z.strictObject({
  name: z.string().min(1, { error: "expected a name" }).exactOptional().describe(
    "Name of this host in status and logs; default: the host name",
  ),
  startup_delay: duration("0s", "1h").prefault("0s").describe(
    "After the start, wait so long before taking part",
  ),
  realtime: z.boolean().default(true).describe(
    "Real-time scheduling of the VRRP thread and locked memory, where permitted",
  ),
  state_file: z.string().startsWith("/", { error: "expected an absolute path" }).default(
    "/var/lib/vipd/state.json",
  ).describe("What operators order with --persist: it survives a restart"),
});

/** `[api]` alone: cross_check.ts looks at it even when other tables are wrong. */
export const apiFields = z.strictObject({
  listen: z.array(listen).prefault(["127.0.0.1:8112", "unix:/run/vipd/vipd.sock"])
    .describe('Where the API listens: "address:port" or "unix:/path"'),
  token_file: z.string().startsWith("/", { error: "expected an absolute path" }).exactOptional()
    .describe("File with the bearer token: needed beyond loopback, and for every POST over TCP"),
  exporter_names: z.boolean().default(false).describe("Also expose the metric names of keepalived-exporter"),
});

const log = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]).default("info").describe(
    "Least severe message that is logged",
  ),
  format: z.enum(["auto", "text", "json"]).default("auto").describe(
    "auto: text on a terminal, JSON lines otherwise",
  ),
});

/** The whole document, for these check types; `hostName` is the default of `node.name`. */
export function configSchema(
  checkTypes: readonly CheckType[],
  hostName: string,
  serverFields = virtualServerFields(checkTypes),
): z.ZodType<Config> {
  return z.strictObject({
    include: z.array(z.string()).prefault([])
      .describe("Further files, relative to this one: paths or globs, in the order of their names"),
    node: node.prefault({}).describe("This host"),
    api: apiFields.prefault({}).describe("The status API"),
    log: log.prefault({}).describe("Logging, to standard error"),
    notify: notifyFields.prefault({}).describe("Who is told of what happens, and how"),
    mail: mailFields.exactOptional().describe("Mail of what happens; without this table there is none"),
    virtual_router: z.record(name, routerFields).prefault({})
      .describe("Virtual routers by name: each keeps its addresses on one healthy host"),
    sync_group: z.record(name, syncGroupFields).prefault({})
      .describe("Sync groups by name: their virtual routers are ACTIVE together or not at all"),
    check: z.record(name, checkSchema(checkTypes)).prefault({})
      .describe("Health checks by name; a virtual router tracks them"),
    balance: balanceFields.prefault({}).describe("What all virtual servers share"),
    haproxy: haproxy.prefault({}).describe("The haproxy of virtual servers whose engine it is"),
    virtual_server: z.record(name, serverFields.transform(deriveVirtualServer)).prefault(
      {},
    )
      .describe("Virtual servers by name: each shares its connections among healthy real servers"),
    direct_routing: z.record(name, directRouting).prefault({})
      .describe(
        'On a real server of forward = "dr": the virtual addresses, held so that nobody asks for them',
      ),
  }).transform(({ include: _, node, balance, virtual_server, ...rest }) => {
    const derived = deriveParts(rest);
    return {
      ...rest,
      sync_group: derived.sync_group,
      virtual_router: withGroupTracks(derived.virtual_router, derived.sync_group),
      virtual_server: mapValues(
        virtual_server,
        (server) =>
          server.virtual_router === undefined
            ? server
            : { ...server, virtual_router: spokesman(server.virtual_router, derived) },
      ),
      balance: deriveBalance(balance, (name) => spokesman(name, derived), derived.virtual_router),
      node: { ...node, name: node.name ?? hostName },
    };
  });
}

function mapValues<T>(table: Readonly<Record<string, T>>, map: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, map(value)]));
}
