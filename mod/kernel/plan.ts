/**
 * Which addresses have to be added to the kernel and which removed: desired against actual, decided without
 * touching anything.
 */
import { equalAddresses } from "../wire/address.ts";

/**
 * IFA_PROTO and RTPROT of what vipd adds: keepalived's number, so that either recognises the other's
 * leftovers.
 */
export const PROTOCOL_TAG = 18;

/** A virtual address on the interface that it belongs to. */
export interface ManagedAddress {
  readonly address: Uint8Array;
  readonly prefix: number;
  readonly interface: string;
  readonly label?: string;
  /** rtnetlink scope: 0 global, 200 site, 253 link, 254 host. */
  readonly scope: number;
  /** How long the kernel prefers it as a source address, milliseconds; undefined = as long as it lives. */
  readonly preferredMs?: number;
  /** Where it was added; 0 when its interface did not exist. */
  readonly ifindex: number;
  /** Added by us and not removed since. */
  readonly held: boolean;
}

/** An address as the kernel reports it. */
export interface ActualAddress {
  readonly address: Uint8Array;
  readonly prefix: number;
  readonly ifindex: number;
  readonly proto?: number | undefined;
  /** Seconds that it stays; undefined or Infinity for ever. */
  readonly validLft?: number;
}

/**
 * `adopt` adds what is there already, so that it becomes ours; `spare` leaves it to whoever configured it.
 */
export type Action = "add" | "adopt" | "spare" | "remove" | "none";

/**
 * What has to be done with one address so that the kernel is as `wanted`. What is there but not ours becomes
 * ours (somebody has added it by hand), unless this host owns the addresses: then they were there before and
 * have to outlive us.
 */
export function planAddress(
  managed: ManagedAddress,
  wanted: boolean,
  actual: readonly ActualAddress[],
  owner: boolean,
): Action {
  if (!wanted) return managed.held ? "remove" : "none";
  const there = actual.find((candidate) => isSame(candidate, managed));
  if (managed.held) return there === undefined ? "add" : "none";
  if (there === undefined) return "add";
  return owner && there.proto !== PROTOCOL_TAG ? "spare" : "adopt";
}

/**
 * The configured addresses that are in the kernel before the election has begun: left behind by a daemon that
 * was killed. They must go, or two hosts answer for them; whatever prefix they have, because an edit may have
 * changed it. An owner's addresses stay, but for those that carry our tag.
 */
export function planLeftovers<Actual extends ActualAddress>(
  managed: readonly ManagedAddress[],
  actual: readonly Actual[],
  owner: boolean,
): Actual[] {
  return actual.filter((there) =>
    (!owner || there.proto === PROTOCOL_TAG) &&
    managed.some(({ address, held }) => !held && equalAddresses(address, there.address))
  );
}

/**
 * The managed addresses, held where the run before has left them under a lease that still runs: it ended a
 * moment ago and was active. A lease on a configured address without any tag is ours too: before Linux 5.18
 * there are none. What another virtual router holds now (`taken`) is no leftover.
 */
export function planResumption(
  managed: readonly ManagedAddress[],
  links: { indexOf(name: string): number; addressesOf(ifindex: number): readonly ActualAddress[] },
  taken: readonly Place[] = [],
): ManagedAddress[] {
  return managed.map((address) => {
    const located = { ...address, ifindex: links.indexOf(address.interface) };
    const isLeased = links.addressesOf(located.ifindex).some((there) =>
      isSame(there, located) && (there.proto ?? PROTOCOL_TAG) === PROTOCOL_TAG &&
      (there.validLft ?? Infinity) !== Infinity
    );
    const isTaken = taken.some((other) => isSame(other, located));
    return isLeased && !isTaken ? { ...located, held: true } : address;
  });
}

/**
 * Addresses of a router that is not active, on their own interface, that nobody of us has added: they carry
 * no tag of ours. An owner's addresses belong to the host.
 */
export function planIntruders<Actual extends ActualAddress>(
  managed: readonly ManagedAddress[],
  links: { indexOf(name: string): number; addressesOf(ifindex: number): readonly Actual[] },
  owner: boolean,
): Actual[] {
  if (owner) return [];
  return managed.flatMap(({ address, interface: name }) =>
    links.addressesOf(links.indexOf(name)).filter((there) =>
      there.proto !== PROTOCOL_TAG && equalAddresses(there.address, address)
    )
  );
}

type Place = Pick<ActualAddress, "address" | "prefix" | "ifindex">;

export function isSame(a: Place, b: Place): boolean {
  return a.ifindex === b.ifindex && a.prefix === b.prefix && equalAddresses(a.address, b.address);
}
