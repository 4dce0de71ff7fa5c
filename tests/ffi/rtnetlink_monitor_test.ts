/** What the real kernel tells of addresses and links that change. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { NetlinkError } from "../../ffi/netlink.ts";
import * as r from "../../ffi/rtnetlink.ts";
import { connect, indexOf, namespace } from "./namespace.ts";
import { awaitNotice, lab, vip4, vip6 } from "./rtnetlink_lab.ts";

Deno.test("monitor: addresses with the port that changed them, IPv4; IPv6 names none", () => {
  using net = lab();
  const { nl, monitor, ifindex } = net;
  r.receiveNotifications(monitor);
  const notice = (): r.Notification[] =>
    r.receiveNotifications(monitor).filter(({ type }) => type.startsWith("address"));
  r.addAddress(nl, { ifindex, address: vip4, prefix: 32, proto: 18 });
  assertEquals(
    notice().map((each) =>
      each.type === "address" && [each.address.address, each.address.proto, each.portId]
    ),
    [
      [vip4, 18, nl.portId],
    ],
  );
  r.removeAddress(nl, { ifindex, address: vip4, prefix: 32 });
  assertEquals(notice().map(({ type, portId }) => [type, portId]), [["address_removed", nl.portId]]);

  // The kernel tells of a new IPv6 address from a work queue, not within the request; one removed before that
  // was never told.
  const isOurs = (notice: r.Notification, type: string): boolean =>
    notice.type === type && "address" in notice && notice.address.prefix === 128 && notice.portId === 0;
  r.addAddress(nl, { ifindex, address: vip6, prefix: 128, noDad: true });
  awaitNotice(monitor, (notice) => isOurs(notice, "address"));
  r.removeAddress(nl, { ifindex, address: vip6, prefix: 128 });
  awaitNotice(monitor, (notice) => isOurs(notice, "address_removed"));
});

Deno.test("monitor: deaf to the addresses that one socket adds, not to what it removes or others do", () => {
  using net = lab();
  const { nl, ifindex } = net;
  using renewals = net.space.run(() => r.openRtnetlink());
  using monitor = net.space.run(() => r.openMonitor({ deafTo: renewals.portId }));
  const heard = (): [string, number][] =>
    r.receiveNotifications(monitor).filter(({ type }) => type.startsWith("address"))
      .map(({ type, portId }) => [type, portId]);
  const vip = { ifindex, address: vip4, prefix: 32, validLft: 60 };
  r.addAddress(nl, vip);
  assertEquals(heard(), [["address", nl.portId]]);
  r.addAddress(renewals, vip, { replace: true });
  assertEquals(heard(), []);
  r.addAddress(nl, vip, { replace: true });
  r.removeAddress(renewals, vip);
  assertEquals(heard(), [["address", nl.portId], ["address_removed", renewals.portId]]);
});

Deno.test("monitor: a link that goes down, loses its carrier, is renamed, is removed", () => {
  using a = namespace();
  using b = namespace();
  connect(a, "a", b, "b");
  const [nl, monitor] = a.run(() => [r.openRtnetlink(), r.openMonitor()]);
  const other = b.run(() => r.openRtnetlink());
  try {
    const [index, peer] = [a.run(() => indexOf("a")), b.run(() => indexOf("b"))];
    r.receiveNotifications(monitor);
    r.setLink(other, peer, { up: false });
    awaitNotice(monitor, (notice) => notice.type === "link" && notice.link.up && !notice.link.lowerUp);
    r.setLink(other, peer, { up: true });
    awaitNotice(monitor, (notice) => notice.type === "link" && notice.link.lowerUp);
    r.setLink(nl, index, { up: false });
    awaitNotice(monitor, (notice) => notice.type === "link" && !notice.link.up);
    r.setLink(nl, index, { name: "c", mac: Uint8Array.of(2, 0, 0, 0, 0, 9), mtu: 1400 });
    awaitNotice(monitor, (notice) => {
      if (notice.type !== "link") return false;
      const { name, mac, mtu, kind } = notice.link;
      return name === "c" && mac.toHex() === "020000000009" && mtu === 1400 && kind === "veth";
    });
    r.removeLink(nl, index);
    awaitNotice(monitor, (notice) => notice.type === "link_removed" && notice.link.index === index);
    assertEquals(assertThrows(() => r.removeLink(nl, index), NetlinkError).code, "ENODEV");
  } finally {
    for (const socket of [nl, monitor, other]) socket.close();
  }
});

Deno.test("monitor: leaving a bridge is not the end of the port", () => {
  using net = lab();
  const { nl, monitor, ifindex } = net;
  net.monitor.receive();
  // In the namespace of `nl`: netlink requests act where their socket was opened.
  r.addLink(nl, { kind: "bridge", name: "br0" });
  const bridge = r.listLinks(nl).find(({ name }) => name === "br0");
  assertEquals(bridge?.kind, "bridge");
  r.setLink(nl, ifindex, { master: bridge?.index ?? 0 });
  assertEquals(r.listLinks(nl).find(({ index }) => index === ifindex)?.master, bridge?.index);
  r.setLink(nl, ifindex, { master: 0 });
  const types = r.receiveNotifications(monitor).map(({ type }) => type);
  assert(types.includes("link"));
  assert(!types.includes("link_removed"));
});

Deno.test("monitor: more than its buffer holds is an overrun, once", () => {
  using net = lab();
  const { nl, monitor, ifindex } = net;
  const flap = (count: number): void => {
    const addresses = Array.from({ length: count }, (_, i) => Uint8Array.of(10, 0, i >> 8, i & 0xff));
    for (const action of ["add", "remove"] as const) {
      r.changeAddresses(nl, addresses.map((address) => ({ action, ifindex, address, prefix: 32 })));
    }
  };
  flap(100);
  assert(r.receiveNotifications(monitor).filter(({ type }) => type.startsWith("address")).length >= 200);
  assertEquals(monitor.overrun, false);
  flap(5000);
  const counts: number[] = [];
  let overruns = 0;
  do {
    counts.push(r.receiveNotifications(monitor).length);
    if (monitor.overrun) overruns++;
  } while (counts.at(-1) !== 0);
  assertEquals([overruns, Math.max(...counts) <= 1024, counts.length > 2], [1, true, true]);
  flap(1);
  assert(r.receiveNotifications(monitor).length > 0);
});
