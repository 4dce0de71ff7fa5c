/** What each engine can do for a virtual server, as one table: a feature, what asks for it, who can. PURE. */
import type { Path } from "./document.ts";
import type { ForwardConfig } from "./forward.ts";
import { SCHEDULERS } from "./schedulers.ts";
import type { VirtualServerConfig, VirtualServerFields } from "./virtual_server.ts";

export type EngineName = "ipvs" | "nftables" | "haproxy";

export const ENGINE_NAMES: readonly EngineName[] = ["ipvs", "nftables", "haproxy"];

/** What `engine = "auto"` chooses from. */
const AUTOMATIC: readonly EngineName[] = ["ipvs", "nftables"];

/** The scheduler of a virtual server that names none. */
export function defaultScheduler(engine: EngineName | "auto"): string {
  return engine === "nftables" ? "wrr" : "wlc";
}

type Fields = Partial<VirtualServerFields>;

interface Feature {
  /** Completes "the engine cannot ...". */
  readonly what: string;
  readonly engines: readonly EngineName[];
  /** Where a virtual server's keys ask for it; empty when they do not. */
  asks(fields: Fields): Path[];
}

/** Schedulers by engine: what it has of its own, or does in the same way. */
const SCHEDULERS_OF: Readonly<Record<EngineName, readonly string[]>> = {
  ipvs: SCHEDULERS,
  // It counts no connections.
  nftables: ["rr", "wrr", "fo", "sh", "mh", "dh"],
  haproxy: ["rr", "wrr", "lc", "wlc", "sed", "nq", "sh", "mh", "twos"],
};

function enginesWith(scheduler: string): EngineName[] {
  return ENGINE_NAMES.filter((engine) => SCHEDULERS_OF[engine].includes(scheduler));
}

export const FEATURES: readonly Feature[] = [
  ...SCHEDULERS.map((name): Feature => ({
    what: `schedule by ${name}`,
    engines: enginesWith(name),
    asks: ({ scheduler }) => scheduler === name ? [["scheduler"]] : [],
  })),
  {
    what: "take the scheduler's flags of port and fallback",
    engines: ["ipvs", "nftables"],
    asks: ({ flags = [] }) => indexes(flags, (flag) => !flag.startsWith("flag-")).map((i) => ["flags", i]),
  },
  {
    what: "take the general flags",
    engines: ["ipvs"],
    asks: ({ flags = [] }) => indexes(flags, (flag) => flag.startsWith("flag-")).map((i) => ["flags", i]),
  },
  {
    what: "carry TCP",
    engines: ENGINE_NAMES,
    asks: ({ protocol }) => protocol === "tcp" ? [["protocol"]] : [],
  },
  {
    what: "carry UDP",
    engines: ["ipvs", "nftables"],
    asks: ({ protocol }) => protocol === "udp" ? [["protocol"]] : [],
  },
  {
    what: "carry SCTP",
    engines: ["ipvs", "nftables"],
    asks: ({ protocol }) => protocol === "sctp" ? [["protocol"]] : [],
  },
  {
    what: "schedule every packet on its own",
    engines: ["ipvs"],
    asks: ({ one_packet }) => one_packet === true ? [["one_packet"]] : [],
  },
  {
    what: "match firewall marks",
    engines: ["ipvs", "nftables"],
    asks: ({ fwmark, addresses = [] }) => [
      ...fwmark === undefined ? [] : [["fwmark"]],
      ...indexes(addresses, (one) => "fwmark" in one).map((i) => ["addresses", i]),
    ],
  },
  {
    what: "serve every port of an address",
    engines: ["ipvs", "nftables"],
    asks: ({ address, addresses = [] }) => [
      ...address !== undefined && (address.port ?? 0) === 0 ? [["address"]] : [],
      ...indexes(addresses, (one) => !("fwmark" in one) && (one.port ?? 0) === 0).map((
        i,
      ) => ["addresses", i]),
    ],
  },
  {
    what: "keep a client on its real server",
    engines: ENGINE_NAMES,
    asks: ({ persistence }) => persistence === undefined ? [] : [["persistence"]],
  },
  {
    what: "keep clients of one network together",
    engines: ENGINE_NAMES,
    asks: ({ persistence_granularity: given }) => given === undefined ? [] : [["persistence_granularity"]],
  },
  {
    what: "tell clients by the SIP Call-ID",
    engines: ["ipvs"],
    asks: ({ persistence_engine: given }) => given === undefined ? [] : [["persistence_engine"]],
  },
  { what: 'forward by "nat"', engines: ENGINE_NAMES, asks: (fields) => forwarding(fields, "nat") },
  { what: 'forward by "dr"', engines: ["ipvs", "nftables"], asks: (fields) => forwarding(fields, "dr") },
  { what: 'forward by "tunnel"', engines: ["ipvs"], asks: (fields) => forwarding(fields, "tunnel") },
  {
    what: "forward to the real servers of one virtual server in different ways",
    engines: ["ipvs"],
    asks: ({ forward, real_server = [] }) => {
      const [first, ...others] = indexes(real_server, () => true);
      const method = (i: number): string => (real_server[i]?.forward ?? forward ?? { method: "nat" }).method;
      return others.filter((i) => method(i) !== method(first!)).map((i) => ["real_server", i, "forward"]);
    },
  },
  {
    what: "masquerade the clients of real servers",
    // A haproxy always does.
    engines: ["nftables", "haproxy"],
    asks: (fields) => forwarding(fields, (one) => one.method === "nat" && one.masquerade === true),
  },
  {
    what: 'forward marked packets by "dr"',
    engines: ["ipvs"],
    asks: (fields) =>
      fields.fwmark === undefined && !(fields.addresses ?? []).some((one) => "fwmark" in one)
        ? []
        : forwarding(fields, "dr"),
  },
  {
    what: "stop at a number of connections",
    engines: ["ipvs", "haproxy"],
    asks: (fields) => [
      ...(fields.upper_threshold ?? 0) === 0 ? [] : [["upper_threshold"]],
      ...indexes(fields.real_server ?? [], ({ upper_threshold }) => (upper_threshold ?? 0) !== 0)
        .map((i) => ["real_server", i, "upper_threshold"]),
    ],
  },
  {
    what: "go on below a number of connections",
    engines: ["ipvs"],
    asks: (fields) => [
      ...(fields.lower_threshold ?? 0) === 0 ? [] : [["lower_threshold"]],
      ...indexes(fields.real_server ?? [], ({ lower_threshold }) => (lower_threshold ?? 0) !== 0)
        .map((i) => ["real_server", i, "lower_threshold"]),
    ],
  },
  {
    what: "share HTTP requests",
    engines: ["haproxy"],
    asks: ({ mode }) => mode === "http" ? [["mode"]] : [],
  },
  {
    what: "take options of haproxy",
    engines: ["haproxy"],
    asks: ({ options = {} }) => Object.keys(options).map((key) => ["options", key]),
  },
];

/** What an engine cannot do of what these keys ask for, and who can. */
export function lacking(fields: Fields, engine: EngineName | "auto"): { path: Path; message: string }[] {
  const candidates = engine === "auto" ? AUTOMATIC : [engine];
  return FEATURES.filter(({ engines }) => !candidates.some((name) => engines.includes(name)))
    .flatMap(({ what, engines, asks }) => {
      const others = engines.length === 0 ? "no engine can" : `${engines.join(" and ")} can`;
      return asks(fields).map((path) => ({ path, message: `engine "${engine}" cannot ${what} (${others})` }));
    });
}

/** The same of a virtual server that is known to be right, on a host where it is this engine's. */
export function lackingHere(
  config: VirtualServerConfig,
  engine: EngineName,
): { path: Path; message: string }[] {
  const { protocol, flags, one_packet, mode, options, persistence, real_server } = config;
  const found = lacking({
    ...{ protocol, flags: [...flags], one_packet, mode, options },
    ...(config.scheduler_is_default ? {} : { scheduler: config.scheduler }),
    addresses: config.addresses.map((one) =>
      one.kind === "fwmark" ? { fwmark: one.fwmark } : { ...one, text: one.address, addresses: [one.address] }
    ),
    ...(persistence === null ? {} : { persistence: persistence.seconds * 1000 }),
    ...(persistence?.engine ? { persistence_engine: persistence.engine } : {}),
    real_server: real_server.map(({ forward, upper_threshold, lower_threshold, address }) => ({
      ...{ forward, upper_threshold, lower_threshold, address: { text: address, family: 4, address } },
    })),
  }, engine);
  // Real servers that have it of their virtual server ask for the same, each of them: the first one is told.
  return found.filter(({ message }, i) => found.findIndex((one) => one.message === message) === i);
}

function indexes<T>(array: readonly T[], accepts: (element: T) => boolean): number[] {
  const found: number[] = [];
  // Elements that are not valid are holes, which are not visited.
  array.forEach((element, i) => {
    if (accepts(element)) found.push(i);
  });
  return found;
}

function forwarding(
  { forward, real_server = [], sorry_server: sorry }: Fields,
  asked: ForwardConfig["method"] | ((forward: ForwardConfig) => boolean),
): Path[] {
  const asks = (one: ForwardConfig | undefined): boolean =>
    one !== undefined && (typeof asked === "string" ? one.method === asked : asked(one));
  return [
    ...asks(forward) ? [["forward"]] : [],
    ...indexes(real_server, (server) => asks(server.forward)).map((i) => ["real_server", i, "forward"]),
    ...sorry !== undefined && "forward" in sorry && asks(sorry.forward) ? [["sorry_server", "forward"]] : [],
  ];
}
