/** Addresses of the real kernel: what can be asked for, leases, batches, dumps. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { waitReadable } from "../../ffi/epoll.ts";
import { encodePayload, NetlinkError, type NetlinkSocket } from "../../ffi/netlink.ts";
import * as r from "../../ffi/rtnetlink.ts";
import { lab, vip4, vip6 } from "./rtnetlink_lab.ts";

function find(nl: NetlinkSocket, address: Uint8Array): r.Address | undefined {
  return r.listAddresses(nl).find((each) => each.address.toHex() === address.toHex());
}

Deno.test("addresses: add with everything, list, refuse twice, remove", () => {
  using net = lab();
  const { nl, ifindex } = net;
  const address = {
    ifindex,
    address: vip4,
    prefix: 24,
    label: "d0:vip",
    broadcast: Uint8Array.of(192, 0, 2, 255),
    proto: 18,
  };
  r.addAddress(nl, address);
  assertEquals(find(nl, vip4), {
    ifindex,
    family: 4,
    address: vip4,
    prefix: 24,
    scope: 0,
    flags: r.IFA_F_PERMANENT,
    label: "d0:vip",
    broadcast: Uint8Array.of(192, 0, 2, 255),
    proto: 18,
    validLft: Infinity,
    preferredLft: Infinity,
    tentative: false,
    dadFailed: false,
  });
  const error = assertThrows(() => r.addAddress(nl, address), NetlinkError);
  assertEquals([error.code, error.request], ["EEXIST", `add 192.0.2.1/24 on interface ${ifindex}`]);
  assertEquals(error.extack, "ipv4: Address already assigned");
  r.addAddress(nl, address, { replace: true });
  r.removeAddress(nl, address);
  assertEquals(find(nl, vip4), undefined);
  assertEquals(assertThrows(() => r.removeAddress(nl, address), NetlinkError).code, "EADDRNOTAVAIL");
});

Deno.test("addresses: IPv6 without duplicate detection is usable at once", () => {
  using net = lab();
  const { nl, ifindex } = net;
  r.addAddress(nl, {
    ifindex,
    address: vip6,
    prefix: 64,
    noDad: true,
    noPrefixRoute: true,
    proto: 18,
    preferredLft: 0,
    validLft: 60,
  });
  const found = find(nl, vip6);
  assertEquals(found, {
    ifindex,
    family: 6,
    address: vip6,
    prefix: 64,
    scope: 0,
    flags: r.IFA_F_NODAD | r.IFA_F_NOPREFIXROUTE | r.IFA_F_DEPRECATED,
    proto: 18,
    validLft: found?.validLft ?? 0,
    preferredLft: 0,
    tentative: false,
    dadFailed: false,
  });
  assert((found?.validLft ?? 0) >= 59);
  const prefixRoutes = r.listRoutes(nl, 6).filter(({ dst, prefix }) => prefix === 64 && dst?.[0] === 0x20);
  assertEquals(prefixRoutes, []);
  assertEquals(
    assertThrows(() => r.addAddress(nl, { ifindex, address: vip6, prefix: 64 }), NetlinkError).code,
    "EEXIST",
  );
  assertEquals(r.listAddresses(nl, 4).every(({ family }) => family === 4), true);
  assertEquals(r.listAddresses(nl, 6).every(({ family }) => family === 6), true);
  r.removeAddress(nl, { ifindex, address: vip6, prefix: 64 });
  assertEquals(find(nl, vip6), undefined);
});

Deno.test("addresses: a lease that is not renewed ends, both families; a renewed one stays; one can become permanent", () => {
  using net = lab();
  const { nl, monitor, ifindex } = net;
  const dying = [{ ifindex, address: vip4, prefix: 32 }, {
    ifindex,
    address: vip6,
    prefix: 128,
    noDad: true,
  }];
  const renewed = [
    { ifindex, address: Uint8Array.of(192, 0, 2, 2), prefix: 32 },
    { ifindex, address: Uint8Array.of(...vip6.subarray(0, 15), 2), prefix: 128, noDad: true },
  ];
  const lasting = renewed.map(({ address, ...rest }) => ({
    ...rest,
    address: Uint8Array.of(...address.subarray(0, -1), 3),
  }));
  const lease = [...dying, ...renewed, ...lasting].map((a) => ({
    ...a,
    validLft: 3,
    action: "add" as const,
  }));
  assertEquals(r.changeAddresses(nl, lease), new Array(6).fill(null));
  assertEquals(r.changeAddresses(nl, lasting.map((a) => ({ ...a, action: "replace" as const }))), [
    null,
    null,
  ]);
  const found = find(nl, vip4);
  assert(found !== undefined && found.validLft <= 3 && found.validLft >= 2, `${found?.validLft}`);

  const startMs = performance.now();
  const gone = new Map<string, number>();
  r.receiveNotifications(monitor);
  while (performance.now() - startMs < 5500) {
    assertEquals(
      r.changeAddresses(nl, renewed.map((a) => ({ ...a, validLft: 3, action: "replace" as const }))),
      [null, null],
    );
    waitReadable(monitor.fd, 500);
    for (const notice of r.receiveNotifications(monitor)) {
      if (notice.type === "address_removed") {
        gone.set(notice.address.address.toHex(), performance.now() - startMs);
      }
    }
  }
  assertEquals([...gone.keys()].sort(), dying.map(({ address }) => address.toHex()).sort());
  for (const afterMs of gone.values()) assert(afterMs > 2000, `gone after ${afterMs} ms`);
  for (const { address } of [...renewed, ...lasting]) assert(find(nl, address) !== undefined);
  for (const { address } of lasting) assertEquals(find(nl, address)?.validLft, Infinity);
});

Deno.test("addresses: a batch with one refusal does the rest, and says which", () => {
  using net = lab();
  const { nl, ifindex } = net;
  const changes = Array.from({ length: 5 }, (_, i) => ({
    action: "add" as const,
    ifindex: i === 2 ? 999 : ifindex,
    address: Uint8Array.of(198, 51, 100, i + 1),
    prefix: 32,
  }));
  const results = r.changeAddresses(nl, changes);
  assertEquals(results.map((error) => error?.code ?? null), [null, null, "ENODEV", null, null]);
  assertEquals(
    results[2]?.message,
    "add 198.51.100.3/32 on interface 999: ENODEV: No such device (ipv4: Device not found)",
  );
  assertEquals(r.listAddresses(nl, 4).filter((a) => a.ifindex === ifindex).map(({ address }) => address[3]), [
    1,
    2,
    4,
    5,
  ]);
});

Deno.test("addresses: of a point-to-point link, the own one and the peer's", () => {
  const header = r.ifaddrmsg.encode({
    ifa_family: 2,
    ifa_prefixlen: 32,
    ifa_index: 5,
    ifa_flags: r.IFA_F_PERMANENT,
  });
  const [IFA_ADDRESS, IFA_LOCAL] = [1, 2];
  const peer = Uint8Array.of(192, 0, 2, 2);
  const payload = encodePayload(header, [[IFA_ADDRESS, peer], [IFA_LOCAL, vip4]]);
  const address = r.parseAddress({ type: r.RTM_NEWADDR, flags: 0, sequence: 0, portId: 0, payload });
  assertEquals([address?.address, address?.peer, address?.flags], [vip4, peer, r.IFA_F_PERMANENT]);
  for (let length = 0; length < r.ifaddrmsg.size + 8; length++) {
    const cut = {
      type: r.RTM_NEWADDR,
      flags: 0,
      sequence: 0,
      portId: 0,
      payload: payload.subarray(0, length),
    };
    assertEquals(r.parseNotification(cut), null);
  }
});

Deno.test("dump: thousands of addresses over many datagrams, each once", () => {
  using net = lab();
  const { nl, ifindex } = net;
  const changes = Array.from({ length: 2000 }, (_, i) => ({
    action: "add" as const,
    ifindex,
    address: Uint8Array.of(10, 0, i >> 8, i & 0xff),
    prefix: 32,
  }));
  assertEquals(r.changeAddresses(nl, changes).every((error) => error === null), true);
  const listed = r.listAddresses(nl, 4).filter((address) => address.ifindex === ifindex);
  assertEquals(new Set(listed.map(({ address }) => address.toHex())).size, 2000);
  assertEquals(listed.length, 2000);
});
