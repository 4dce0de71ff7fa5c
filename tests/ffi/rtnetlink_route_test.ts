/** Routes of the real kernel, both families, and what it tells of them. */
import { assertEquals, assertThrows } from "@std/assert";
import { NetlinkError } from "../../ffi/netlink.ts";
import * as r from "../../ffi/rtnetlink.ts";
import { lab, vip4, vip6 } from "./rtnetlink_lab.ts";

Deno.test("routes: default, by next hop, unreachable, on the link, own table; both families", () => {
  using net = lab();
  const { nl, ifindex } = net;
  r.addAddress(nl, { ifindex, address: vip4, prefix: 24 });
  r.addAddress(nl, { ifindex, address: vip6, prefix: 64, noDad: true });
  const gateway6 = Uint8Array.of(...vip6.subarray(0, 15), 254);
  const routes: r.NewRoute[] = [
    {
      family: 4,
      dst: null,
      prefix: 0,
      via: Uint8Array.of(192, 0, 2, 254),
      oif: ifindex,
      src: vip4,
      metric: 7,
    },
    { family: 4, dst: Uint8Array.of(203, 0, 113, 0), prefix: 24, oif: ifindex, table: 1000 },
    { family: 4, dst: Uint8Array.of(198, 51, 100, 0), prefix: 24, type: "unreachable" },
    {
      family: 4,
      dst: Uint8Array.of(198, 18, 0, 0),
      prefix: 15,
      via: Uint8Array.of(10, 9, 8, 7),
      oif: ifindex,
      onlink: true,
    },
    { family: 4, dst: Uint8Array.of(198, 20, 0, 0), prefix: 16, via: gateway6, oif: ifindex },
    { family: 6, dst: null, prefix: 0, via: gateway6, oif: ifindex, metric: 5 },
  ];
  assertEquals(
    r.changeRoutes(nl, routes.map((route) => ({ action: "add", route }))),
    new Array(6).fill(null),
  );
  const ours = r.listRoutes(nl).filter(({ protocol }) => protocol === r.RTPROT_VIPD);
  assertEquals(ours.length, 6);
  const [first] = routes as [r.NewRoute];
  assertEquals(ours.find(({ family, dst }) => family === 4 && dst === null), {
    ...first,
    table: 254,
    scope: 0,
    protocol: 18,
    type: "unicast",
    onlink: false,
    multipath: false,
  });
  const [onlink] = ours.filter(({ onlink }) => onlink);
  assertEquals([onlink?.prefix, onlink?.scope], [15, 0]);
  assertEquals(ours.find(({ table }) => table === 1000)?.scope, r.RT_SCOPE_LINK);
  assertEquals(ours.find(({ prefix }) => prefix === 16)?.via, gateway6);
  assertEquals(assertThrows(() => r.addRoute(nl, first), NetlinkError).code, "EEXIST");
  r.addRoute(nl, first, { replace: true });
  for (const route of routes) r.removeRoute(nl, route);
  assertEquals(r.listRoutes(nl).filter(({ protocol }) => protocol === r.RTPROT_VIPD), []);
  assertEquals(assertThrows(() => r.removeRoute(nl, first), NetlinkError).code, "ESRCH");
});

Deno.test("monitor: routes that come and go", () => {
  using net = lab();
  const { nl, monitor, ifindex } = net;
  r.receiveNotifications(monitor);
  const route: r.NewRoute = { family: 4, dst: Uint8Array.of(198, 51, 100, 0), prefix: 24, oif: ifindex };
  r.addRoute(nl, route);
  r.removeRoute(nl, route);
  // Links and the kernel's own routes may have something to say meanwhile.
  const ours = r.receiveNotifications(monitor).filter((each) =>
    "route" in each && each.route.dst?.[0] === 198
  );
  assertEquals(ours.map(({ type, portId }) => [type, portId]), [["route", nl.portId], [
    "route_removed",
    nl.portId,
  ]]);
});
