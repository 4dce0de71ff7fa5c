/**
 * What keeps a virtual router from taking part: what it still waits for, and what is broken. Decides, touches
 * nothing.
 */
import type { Link } from "../../ffi/rtnetlink.ts";
import type { LinkTable } from "../kernel/links.ts";
import { equalAddresses, formatAddress } from "../wire/address.ts";
import type { Instance } from "./instance.ts";
import type { Event } from "./state.ts";

export type Conditions = Extract<Event, { type: "conditions" }>;

/** The conditions of one virtual router right now; `nowMs` ends its block after a failed address. */
export function conditionsOf(instance: Instance, links: LinkTable, nowMs: number): Conditions {
  const link = links.byName(instance.config.interface);
  const waiting = [
    ...interfaceWaits(instance, link),
    ...addressWaits(instance, links),
    ...checkWaits(instance),
    ...(instance.occupied === null || instance.isActive ? [] : [instance.occupied]),
  ];
  const broken = link === undefined ? null : linkFault(link);
  const faults = [
    ...(broken === null ? [] : [broken]),
    ...addressFaults(instance, links),
    ...instance.health.faults,
  ];
  if (instance.blocked !== null && nowMs < instance.blocked.untilMs) faults.push(instance.blocked.reason);
  // An interface that is down has no usable address: one reason is enough.
  const waits = broken === null ? waiting : [];
  return {
    type: "conditions",
    waiting: waits,
    faults,
    reachable: link !== undefined && broken === null && instance.primaryAddress !== null,
  };
}

/** The address that this virtual router's advertisements come from; null when there is none yet. */
export function findPrimaryAddress(
  { config, wire }: Instance,
  links: LinkTable,
  virtual: ReadonlySet<string>,
): Uint8Array | null {
  const { unicastSource } = wire;
  if (unicastSource !== null) {
    const there = links.allAddresses().some(({ address }) => equalAddresses(address, unicastSource));
    return there ? unicastSource : null;
  }
  return links.primaryAddress(links.indexOf(config.interface), config.family, virtual);
}

function interfaceWaits({ config, primaryAddress, wire }: Instance, link: Link | undefined): string[] {
  if (link === undefined) return [`interface ${config.interface} does not exist`];
  if (primaryAddress !== null) return [];
  if (wire.unicastSource !== null) {
    return [`unicast_source ${formatAddress(wire.unicastSource)} is not on this host`];
  }
  const kind = config.family === 4 ? "IPv4 address" : "usable IPv6 link-local address";
  return [`${config.interface} has no ${kind}`];
}

function addressWaits({ addresses, config }: Instance, links: LinkTable): string[] {
  return addresses
    .filter(({ interface: name }) => name !== config.interface && links.indexOf(name) === 0)
    .map(({ address, interface: name }) => `interface ${name} of ${formatAddress(address)} does not exist`);
}

/**
 * Clients reach the addresses over their own interface: whoever cannot serve there must not be active. That
 * of a virtual router MAC address is ours to set up, and has the carrier of what is below it.
 */
function addressFaults({ addresses, config, virtualLink }: Instance, links: LinkTable): string[] {
  const names = new Set(addresses.map((address) => address.interface));
  for (const own of [config.interface, virtualLink?.name ?? ""]) names.delete(own);
  return [...names].flatMap((name) => {
    const link = links.byName(name);
    const fault = link === undefined ? null : linkFault(link);
    return fault === null ? [] : [fault];
  });
}

/**
 * Only before it takes part does a virtual router wait for checks: one that a reload adds must not stop a
 * running router.
 */
function checkWaits({ health, state }: Instance): string[] {
  if (state.name === "backup" || state.name === "active") return [];
  return health.pending.map((check) => `check ${check} has not decided yet`);
}

function linkFault({ name, up, running, lowerUp }: Link): string | null {
  if (!up) return `${name} is down`;
  return running && lowerUp ? null : `${name} has no carrier`;
}
