/**
 * Requests to a made-up kernel and what is held afterwards: leases, lifetimes, refusals, what is gone
 * already.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { EADDRNOTAVAIL, ENODEV, EPERM } from "../../ffi/errno.ts";
import {
  concat,
  decodeMessages,
  type NetlinkMessage,
  NLM_F_CREATE,
  NLM_F_REPLACE,
} from "../../ffi/netlink.ts";
import { acknowledge, acknowledgeAll, type FakeKernel, FakeNetlink } from "../ffi/netlink_fake.ts";
import { type Address, IFA_F_NODAD, parseAddress, RTM_NEWADDR } from "../../ffi/rtnetlink.ts";
import type { ManagedAddress } from "../../mod/kernel/plan.ts";
import {
  nameAddress,
  reconcileAddresses,
  removeFound,
  renewal,
  type Wish,
} from "../../mod/kernel/reconcile.ts";
import { address, bytes, links } from "../vrrp/fixture.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const wanted: Wish = { wanted: true, leaseMs: 3000, owner: false };

function managed(text: string, change: Partial<ManagedAddress> = {}): ManagedAddress {
  const [octets, prefix] = text.split("/");
  return {
    address: bytes(octets!),
    prefix: Number(prefix),
    interface: "eth0",
    scope: 0,
    ifindex: 0,
    held: false,
    ...change,
  };
}

/** Refuses whatever is about this address. */
function refusing(text: string, errno: number): FakeKernel {
  return (request) =>
    concat(
      decodeMessages(request).map((message) => acknowledge(message, isAbout(message, text) ? errno : 0)),
    );
}

function isAbout(message: NetlinkMessage, text: string): boolean {
  return parseAddress(message)?.address.join() === bytes(text).join();
}

function asked(netlink: FakeNetlink): string[] {
  return netlink.sent.map((message) => {
    const { address, prefix, ifindex } = parseAddress(message)!;
    return `${message.type === RTM_NEWADDR ? "+" : "-"}${address.join(".")}/${prefix} on ${ifindex}`;
  });
}

function request(text: string, change: Partial<ManagedAddress>, leaseMs: number): Address {
  const netlink = new FakeNetlink();
  reconcileAddresses(netlink, links(), [managed(text, change)], { ...wanted, leaseMs });
  return parseAddress(netlink.sent[0]!)!;
}

Deno.test("reconcileAddresses(): all are added in one datagram, on their own interfaces, and held", () => {
  let datagrams = 0;
  const netlink = new FakeNetlink((bytes) => {
    datagrams++;
    return acknowledgeAll(bytes);
  });
  const three = [
    managed("192.0.2.100/24"),
    managed("192.0.2.101/32", { interface: "eth1" }),
    managed("192.0.2.102/32", { interface: "eth9" }),
  ];
  const outcome = reconcileAddresses(netlink, links(), three, wanted);
  assertEquals(asked(netlink), ["+192.0.2.100/24 on 2", "+192.0.2.101/32 on 3"]);
  assertEquals(datagrams, 1);
  assertEquals(outcome.addresses.map(({ held, ifindex }) => [held, ifindex]), [[true, 2], [true, 3], [
    false,
    0,
  ]]);
  assertEquals([outcome.problems, outcome.restored], [[], 0]);
});

Deno.test("reconcileAddresses(): additions replace, so that one that appeared meanwhile becomes ours", () => {
  const netlink = new FakeNetlink();
  reconcileAddresses(netlink, links(), [managed("192.0.2.100/24")], wanted);
  assertEquals((netlink.sent[0]!.flags & NLM_F_REPLACE) !== 0, true);
  assertEquals((netlink.sent[0]!.flags & NLM_F_CREATE) !== 0, true);
  assertEquals(parseAddress(netlink.sent[0]!)!.proto, 18);
});

Deno.test("reconcileAddresses(): lifetimes are whole seconds, rounded up; a lone IPv6 address is no source", () => {
  const rows: readonly [
    text: string,
    change: Partial<ManagedAddress>,
    leaseMs: number,
    valid: number,
    preferred: number,
  ][] = [
    ["192.0.2.100/24", {}, 0, Infinity, Infinity],
    ["192.0.2.100/24", {}, 3001, 4, 4],
    ["192.0.2.100/24", { preferredMs: 1500 }, 5000, 5, 2],
    ["192.0.2.100/24", { preferredMs: 60_000 }, 5000, 5, 5],
    ["192.0.2.100/24", { preferredMs: 0 }, 0, Infinity, 0],
    ["2001:db8::1/128", {}, 5000, 5, 0],
    ["2001:db8::1/128", { preferredMs: 2000 }, 5000, 5, 2],
    ["2001:db8::1/64", {}, 5000, 5, 5],
    ["2001:db8::1/128", {}, 0, Infinity, 0],
  ];
  for (const [text, change, leaseMs, valid, preferred] of rows) {
    const { validLft, preferredLft } = request(text, change, leaseMs);
    assertEquals(
      [validLft, preferredLft],
      [valid, preferred],
      `${text} ${JSON.stringify(change)} ${leaseMs}`,
    );
  }
});

Deno.test("reconcileAddresses(): label and scope for IPv4, no duplicate detection for IPv6", () => {
  const four = request("192.0.2.100/24", { label: "eth0:v", scope: 253 }, 0);
  assertEquals([four.label, four.scope, four.flags & IFA_F_NODAD], ["eth0:v", 253, 0]);
  assertEquals(request("2001:db8::1/64", {}, 0).flags & IFA_F_NODAD, IFA_F_NODAD);
});

Deno.test("reconcileAddresses(): what is held and there is left alone, what is held and gone comes back", () => {
  const table = links();
  table.apply({ type: "address", address: address(2, "192.0.2.100/24"), portId: 0 });
  const netlink = new FakeNetlink();
  const both = [
    managed("192.0.2.100/24", { held: true, ifindex: 2 }),
    managed("192.0.2.101/24", { held: true, ifindex: 2 }),
  ];
  const { restored, addresses } = reconcileAddresses(netlink, table, both, wanted);
  assertEquals(asked(netlink), ["+192.0.2.101/24 on 2"]);
  assertEquals([restored, addresses.map(({ held }) => held)], [1, [true, true]]);
});

Deno.test("reconcileAddresses(): only what is held is removed; gone already is fine", () => {
  const both = [managed("192.0.2.100/24", { held: true, ifindex: 2 }), managed("192.0.2.101/24")];
  for (const errno of [0, EADDRNOTAVAIL, ENODEV]) {
    const netlink = new FakeNetlink(refusing("192.0.2.100", errno));
    const { problems, addresses } = reconcileAddresses(netlink, links(), both, { ...wanted, wanted: false });
    assertEquals(asked(netlink), ["-192.0.2.100/24 on 2"]);
    assertEquals([problems, addresses.map(({ held }) => held)], [[], [false, false]]);
  }
});

Deno.test("reconcileAddresses(): a refused one is named and stays as it was, the others are done", () => {
  const both = [managed("192.0.2.100/24"), managed("192.0.2.101/24")];
  const netlink = new FakeNetlink(refusing("192.0.2.100", EPERM));
  const { problems, addresses } = reconcileAddresses(netlink, links(), both, wanted);
  assertEquals(addresses.map(({ held }) => held), [false, true]);
  assertEquals(problems.length, 1);
  assertMatch(problems[0]!, /192\.0\.2\.100\/24 on interface 2: EPERM/);
  const held = both.map((one) => ({ ...one, held: true, ifindex: 2 }));
  const gone = reconcileAddresses(new FakeNetlink(refusing("192.0.2.100", EPERM)), links(), held, {
    ...wanted,
    wanted: false,
  });
  assertEquals(gone.addresses.map(({ held }) => held), [true, false]);
  assertEquals(gone.problems.length, 1);
});

Deno.test("reconcileAddresses(): an owner's addresses that were there before are neither added nor held", () => {
  const table = links();
  table.apply({ type: "address", address: address(2, "192.0.2.100/24"), portId: 0 });
  const netlink = new FakeNetlink();
  const { addresses } = reconcileAddresses(netlink, table, [managed("192.0.2.100/24")], {
    ...wanted,
    owner: true,
  });
  assertEquals([asked(netlink), addresses.map(({ held }) => held)], [[], [false]]);
});

Deno.test("reconcileAddresses(): nothing to do asks nothing", () => {
  const netlink = new FakeNetlink();
  reconcileAddresses(netlink, links(), [managed("192.0.2.100/24")], { ...wanted, wanted: false });
  reconcileAddresses(netlink, links(), [], wanted);
  assertEquals(netlink.sent, []);
});

Deno.test("renewal() starts the lifetime of what is held anew", () => {
  const three = [
    managed("192.0.2.100/24", { held: true, ifindex: 2 }),
    managed("192.0.2.101/24", { held: true, ifindex: 2 }),
    managed("192.0.2.102/24"),
  ];
  const netlink = new FakeNetlink();
  netlink.requestAll(renewal(three, 9000));
  assertEquals(asked(netlink), ["+192.0.2.100/24 on 2", "+192.0.2.101/24 on 2"]);
  assertEquals(netlink.sent.map((message) => parseAddress(message)!.validLft), [9, 9]);
  // The same lease is the same request, another one another.
  assert(renewal(three, 9000)[0] === renewal(three, 9000)[0]);
  netlink.requestAll(renewal(three, 6000));
  assertEquals(parseAddress(netlink.sent[2]!)!.validLft, 6);
});

Deno.test("removeFound() removes whatever was found and tells what could not be", () => {
  const found = [address(2, "192.0.2.100/32"), address(3, "192.0.2.101/24"), address(3, "192.0.2.102/24")];
  const kernel: FakeKernel = (request) =>
    concat(
      decodeMessages(request).map((message) =>
        acknowledge(
          message,
          isAbout(message, "192.0.2.101") ? EADDRNOTAVAIL : isAbout(message, "192.0.2.102") ? EPERM : 0,
        )
      ),
    );
  const netlink = new FakeNetlink(kernel);
  const problems = removeFound(netlink, found);
  assertEquals(asked(netlink), ["-192.0.2.100/32 on 2", "-192.0.2.101/24 on 3", "-192.0.2.102/24 on 3"]);
  assertEquals(problems.length, 1);
  assertMatch(problems[0]!, /192\.0\.2\.102.*EPERM/);
});

Deno.test("nameAddress() is what logs say", () => {
  assertEquals(nameAddress(managed("2001:db8::1/64")), "2001:db8::1/64 on eth0");
});
