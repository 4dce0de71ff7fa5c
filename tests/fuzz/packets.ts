/**
 * Packets as raw sockets deliver them, through the receive path of the engine into the state machine, against
 * the second decoder of packet_model.ts.
 */
import { assert, assertEquals } from "@std/assert";
import type { Instance } from "../../mod/vrrp/instance.ts";
import type { Advertisement } from "../../mod/vrrp/packet.ts";
import { Envelope, read, type Received } from "../../mod/vrrp/receive.ts";
import type { Random } from "../sim/random.ts";
import { instanceOf, type Written } from "../vrrp/fixture.ts";
import { encodeDraft, mutated, peerOf, valid } from "./packet_cases.ts";
import { type Expectations, type Place, verdict } from "./packet_model.ts";
import { judgeSteps } from "./packet_steps.ts";
import { smallerBytes, smallerList } from "./smaller.ts";
import type { Target } from "./target.ts";

/** Packets that one channel receives, one after another: what was heard before may not change the verdict. */
export interface PacketCase {
  /** Of `CHANNELS`. */
  readonly channel: string;
  /** With their IP headers. */
  readonly packets: readonly Uint8Array[];
}

interface ChannelUnderTest extends Place {
  readonly routers: readonly Expectations[];
  readonly instances: readonly Instance[];
}

const PLACES: Readonly<Record<4 | 6, Place>> = {
  4: { family: 4, group: "e0000012", own: peerOf(4, 1) },
  6: { family: 6, group: `ff02${"00".repeat(13)}12`, own: peerOf(6, 1) },
};
const OWN_TEXT = { 4: "192.0.2.1", 6: "fe80::1" };
const IPV6 = { addresses: ["fe80::100/64"] };

/** A router by its facts, and as its configuration says the same. */
function router(facts: Partial<Expectations>, written: Written = {}): readonly [Expectations, Written] {
  const expectations: Expectations = {
    version: 3,
    vrid: 51,
    centiseconds: 100,
    password: null,
    peers: null,
    ttlSecurity: true,
    hasAddresses: true,
    ...facts,
  };
  return [expectations, { version: expectations.version, vrid: expectations.vrid, ...written }];
}

function channel(family: 4 | 6, ...routers: readonly (readonly [Expectations, Written])[]): ChannelUnderTest {
  return {
    ...PLACES[family],
    routers: routers.map(([expectations]) => expectations),
    instances: routers.map(([, written]) =>
      instanceOf({ ...(family === 6 ? IPV6 : {}), ...written }, { primary: OWN_TEXT[family] })
    ),
  };
}

const PASSWORD = router({ version: 2, password: "3131313100000000" }, { password: "1111" });
const UNICAST = router({ peers: [peerOf(4, 2), peerOf(4, 3)] }, {
  unicast_peers: ["192.0.2.2", "192.0.2.3"],
});
const SLOW = router({ version: 2, centiseconds: 300 }, { advertisement_interval: "3s" });

/** Every kind of receiver that decides differently. */
const CHANNELS: Readonly<Record<string, ChannelUnderTest>> = {
  "v3 IPv4": channel(4, router({})),
  "v2 IPv4": channel(4, router({ version: 2 })),
  "v2 IPv4 password": channel(4, PASSWORD),
  "v2 IPv4 3 s": channel(4, SLOW),
  "v3 IPv6": channel(6, router({})),
  "v2 IPv6": channel(6, router({ version: 2 })),
  "v2 IPv6 password": channel(6, PASSWORD),
  "unicast IPv4": channel(4, UNICAST),
  "unicast IPv6": channel(6, router({ peers: [peerOf(6, 2)] }, { unicast_peers: ["fe80::2"] })),
  "no TTL security": channel(4, router({ ttlSecurity: false }, { ttl_security: false })),
  "no addresses": channel(4, router({ hasAddresses: false }, { addresses: [], excluded_addresses: [] })),
  "both versions": channel(4, router({}), router({ version: 2 }), router({ vrid: 7 })),
  "group and peers": channel(4, router({}), UNICAST, PASSWORD),
};

export const packets: Target<PacketCase> = {
  count: 10_000_000,
  limitMs: 10_000,
  generate(random: Random): PacketCase {
    const channel = random.pick(Object.keys(CHANNELS));
    const place = CHANNELS[channel]!;
    const first = valid(random, place, random.pick(place.routers));
    if (random.chance(0.7)) return { channel, packets: [encodeDraft(mutated(random, first))] };
    // One that is heard, then itself or nearly itself, then perhaps itself again.
    const again = structuredClone(first);
    const bytes = encodeDraft(first);
    const second = random.chance(0.3) ? bytes : flipped(random, encodeDraft(mutated(random, again)));
    return { channel, packets: random.chance(0.3) ? [bytes, second, bytes] : [bytes, second] };
  },
  judge({ channel, packets }): string {
    const place = CHANNELS[channel];
    if (place === undefined) throw new Error(`no channel ${channel}`);
    for (const instance of place.instances) instance.heard.clear();
    let outcome = "";
    for (const packet of packets) outcome = judgeOne(place, packet);
    return outcome;
  },
  *smaller({ channel, packets }): Generator<PacketCase> {
    for (const less of smallerList(packets, smallerBytes)) yield { channel, packets: less };
  },
  toRow: ({ channel, packets }) => [channel, ...packets.map((packet) => packet.toHex())],
  fromRow: ([channel = "", ...packets]) => ({
    channel,
    packets: packets.map((hex) => Uint8Array.fromHex(hex)),
  }),
};

/** Only receives them, as if for the first time. */
export function readOnly({ channel, packets }: PacketCase): void {
  const place = CHANNELS[channel]!;
  for (const instance of place.instances) instance.heard.clear();
  for (const packet of packets) receive(place, packet);
}

/** A single bit is what a shortcut overlooks. */
function flipped(random: Random, packet: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (random.chance(0.5)) packet[random.integer(0, packet.length - 1)]! ^= 1 << random.integer(0, 7);
  return packet;
}

/** Reads it, compares with the model, and lets the state machine have what was accepted. */
function judgeOne(place: ChannelUnderTest, packet: Uint8Array): string {
  const expected = verdict(place, place.routers, packet);
  const received = receive(place, packet);
  assertEquals(told(received), expected);
  if (received.type !== "advertisement") return expected.replace(/ \d.*/, "");
  const { instance, heard } = received;
  assertOwnMemory(heard.advertisement);
  judgeSteps(instance, heard);
  assert(instance.heard.size <= 16, "more senders are remembered than there is room for");
  return "accepted";
}

/**
 * The channel with the packet in its receive buffer, as the kernel leaves it there. What lies behind it is
 * anything.
 */
const BUFFER = new Uint8Array(8_192 + 40).fill(0xa5);

function receive({ family, instances }: ChannelUnderTest, packet: Uint8Array): Received {
  const headless = family === 4 ? packet : packet.subarray(40);
  BUFFER.fill(0xa5, headless.length, headless.length + 64);
  BUFFER.set(headless);
  const receiver = {
    buffer: BUFFER,
    hopLimit: packet[7]!,
    source: () => packet.subarray(8, 24),
    destination: () => packet.subarray(24, 40),
  };
  const routers = Map.groupBy(instances, ({ config }) => config.vrid);
  return read({ routers }, new Envelope(receiver).open(family, headless.length), 1);
}

function told(received: Received): string {
  switch (received.type) {
    case "advertisement":
      return `accepted ${said(received.heard.advertisement)}`;
    case "foreign":
      return `foreign ${received.vrid}`;
    case "reminder":
    case "acknowledgement":
      return received.type;
    default:
      return `${received.type} ${received.discard.discard}`;
  }
}

function said(advertisement: Advertisement): string {
  const { version, vrid, priority, maxAdvertiseInterval, checksum, addresses } = advertisement;
  const list = addresses.map((address) => address.toHex());
  return [`v${version}`, vrid, priority, maxAdvertiseInterval, checksum, ...list].join(" ");
}

/** What is kept may not hold the receive buffer, and takes no more octets than the packet has. */
function assertOwnMemory({ addresses }: Advertisement): void {
  for (const { buffer, length } of addresses) {
    assert(buffer !== BUFFER.buffer, "an address is a view of the receive buffer");
    assert(buffer.byteLength <= addresses.length * length, "addresses hold more than their octets");
  }
}
