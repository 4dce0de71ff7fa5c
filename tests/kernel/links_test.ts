/**
 * The table of interfaces as notifications come in: renames, moves, removals, and which address may be a
 * source.
 */
import { assertEquals } from "@std/assert";
import { IFA_F_DADFAILED, IFA_F_TENTATIVE, type Notification } from "../../ffi/rtnetlink.ts";
import { LinkTable } from "../../mod/kernel/links.ts";
import { address, bytes, link, links } from "../vrrp/fixture.ts";

const NONE = new Set<string>();

function news(
  notification: { type: string; link?: unknown; address?: unknown; route?: unknown },
): Notification {
  return { ...notification, portId: 0 } as Notification;
}

Deno.test("LinkTable: what was loaded is found by name and index", () => {
  const table = links();
  assertEquals(table.indexOf("eth1"), 3);
  assertEquals(table.indexOf("eth7"), 0);
  assertEquals(table.byName("eth0")?.index, 2);
  assertEquals(table.byName("eth7"), undefined);
  assertEquals(table.nameOf(3), "eth1");
  assertEquals(table.nameOf(7), "ifindex 7");
  assertEquals(table.addressesOf(2).length, 2);
  assertEquals(table.addressesOf(7), []);
  assertEquals(table.allAddresses().length, 3);
});

Deno.test("LinkTable: a new dump replaces everything", () => {
  const table = links();
  table.load([link(5, "eth0")], []);
  assertEquals([table.indexOf("eth0"), table.indexOf("eth1")], [5, 0]);
  assertEquals(table.allAddresses(), []);
});

Deno.test("LinkTable: a link changes, is renamed, goes with its addresses, and comes back under another index", () => {
  const table = links();
  assertEquals(table.apply(news({ type: "link", link: link(2, "eth0", { up: false }) })), true);
  assertEquals(table.byName("eth0")?.up, false);
  table.apply(news({ type: "link", link: link(2, "lan0") }));
  assertEquals([table.indexOf("eth0"), table.indexOf("lan0"), table.nameOf(2)], [0, 2, "lan0"]);
  table.apply(news({ type: "link_removed", link: link(2, "lan0") }));
  assertEquals([table.indexOf("lan0"), table.addressesOf(2).length], [0, 0]);
  table.apply(news({ type: "link", link: link(9, "lan0") }));
  assertEquals(table.indexOf("lan0"), 9);
});

Deno.test("LinkTable: the old index of a name that was taken over does not take the name along", () => {
  const table = links();
  table.apply(news({ type: "link", link: link(9, "eth0") }));
  table.apply(news({ type: "link_removed", link: link(2, "eth0") }));
  assertEquals(table.indexOf("eth0"), 9);
  assertEquals(table.apply(news({ type: "link_removed", link: link(77, "eth7") })), true);
});

Deno.test("LinkTable: addresses come, change and go", () => {
  const table = links();
  table.apply(news({ type: "address", address: address(2, "192.0.2.7/24") }));
  assertEquals(table.addressesOf(2).length, 3);
  table.apply(news({ type: "address", address: address(2, "192.0.2.7/24", { validLft: 5 }) }));
  assertEquals(table.addressesOf(2).map(({ validLft }) => validLft), [Infinity, Infinity, 5]);
  table.apply(news({ type: "address", address: address(2, "192.0.2.7/32") }));
  assertEquals(table.addressesOf(2).length, 4);
  table.apply(news({ type: "address_removed", address: address(2, "192.0.2.7/24") }));
  assertEquals(table.addressesOf(2).map(({ prefix }) => prefix), [24, 64, 32]);
});

Deno.test("LinkTable: routes are no news", () => {
  assertEquals(links().apply(news({ type: "route", route: {} })), false);
  assertEquals(links().apply(news({ type: "route_removed", route: {} })), false);
});

Deno.test("primaryAddress(): the first of the family, link-local for IPv6, never a virtual one", () => {
  const table = new LinkTable();
  table.load([link(2, "eth0")], [
    address(2, "192.0.2.100/24"),
    address(2, "192.0.2.1/24"),
    address(2, "2001:db8::1/64"),
    address(2, "fe80::1/64"),
    address(2, "fe80::2/64"),
  ]);
  assertEquals(table.primaryAddress(2, 4, NONE), bytes("192.0.2.100"));
  assertEquals(table.primaryAddress(2, 4, new Set(["192.0.2.100"])), bytes("192.0.2.1"));
  assertEquals(table.primaryAddress(2, 4, new Set(["192.0.2.100", "192.0.2.1"])), null);
  assertEquals(table.primaryAddress(2, 6, NONE), bytes("fe80::1"));
  assertEquals(table.primaryAddress(2, 6, new Set(["fe80::1"])), bytes("fe80::2"));
  assertEquals(table.primaryAddress(3, 4, NONE), null);
});

Deno.test("primaryAddress(): an address that is tentative or a duplicate cannot be used", () => {
  for (const flags of [IFA_F_TENTATIVE, IFA_F_DADFAILED]) {
    const table = new LinkTable();
    table.load([link(2, "eth0")], [address(2, "fe80::1/64", { flags })]);
    assertEquals(table.primaryAddress(2, 6, NONE), null);
    table.apply(news({ type: "address", address: address(2, "fe80::1/64") }));
    assertEquals(table.primaryAddress(2, 6, NONE), bytes("fe80::1"));
  }
});
