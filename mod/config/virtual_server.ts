/** `[virtual_server.*]` of vipd.toml: its keys, their defaults, and what a real server has of them. */
import * as z from "zod";
import {
  type CheckType,
  type RealServerCheck,
  type RealServerCheckConfig,
  realServerCheckSchema,
} from "./check.ts";
import { duration } from "./duration.ts";
import { endpoint, type Span, span } from "./endpoint.ts";
import { defaultScheduler } from "./engine_features.ts";
import { forward, type ForwardConfig } from "./forward.ts";
import { type HaproxyOptions, haproxyOptions } from "./haproxy.ts";
import { type HookLimits, hookLimits } from "./notify.ts";
import { netmask, wholeSeconds } from "./persistence.ts";
import { FLAGS, SCHEDULERS } from "./schedulers.ts";
import { didYouMean } from "./suggest.ts";
import { name, wholeNumber } from "./values.ts";

export type { RealServerCheckConfig } from "./check.ts";
export type { ForwardConfig } from "./forward.ts";

/** One address and port, or a firewall mark; spans are counted out already. */
export type VirtualAddressConfig =
  | { readonly kind: "address"; readonly family: 4 | 6; readonly address: string; readonly port: number }
  | { readonly kind: "fwmark"; readonly family: 4 | 6; readonly fwmark: number };

export interface RealServerConfig {
  readonly name: string;
  /** Canonical text (RFC 5952). */
  readonly address: string;
  /** 0: that of the virtual server's address, whichever it is; a mark has none. */
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

/** Programs and their arguments; times in milliseconds. */
export interface BalanceNotifyConfig extends HookLimits {
  readonly quorum_up?: readonly string[];
  readonly quorum_down?: readonly string[];
  readonly up?: readonly string[];
  readonly down?: readonly string[];
}

export interface VirtualServerConfig {
  /** At least one; several are a group with one set of checks. */
  readonly addresses: readonly VirtualAddressConfig[];
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly engine: "auto" | "ipvs" | "nftables" | "haproxy";
  readonly mode: "tcp" | "http";
  readonly virtual_router?: string;
  readonly scheduler: string;
  /** Nobody asked for it: an engine that `auto` ends at takes its own default (`defaultScheduler`). */
  readonly scheduler_is_default: boolean;
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
  readonly options: HaproxyOptions;
  readonly notify: BalanceNotifyConfig;
  readonly real_server: readonly RealServerConfig[];
}

const WEIGHT_MAX = 65535;
const THRESHOLD_MAX = 4294967295;

const family = z.enum(["ipv4", "ipv6"]).exactOptional()
  .describe("Family of the packets with the mark; default: that of the first real server");
const fwmark = wholeNumber(1, 4294967295);

const member = z.union([span, z.strictObject({ fwmark: fwmark.describe("Firewall mark"), family })]);

const scheduler = z.string({ error: `expected a scheduler: ${SCHEDULERS.join(", ")}` })
  .refine((word) => SCHEDULERS.includes(word), {
    error: ({ input }) => {
      const near = didYouMean(String(input), SCHEDULERS) || `, expected one of ${SCHEDULERS.join(", ")}`;
      return `unknown scheduler ${JSON.stringify(input)}${near}`;
    },
  }).meta({ enum: SCHEDULERS });

const flag = z.string({ error: `expected a flag: ${FLAGS.join(", ")}` })
  .refine((word) => FLAGS.includes(word), {
    error: ({ input }) =>
      `unknown flag ${JSON.stringify(input)}${
        didYouMean(String(input), FLAGS) || `, expected one of ${FLAGS.join(", ")}`
      }`,
  }).meta({ enum: FLAGS });

const onFailure = z.enum(["remove", "quiesce"]);
const initial = z.enum(["up", "down"]);
const program = z.array(z.string()).min(1, { error: "expected a program and its arguments" }).exactOptional();

const notify = z.strictObject({
  quorum_up: program.describe("Program and arguments, run when the quorum is reached"),
  quorum_down: program.describe("Program and arguments, run when the quorum is lost"),
  up: program.describe("Program and arguments, run when a real server comes up"),
  down: program.describe("Program and arguments, run when a real server goes down"),
  ...hookLimits,
});

const sorryTable = z.strictObject({
  address: endpoint.describe("Its address and port; without a port that of the virtual server"),
  forward: forward.exactOptional().describe("Default: as the virtual server's"),
  on_failure: onFailure.default("remove").describe(
    "When the real servers are back: remove it, or keep it with weight 0",
  ),
});

type CheckList = z.ZodType<RealServerCheck[], unknown>;

/** `check` of a virtual server and of a real server: one table, or several that must all pass. */
function checks(checkTypes: readonly CheckType[]): CheckList {
  const one = realServerCheckSchema(checkTypes).meta({ id: "real_server_check" });
  return z.union([one.transform((check) => [check]), z.array(one)]);
}

/** A real server's own keys, besides its checks. */
const realServerFields = {
  name: name.exactOptional().describe("How API, metrics and log call it; default: its address as written"),
  address: endpoint.describe(
    'Its address and port: "192.0.2.21:80", "[2001:db8::21]:80"; without a port that of the virtual server',
  ),
  weight: wholeNumber(0, WEIGHT_MAX).exactOptional().describe(
    "Its share of the connections; 0: no new ones; default: the virtual server's",
  ),
  forward: forward.exactOptional().describe("Default: the virtual server's"),
  upper_threshold: wholeNumber(0, THRESHOLD_MAX).exactOptional().describe("Default: the virtual server's"),
  lower_threshold: wholeNumber(0, THRESHOLD_MAX).exactOptional().describe("Default: the virtual server's"),
  on_failure: onFailure.exactOptional().describe("Default: the virtual server's"),
  initial: initial.exactOptional().describe("Default: the virtual server's"),
  slow_start: duration("0s", "24h").exactOptional().describe("Default: the virtual server's"),
};

/** Addresses and how they are told apart. */
const addressFields = {
  address: endpoint.exactOptional().describe(
    'Address and port: "192.0.2.10:80", "[2001:db8::10]:80"; no port means every port, which needs persistence',
  ),
  addresses: z.array(member).min(1).exactOptional().describe(
    'Several with one set of checks: addresses, ranges "192.0.2.20-29:80", prefixes "192.0.2.64/28:80", { fwmark = 7 }',
  ),
  fwmark: fwmark.exactOptional().describe("In place of an address: the mark that a firewall rule set"),
  family,
  protocol: z.enum(["tcp", "udp", "sctp"]).default("tcp").describe("Protocol of the address; a mark has any"),
};

/** Who carries the traffic and how it is shared. */
const trafficFields = {
  engine: z.enum(["auto", "ipvs", "nftables", "haproxy"]).default("auto").describe(
    "What carries the traffic; auto: ipvs where the kernel has it, else nftables",
  ),
  mode: z.enum(["tcp", "http"]).default("tcp").describe(
    "http: requests are shared, not connections (haproxy)",
  ),
  options: haproxyOptions.prefault({}).describe("What only haproxy can do"),
  virtual_router: name.exactOptional().describe(
    "Check and run programs only while this virtual router is ACTIVE here; default: always",
  ),
  scheduler: scheduler.exactOptional().describe("How connections are shared; default wlc, with nftables wrr"),
  flags: z.array(flag).prefault([]).describe(
    "Of the scheduler: sh-port and sh-fallback, mh-port and mh-fallback",
  ),
  one_packet: z.boolean().default(false).describe("Every packet is scheduled on its own (UDP)"),
  forward: forward.prefault("nat").describe(
    'How packets reach real servers: "nat", "dr", "tunnel" or { method = "tunnel", type = "gue", port = 6080 }',
  ),
  persistence: wholeSeconds("1s", "744h").exactOptional().describe(
    "A client stays with its real server until so long after its last connection; default: off",
  ),
  persistence_granularity: netmask.exactOptional().describe(
    'Clients of one network stay together: prefix length or netmask ("255.255.255.0"); default: each alone',
  ),
  persistence_engine: z.literal("sip").exactOptional().describe("Persistence by the SIP Call-ID (UDP)"),
};

/** What becomes of real servers that fail, return or leave. */
const healthFields = {
  quorum: wholeNumber(0, 4294967295).default(1).describe(
    "Weight that the healthy real servers need together",
  ),
  hysteresis: wholeNumber(0, 4294967295).default(0).describe(
    "The quorum is lost only at less than quorum - hysteresis, reached again at quorum + hysteresis",
  ),
  on_failure: onFailure.default("remove").describe(
    "A failing real server is removed, or keeps its connections with weight 0 (quiesce)",
  ),
  initial: initial.default("up").describe(
    "Real servers before their first check: in use (up), or only after it passed (down)",
  ),
  omega: z.boolean().default(false).describe("When vipd stops, run the programs of down and quorum_down"),
  weight: wholeNumber(0, WEIGHT_MAX).default(1).describe("Of its real servers"),
  upper_threshold: wholeNumber(0, THRESHOLD_MAX).default(0).describe(
    "Connections at which a real server gets no more; 0: no limit",
  ),
  lower_threshold: wholeNumber(0, THRESHOLD_MAX).default(0).describe(
    "Connections below which it gets more again; 0: three quarters of upper_threshold",
  ),
  slow_start: duration("0s", "24h").prefault("0s").describe(
    "The weight of a returning real server rises over this time",
  ),
  drain_timeout: duration("0s", "24h").prefault("0s").describe(
    'A drained real server is removed after this at the latest; "0s": only when it has no connection',
  ),
};

/** What takes over while there is no quorum, and who is told. */
const quorumFields = {
  sorry_server: z.union([
    endpoint.transform((address) => ({ address, on_failure: "remove" as const })),
    sorryTable,
  ]).exactOptional().describe(
    'Takes the connections while there is no quorum: "127.0.0.1:8080" or { address, forward, on_failure }',
  ),
  notify: notify.prefault({}).describe("Programs to run"),
};

type RealServerShape = typeof realServerFields & { check: z.ZodExactOptional<CheckList> };

type VirtualServerShape =
  & typeof addressFields
  & typeof trafficFields
  & typeof healthFields
  & typeof quorumFields
  & {
    check: z.ZodPrefault<CheckList>;
    real_server: z.ZodArray<z.ZodObject<RealServerShape, z.core.$strict>>;
  };

/** Keys of a virtual server; what depends on several of them is below and in cross_check_balance.ts. */
export function virtualServerFields(
  checkTypes: readonly CheckType[],
): z.ZodObject<VirtualServerShape, z.core.$strict> {
  const check = checks(checkTypes);
  const realServer = z.strictObject({
    ...realServerFields,
    check: check.exactOptional().describe("In place of the virtual server's checks"),
  });
  return z.strictObject({
    ...addressFields,
    ...trafficFields,
    ...healthFields,
    ...quorumFields,
    check: check.prefault([]).describe("One or several checks of every real server; all must pass"),
    real_server: z.array(realServer, { error: "expected tables [[virtual_server.NAME.real_server]]" }).min(
      1,
      { error: "expected at least one real server" },
    )
      .describe("The real servers"),
  });
}

/** A virtual server's keys as written, defaults applied. */
export type VirtualServerFields = z.output<ReturnType<typeof virtualServerFields>>;
export type RealServerFields = VirtualServerFields["real_server"][number];

const FAMILIES = { ipv4: 4, ipv6: 6 } as const;

/** One of the operator's addresses, and where it stands in the table. */
export interface PlacedAddress {
  readonly path: readonly (string | number)[];
  readonly address: VirtualAddressConfig;
}

/** All addresses and marks, spans counted out. */
export function addressesOf(fields: Partial<VirtualServerFields>): PlacedAddress[] {
  const { address, addresses, fwmark, real_server } = fields;
  const familyOfServers = real_server?.find((server) => server !== undefined)?.address.family ?? 4;
  const mark = (fwmark: number, family = fields.family): VirtualAddressConfig => ({
    ...{ kind: "fwmark", fwmark },
    family: family === undefined ? familyOfServers : FAMILIES[family],
  });
  const single = address === undefined ? [] : [{ ...address, addresses: [address.address] }];
  const placed = (
    path: PlacedAddress["path"],
    { addresses, family, port = 0 }: Omit<Span, "text">,
  ): PlacedAddress[] =>
    addresses.map((address): PlacedAddress => ({
      path,
      address: { kind: "address", family, address, port },
    }));
  return [
    ...single.flatMap((one) => placed(["address"], one)),
    ...(addresses ?? []).flatMap((one, i) =>
      "fwmark" in one
        ? [{ path: ["addresses", i], address: mark(one.fwmark, one.family) }]
        : placed(["addresses", i], one)
    ),
    ...(fwmark === undefined ? [] : [{ path: ["fwmark"], address: mark(fwmark) }]),
  ];
}

/** The port that addresses have in common; 0 when they differ, have none or are marks. */
export function portOf(addresses: readonly PlacedAddress[]): number {
  const ports = new Set(addresses.map(({ address }) => address.kind === "address" ? address.port : 0));
  return ports.size === 1 ? [...ports][0]! : 0;
}

/** A real server with all that it has of its virtual server. */
function deriveRealServer(
  server: RealServerFields,
  fields: Pick<VirtualServerFields, keyof typeof healthFields | "forward" | "check">,
  port: number,
): RealServerConfig {
  const { check = fields.check, initial = fields.initial } = server;
  return {
    name: server.name ?? server.address.text,
    address: server.address.address,
    port: server.address.port ?? port,
    weight: server.weight ?? fields.weight,
    forward: server.forward ?? fields.forward,
    upper_threshold: server.upper_threshold ?? fields.upper_threshold,
    lower_threshold: server.lower_threshold ?? fields.lower_threshold,
    on_failure: server.on_failure ?? fields.on_failure,
    initial,
    slow_start: server.slow_start ?? fields.slow_start,
    check: check.map((one) => one(initial)),
  };
}

export function deriveVirtualServer(fields: VirtualServerFields): VirtualServerConfig {
  const addresses = addressesOf(fields);
  const port = portOf(addresses);
  const { protocol, engine, mode, options, virtual_router, scheduler, flags, one_packet } = fields;
  const { quorum, hysteresis, omega, drain_timeout, notify, sorry_server: sorry } = fields;
  return {
    addresses: addresses.map(({ address }) => address),
    ...{ protocol, engine, mode, options, flags, one_packet },
    ...(virtual_router === undefined ? {} : { virtual_router }),
    scheduler: scheduler ?? defaultScheduler(engine),
    scheduler_is_default: scheduler === undefined,
    persistence: persistenceOf(fields, addresses),
    ...{ quorum, hysteresis, omega, drain_timeout, notify },
    ...(sorry === undefined ? {} : { sorry_server: deriveSorryServer(sorry, fields.forward, port) }),
    real_server: fields.real_server.map((server) => deriveRealServer(server, fields, port)),
  };
}

type SorryFields = NonNullable<VirtualServerFields["sorry_server"]>;

function deriveSorryServer(sorry: SorryFields, forward: ForwardConfig, port: number): SorryServerConfig {
  const { address, on_failure } = sorry;
  const own = "forward" in sorry ? sorry.forward : undefined;
  return { address: address.address, port: address.port ?? port, forward: own ?? forward, on_failure };
}

function persistenceOf(
  { persistence, persistence_granularity, persistence_engine }: VirtualServerFields,
  addresses: readonly PlacedAddress[],
): VirtualServerConfig["persistence"] {
  if (persistence === undefined) return null;
  const whole = addresses.some(({ address }) => address.family === 6) ? 128 : 32;
  const prefix = persistence_granularity?.prefix ?? whole;
  return { seconds: persistence / 1000, prefix, engine: persistence_engine ?? null };
}
