/** Macvlans with virtual router MAC addresses, in a real kernel: made, raised, shared, mended, removed. */
import { assertEquals, assertMatch } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import {
  addLink,
  type Link,
  listAddresses,
  listLinks,
  openRtnetlink,
  removeLink,
  setLink,
} from "../../ffi/rtnetlink.ts";
import type { Netlink } from "../../ffi/netlink.ts";
import { LinkTable } from "../../mod/kernel/links.ts";
import { PROC_SYS } from "../../mod/kernel/sysctl.ts";
import { planVirtualLink, type VirtualLink, VirtualLinks } from "../../mod/kernel/virtual_links.ts";
import { formatMac } from "../../mod/wire/address.ts";
import { virtualRouterMac } from "../../mod/wire/ethernet.ts";
import { connect, indexOf, namespace } from "../ffi/namespace.ts";
import { link, MAC } from "../vrrp/fixture.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const WANTED: VirtualLink = { name: "vrrp.51", base: "eth0", mac: virtualRouterMac(4, 51) };
const OTHER: VirtualLink = { name: "vrrp.52", base: "eth0", mac: virtualRouterMac(4, 52) };

interface Place {
  readonly nl: Netlink;
  readonly virtual: VirtualLinks;
  reload(): void;
  find(name: string): Link | undefined;
}

/** Runs the test in a namespace with eth0, whose peer is in another one. */
function inPlace(test: (place: Place) => void): void {
  using here = namespace();
  using there = namespace();
  connect(here, "eth0", there, "peer0");
  here.run(() => {
    using nl = openRtnetlink();
    const links = new LinkTable();
    const reload = (): void => links.load(listLinks(nl), listAddresses(nl));
    reload();
    const find = (name: string): Link | undefined => listLinks(nl).find((found) => found.name === name);
    test({ nl, virtual: new VirtualLinks(nl, links, PROC_SYS), reload, find });
  });
}

function parameters(): (string | null)[] {
  return ["eth0/arp_ignore", "eth0/arp_announce", "vrrp.51/arp_ignore", "vrrp.51/rp_filter"].map((path) =>
    PROC_SYS.read(`net/ipv4/conf/${path}`)
  );
}

Deno.test("planVirtualLink(): a table of what is there", () => {
  const base = link(2, "eth0");
  const ours = { kind: "macvlan", linkIndex: 2, mac: WANTED.mac };
  const rows = [
    [undefined, "create"],
    [link(9, "vrrp.51", ours), "none"],
    [link(9, "vrrp.51", { ...ours, linkIndex: 3 }), "replace"],
    [link(9, "vrrp.51", { ...ours, mac: OTHER.mac }), "replace"],
    [link(9, "vrrp.51", { ...ours, mac: MAC }), "refuse"],
    [link(9, "vrrp.51", { ...ours, kind: "dummy" }), "refuse"],
  ] as const;
  for (const [there, action] of rows) assertEquals(planVirtualLink(there, base, WANTED), action);
});

Deno.test("attach(), raise(), lower(), detach(): down until it is needed, and nothing is left", () =>
  inPlace(({ virtual, find }) => {
    const before = parameters();
    const user = {};
    assertEquals(virtual.attach(user, WANTED), null);
    const made = find("vrrp.51");
    assertEquals([made?.kind, made?.up, formatMac(made!.mac)], ["macvlan", false, "00:00:5e:00:01:33"]);
    assertEquals(made?.linkIndex, indexOf("eth0"));
    assertEquals(parameters(), ["1", "2", "1", "2"]);
    assertEquals(virtual.raise(user, WANTED), null);
    assertEquals(find("vrrp.51")?.up, true);
    assertEquals(virtual.lower(user, WANTED), null);
    assertEquals(find("vrrp.51")?.up, false);
    assertEquals(virtual.detach(user, WANTED), null);
    assertEquals(find("vrrp.51"), undefined);
    assertEquals(parameters(), [...before.slice(0, 2), null, null]);
  }));

Deno.test("attach(): makes no link-local address", () =>
  inPlace(({ nl, virtual, find }) => {
    const user = {};
    virtual.attach(user, WANTED);
    virtual.raise(user, WANTED);
    const { index } = find("vrrp.51")!;
    assertEquals(listAddresses(nl).filter(({ ifindex }) => ifindex === index), []);
  }));

Deno.test("two users of one interface: it stays up for the other, and goes with the last", () =>
  inPlace(({ virtual, find }) => {
    const [old, successor] = [{}, {}];
    virtual.attach(old, WANTED);
    virtual.raise(old, WANTED);
    virtual.attach(successor, WANTED);
    virtual.raise(successor, WANTED);
    virtual.lower(old, WANTED);
    virtual.detach(old, WANTED);
    assertEquals(find("vrrp.51")?.up, true);
    virtual.lower(successor, WANTED);
    assertEquals(find("vrrp.51")?.up, false);
    virtual.detach(successor, WANTED);
    assertEquals(find("vrrp.51"), undefined);
  }));

Deno.test("the base's parameters go back with its last macvlan", () =>
  inPlace(({ virtual }) => {
    const user = {};
    virtual.attach(user, WANTED);
    virtual.attach(user, OTHER);
    virtual.detach(user, WANTED);
    assertEquals(parameters().slice(0, 2), ["1", "2"]);
    virtual.detach(user, OTHER);
    assertEquals(parameters().slice(0, 2), ["0", "0"]);
  }));

Deno.test("attach(): what somebody has removed or set down comes back", () =>
  inPlace(({ nl, virtual, find, reload }) => {
    const user = {};
    virtual.attach(user, WANTED);
    virtual.raise(user, WANTED);
    setLink(nl, find("vrrp.51")!.index, { up: false });
    reload();
    assertEquals([virtual.attach(user, WANTED), find("vrrp.51")?.up], [null, true]);
    removeLink(nl, find("vrrp.51")!.index);
    reload();
    assertEquals([virtual.attach(user, WANTED), find("vrrp.51")?.up], [null, true]);
  }));

Deno.test("attach(): takes over what an earlier run left, and sets it down", () =>
  inPlace(({ nl, virtual, find, reload }) => {
    const linkIndex = indexOf("eth0");
    addLink(nl, { kind: "macvlan", name: "vrrp.51", mac: WANTED.mac, linkIndex, mode: "bridge" });
    setLink(nl, find("vrrp.51")!.index, { up: true });
    const { index } = find("vrrp.51")!;
    reload();
    assertEquals(virtual.attach({}, WANTED), null);
    assertEquals([find("vrrp.51")?.index, find("vrrp.51")?.up], [index, false]);
    assertEquals(parameters(), ["1", "2", "1", "2"]);
  }));

Deno.test("attach(): another VRID's makes way, a stranger's does not", () =>
  inPlace(({ nl, virtual, find, reload }) => {
    addLink(nl, {
      kind: "macvlan",
      name: "vrrp.51",
      mac: OTHER.mac,
      linkIndex: indexOf("eth0"),
      mode: "private",
    });
    reload();
    assertEquals(virtual.attach({}, WANTED), null);
    assertEquals(formatMac(find("vrrp.51")!.mac), "00:00:5e:00:01:33");
    addLink(nl, { kind: "bridge", name: "vrrp.52" });
    reload();
    assertMatch(virtual.attach({}, OTHER) ?? "", /^vrrp\.52 exists and is no interface of a virtual router/);
    assertEquals(find("vrrp.52")?.kind, "bridge");
  }));

Deno.test("attach(): nothing without its base", () =>
  inPlace(({ virtual, find }) => {
    assertEquals(virtual.attach({}, { ...WANTED, base: "eth9" }), null);
    assertEquals(find("vrrp.51"), undefined);
  }));

Deno.test("sweep(): what an earlier run made and nobody needs now", () =>
  inPlace(({ nl, virtual, find, reload }) => {
    const earlier = {};
    virtual.attach(earlier, WANTED);
    virtual.attach(earlier, OTHER);
    addLink(nl, { kind: "macvlan", name: "mine", linkIndex: indexOf("eth0"), mode: "bridge" });
    const links = new LinkTable();
    links.load(listLinks(nl), []);
    const later = new VirtualLinks(nl, links, PROC_SYS);
    later.attach({}, OTHER);
    assertEquals(later.sweep(), ["vrrp.51"]);
    reload();
    assertEquals(["vrrp.51", "vrrp.52", "mine"].map((name) => find(name) !== undefined), [false, true, true]);
  }));

Deno.test("attach(): told that it is down, while it has gone already: comes back", () =>
  inPlace(({ nl, virtual, find, reload }) => {
    const user = {};
    virtual.attach(user, WANTED);
    virtual.raise(user, WANTED);
    const { index } = find("vrrp.51")!;
    setLink(nl, index, { up: false });
    reload();
    removeLink(nl, index);
    assertEquals([virtual.attach(user, WANTED), find("vrrp.51")?.up], [null, true]);
  }));
