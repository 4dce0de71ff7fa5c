/**
 * Every golden message in both directions, every stage of `decode` at its boundary, and what `encode`
 * refuses.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { passwordBytes } from "../../mod/vrrp/auth.ts";
import {
  addressesMatch,
  type Advertisement,
  decode,
  encode,
  encodedLength,
  encodeInto,
  isDiscard,
  type OutgoingAdvertisement,
  peekVrid,
  type Reason,
  REASONS,
  type ReceiveContext,
} from "../../mod/vrrp/packet.ts";
import { familyOf, isMulticast } from "../../mod/wire/address.ts";
import { ADVERTISEMENTS, type GoldenAdvertisement } from "../golden/advertisements.ts";
import { address, hex } from "../golden/bytes.ts";

interface Vector {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly context: ReceiveContext;
  readonly says: Advertisement;
  readonly outgoing: OutgoingAdvertisement;
}

function vector(row: GoldenAdvertisement): Vector {
  const source = address(row.source);
  const destination = address(row.destination);
  const family = familyOf(source);
  const password = row.password === null ? null : passwordBytes(row.password);
  const says = { ...row.says, family, addresses: row.says.addresses.map(address) };
  const context = {
    family,
    source,
    destination,
    hopLimit: row.hopLimit,
    expectedVersion: says.version,
    ttlSecurity: true,
    unicast: !isMulticast(destination),
    multicastGroup: address(family === 4 ? "224.0.0.18" : "ff02::12"),
    password,
    advertisementIntervalCs: says.maxAdvertiseInterval,
    owner: false,
  };
  return { payload: hex(row.bytes), context, says, outgoing: { ...says, password } };
}

for (const row of ADVERTISEMENTS) {
  const { payload, context, says, outgoing } = vector(row);
  const { source, destination } = context;

  Deno.test(`decode() and encode() agree with ${row.name}`, () => {
    assertEquals(decode(payload, context), says);
    assertEquals(peekVrid(payload), says.vrid);
    assertEquals(encode(outgoing, source, destination), payload);
    const dirty = new Uint8Array(payload.length + 5).fill(0xa5);
    assertEquals(encodeInto(dirty, outgoing, source, destination), payload.length);
    assertEquals(dirty.subarray(0, payload.length), payload);
    assertEquals(dirty.subarray(payload.length), new Uint8Array(5).fill(0xa5));
  });

  Deno.test(`decode() discards every proper prefix of ${row.name}`, () => {
    for (let length = 0; length < payload.length; length++) {
      // A copy, so that a read beyond the prefix meets nothing.
      assertEquals(reason(payload.slice(0, length), context), "packet_length_errors", `${length} bytes`);
    }
  });

  Deno.test(`decode() discards every flipped bit of ${row.name}`, () => {
    for (let bit = 0; bit < payload.length * 8; bit++) {
      const flipped = payload.slice();
      flipped[bit >> 3]! ^= 0x80 >> (bit & 7);
      assert(isDiscard(decode(flipped, context)), `bit ${bit}`);
    }
  });
}

/** A v2 and a v3 message that nothing is wrong with, for the rows below to spoil. */
const V2 = vector(ADVERTISEMENTS.find(({ name }) => name === "keepalived 2.2.7: v2, password 1111")!);
const V3 = vector(ADVERTISEMENTS.find(({ name }) => name === "keepalived 2.2.7: v3, 250 ms, two addresses")!);
const V3_IPV6 = vector(ADVERTISEMENTS.find(({ name }) => name === "FRR 8.4.4 vrrpd: v3 over IPv6, resigns")!);
const UNICAST = vector(ADVERTISEMENTS.find(({ name }) => name === "keepalived 2.2.7: v3, unicast, 3.5 s")!);

function reason(payload: Uint8Array, context: ReceiveContext): Reason | null {
  const result = decode(payload, context);
  return isDiscard(result) ? result.discard : null;
}

/** The vector's message changed as told, its checksum right again. */
function resealed(golden: Vector, patch: Readonly<Record<number, number>>): Uint8Array<ArrayBuffer> {
  const bytes = golden.payload.slice();
  for (const [at, value] of Object.entries(patch)) bytes[Number(at)] = value;
  return sealed(bytes, bytes[0]! >> 4 === 2 ? [] : pseudoHeader(golden));
}

function pseudoHeader({ payload, context }: Vector): readonly number[] {
  return [...context.source, ...context.destination, 0, 112, 0, payload.length];
}

/** The checksum written out, not taken from mod/wire/checksum.ts, which is under test too. */
function sealed(message: Uint8Array, before: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = message.slice();
  bytes.set([0, 0], 6);
  let sum = 0;
  for (const [i, byte] of [...before, ...bytes].entries()) sum += i % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  bytes.set([~sum >> 8 & 0xff, ~sum & 0xff], 6);
  return bytes;
}

function padded(payload: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(payload);
  return bytes;
}

type StageRow = readonly [
  name: string,
  vector: Vector,
  patch: Readonly<Record<number, number>>,
  context: Partial<ReceiveContext>,
  expected: Reason | null,
];

const ONE_PEER = [address("192.0.2.1")];
const OTHER_PEER = [address("192.0.2.9"), address("192.0.2.8")];

// deno-fmt-ignore
const STAGES: readonly StageRow[] = [
  ["length: count says one address more than there is", V3, { 3: 3 }, {}, "packet_length_errors"],
  ["length: count says one address less than there is", V3_IPV6, { 3: 0 }, { addressless: true }, "packet_length_errors"],
  ["VRID 0 is none", V3, { 1: 0 }, {}, "vrid_errors"],
  ["TTL 254 has crossed a router", V3, {}, { hopLimit: 254 }, "ip_ttl_errors"],
  ["TTL 254 with ttl_security off", V3, {}, { hopLimit: 254, ttlSecurity: false }, null],
  ["TTL 64 in unicast", UNICAST, {}, { hopLimit: 64 }, null],
  ["hop limit 254", V3_IPV6, {}, { hopLimit: 254 }, "ip_ttl_errors"],
  ["version 3 where 2 is expected", V3, {}, { expectedVersion: 2 }, "version_errors"],
  ["version 2 where 3 is expected", V2, {}, { expectedVersion: 3 }, "version_errors"],
  ["version 1", V3, { 0: 0x11 }, {}, "version_errors"],
  ["version 0 type 0", V3, { 0: 0 }, {}, "version_errors"],
  ["authentication type 3", V2, { 4: 3 }, {}, "invalid_authentication_type"],
  ["authentication type 2, IP authentication header", V2, { 4: 2 }, {}, "authentication_type_mismatch"],
  ["authentication type 0 where a password is expected", V2, { 4: 0 }, {}, "authentication_type_mismatch"],
  ["a password where none is expected", V2, {}, { password: null }, "authentication_type_mismatch"],
  ["another password, first byte", V2, {}, { password: passwordBytes("2111") }, "authentication_failures"],
  ["another password, last byte", V2, { 19: 1 }, {}, "authentication_failures"],
  ["a longer password", V2, {}, { password: passwordBytes("11112") }, "authentication_failures"],
  ["v2: another interval", V2, {}, { advertisementIntervalCs: 200 }, "interval_errors"],
  ["v2: interval 0", V2, { 5: 0 }, {}, "interval_errors"],
  ["v3: another interval is accepted", V3, {}, { advertisementIntervalCs: 100 }, null],
  ["v3: interval 0 would end every timer", V3, { 5: 0 }, {}, "interval_errors"],
  ["v3: no address (RFC 9568 §5.2.5)", V3, { 3: 0 }, {}, "address_list_errors"],
  ["type 2", V3, { 0: 0x32 }, {}, "invalid_type_pkts_rcvd"],
  ["type 0", V2, { 0: 0x20 }, {}, "invalid_type_pkts_rcvd"],
  ["multicast where unicast is expected", V3, {}, { unicast: true }, "unicast_mismatch"],
  ["unicast where multicast is expected", UNICAST, {}, { unicast: false }, "unicast_mismatch"],
  ["another multicast group", V3, {}, { multicastGroup: address("224.0.0.81") }, "unicast_mismatch"],
  ["the owner hears nobody", V3, {}, { owner: true }, "owner_conflict"],
  ["a configured peer", V3, {}, { peers: ONE_PEER }, null],
  ["not a configured peer", V3, {}, { peers: OTHER_PEER }, "unknown_source"],
  ["no peer configured at all", V3, {}, { peers: [] }, "unknown_source"],
  ["priority 0", V3, { 2: 0 }, {}, null],
  ["priority 255", V2, { 2: 255 }, {}, null],
];

for (const [name, golden, patch, context, expected] of STAGES) {
  Deno.test(`decode() ${expected ?? "accepts"}: ${name}`, () => {
    assertEquals(reason(resealed(golden, patch), { ...golden.context, ...context }), expected);
  });
}

Deno.test("decode() looks for the reasons in the order of their table", () => {
  // Everything wrong at once, then mended from the first reason on: what remains is always the next one.
  const wrong: ReceiveContext = {
    ...V2.context,
    hopLimit: 1,
    password: passwordBytes("other"),
    multicastGroup: address("224.0.0.81"),
    owner: true,
    peers: OTHER_PEER,
  };
  const bad = { 0: 0x32, 4: 3, 5: 7 };
  const unsealed = (patch: Readonly<Record<number, number>>): Uint8Array => {
    const bytes = resealed(V2, patch);
    bytes[6]! ^= 0xff;
    return bytes;
  };
  const steps: readonly [Uint8Array, Partial<ReceiveContext>, Reason | null][] = [
    [unsealed({ ...bad, 3: 9 }), {}, "packet_length_errors"],
    [unsealed({ ...bad, 1: 0 }), {}, "vrid_errors"],
    [unsealed(bad), {}, "ip_ttl_errors"],
    [unsealed(bad), { hopLimit: 255 }, "version_errors"],
    [unsealed({ ...bad, 0: 0x22 }), { hopLimit: 255 }, "invalid_authentication_type"],
    [unsealed({ ...bad, 0: 0x22, 4: 0 }), { hopLimit: 255 }, "authentication_type_mismatch"],
    [unsealed({ ...bad, 0: 0x22, 4: 1 }), { hopLimit: 255 }, "authentication_failures"],
    [unsealed({ 0: 0x22, 5: 7 }), { hopLimit: 255, password: passwordBytes("1111") }, "interval_errors"],
    [unsealed({ 0: 0x22 }), { hopLimit: 255, password: passwordBytes("1111") }, "invalid_type_pkts_rcvd"],
    [unsealed({}), { hopLimit: 255, password: passwordBytes("1111") }, "checksum_errors"],
  ];
  for (const [payload, mended, expected] of steps) {
    assertEquals(reason(payload, { ...wrong, ...mended }), expected);
  }
  const heard = { ...wrong, hopLimit: 255, password: passwordBytes("1111") };
  const { multicastGroup } = V2.context;
  assertEquals(reason(V2.payload, heard), "unicast_mismatch");
  assertEquals(reason(V2.payload, { ...heard, multicastGroup }), "owner_conflict");
  assertEquals(reason(V2.payload, { ...heard, multicastGroup, owner: false }), "unknown_source");
  assertEquals(reason(V2.payload, { ...heard, multicastGroup, owner: false, peers: ONE_PEER }), null);
});

Deno.test("decode() tolerates an IPv4 packet filled up to Ethernet's 46 bytes, and no more", () => {
  assertEquals(decode(padded(V3.payload, 26), V3.context), V3.says);
  assertEquals(reason(padded(V3.payload, 27), V3.context), "packet_length_errors");
  assertEquals(decode(padded(V2.payload, 26), V2.context), V2.says);
  assertEquals(
    reason(padded(V3_IPV6.payload, V3_IPV6.payload.length + 1), V3_IPV6.context),
    "packet_length_errors",
  );
});

Deno.test("decode() accepts an empty list from a v3 peer where we advertise none either", () => {
  const none = encode({ ...V3.outgoing, addresses: [] }, V3.context.source, V3.context.destination);
  assertEquals(none.length, 8);
  assertEquals(reason(none, V3.context), "address_list_errors");
  assertEquals(decode(none, { ...V3.context, addressless: true }), { ...V3.says, addresses: [] });
});

Deno.test("decode() takes the pseudo header seriously where it must", () => {
  const elsewhere = { source: address("192.0.2.77") };
  assertEquals(reason(V3.payload, { ...V3.context, ...elsewhere }), "checksum_errors");
  assertEquals(reason(V2.payload, { ...V2.context, ...elsewhere }), null);
  assertEquals(
    reason(V3_IPV6.payload, { ...V3_IPV6.context, source: address("fe80::1") }),
    "checksum_errors",
  );
});

Deno.test("decode() has a choice of checksum for v3 over IPv4 only", () => {
  const bare = (golden: Vector): Uint8Array => sealed(golden.payload, []);
  const withPseudoHeader = (golden: Vector): Uint8Array => sealed(golden.payload, pseudoHeader(golden));
  assertEquals(decode(bare(V3), V3.context), { ...V3.says, checksum: "rfc9568" });
  assertEquals(decode(withPseudoHeader(V3), V3.context), V3.says);
  assertEquals(reason(bare(V3_IPV6), V3_IPV6.context), "checksum_errors");
  assertEquals(reason(withPseudoHeader(V2), V2.context), "checksum_errors");
});

Deno.test("encode() asks for the kind of checksum only where there is a choice", () => {
  const { source, destination } = V2.context;
  assertEquals(encode({ ...V2.outgoing, checksum: "pseudo_header" }, source, destination), V2.payload);
  const ipv6 = V3_IPV6.context;
  assertEquals(
    encode({ ...V3_IPV6.outgoing, checksum: "rfc9568" }, ipv6.source, ipv6.destination),
    V3_IPV6.payload,
  );
});

Deno.test("decode() reads 12 bits of v3's interval and ignores the reserved 4", () => {
  assertEquals(decode(resealed(V3, { 4: 0xf0 }), V3.context), V3.says);
  assertEquals(decode(resealed(V3, { 4: 0x0f, 5: 0xff }), V3.context), {
    ...V3.says,
    maxAdvertiseInterval: 4095,
  });
});

Deno.test("decode() returns addresses that outlive the receive buffer", () => {
  const buffer = V3.payload.slice();
  const result = decode(buffer, V3.context);
  buffer.fill(0xa5);
  assertEquals(result, V3.says);
});

Deno.test("decode() says what it found", () => {
  assertEquals(decode(V3.payload, { ...V3.context, hopLimit: 64 }), {
    discard: "ip_ttl_errors",
    detail: "TTL 64 instead of 255",
  });
  assertEquals(decode(V2.payload, { ...V2.context, advertisementIntervalCs: 300 }), {
    discard: "interval_errors",
    detail: "advertisement interval 1000 ms instead of 3000 ms",
  });
});

Deno.test("peekVrid() needs a whole header and a VRID", () => {
  assertEquals(peekVrid(V3.payload.subarray(0, 7)), {
    discard: "packet_length_errors",
    detail: "7 bytes instead of 8",
  });
  assertEquals(peekVrid(resealed(V3, { 1: 0 })), { discard: "vrid_errors", detail: "VRID 0" });
  assertEquals(peekVrid(resealed(V3, { 1: 255 })), 255);
});

Deno.test("encode() carries 255 addresses of either family", () => {
  for (const { outgoing, context } of [V3, V3_IPV6, V2]) {
    const base = outgoing.addresses[0]!;
    const addresses = Array.from({ length: 255 }, (_, i) => Uint8Array.of(...base.subarray(0, -1), i));
    const full = { ...outgoing, addresses };
    const bytes = encode(full, context.source, context.destination);
    assertEquals(bytes.length, encodedLength(full));
    const { password: _, ...says } = full;
    assertEquals(decode(bytes, context), says);
  }
});

Deno.test("encode() refuses what does not fit its fields", () => {
  const bad: readonly [string, Partial<OutgoingAdvertisement>][] = [
    ["VRID 0", { vrid: 0 }],
    ["VRID 256", { vrid: 256 }],
    ["priority 256", { priority: 256 }],
    ["priority 1.5", { priority: 1.5 }],
    ["v3 interval 0", { maxAdvertiseInterval: 0 }],
    ["v3 interval over 12 bits", { maxAdvertiseInterval: 4096 }],
    ["v2 interval of half a second", { version: 2, maxAdvertiseInterval: 50 }],
    ["v2 interval over 8 bits", { version: 2, maxAdvertiseInterval: 25600 }],
    ["256 addresses", { addresses: Array<Uint8Array>(256).fill(new Uint8Array(4)) }],
    ["an address of the other family", { addresses: [new Uint8Array(16)] }],
    ["a password of 7 bytes", { password: new Uint8Array(7) }],
  ];
  for (const [name, patch] of bad) {
    assertThrows(
      () => encode({ ...V3.outgoing, ...patch }, V3.context.source, V3.context.destination),
      RangeError,
      "Cannot encode",
      name,
    );
  }
  assertThrows(
    () => encodeInto(new Uint8Array(15), V3.outgoing, V3.context.source, V3.context.destination),
    RangeError,
    "Cannot encode 16 bytes into 15",
  );
});

Deno.test("addressesMatch() compares sets, whatever the order", () => {
  const [a, b, c] = [address("192.0.2.1"), address("192.0.2.2"), address("192.0.2.3")];
  assert(addressesMatch([], []));
  assert(addressesMatch([a, b, c], [a, b, c]));
  assert(addressesMatch([a, b, c], [c, a, b]));
  assert(!addressesMatch([a, b], [a, b, c]));
  assert(!addressesMatch([a, b], [a, c]));
  assert(!addressesMatch([a, a, b], [a, b, b]));
});

Deno.test("REASONS explain themselves in one sentence each", () => {
  for (const [name, { explanation }] of Object.entries(REASONS)) {
    assert(/^[a-z_]+$/.test(name));
    assert(/^[A-Z][^\n]*\.$/.test(explanation), name);
  }
});
