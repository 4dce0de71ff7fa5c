/** A running virtual router in the words of the read model. */
import { effectivePriority } from "../health/health.ts";
import type { VirtualRouterStatus } from "../snapshot.ts";
import { formatAddress, formatMac } from "../wire/address.ts";
import { virtualRouterMac } from "../wire/ethernet.ts";
import type { Group } from "./groups.ts";
import type { Heard, Instance, Rejected } from "./instance.ts";
import type { GroupReport, RouterReport, TrackerState } from "./messages.ts";
import { OWNER_PRIORITY, type State } from "./state.ts";
import { activeDownIntervalMs, intervalMs } from "./timers.ts";

const STATES = { initialize: "INIT", fault: "FAULT", backup: "BACKUP", active: "ACTIVE" } as const;

/** The operator's word for a state of the machine. */
export function stateName(name: State["name"]): VirtualRouterStatus["state"] {
  return STATES[name];
}

export function reportOf(instance: Instance): RouterReport {
  const { config, state, router, primaryAddress } = instance;
  const activeAdverInterval = state.name === "backup"
    ? state.activeAdverInterval
    : router.advertisementInterval;
  return {
    name: instance.name,
    interface: config.interface,
    vrid: config.vrid,
    version: config.version,
    family: config.family === 4 ? "ipv4" : "ipv6",
    state: stateName(state.name),
    since: time(instance.since),
    reason: reasonOf(instance),
    base_priority: config.priority,
    effective_priority: state.priority,
    override: instance.override && { ...instance.override, suspended: instance.suspended },
    contributions: [...instance.health.contributions],
    advertisement_interval_ms: intervalMs(activeAdverInterval),
    active_down_interval_ms: activeDownIntervalMs(config.version, state.priority, activeAdverInterval),
    announcement_delay_ms: config.garp.delay,
    preempt: config.preempt,
    preempt_delay_ms: config.preempt_delay,
    sync_group: instance.group?.name ?? null,
    primary_address: primaryAddress === null ? null : formatAddress(primaryAddress),
    active_router: activeRouter(instance),
    handover: state.name === "active" && state.handover !== null,
    handover_timeout_ms: config.handover.enabled ? config.handover.timeout : null,
    held_back: instance.heldBack,
    addresses: addressesOf(instance),
    virtual_mac: config.virtual_mac &&
      { ...config.virtual_mac, mac: formatMac(virtualRouterMac(config.family, config.vrid)) },
    peers: [...instance.heard.values()].map(peerOf),
    counters: { ...instance.counters },
    rejected: instance.rejected.map(rejectedOf),
    conflicts: [...instance.conflicts.values()].map(({ lastSeen, ...conflict }) => ({
      ...conflict,
      last_seen: time(lastSeen),
    })),
  };
}

export function reportOfGroup(
  { name, state, since, reason, members, track }: Group,
  trackers: ReadonlyMap<string, TrackerState>,
): GroupReport {
  return {
    name,
    state: stateName(state),
    since: time(since),
    reason,
    members: members.map((member) => member.name),
    contributions: effectivePriority(OWNER_PRIORITY, track, trackers).contributions,
  };
}

/** While it is stopped, what stands in the way now; the transition's reason may long be another one. */
function reasonOf({ state, reason }: Instance): string {
  const reasons = obstacles(state);
  return reasons.length > 0 ? reasons.join(", ") : reason;
}

/** What keeps a stopped router from going on. */
export function obstacles(state: State): readonly string[] {
  if (state.name === "fault") return state.faults;
  return state.name === "initialize" ? state.waiting : [];
}

function activeRouter({ state, primaryAddress }: Instance): string | null {
  if (state.name === "active") return primaryAddress === null ? null : formatAddress(primaryAddress);
  return state.name === "backup" && state.heard !== null ? formatAddress(state.heard.source) : null;
}

function addressesOf({ addresses, config }: Instance): VirtualRouterStatus["addresses"] {
  return addresses.map(({ address, prefix, interface: name, held }, i) => ({
    address: `${formatAddress(address)}/${prefix}`,
    interface: name,
    advertised: i < config.addresses.length,
    present: held,
  }));
}

function peerOf(heard: Heard): VirtualRouterStatus["peers"][number] {
  const { version, priority, maxAdvertiseInterval, checksum, addresses } = heard.advertisement;
  return {
    address: formatAddress(heard.source),
    version,
    priority,
    advertisement_interval_ms: intervalMs(maxAdvertiseInterval),
    checksum,
    addresses: addresses.map(formatAddress),
    addresses_match: heard.addressesMatch,
    last_seen: time(heard.lastSeen),
    advertisements: heard.count,
  };
}

function rejectedOf({ at, source, discard }: Rejected): VirtualRouterStatus["rejected"][number] {
  return { at: time(at), source: formatAddress(source), reason: discard.discard, detail: discard.detail };
}

function time(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
