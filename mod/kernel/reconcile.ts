/** Makes the kernel's addresses what they should be, over netlink, and says what could not be done. */
import type { Netlink, NetlinkError, NetlinkRequest } from "../../ffi/netlink.ts";
import { type AddressChange, addressRequest, changeAddresses } from "../../ffi/rtnetlink.ts";
import { formatAddress } from "../wire/address.ts";
import type { LinkTable } from "./links.ts";
import { type Action, type ActualAddress, type ManagedAddress, planAddress, PROTOCOL_TAG } from "./plan.ts";

/** errno values that say that the wish is fulfilled already: EADDRNOTAVAIL and ENODEV when removing. */
const ALREADY_GONE = ["EADDRNOTAVAIL", "ENODEV"];

const renewals = new WeakMap<ManagedAddress, { leaseMs: number; request: NetlinkRequest }>();

export interface Wish {
  readonly wanted: boolean;
  /** Kernel lifetime of what is added, milliseconds; 0 = for ever. */
  readonly leaseMs: number;
  /** This host owns the addresses (priority 255). */
  readonly owner: boolean;
}

export interface Outcome {
  /** The same addresses, with what is held now. */
  readonly addresses: ManagedAddress[];
  /** One sentence for each that could not be added or removed. */
  readonly problems: string[];
  /** How many were added although they were held: somebody else had removed them. */
  readonly restored: number;
}

/** Adds or removes all of a virtual router's addresses, in one request to the kernel. */
export function reconcileAddresses(
  netlink: Netlink,
  links: LinkTable,
  addresses: readonly ManagedAddress[],
  { wanted, leaseMs, owner }: Wish,
): Outcome {
  const located = addresses.map((address) => address.held ? address : locate(links, address));
  const actions = located.map((address): Action =>
    address.ifindex === 0 ? "none" : planAddress(address, wanted, links.addressesOf(address.ifindex), owner)
  );
  const errors = apply(netlink, located, actions, leaseMs);
  const problems = errors.filter((error) => error !== null).map((error) => error.message);
  return {
    addresses: located.map((address, i) => after(address, actions[i]!, errors[i]!)),
    problems,
    restored:
      located.filter((address, i) => address.held && actions[i] === "add" && errors[i] === null).length,
  };
}

/** The requests that start the lifetime of the held addresses anew. */
export function renewal(addresses: readonly ManagedAddress[], leaseMs: number): NetlinkRequest[] {
  return addresses.filter(({ held }) => held).map((address) => renewalOf(address, leaseMs));
}

/** It is asked again and again, and an address that is held is never changed in place. */
function renewalOf(address: ManagedAddress, leaseMs: number): NetlinkRequest {
  const known = renewals.get(address);
  if (known?.leaseMs === leaseMs) return known.request;
  const request = { ...addressRequest(addition(address, leaseMs)), quiet: true };
  renewals.set(address, { leaseMs, request });
  return request;
}

/** Removes addresses that were found, whoever added them. */
export function removeFound(netlink: Netlink, found: readonly ActualAddress[]): string[] {
  const errors = changeAddresses(netlink, found.map(removal)).filter((error) => error !== null);
  return errors.filter(({ code }) => !ALREADY_GONE.includes(code)).map(({ message }) => message);
}

function locate(links: LinkTable, address: ManagedAddress): ManagedAddress {
  return { ...address, ifindex: links.indexOf(address.interface) };
}

/** One answer per address, null where nothing was done or all went well. */
function apply(
  netlink: Netlink,
  addresses: readonly ManagedAddress[],
  actions: readonly Action[],
  leaseMs: number,
): (NetlinkError | null)[] {
  const answers = addresses.map((): NetlinkError | null => null);
  const changes: AddressChange[] = [];
  const places: number[] = [];
  for (const [i, address] of addresses.entries()) {
    const action = actions[i]!;
    if (action === "none" || action === "spare") continue;
    places.push(i);
    changes.push(action === "remove" ? removal(address) : addition(address, leaseMs));
  }
  if (changes.length === 0) return answers;
  for (const [i, error] of changeAddresses(netlink, changes).entries()) {
    const gone = changes[i]!.action === "remove" && error !== null && ALREADY_GONE.includes(error.code);
    answers[places[i]!] = gone ? null : error;
  }
  return answers;
}

function after(address: ManagedAddress, action: Action, error: NetlinkError | null): ManagedAddress {
  if (error !== null || action === "none" || action === "spare") return address;
  return { ...address, held: action !== "remove" };
}

function removal(
  { ifindex, address, prefix }: Pick<ManagedAddress, "ifindex" | "address" | "prefix">,
): AddressChange {
  return { action: "remove", ifindex, address, prefix };
}

/**
 * Replacing, so that an address that appeared since the last look does not fail the promotion but becomes
 * ours.
 */
function addition(managed: ManagedAddress, leaseMs: number): AddressChange {
  const { ifindex, address, prefix, label, scope } = managed;
  const validLft = leaseMs === 0 ? undefined : Math.ceil(leaseMs / 1000);
  const preferredLft = preferredSeconds(managed, validLft);
  return {
    action: "replace",
    ifindex,
    address,
    prefix,
    scope,
    ...(label === undefined ? {} : { label }),
    ...(validLft === undefined ? {} : { validLft }),
    ...(preferredLft === undefined ? {} : { preferredLft }),
    noDad: address.length === 16,
    proto: PROTOCOL_TAG,
  };
}

/**
 * A lone IPv6 address is deprecated from the start, so that it is not chosen as the source of this host's own
 * connections.
 */
function preferredSeconds(
  { address, prefix, preferredMs }: ManagedAddress,
  validLft: number | undefined,
): number | undefined {
  if (preferredMs === undefined) return address.length === 16 && prefix === 128 ? 0 : validLft;
  const seconds = Math.ceil(preferredMs / 1000);
  return validLft === undefined ? seconds : Math.min(seconds, validLft);
}

/** `192.0.2.1/24 on eth0`, for logs. */
export function nameAddress(
  { address, prefix, interface: name }: Pick<ManagedAddress, "address" | "prefix" | "interface">,
): string {
  return `${formatAddress(address)}/${prefix} on ${name}`;
}
