/** From a `[virtual_router.*]` of the configuration to the values that the protocol works with. PURE. */
import type { Vip, VirtualRouterConfig } from "../config/schema.ts";
import type { ManagedAddress } from "../kernel/plan.ts";
import type { VirtualLink } from "../kernel/virtual_links.ts";
import { isLinkLocal, parseAddress } from "../wire/address.ts";
import { virtualRouterMac } from "../wire/ethernet.ts";
import { passwordBytes } from "./auth.ts";
import { OWNER_PRIORITY, type VirtualRouter } from "./state.ts";
import { intervalCs } from "./timers.ts";

/** rtnetlink scopes, linux/rtnetlink.h. */
const SCOPES = { global: 0, site: 200, link: 253, host: 254 } as const;
/** A lease shorter than this would expire between two looks of the kernel, which checks once a second. */
const MIN_LEASE_MS = 3_000;
/**
 * Intervals that a lease lasts. When the daemon dies, at least two thirds of it are left, and a backup takes
 * over after up to four (three and the skew): the addresses must stay until then, or nobody serves in
 * between.
 */
const LEASE_INTERVALS = 6;
/** A lease is renewed so many times in its length. */
const RENEWALS = 3;

/** Bytes of an address that the configuration has already accepted. */
export function addressBytes(text: string): Uint8Array {
  const bytes = parseAddress(text);
  if (bytes === null) throw new Error(`Cannot parse an accepted address: ${text}`);
  return bytes;
}

/**
 * How long the kernel keeps the addresses of a virtual router after the last renewal; 0 = for ever.
 * Milliseconds.
 */
export function leaseMs({ lease, advertisement_interval }: VirtualRouterConfig): number {
  if (lease === "off") return 0;
  if (lease === "auto") return Math.max(MIN_LEASE_MS, LEASE_INTERVALS * advertisement_interval);
  return lease;
}

export function virtualRouterOf(config: VirtualRouterConfig, primaryAddress: Uint8Array): VirtualRouter {
  return {
    version: config.version,
    vrid: config.vrid,
    advertisementInterval: intervalCs(config.advertisement_interval),
    primaryAddress,
    unicast: (config.unicast_peers ?? []).length > 0,
    preemptMode: config.preempt,
    preemptDelayMs: config.preempt_delay,
    handover: { enabled: config.handover.enabled, timeoutMs: config.handover.timeout },
    announce: { delayMs: config.garp.delay, refreshMs: config.garp.refresh },
    renewMs: leaseMs(config) / RENEWALS,
    ...probeOf(config),
  };
}

function probeOf({ detect_conflicts, conflict_wait }: VirtualRouterConfig): Pick<VirtualRouter, "probe"> {
  if (detect_conflicts === "off") return {};
  return { probe: { waitMs: detect_conflicts === "wait" ? conflict_wait : 0 } };
}

/** Both lists of a virtual router, the advertised one first, none of them held. */
export function managedAddressesOf(config: VirtualRouterConfig): ManagedAddress[] {
  return [...config.addresses, ...config.excluded_addresses].map((vip) =>
    managedAddress(vip, config.virtual_mac?.interface ?? config.interface)
  );
}

/** The macvlan that carries the virtual router MAC address; null when the interface's own is used. */
export function virtualLinkOf(
  { virtual_mac, interface: base, family, vrid }: VirtualRouterConfig,
): VirtualLink | null {
  return virtual_mac && { name: virtual_mac.interface, base, mac: virtualRouterMac(family, vrid) };
}

function managedAddress(vip: Vip, routerInterface: string): ManagedAddress {
  return {
    address: addressBytes(vip.address),
    prefix: vip.prefix,
    interface: vip.interface ?? routerInterface,
    ...(vip.label === undefined ? {} : { label: vip.label }),
    scope: SCOPES[vip.scope ?? "global"],
    ...(vip.preferred_lifetime === undefined ? {} : { preferredMs: vip.preferred_lifetime }),
    ifindex: 0,
    held: false,
  };
}

/** What the receiver has to know of a virtual router, fixed as long as its configuration is. */
export interface Wire {
  readonly unicast: boolean;
  readonly multicastGroup: Uint8Array;
  readonly peers: readonly Uint8Array[];
  readonly unicastSource: Uint8Array | null;
  readonly password: Uint8Array | null;
  /** Where advertisements go: the group, or each peer. */
  readonly destinations: readonly Uint8Array[];
  readonly advertised: readonly Uint8Array[];
  /** Source of the frames, when it is not the interface's own MAC address. */
  readonly virtualMac: Uint8Array | null;
}

export function wireOf(config: VirtualRouterConfig): Wire {
  const peers = (config.unicast_peers ?? []).map(addressBytes);
  const multicastGroup = addressBytes(config.multicast_group);
  return {
    unicast: peers.length > 0,
    multicastGroup,
    peers,
    unicastSource: config.unicast_source === undefined ? null : addressBytes(config.unicast_source),
    password: config.password === undefined ? null : passwordBytes(config.password),
    destinations: peers.length > 0 ? peers : [multicastGroup],
    advertised: advertisedOrder(config),
    virtualMac: config.virtual_mac?.advertise_from === "virtual"
      ? virtualRouterMac(config.family, config.vrid)
      : null,
  };
}

/** Operators' order; for IPv6 a link-local address goes first (RFC 9568 §5.2.9). */
function advertisedOrder({ addresses, family }: VirtualRouterConfig): Uint8Array[] {
  const bytes = addresses.map(({ address }) => addressBytes(address));
  if (family === 4) return bytes;
  const rank = (address: Uint8Array): number => isLinkLocal(address) ? 0 : 1;
  return bytes.toSorted((a, b) => rank(a) - rank(b));
}

/**
 * Whether a running virtual router can take the new configuration over without starting anew: it stays the
 * same on the wire.
 */
export function isSameRouter(a: VirtualRouterConfig, b: VirtualRouterConfig): boolean {
  const identity = (
    { interface: name, vrid, version, family, multicast_group, unicast_source, unicast_peers, virtual_mac }:
      VirtualRouterConfig,
  ): string =>
    JSON.stringify([
      name,
      vrid,
      version,
      family,
      multicast_group,
      unicast_source ?? null,
      unicast_peers ?? [],
      virtual_mac?.interface ?? null,
    ]);
  return identity(a) === identity(b);
}

/** An owner's addresses are real ones: they may be the source of its advertisements. */
export function virtualAddresses(routers: readonly VirtualRouterConfig[]): ReadonlySet<string> {
  const owned = routers.filter(({ priority }) => priority === OWNER_PRIORITY);
  const virtual = routers.filter(({ priority }) => priority !== OWNER_PRIORITY);
  const texts = (configs: readonly VirtualRouterConfig[]): Set<string> =>
    new Set(
      configs.flatMap(({ addresses, excluded_addresses }) => [...addresses, ...excluded_addresses]).map((
        { address },
      ) => address),
    );
  return texts(virtual).difference(texts(owned));
}
