/** `[virtual_router.*]` of vipd.toml: its keys, their defaults, and what follows from the addresses. */
import * as z from "zod";
import { duration } from "./duration.ts";
import { hooks, type HooksConfig } from "./notify.ts";
import { UNSUPPORTED } from "./unsupported.ts";
import { address, familyOfText, interfaceName, multicastAddress, name, vip, wholeNumber } from "./values.ts";

/** Tracked check: without a weight its failure is the router's FAULT. */
export interface Track {
  readonly check: string;
  /** Negative: added while the check fails; positive: added while it passes. */
  readonly weight?: number;
  /** The weight counts with the other sign; without one, passing is the router's FAULT. */
  readonly reverse?: boolean;
}

const track: z.ZodType<Track, unknown> = z.union([
  name.transform((check): Track => ({ check })),
  z.strictObject({
    check: name.describe("Name of a check"),
    weight: wholeNumber(-253, 253).refine((weight) => weight !== 0, {
      error: "expected a weight other than 0: leave it out to make a failure FAULT",
    }).exactOptional().describe("Negative: added while the check fails; positive: added while it passes"),
    reverse: z.boolean().exactOptional().describe(
      "true: the weight counts with the other sign; without a weight, FAULT while the check passes",
    ),
  }),
]);

/** What a virtual router or a sync group tracks. */
export const trackList: z.ZodType<Track[], unknown> = z.array(track).prefault([]);

const garp = z.strictObject({
  repeat: wholeNumber(0, 100).default(5).describe("Announcements of each address in one burst"),
  delay: duration("0s", "1h").prefault("5s").describe('A second burst after this time; "0s": none'),
  refresh: duration("0s", "24h").prefault("60s").describe(
    'Announce again at this period while ACTIVE; "0s": never',
  ),
  interval: duration("0s", "1s").prefault("0s").describe("Pause between two announcements of a burst"),
});

const handover = z.strictObject({
  enabled: z.boolean().default(true).describe("Make before break on a planned stop or a failed check"),
  timeout: duration("50ms", "1m").prefault("1s").describe(
    "Nobody took over in this time: resign as the RFC says",
  ),
});

const virtualMac = z.union([
  z.boolean(),
  z.strictObject({
    interface: interfaceName.exactOptional().describe(
      "Name of the macvlan interface; default vrrp.VRID, for IPv6 vrrp6.VRID",
    ),
    advertise_from: z.enum(["virtual", "base"]).exactOptional().describe(
      "MAC address that advertisements come from; default virtual (RFC 9568 §7.2), with unicast_peers base",
    ),
  }),
], { error: "expected true, false or { interface, advertise_from }" });

const SOURCES = "expected an address, or one of each family";

function areOfEachFamily(addresses: readonly string[]): boolean {
  return new Set(addresses.map(familyOfText)).size === addresses.length;
}

/** Keys of a virtual router; what depends on several of them is in `derive` and in cross_check.ts. */
export const routerFields = z.strictObject({
  interface: interfaceName.describe(
    "Interface that carries the advertisements and, unless said otherwise, the addresses",
  ),
  vrid: wholeNumber(1, 255).describe("Virtual router identifier: the same on every router of the group"),
  version: z.union([z.literal(2), z.literal(3)], { error: "expected 2 (RFC 3768) or 3 (RFC 9568)" }).default(
    3,
  )
    .describe("VRRP version: 2 (RFC 3768, keepalived's default) or 3 (RFC 9568)"),
  priority: wholeNumber(1, 255).default(100).describe(
    "The highest priority is ACTIVE; 255 says that the host owns the addresses",
  ),
  advertisement_interval: duration("10ms", "255s").prefault("1s")
    .describe("Version 2: whole seconds 1s..255s; version 3: 10ms..40.95s in steps of 10ms"),
  addresses: z.array(vip).prefault([]).describe(
    'Virtual addresses: "192.0.2.10/24", or { address, interface, label, scope, preferred_lifetime }; of both families: two virtual routers in one sync group',
  ),
  excluded_addresses: z.array(vip).prefault([])
    .describe("Bound and announced like the others but not advertised: the way to mix IPv4 and IPv6"),
  preempt: z.boolean().default(true).describe("Take over from an ACTIVE router of lower priority"),
  preempt_delay: duration("0s", "1h").prefault("0s").describe(
    "Wait so long before taking over from a living router",
  ),
  accept: z.literal(true, { error: `expected true: false is ${UNSUPPORTED}` }).default(true)
    .describe(
      "Serve packets to the virtual addresses although this host does not own them (RFC 9568 Accept_Mode)",
    ),
  password: z.string().min(1, { error: "expected 1..8 bytes" }).exactOptional()
    .describe("Version 2 only: simple text password of 1..8 bytes (auth_type PASS of keepalived)"),
  unicast_source: z.union([address, z.array(address).min(1).refine(areOfEachFamily, { error: SOURCES })], {
    error: SOURCES,
  }).exactOptional().describe(
    "Source of unicast advertisements, or one of each family; default: the interface's first address",
  ),
  unicast_peers: z.array(address).min(1, { error: "expected at least one peer" }).exactOptional()
    .describe("Send to these instead of multicast; only they are heard"),
  multicast_group: multicastAddress.exactOptional().describe(
    "Multicast group; default 224.0.0.18 or ff02::12 by family",
  ),
  ttl_security: z.boolean().default(true).describe(
    "Discard multicast packets whose TTL or hop limit is not 255",
  ),
  ipv4_checksum: z.enum(["pseudo_header", "rfc9568"]).default("pseudo_header")
    .describe(
      "Version 3 over IPv4 sends this checksum; both are always accepted. keepalived and FRR send pseudo_header",
    ),
  virtual_mac: virtualMac.default(false).describe(
    "Answer for the addresses from the virtual router MAC address, on a macvlan interface of its own (RFC 9568 §7.3)",
  ),
  detect_conflicts: z.enum(["off", "report", "wait"]).default("off").describe(
    "Ask by ARP or neighbour discovery whether another host has the addresses: report = bind all the same " +
      "and tell its MAC address, wait = ask first and stay out while it answers",
  ),
  conflict_wait: duration("50ms", "10s").prefault("200ms").describe(
    'With detect_conflicts = "wait": how long an answer is waited for before a takeover',
  ),
  garp: garp.prefault({}).describe(
    "Gratuitous ARP and unsolicited neighbour advertisements after becoming ACTIVE",
  ),
  lease: z.union([z.literal(["auto", "off"]), duration("3s", "1h")], {
    error: 'expected "auto", "off" or a duration 3s..1h such as "5s"',
  }).prefault("auto").describe(
    'Kernel lifetime of the addresses, so that they go when vipd dies: "auto" (6 intervals, at least 3s), "off" or a duration',
  ),
  handover: handover.prefault({}).describe("Hitless handover"),
  track: trackList.describe(
    'Checks: "name" (failing is FAULT) or { check, weight, reverse } (failing or passing moves the priority)',
  ),
  notify: hooks.prefault({}).describe("Programs to run, and who else is told of it"),
});

/** A virtual router's keys as written, defaults applied. */
export type RouterFields = z.output<typeof routerFields>;

/** What is true of a virtual router of one family: there is one source. */
export interface OneFamily {
  readonly unicast_source?: string;
}

/**
 * 4 or 6, by the first thing that tells: an address, a unicast address, the multicast group; 4 when nothing
 * does.
 */
export function familyOfRouter(router: Partial<RouterFields>): 4 | 6 {
  const telling = first(router.addresses)?.address ?? [router.unicast_source ?? []].flat()[0] ??
    first(router.unicast_peers) ?? router.multicast_group;
  return telling === undefined ? 4 : familyOfText(telling);
}

/** Not counting holes. */
function first<T>(array: readonly T[] | undefined): T | undefined {
  return array?.find((element) => element !== undefined);
}

/** The macvlan interface with the virtual router MAC address. */
export interface VirtualMac {
  readonly interface: string;
  readonly advertise_from: "virtual" | "base";
}

/** A virtual router as the engine wants it: the family, the group and the macvlan are no longer implied. */
export type VirtualRouterConfig =
  & Omit<RouterFields, "multicast_group" | "virtual_mac" | "unicast_source" | "notify">
  & OneFamily
  & {
    readonly family: 4 | 6;
    readonly multicast_group: string;
    readonly virtual_mac: VirtualMac | null;
  };

/** A virtual router, and who is told of it: that is none of the engine's affairs. */
export type NotifyingRouterConfig = VirtualRouterConfig & { readonly notify: HooksConfig };

export function derive({ unicast_source, ...router }: RouterFields): NotifyingRouterConfig {
  const source = [unicast_source ?? []].flat()[0];
  const single = { ...router, ...(source === undefined ? {} : { unicast_source: source }) };
  const family = familyOfRouter(single);
  const multicast_group = router.multicast_group ?? defaultGroup(family);
  return { ...single, family, multicast_group, virtual_mac: virtualMacOf(single) };
}

/** Null when the addresses live on the interface itself, under its own MAC address. */
export function virtualMacOf(router: Partial<RouterFields>): VirtualMac | null {
  const { virtual_mac: written = false, vrid, unicast_peers: peers } = router;
  if (written === false) return null;
  const name = familyOfRouter(router) === 4 ? `vrrp.${vrid}` : `vrrp6.${vrid}`;
  const advertise_from = peers === undefined ? "virtual" : "base";
  return { interface: name, advertise_from, ...(written === true ? {} : written) };
}

/** RFC 9568 §5.1.1.2 and §5.1.2.2. */
export function defaultGroup(family: 4 | 6): string {
  return family === 4 ? "224.0.0.18" : "ff02::12";
}
