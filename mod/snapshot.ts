/**
 * The one read model: what is known of this node at a moment. API, CLI, page and metrics render it and
 * nothing else. Its JSON is a public contract; `vipd schema --status` prints the JSON Schema derived from the
 * zod schemas below. Times are RFC 3339 UTC strings; durations end in `_ms`.
 */
import * as z from "zod";
import { HookStatus, NotifyStatus } from "./snapshot_notify.ts";

export type { FifoStatus, HookStatus, MailStatus, NotifyStatus, WebhookStatus } from "./snapshot_notify.ts";

const time = z.iso.datetime();
const counter = z.int().nonnegative();

/** Operator-facing states of a virtual router (RFC 9568 Initialize is INIT; FAULT is ours). */
export const RouterState = z.enum(["INIT", "BACKUP", "ACTIVE", "FAULT"]);
export type RouterState = z.infer<typeof RouterState>;

/** up = passing, down = failing, unknown = not decided yet. */
export const CheckState = z.enum(["unknown", "up", "down"]);
export type CheckState = z.infer<typeof CheckState>;

/**
 * What one tracked check does to one virtual router's priority. `weight` null: failing means FAULT; with
 * `reverse` passing does, and a weight counts with the other sign.
 */
export const Contribution = z.strictObject({
  check: z.string(),
  state: CheckState,
  weight: z.int().nullable(),
  reverse: z.boolean(),
  /** The number that a check with `multiply` holds: the weight is multiplied by it. */
  factor: z.int().optional(),
  contribution: z.int(),
  reason: z.string(),
});
export type Contribution = z.infer<typeof Contribution>;

/** A router that was heard advertising this VRID. */
export const Peer = z.strictObject({
  address: z.string(),
  version: z.union([z.literal(2), z.literal(3)]),
  priority: z.int(),
  advertisement_interval_ms: z.number(),
  checksum: z.enum(["rfc3768", "pseudo_header", "rfc9568"]),
  addresses: z.array(z.string()),
  addresses_match: z.boolean(),
  last_seen: time,
  advertisements: counter,
});
export type Peer = z.infer<typeof Peer>;

/** A packet that was discarded; `reason` is also the counter's name. */
export const RejectedPacket = z.strictObject({
  at: time,
  source: z.string(),
  reason: z.string(),
  detail: z.string(),
});
export type RejectedPacket = z.infer<typeof RejectedPacket>;

/** Another host has an address of a virtual router: `mac` claimed it on `interface`. */
export const AddressConflict = z.strictObject({
  address: z.string(),
  interface: z.string(),
  mac: z.string(),
  last_seen: time,
});
export type AddressConflict = z.infer<typeof AddressConflict>;

export const VirtualAddress = z.strictObject({
  address: z.string(),
  interface: z.string(),
  advertised: z.boolean(),
  present: z.boolean(),
});
export type VirtualAddress = z.infer<typeof VirtualAddress>;

/**
 * What the operator has put in the place of the configured priority. `prefer`: it shall be ACTIVE while it is
 * healthy, and `priority` is its effective one then; `priority`: a base priority, to which the checks add.
 */
export const OverrideStatus = z.strictObject({
  by: z.enum(["prefer", "priority"]),
  priority: z.int(),
  since: time,
  until: time.nullable(),
  /** It survives a restart. */
  persisted: z.boolean(),
  /** Why it does not count now; null: it does. */
  suspended: z.string().nullable(),
});
export type OverrideStatus = z.infer<typeof OverrideStatus>;

export const VirtualRouterStatus = z.strictObject({
  name: z.string(),
  interface: z.string(),
  vrid: z.int(),
  version: z.union([z.literal(2), z.literal(3)]),
  family: z.enum(["ipv4", "ipv6"]),
  state: RouterState,
  since: time,
  reason: z.string(),
  base_priority: z.int(),
  effective_priority: z.int(),
  override: OverrideStatus.nullable(),
  contributions: z.array(Contribution),
  advertisement_interval_ms: z.number(),
  active_down_interval_ms: z.number(),
  /** From becoming ACTIVE to the second burst of announcements; 0: there is none. */
  announcement_delay_ms: z.number(),
  preempt: z.boolean(),
  preempt_delay_ms: z.number(),
  /** The sync group with which it is ACTIVE or not; null: none. */
  sync_group: z.string().nullable(),
  primary_address: z.string().nullable(),
  active_router: z.string().nullable(),
  handover: z.boolean(),
  /** How long a handover waits for somebody to take over; null: it lets go at once. */
  handover_timeout_ms: z.number().nullable(),
  /** Why it does not take over although it could: the operator has handed it over. */
  held_back: z.string().nullable(),
  addresses: z.array(VirtualAddress),
  /** The macvlan with the virtual router MAC address; null when the interface's own is used. */
  virtual_mac: z.strictObject({
    interface: z.string(),
    mac: z.string(),
    advertise_from: z.enum(["virtual", "base"]),
  }).nullable(),
  peers: z.array(Peer),
  counters: z.record(z.string(), counter),
  rejected: z.array(RejectedPacket),
  /** Hosts that have addresses of it as well. */
  conflicts: z.array(AddressConflict),
  hooks: z.array(HookStatus),
});
export type VirtualRouterStatus = z.infer<typeof VirtualRouterStatus>;

/** Virtual routers that are ACTIVE together or not at all. ACTIVE: all of them; FAULT: one of them. */
export const SyncGroupStatus = z.strictObject({
  name: z.string(),
  state: RouterState,
  since: time,
  reason: z.string(),
  members: z.array(z.string()),
  /** Of the checks that it tracks for all of them. */
  contributions: z.array(Contribution),
  hooks: z.array(HookStatus),
});
export type SyncGroupStatus = z.infer<typeof SyncGroupStatus>;

/** A router that advertises a VRID which no virtual router here has on that interface. */
export const ForeignRouter = z.strictObject({
  interface: z.string(),
  family: z.enum(["ipv4", "ipv6"]),
  vrid: z.int(),
  address: z.string(),
  last_seen: time,
  packets: counter,
});
export type ForeignRouter = z.infer<typeof ForeignRouter>;

export const CheckStatus = z.strictObject({
  name: z.string(),
  type: z.string(),
  state: CheckState,
  since: time,
  reason: z.string(),
  last_run: time.nullable(),
  duration_ms: z.number().nullable(),
  interval_ms: z.number(),
  rise: z.int(),
  fall: z.int(),
  successes: counter,
  failures: counter,
  runs: counter,
  recoveries: counter,
  recoveries_failed: counter,
  /** The last run of its recover command; null: there was none. `output` is the end of what it wrote. */
  last_recovery: z.strictObject({
    at: time,
    helped: z.boolean(),
    exit_code: z.int().nullable(),
    output: z.string(),
    problem: z.string().nullable(),
  }).nullable(),
  /** What the check wants the weight of its real server to be; absent: the configured one. */
  weight: z.int().optional(),
  /** The number that a check with `multiply` holds: weights are multiplied by it. */
  factor: z.int().optional(),
  /** Of a check made of others: whose states it follows, and how many of them must be up. */
  follows: z.strictObject({ checks: z.array(z.string()), need: z.int() }).optional(),
});
export type CheckStatus = z.infer<typeof CheckStatus>;

/** Counted by the engine since the service is there; null where it cannot tell. */
export const TrafficStatus = z.strictObject({
  connections: counter,
  packets_in: counter.nullable(),
  packets_out: counter.nullable(),
  bytes_in: counter.nullable(),
  bytes_out: counter.nullable(),
});
export type TrafficStatus = z.infer<typeof TrafficStatus>;

/** draining: no new connections, the old ones go on; drained: out of the service by the operator's will. */
export const RealServerState = z.enum(["up", "down", "draining", "drained"]);
export type RealServerState = z.infer<typeof RealServerState>;

export const RealServerStatus = z.strictObject({
  name: z.string(),
  /** `192.0.2.21:80`; port 0: that of each service. */
  address: z.string(),
  forward: z.enum(["nat", "dr", "tunnel"]),
  state: RealServerState,
  since: time,
  reason: z.string(),
  /** Whether all of its checks pass, whatever the operator does with it. */
  healthy: z.boolean(),
  checks: z.array(CheckStatus),
  /** What it has in the services now; null: it is not in them. */
  weight: z.int().nullable(),
  /** What it has when its weight has risen after its return. */
  full_weight: z.int(),
  configured_weight: z.int(),
  /** What the operator has set; null: nothing. */
  operator_weight: z.int().nullable(),
  /** A drain ends then at the latest. */
  drain_until: time.nullable(),
  /** In all services together, as are the rest; null where the engine cannot tell. */
  active_connections: counter.nullable(),
  inactive_connections: counter.nullable(),
  persistent_connections: counter.nullable(),
  traffic: TrafficStatus.nullable(),
});
export type RealServerStatus = z.infer<typeof RealServerStatus>;

export const VirtualServerStatus = z.strictObject({
  name: z.string(),
  /** One an address: `tcp 192.0.2.10:80`, `fwmark 7 ipv4`; `present`: the engine has it. */
  services: z.array(
    z.strictObject({ service: z.string(), present: z.boolean(), traffic: TrafficStatus.nullable() }),
  ),
  /** What carries it; null: nothing, and `problem` says why. */
  engine: z.enum(["ipvs", "nftables", "haproxy"]).nullable(),
  /** What keeps it from being as it should be. */
  problem: z.string().nullable(),
  /** It works, but not well: a kernel parameter is not as its engine needs it. */
  warnings: z.array(z.string()),
  scheduler: z.string(),
  virtual_router: z.string().nullable(),
  /** Its checks run; they pause while its virtual router is not ACTIVE here. */
  checking: z.boolean(),
  quorum: z.strictObject({
    up: z.boolean(),
    since: time,
    required: z.int(),
    hysteresis: z.int(),
    live_weight: z.int(),
  }),
  /** in: it serves instead of the real servers; quiesced: it only keeps the connections that it has. */
  sorry_server: z.strictObject({ address: z.string(), state: z.enum(["out", "in", "quiesced"]) }).nullable(),
  real_servers: z.array(RealServerStatus),
  /** How often somebody else had changed what is ours. */
  healed: counter,
  last_healed: z.strictObject({ at: time, what: z.string() }).nullable(),
  hooks: z.array(HookStatus),
});
export type VirtualServerStatus = z.infer<typeof VirtualServerStatus>;

/** Virtual addresses that this host answers as a real server, and keeps silent about in ARP. */
export const DirectRoutingStatus = z.strictObject({
  name: z.string(),
  interface: z.string(),
  /** `restored`: how often somebody else had taken it away. */
  addresses: z.array(z.strictObject({ address: z.string(), present: z.boolean(), restored: counter })),
  /** What keeps it from being as it should be. */
  problem: z.string().nullable(),
});
export type DirectRoutingStatus = z.infer<typeof DirectRoutingStatus>;

/** The program was replaced in place, without a failover: from which version, and how long it was silent. */
export const LastUpgrade = z.strictObject({ at: time, from: z.string(), pause_ms: z.number() });
export type LastUpgrade = z.infer<typeof LastUpgrade>;

/** The operator has taken this node out, until then or until it is ended. */
export const MaintenanceStatus = z.strictObject({
  since: time,
  until: time.nullable(),
  /** It survives a restart. */
  persisted: z.boolean(),
});
export type MaintenanceStatus = z.infer<typeof MaintenanceStatus>;

export const NodeStatus = z.strictObject({
  name: z.string(),
  version: z.string(),
  pid: z.int(),
  started: time,
  config_file: z.string(),
  config_loaded: time,
  last_reload_error: z.string().nullable(),
  /** What is ordered to outlive a restart; `problem`: why nothing in the file is in force. */
  state_file: z.strictObject({ path: z.string(), problem: z.string().nullable() }),
  maintenance: MaintenanceStatus.nullable(),
  last_upgrade: LastUpgrade.nullable(),
  last_upgrade_error: z.string().nullable(),
  realtime: z.boolean(),
  engine: z.enum(["starting", "running", "stalled", "stopped"]),
});
export type NodeStatus = z.infer<typeof NodeStatus>;

/** How late the VRRP thread has kept its deadlines since it started; buckets are cumulative. */
export const Lateness = z.strictObject({
  buckets: z.array(z.strictObject({ le_ms: z.number(), count: counter })),
  count: counter,
  sum_ms: z.number().nonnegative(),
});
export type Lateness = z.infer<typeof Lateness>;

export const Snapshot = z.strictObject({
  at: time,
  node: NodeStatus,
  lateness: Lateness,
  virtual_routers: z.array(VirtualRouterStatus),
  sync_groups: z.array(SyncGroupStatus),
  foreign_routers: z.array(ForeignRouter),
  checks: z.array(CheckStatus),
  virtual_servers: z.array(VirtualServerStatus),
  direct_routing: z.array(DirectRoutingStatus),
  notify: NotifyStatus,
});
export type Snapshot = z.infer<typeof Snapshot>;

/** A change worth telling: one line of the log, one message of `/events`. */
export const Transition = z.strictObject({
  at: time,
  kind: z.enum([
    "virtual_router",
    "sync_group",
    "override",
    "conflict",
    "check",
    "virtual_server",
    "real_server",
    "config",
    "node",
  ]),
  name: z.string(),
  from: z.string(),
  to: z.string(),
  reason: z.string(),
  priority: z.int().optional(),
});
export type Transition = z.infer<typeof Transition>;
