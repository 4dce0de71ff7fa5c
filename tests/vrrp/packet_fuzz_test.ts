/**
 * Structure-aware fuzzing of the decoder from a seed. In CI 200,000 packets of seed 1; for more:
 * `VIPD_FUZZ_PACKETS=20000000 VIPD_FUZZ_SEED=7 deno test -A tests/vrrp/packet_fuzz_test.ts`.
 */
import { assert, assertEquals } from "@std/assert";
import { passwordBytes } from "../../mod/vrrp/auth.ts";
import {
  type Advertisement,
  decode,
  encode,
  isDiscard,
  peekVrid,
  REASONS,
  type ReceiveContext,
} from "../../mod/vrrp/packet.ts";
import { address } from "../golden/bytes.ts";

/** A number below `limit`. */
type Random = (limit: number) => number;

interface Packet {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly context: ReceiveContext;
}

/** mulberry32: small, fast, the same on every machine. */
function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = state + 0x6d2b79f5 >>> 0;
    let t = Math.imul(state ^ state >>> 15, state | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return Math.floor(((t ^ t >>> 14) >>> 0) / 2 ** 32 * limit);
  };
}

const PASSWORD = passwordBytes("1111");
const ENDPOINTS = {
  4: { source: address("192.0.2.1"), destination: address("224.0.0.18") },
  6: { source: address("fe80::1"), destination: address("ff02::12") },
} as const;

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[random(choices.length)]!;
}

function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random(256));
}

/** A valid advertisement and the context that accepts it. */
function valid(random: Random): Packet {
  const family = pick(random, [4, 6] as const);
  const version = pick(random, [2, 3] as const);
  const { source, destination } = ENDPOINTS[family];
  const password = version === 2 && random(2) === 0 ? PASSWORD : null;
  const maxAdvertiseInterval = version === 2 ? (1 + random(255)) * 100 : 1 + random(4095);
  const count = random(64) === 0 ? 255 : 1 + random(4);
  const payload = encode(
    {
      version,
      vrid: 1 + random(255),
      priority: random(256),
      maxAdvertiseInterval,
      addresses: Array.from({ length: count }, () => randomBytes(random, family === 4 ? 4 : 16)),
      family,
      checksum: pick(random, ["pseudo_header", "rfc9568"] as const),
      password,
    },
    source,
    destination,
  );
  const context = {
    family,
    source,
    destination,
    hopLimit: 255,
    expectedVersion: version,
    ttlSecurity: true,
    unicast: false,
    multicastGroup: destination,
    password,
    advertisementIntervalCs: maxAdvertiseInterval,
    owner: false,
  };
  return { payload, context };
}

type Mutation = (random: Random, packet: Packet) => Packet;

/** The interesting values of a byte: the ends, the signs, the version nibbles, the small counts. */
const EDGES = [0, 1, 2, 3, 0x0f, 0x10, 0x21, 0x31, 0x7f, 0x80, 0xf0, 0xfe, 0xff];

const MUTATIONS: readonly Mutation[] = [
  (_random, packet) => packet,
  // A flipped bit.
  (random, { payload, context }) => {
    payload[random(payload.length)]! ^= 1 << random(8);
    return { payload, context };
  },
  // A telling value in the header.
  (random, { payload, context }) => {
    payload[random(8)] = pick(random, EDGES);
    return reseal(random, { payload, context });
  },
  // v3's reserved bits, v2's authentication type.
  (random, { payload, context }) => {
    payload[4]! |= random(16) << 4;
    return reseal(random, { payload, context });
  },
  // The last bytes: v2's authentication data, else the last address.
  (random, { payload, context }) => {
    payload[payload.length - 1 - random(8)] = random(256);
    return reseal(random, { payload, context });
  },
  // Cut short, drawn out, or nothing of it kept.
  (random, { payload, context }) => ({ payload: payload.slice(0, random(payload.length)), context }),
  (random, { payload, context }) => {
    return { payload: Uint8Array.of(...payload, ...randomBytes(random, 1 + random(20))), context };
  },
  (random, { context }) => ({ payload: randomBytes(random, random(64)), context }),
  // Another receiver.
  (random, { payload, context }) => {
    const other: Partial<ReceiveContext> = pick(random, [
      { hopLimit: random(256) },
      { expectedVersion: 2 },
      { expectedVersion: 3 },
      { family: 4, ...ENDPOINTS[4] },
      { family: 6, ...ENDPOINTS[6] },
      { password: PASSWORD },
      { password: null },
      { unicast: true },
      { owner: true },
      { addressless: true },
      { peers: [address("192.0.2.9")] },
    ]);
    return { payload, context: { ...context, ...other } };
  },
];

/** Makes the checksum right again, so that the mutation is judged by what lies behind the checksum. */
function reseal(random: Random, { payload, context }: Packet): Packet {
  const { source, destination, family } = context;
  const covered = payload[0]! >> 4 === 2 && family === 4 ? payload : Uint8Array.of(
    ...source,
    ...destination,
    0,
    112,
    payload.length >> 8,
    payload.length & 0xff,
    ...payload,
  );
  if (random(4) === 0) return { payload, context };
  const at = covered.length - payload.length + 6;
  covered.fill(0, at, at + 2);
  let sum = 0;
  for (const [i, byte] of covered.entries()) sum += i % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  payload.set([~sum >> 8 & 0xff, ~sum & 0xff], 6);
  return { payload, context };
}

/**
 * What an accepted packet may carry that its advertisement does not tell, because a receiver has to ignore
 * it.
 */
function normalized({ payload, context }: Packet, says: Advertisement): Uint8Array {
  const size = context.family === 4 ? 4 : 16;
  const end = 8 + says.addresses.length * size;
  const hasPassword = says.version === 2 && context.family === 4;
  const bytes = payload.slice(0, hasPassword ? end + 8 : end);
  if (says.version === 3) bytes[4]! &= 0x0f;
  else if (hasPassword && context.password === null) bytes.fill(0, end);
  return bytes;
}

/** Ignored bits that were set, or an all-ones zero, have another checksum than what we would send. */
function hasOwnChecksum(packet: Packet, bytes: Uint8Array): boolean {
  return bytes.some((byte, i) => byte !== packet.payload[i]) || (bytes[6] === 0xff && bytes[7] === 0xff);
}

function assertConsistent(packet: Packet): string {
  const { payload, context } = packet;
  const before = payload.toHex();
  const result = decode(payload, context);
  assert(payload.toHex() === before, "decode() must not write");
  if (isDiscard(result)) {
    assert(result.discard in REASONS && result.detail !== "");
    return result.discard;
  }
  assert(peekVrid(payload) === result.vrid);
  const bytes = normalized(packet, result);
  const again = encode(
    { ...result, password: context.password ?? null },
    context.source,
    context.destination,
  );
  if (hasOwnChecksum(packet, bytes)) bytes.set(again.subarray(6, 8), 6);
  assert(
    bytes.length === again.length && bytes.every((byte, i) => byte === again[i]),
    "re-encodes to other bytes",
  );
  return "accepted";
}

Deno.test("decode() survives fuzzing, and what it accepts encodes to the same bytes", () => {
  const seed = Number(Deno.env.get("VIPD_FUZZ_SEED") ?? 1);
  const packets = Number(Deno.env.get("VIPD_FUZZ_PACKETS") ?? 200_000);
  const random = seeded(seed);
  const seen = new Map<string, number>();
  for (let i = 0; i < packets; i++) {
    const packet = pick(random, MUTATIONS)(random, valid(random));
    try {
      const outcome = assertConsistent(packet);
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    } catch (cause) {
      const shown = `${packet.payload.toHex()} ${JSON.stringify(packet.context)}`;
      throw new Error(`seed ${seed}, packet ${i}: ${shown}`, { cause });
    }
  }
  // A fuzzer that never reaches a branch proves nothing about it. `own_address` is found before the decoder.
  const outcomes = ["accepted", ...Object.keys(REASONS).filter((reason) => reason !== "own_address")];
  assertEquals(outcomes.filter((outcome) => (seen.get(outcome) ?? 0) < packets / 10_000), []);
});
