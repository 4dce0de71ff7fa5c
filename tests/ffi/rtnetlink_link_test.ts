/** Links of the real kernel, and the socket that is used for them. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { close } from "../../ffi/fd.ts";
import { NETLINK_ROUTE, NetlinkError, NetlinkSocket } from "../../ffi/netlink.ts";
import * as r from "../../ffi/rtnetlink.ts";
import { connect, indexOf, namespace } from "./namespace.ts";
import { lab } from "./rtnetlink_lab.ts";

Deno.test("links: macvlan on a veth, with its own address and no link-local one", () => {
  using net = lab();
  const { nl, ifindex } = net;
  const mac = Uint8Array.of(0, 0, 0x5e, 0, 1, 51);
  r.addLink(nl, {
    kind: "macvlan",
    name: "vrrp.51",
    linkIndex: ifindex,
    mode: "bridge",
    mac,
  });
  const link = r.listLinks(nl).find(({ name }) => name === "vrrp.51");
  assertEquals([link?.kind, link?.linkIndex, link?.mac, link?.up], ["macvlan", ifindex, mac, false]);
  r.setLink(nl, link?.index ?? 0, { up: true, addrGenMode: "none" });
  assertEquals(r.listAddresses(nl).filter((address) => address.ifindex === link?.index), []);
  const error = assertThrows(() => r.addLink(nl, { kind: "bridge", name: "d0" }), NetlinkError);
  assertEquals([error.code, error.request], ["EEXIST", "add bridge interface d0"]);
});

Deno.test("links: getLink sees a lost carrier at once, long before the notification", () => {
  using a = namespace();
  using b = namespace();
  connect(a, "a", b, "b");
  const [nl, other] = [a.run(() => r.openRtnetlink()), b.run(() => r.openRtnetlink())];
  try {
    const [index, peer] = [a.run(() => indexOf("a")), b.run(() => indexOf("b"))];
    for (const up of [false, true, false]) {
      r.setLink(other, peer, { up });
      const link = r.getLink(nl, index);
      assertEquals([link?.name, link?.up, link?.lowerUp], ["a", true, up]);
    }
    assertEquals(r.getLink(nl, 999), null);
  } finally {
    for (const socket of [nl, other]) socket.close();
  }
});

Deno.test("links: loopback as it is", () => {
  using net = lab();
  const lo = r.listLinks(net.nl).find(({ name }) => name === "lo");
  assertEquals([lo?.index, lo?.loopback, lo?.up, lo?.type, lo?.mtu, lo?.operstate], [
    1,
    true,
    true,
    772,
    65536,
    "unknown",
  ]);
});

Deno.test("NetlinkSocket: what an unprivileged family refuses is a NetlinkError; closing closes", () => {
  const nl = new NetlinkSocket(NETLINK_ROUTE);
  assert(nl.portId > 0);
  const [error] = nl.requestAll([{
    type: 999,
    flags: 0,
    payload: new Uint8Array(4),
    description: "nonsense",
  }]);
  assertEquals(error?.code, "EOPNOTSUPP");
  nl.close();
  assertThrows(() => close(nl.fd), Error, "EBADF");
});
