/**
 * What the tests of the engine's pieces stand on: configurations as the schema makes them, links, addresses,
 * a virtual router.
 */
import { type Address, IFF_LOWER_UP, IFF_RUNNING, IFF_UP, type Link } from "../../ffi/rtnetlink.ts";
import { derive, routerFields, type VirtualRouterConfig } from "../../mod/config/virtual_router.ts";
import { LinkTable } from "../../mod/kernel/links.ts";
import type { TrackerState } from "../../mod/vrrp/messages.ts";
import { Instance } from "../../mod/vrrp/instance.ts";
import type { Advertisement } from "../../mod/vrrp/packet.ts";
import { parseAddress } from "../../mod/wire/address.ts";

/** Keys of a `[virtual_router.*]`, as written in TOML. */
export type Written = Readonly<Record<string, unknown>>;

/** Defaults: eth0, VRID 51, one IPv4 address. */
export function configOf(written: Written = {}): VirtualRouterConfig {
  return derive(
    routerFields.parse({ interface: "eth0", vrid: 51, addresses: ["192.0.2.100/24"], ...written }),
  );
}

export function bytes(text: string): Uint8Array {
  const parsed = parseAddress(text);
  if (parsed === null) throw new Error(`no address: ${text}`);
  return parsed;
}

/** What a peer of that virtual router says. */
export const advertisement: Advertisement = {
  version: 3,
  vrid: 51,
  priority: 100,
  maxAdvertiseInterval: 100,
  addresses: [bytes("192.0.2.100")],
  family: 4,
  checksum: "pseudo_header",
};

export const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);

export function link(index: number, name: string, change: Partial<Link> = {}): Link {
  const flags = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
  const state = { up: true, running: true, lowerUp: true, operstate: "up" } as const;
  return { index, name, flags, ...state, loopback: false, mtu: 1500, mac: MAC, type: 1, ...change };
}

export function address(ifindex: number, cidr: string, change: Partial<Address> = {}): Address {
  const [text, prefix] = cidr.split("/");
  const octets = bytes(text!);
  return {
    ifindex,
    family: octets.length === 4 ? 4 : 6,
    address: octets,
    prefix: Number(prefix),
    scope: 0,
    flags: 0,
    validLft: Infinity,
    preferredLft: Infinity,
    tentative: false,
    dadFailed: false,
    ...change,
  };
}

/** eth0 (2) with 192.0.2.1/24 and fe80::1/64, eth1 (3) with 198.51.100.1/24. */
export function links(): LinkTable {
  const table = new LinkTable();
  table.load([link(2, "eth0"), link(3, "eth1")], [
    address(2, "192.0.2.1/24"),
    address(2, "fe80::1/64"),
    address(3, "198.51.100.1/24"),
  ]);
  return table;
}

/** A virtual router with its primary address, 192.0.2.1 unless said otherwise. */
export function instanceOf(
  written: Written = {},
  { primary = "192.0.2.1", trackers = [] }: {
    readonly primary?: string | null;
    readonly trackers?: readonly TrackerState[];
  } = {},
): Instance {
  const states = new Map(trackers.map((tracker) => [tracker.check, tracker]));
  const instance = new Instance("web", configOf(written), states, { readyAtMs: 0, now: 0 });
  instance.setPrimaryAddress(primary === null ? null : bytes(primary));
  return instance;
}
