/**
 * What becomes of each effect: packets to a made-up channel, addresses to a made-up kernel, news to a list.
 */
import { monotonicMs } from "../../ffi/clock.ts";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { ENETDOWN, ENOBUFS, EPERM } from "../../ffi/errno.ts";
import { concat, decodeMessages } from "../../ffi/netlink.ts";
import { acknowledge, acknowledgeAll, type FakeKernel, FakeNetlink } from "../ffi/netlink_fake.ts";
import { Epoll } from "../../ffi/epoll.ts";
import { parseAddress, RTM_DELADDR, RTM_NEWADDR } from "../../ffi/rtnetlink.ts";
import { type Prepared, SenderBatch } from "../../ffi/sender_batch.ts";
import { Secondaries } from "../../mod/kernel/secondaries.ts";
import { VirtualLinks } from "../../mod/kernel/virtual_links.ts";
import type { Channel } from "../../mod/vrrp/channel.ts";
import { Effects } from "../../mod/vrrp/effects.ts";
import type { Instance } from "../../mod/vrrp/instance.ts";
import type { EngineEvent } from "../../mod/vrrp/messages.ts";
import { encode } from "../../mod/vrrp/packet.ts";
import type { Effect } from "../../mod/vrrp/state.ts";
import { decodeIpv4, type Ipv4Packet } from "../../mod/wire/ip.ts";
import { namespace } from "../ffi/namespace.ts";
import { bytes, instanceOf, link, links, type Written } from "./fixture.ts";

interface Sent {
  readonly packet: Uint8Array;
  readonly source: Uint8Array;
  readonly to: Uint8Array;
}

/** Takes what is sent, and answers what the lab says. */
class FakeBatch extends SenderBatch {
  readonly #waiting: Prepared[] = [];

  constructor(readonly sent: Sent[], readonly made: { answer: number; source: Uint8Array }) {
    super(4);
  }

  override get count(): number {
    return this.#waiting.length;
  }

  override add(prepared: Prepared): void {
    this.#waiting.push(prepared);
  }

  override send(): Int32Array {
    const { answer, source } = this.made;
    for (const { packet, address } of this.#waiting) this.sent.push({ packet, source, to: address });
    return Int32Array.from(this.#waiting.splice(0), () => answer);
  }
}

interface Lab {
  readonly effects: Effects;
  readonly netlink: FakeNetlink;
  readonly sent: Sent[];
  readonly posted: EngineEvent[];
  /** What the next sends answer. */
  answer: number;
}

/** Effects in an empty namespace: interfaces 2 and 3 are made up, so that nothing leaves this host. */
function lab({ kernel = acknowledgeAll, family = 4, hasChannel = true }: {
  readonly kernel?: FakeKernel;
  readonly family?: 4 | 6;
  readonly hasChannel?: boolean;
} = {}): Lab {
  const sent: Sent[] = [];
  const posted: EngineEvent[] = [];
  const netlink = new FakeNetlink(kernel);
  const made: { answer: number; source: Uint8Array } = { answer: 64, source: new Uint8Array(0) };
  const channel = {
    family,
    ifindex: 2,
    senderOf: (source: Uint8Array): number => {
      made.source = source;
      return 3;
    },
  };
  using empty = namespace();
  const effects = empty.run(() =>
    new Effects({
      now: monotonicMs,
      netlink,
      renewals: netlink,
      links: links(),
      epoll: new Epoll(),
      reconsider: () => {},
      channelOf: () => hasChannel ? channel as unknown as Channel : undefined,
      virtualLinks: new VirtualLinks(netlink, links(), { read: () => null, write: () => null }),
      secondaries: new Secondaries({ read: () => null, write: () => null }),
      forwards: () => true,
      post: (event) => posted.push(event),
    }, new FakeBatch(sent, made))
  );
  return Object.assign(made, { effects, netlink, sent, posted });
}

function refusing(errno: number): FakeKernel {
  return (request) => concat(decodeMessages(request).map((message) => acknowledge(message, errno)));
}

function send(priority: number): Effect {
  return { type: "sendAdvertisement", priority };
}

const add: Effect = { type: "addAddresses" };
const remove: Effect = { type: "removeAddresses" };
const renew: Effect = { type: "renewAddresses" };

function held(written: Written = {}): Instance {
  const instance = instanceOf(written);
  instance.addresses = instance.addresses.map((managed) => ({ ...managed, held: true, ifindex: 2 }));
  return instance;
}

function ipv4(packet: Uint8Array): Ipv4Packet & { ok: true } {
  const decoded = decodeIpv4(packet);
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded;
}

/** `+192.0.2.100/24` for an addition, `-` for a removal. */
function asked({ sent }: FakeNetlink): string[] {
  return sent.map((message) => {
    const { address, prefix } = parseAddress(message)!;
    const sign = message.type === RTM_NEWADDR ? "+" : message.type === RTM_DELADDR ? "-" : "?";
    return `${sign}${address.join(".")}/${prefix}`;
  });
}

Deno.test("sendAdvertisement: an IPv4 packet with TTL 255, network control and the message", () => {
  const { effects, sent } = lab();
  const instance = instanceOf({
    vrid: 9,
    advertisement_interval: "200ms",
    addresses: ["192.0.2.100/24", "192.0.2.101"],
  });
  effects.run(instance, [send(77)], 0);
  assertEquals(sent.length, 1);
  const { packet, source, to } = sent[0]!;
  assertEquals(source, bytes("192.0.2.1"));
  assertEquals([...to.subarray(4, 8)], [224, 0, 0, 18]);
  const ip = ipv4(packet);
  assertEquals([ip.ttl, ip.protocol, ip.source, ip.destination], [
    255,
    112,
    bytes("192.0.2.1"),
    bytes("224.0.0.18"),
  ]);
  assertEquals(packet[1], 0xc0);
  const message = encode(
    {
      version: 3,
      vrid: 9,
      priority: 77,
      maxAdvertiseInterval: 20,
      addresses: [bytes("192.0.2.100"), bytes("192.0.2.101")],
      family: 4,
      checksum: "pseudo_header",
    },
    bytes("192.0.2.1"),
    bytes("224.0.0.18"),
  );
  assertEquals(packet.subarray(20), message);
  assertEquals(instance.counters.advertisements_sent, 1);
  assertEquals(instance.counters.priority_zero_pkts_sent, 0);
});

Deno.test("sendAdvertisement: the same one is encoded once, priority 0 is counted apart", () => {
  const { effects, sent } = lab();
  const instance = instanceOf();
  effects.run(instance, [send(100), send(100), send(0)], 0);
  assertStrictEquals(sent[0]!.packet, sent[1]!.packet);
  assertEquals(sent[2]!.packet[22], 0);
  assertEquals(instance.counters.advertisements_sent, 3);
  assertEquals(instance.counters.priority_zero_pkts_sent, 1);
  instance.setPrimaryAddress(bytes("192.0.2.8"));
  effects.run(instance, [send(100)], 0);
  assertEquals(sent[3]!.source, bytes("192.0.2.8"));
});

Deno.test("sendAdvertisement: unicast goes to every peer with its own destination, v2 with its password", () => {
  const { effects, sent } = lab();
  const peers = ["192.0.2.2", "192.0.2.3"];
  const instance = instanceOf({ version: 2, password: "tiger", unicast_peers: peers });
  effects.run(instance, [send(100)], 0);
  assertEquals(sent.map(({ packet }) => ipv4(packet).destination), peers.map(bytes));
  assertEquals(sent.map(({ packet }) => packet[24]), [1, 1]);
  assertEquals(instance.counters.advertisements_sent, 1);
});

Deno.test("sendAdvertisement: over IPv6 the kernel writes the header, RFC 9568's checksum is sent when asked for", () => {
  const six = lab({ family: 6 });
  six.effects.run(instanceOf({ addresses: ["2001:db8::1/64"] }, { primary: "fe80::1" }), [send(1)], 0);
  assertEquals(six.sent[0]!.packet[0], 0x31);
  assertEquals(six.sent[0]!.packet.length, 8 + 16);
  const [pseudo, plain] = ["pseudo_header", "rfc9568"].map((ipv4_checksum) => {
    const { effects, sent } = lab();
    effects.run(instanceOf({ ipv4_checksum }), [send(1)], 0);
    return sent[0]!.packet.slice(26, 28);
  });
  assertEquals(pseudo![0] === plain![0] && pseudo![1] === plain![1], false);
});

Deno.test("sendAdvertisement: a failure is counted for each packet and told once a minute", () => {
  const one = lab();
  one.answer = -ENETDOWN;
  const instance = instanceOf();
  one.effects.run(instance, [send(100)], 0);
  one.effects.run(instance, [send(100)], 59_999);
  assertEquals(instance.counters.send_errors, 2);
  assertEquals(one.posted, [
    { type: "notice", level: "warn", name: "web", message: "cannot send an advertisement: ENETDOWN" },
  ]);
  one.answer = -ENOBUFS;
  one.effects.run(instance, [send(100)], 60_000);
  assertEquals(one.posted.length, 2);
});

Deno.test("sendAdvertisement: without socket or address nothing is sent or counted", () => {
  for (const [hasChannel, primary] of [[false, "192.0.2.1"], [true, null]] as const) {
    const { effects, sent } = lab({ hasChannel });
    const instance = instanceOf({}, { primary });
    effects.run(instance, [send(100)], 0);
    assertEquals(sent, []);
    assertEquals(instance.counters.advertisements_sent, 0);
  }
});

Deno.test("addAddresses, renewAddresses, removeAddresses: asked of the kernel, with the lease and our tag", () => {
  const { effects, netlink } = lab();
  const instance = instanceOf({ lease: "7s", excluded_addresses: ["192.0.2.101/32"] });
  effects.run(instance, [add], 0);
  assertEquals(asked(netlink), ["+192.0.2.100/24", "+192.0.2.101/32"]);
  assertEquals(netlink.sent.map((message) => parseAddress(message)!.proto), [18, 18]);
  assertEquals(netlink.sent.map((message) => parseAddress(message)!.validLft), [7, 7]);
  assertEquals(instance.addresses.map(({ held, ifindex }) => [held, ifindex]), [[true, 2], [true, 2]]);
  effects.run(instance, [renew], 0);
  assertEquals(asked(netlink).slice(2), ["+192.0.2.100/24", "+192.0.2.101/32"]);
  effects.run(instance, [remove], 0);
  assertEquals(asked(netlink).slice(4), ["-192.0.2.100/24", "-192.0.2.101/32"]);
  assertEquals(instance.addresses.map((managed) => managed.held), [false, false]);
  assertEquals(instance.counters.addresses_restored, 0);
});

Deno.test("addAddresses: a refusal is told, counted, and blocks the router for ten seconds", () => {
  const { effects, posted } = lab({ kernel: refusing(EPERM) });
  const instance = instanceOf();
  effects.run(instance, [add], 500);
  assertEquals(instance.addresses.map((managed) => managed.held), [false]);
  assertEquals(instance.counters.address_errors, 1);
  assertEquals(instance.blocked?.untilMs, 10_500);
  assertEquals(posted.map((event) => event.type === "notice" && event.level), ["error"]);
});

Deno.test("removeAddresses: a refusal is told and blocks nothing", () => {
  const { effects, posted } = lab({ kernel: refusing(EPERM) });
  const instance = held();
  effects.run(instance, [remove], 500);
  assertEquals(instance.blocked, null);
  assertEquals(posted.length, 1);
});

Deno.test("renewAddresses: a refusal is told once a minute", () => {
  const { effects, posted } = lab({ kernel: refusing(EPERM) });
  const instance = held();
  for (const nowMs of [0, 1000, 2000]) effects.run(instance, [renew, renew], nowMs);
  assertEquals(posted.length, 1);
});

Deno.test("setAddresses(): what is held but gone is counted as restored", () => {
  const { effects, netlink } = lab();
  const instance = held();
  effects.setAddresses(instance, true, 0);
  assertEquals(asked(netlink), ["+192.0.2.100/24"]);
  assertEquals(instance.counters.addresses_restored, 1);
});

Deno.test("transition: counted, remembered and posted in the operator's words", () => {
  const { effects, posted } = lab();
  const instance = instanceOf({ priority: 120 });
  effects.run(instance, [{ type: "transition", from: "backup", to: "active", reason: "because" }], 0);
  effects.run(instance, [{ type: "transition", from: "active", to: "fault", reason: "broken" }], 0);
  assertEquals(posted.map((event) => ({ ...event, at: 0 })), [
    {
      type: "transition",
      at: 0,
      name: "web",
      from: "BACKUP",
      to: "ACTIVE",
      priority: 120,
      reason: "because",
    },
    { type: "transition", at: 0, name: "web", from: "ACTIVE", to: "FAULT", priority: 120, reason: "broken" },
  ]);
  assertEquals([instance.counters.became_active, instance.counters.released_active], [1, 1]);
  assertEquals(instance.reason, "broken");
});

Deno.test("announceAddresses: only what is held, and only where there is a hardware address", () => {
  const { effects, posted } = lab();
  effects.run(instanceOf(), [{ type: "announceAddresses" }], 0);
  assertEquals(posted, []);
  // The interface is made up: every attempt is told, so they can be counted.
  effects.run(held({ garp: { repeat: 3 } }), [{ type: "announceAddresses" }], 0);
  assertEquals(posted.length, 3);
  effects.around.links.apply({ type: "link", link: link(2, "eth0", { mac: new Uint8Array(0) }), portId: 0 });
  effects.run(held({ garp: { repeat: 3 } }), [{ type: "announceAddresses" }], 0);
  assertEquals(posted.length, 3);
});

Deno.test("run(): effects happen in their order", () => {
  const order: string[] = [];
  const kernel: FakeKernel = (request) => {
    order.push(`kernel after ${one.sent.length} packets and ${one.posted.length} events`);
    return acknowledgeAll(request);
  };
  const one = lab({ kernel });
  const transition: Effect = { type: "transition", from: "backup", to: "active", reason: "because" };
  one.effects.run(instanceOf(), [send(100), add, transition], 0);
  one.effects.run(held(), [transition, remove, send(0)], 0);
  assertEquals(order, ["kernel after 1 packets and 0 events", "kernel after 1 packets and 2 events"]);
});
