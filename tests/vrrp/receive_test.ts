/**
 * From raw bytes to the virtual router that they are for, over a made-up channel: found, decoded, refused,
 * or nobody's.
 */
import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Instance } from "../../mod/vrrp/instance.ts";
import { encode, type OutgoingAdvertisement } from "../../mod/vrrp/packet.ts";
import { Envelope, read, type Received } from "../../mod/vrrp/receive.ts";
import { encodeIpv4Header, IPV4_HEADER_LENGTH } from "../../mod/wire/ip.ts";
import { advertisement, bytes, instanceOf } from "./fixture.ts";
import { backup, reminding } from "./router_fixture.ts";

const GROUP = "224.0.0.18";
const NONE = new Uint8Array(0);

/** What arrives: a peer's advertisement for 51, unless said otherwise. */
interface Arriving {
  readonly source?: string;
  readonly destination?: string;
  readonly ttl?: number;
  readonly change?: Partial<OutgoingAdvertisement>;
  /** Instead of an advertisement. */
  readonly payload?: Uint8Array;
  /** Octets of IP options. */
  readonly options?: number;
}

function message(
  source: string,
  destination: string,
  change: Partial<OutgoingAdvertisement> = {},
): Uint8Array {
  return encode({ ...advertisement, ...change }, bytes(source), bytes(destination));
}

/** A channel of these routers that has just received the packet. */
function receive4(routers: readonly Instance[], arriving: Arriving, now = 5): Received {
  const { source = "192.0.2.2", destination = GROUP, ttl = 255, change, options = 0 } = arriving;
  const payload = arriving.payload ?? message(source, destination, change);
  const buffer = new Uint8Array(2048).fill(0xa5);
  const header = { source: bytes(source), destination: bytes(destination), ttl, protocol: 112 };
  encodeIpv4Header({ ...header, payloadLength: payload.length }, buffer);
  buffer[0] = 0x40 | (IPV4_HEADER_LENGTH + options) / 4;
  buffer.set(payload, IPV4_HEADER_LENGTH + options);
  const envelope = new Envelope({ buffer, hopLimit: -1, source: () => NONE, destination: () => NONE });
  envelope.open(4, IPV4_HEADER_LENGTH + options + payload.length);
  return read({ routers: byVrid(routers) }, envelope, now);
}

function byVrid(routers: readonly Instance[]): Map<number, Instance[]> {
  return Map.groupBy(routers, ({ config }) => config.vrid);
}

/** The interesting words of what came out. */
function told(received: Received): string {
  switch (received.type) {
    case "advertisement":
      return `advertisement ${received.heard.advertisement.priority}`;
    case "foreign":
      return `foreign ${received.vrid} from ${received.source.join(".")}`;
    case "reminder":
    case "acknowledgement":
      return `${received.type} of ${received.source.join(".")}`;
    default:
      return `${received.type} ${received.discard.discard} from ${received.source.join(".")}`;
  }
}

const ROWS: readonly (readonly [name: string, arriving: Arriving, expected: string])[] = [
  ["an advertisement", {}, "advertisement 100"],
  ["behind IP options", { options: 8 }, "advertisement 100"],
  ["another VRID", { change: { vrid: 52 } }, "foreign 52 from 192.0.2.2"],
  [
    "too short to say which VRID",
    { payload: Uint8Array.of(0x31, 51, 100) },
    "garbage packet_length_errors from 192.0.2.2",
  ],
  ["VRID 0", { payload: Uint8Array.of(0x31, 0, 100, 0, 0, 100, 0, 0) }, "garbage vrid_errors from 192.0.2.2"],
  ["over a router", { ttl: 254 }, "rejected ip_ttl_errors from 192.0.2.2"],
  [
    "the other version",
    { change: { version: 2, checksum: "rfc3768" } },
    "rejected version_errors from 192.0.2.2",
  ],
  ["unicast to a multicast router", { destination: "192.0.2.1" }, "rejected unicast_mismatch from 192.0.2.2"],
  ["a reminder", { destination: "192.0.2.1", change: { priority: 0 } }, "reminder of 192.0.2.2"],
  [
    "a reminder that came over a router",
    { destination: "192.0.2.1", change: { priority: 0 }, ttl: 254 },
    "rejected ip_ttl_errors from 192.0.2.2",
  ],
  [
    "a reminder of the other version",
    { destination: "192.0.2.1", change: { priority: 0, version: 2, checksum: "rfc3768" } },
    "rejected version_errors from 192.0.2.2",
  ],
  ["our own source address", { source: "192.0.2.1" }, "rejected own_address from 192.0.2.1"],
  ["no address", { change: { addresses: [] } }, "rejected address_list_errors from 192.0.2.2"],
];
for (const [name, arriving, expected] of ROWS) {
  Deno.test(`read(): ${name}`, () => assertEquals(told(receive4([instanceOf()], arriving)), expected));
}

Deno.test("read(): an answer to the own reminder is one only while it is awaited", () => {
  const instance = instanceOf();
  const answer = { destination: "192.0.2.1" };
  assertEquals(told(receive4([instance], answer)), "rejected unicast_mismatch from 192.0.2.2");
  instance.enter({ ...backup, reminder: reminding(1000) });
  assertEquals(told(receive4([instance], answer)), "acknowledgement of 192.0.2.2");
  assertEquals(instance.heard.size, 0, "it is no advertisement of an active router");
  instance.enter(backup);
  instance.remindedAt = 0;
  const at = (now: number): string => told(receive4([instance], answer, now));
  assertEquals(
    at(1000),
    "acknowledgement of 192.0.2.2",
    "who has handed over said so once, without a reminder",
  );
  assertEquals(at(9000), "rejected unicast_mismatch from 192.0.2.2");
});

Deno.test("read(): with `unicast_peers` every advertisement is one", () => {
  const instance = instanceOf({ unicast_peers: ["192.0.2.2"] });
  assertEquals(
    told(receive4([instance], { destination: "192.0.2.1", change: { priority: 0 } })),
    "advertisement 0",
  );
});

Deno.test("read(): what was heard is kept in copies, with whether the addresses are ours", () => {
  const instance = instanceOf();
  const received = receive4([instance], {}, 7);
  assertEquals(received.type, "advertisement");
  const heard = instance.heard.get("192.0.2.2")!;
  assertEquals(heard.source, bytes("192.0.2.2"));
  assertEquals(heard.destination, bytes(GROUP));
  assertEquals(heard.hopLimit, 255);
  assertEquals(heard.bytes, message("192.0.2.2", GROUP));
  assertEquals(heard.lastSeen, 7);
  assertEquals(heard.addressesMatch, true);
  receive4([instance], { change: { addresses: [bytes("192.0.2.7")] } });
  assertEquals(instance.heard.get("192.0.2.2")!.addressesMatch, false);
});

Deno.test("read(): the same octets again are accepted without decoding, other ones are decoded", () => {
  const instance = instanceOf();
  receive4([instance], {}, 1);
  const first = instance.heard.get("192.0.2.2")!;
  receive4([instance], {}, 2);
  assertStrictEquals(instance.heard.get("192.0.2.2"), first);
  assertEquals(first.lastSeen, 2);
  receive4([instance], { change: { priority: 50 } }, 3);
  assertEquals(instance.heard.get("192.0.2.2")!.advertisement.priority, 50);
});

Deno.test("read(): the same octets with another TTL, destination or from another sender are judged anew", () => {
  const instance = instanceOf();
  receive4([instance], {});
  assertEquals(told(receive4([instance], { ttl: 64 })), "rejected ip_ttl_errors from 192.0.2.2");
  const payload = message("192.0.2.2", GROUP);
  assertEquals(
    told(receive4([instance], { payload, destination: "192.0.2.1" })),
    "rejected checksum_errors from 192.0.2.2",
  );
  assertEquals(
    told(receive4([instance], { payload, source: "192.0.2.3" })),
    "rejected checksum_errors from 192.0.2.3",
  );
});

Deno.test("read(): a reload makes what was accepted before be judged anew", () => {
  const instance = instanceOf({ version: 2, password: "tiger" });
  const password = Uint8Array.of(0x74, 0x69, 0x67, 0x65, 0x72, 0, 0, 0);
  const change = { version: 2, checksum: "rfc3768", password } as const;
  assertEquals(told(receive4([instance], { change })), "advertisement 100");
  instance.reconfigure({ ...instance.config, password: "lion" }, new Map());
  assertEquals(told(receive4([instance], { change })), "rejected authentication_failures from 192.0.2.2");
});

Deno.test("read(): of routers with one VRID the group or the peers tell which one is meant", () => {
  const multicast = instanceOf();
  const other = instanceOf({ multicast_group: "224.0.0.99" });
  const unicast = instanceOf({ unicast_peers: ["192.0.2.2"] });
  const meant = (arriving: Arriving): Instance | null => {
    const received = receive4([multicast, other, unicast], arriving);
    return "instance" in received ? received.instance : null;
  };
  assertStrictEquals(meant({ source: "192.0.2.9" }), multicast);
  assertStrictEquals(meant({ source: "192.0.2.9", destination: "224.0.0.99" }), other);
  assertStrictEquals(meant({ source: "192.0.2.2", destination: "192.0.2.1" }), unicast);
  assertEquals(
    told(receive4([unicast], { source: "192.0.2.3", destination: "192.0.2.1" })),
    "rejected unknown_source from 192.0.2.3",
  );
});

Deno.test("read(): over IPv6 the addresses come beside the payload", () => {
  const instance = instanceOf({ addresses: ["2001:db8::1/64"] }, { primary: "fe80::1" });
  const change = { family: 6, addresses: [bytes("2001:db8::1")] } as const;
  const payload = message("fe80::2", "ff02::12", change);
  const receiver = {
    buffer: payload,
    hopLimit: 255,
    source: () => bytes("fe80::2"),
    destination: () => bytes("ff02::12"),
  };
  const envelope = new Envelope(receiver).open(6, payload.length);
  assertEquals(told(read({ routers: byVrid([instance]) }, envelope, 1)), "advertisement 100");
  assertEquals([...instance.heard.keys()], ["fe80::2"]);
});

Deno.test("Envelope: one place takes packets of every shape, one after the other", () => {
  const buffer = new Uint8Array(64);
  const envelope = new Envelope({
    buffer,
    hopLimit: 17,
    source: () => bytes("fe80::2"),
    destination: () => bytes("ff02::12"),
  });
  const shape = (family: 4 | 6, headerWords: number, length: number): unknown[] => {
    buffer.set([0x40 | headerWords, 0, 0, 0, 0, 0, 0, 0, 255], 0);
    const { source, destination, hopLimit, payload } = envelope.open(family, length);
    return [source.length, destination.length, hopLimit, payload.byteOffset, payload.length];
  };
  assertEquals(shape(4, 5, 32), [4, 4, 255, 20, 12]);
  const { payload } = envelope;
  assertEquals(shape(4, 5, 32), [4, 4, 255, 20, 12]);
  assertStrictEquals(envelope.payload, payload);
  assertEquals(shape(4, 5, 36), [4, 4, 255, 20, 16]);
  assertEquals(shape(4, 6, 36), [4, 4, 255, 24, 12]);
  assertEquals(shape(6, 5, 12), [16, 16, 17, 0, 12]);
});
