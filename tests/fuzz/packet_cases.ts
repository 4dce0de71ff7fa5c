/**
 * IP packets of chance: an advertisement as it should be, then wrong in the ways in which devices, attackers
 * and other implementations are wrong.
 */
import type { Random } from "../sim/random.ts";
import type { Expectations, Place } from "./packet_model.ts";

/** The fields of a packet before they are octets; each may be a lie. */
export interface Draft {
  family: 4 | 6;
  source: string;
  destination: string;
  hops: number;
  /** The first six octets of the message; what the last two of them mean depends on the version. */
  head: number[];
  /** Addresses, authentication data and what follows them. */
  body: number[];
  checksum: "pseudo_header" | "message" | "wrong" | "zero" | "ones";
  /** Octets of the message that the checksum covers; all of them when undefined. */
  covered?: number;
  /** IPv4: octets of options, and words that the header claims to have. */
  options: number[];
  headerWords?: number;
  /** IPv4: flags and offset; and what the header says of the length. */
  fragment: number;
  totalLength?: number;
}

/** An advertisement that this router takes. */
export function valid(random: Random, { family, group, own }: Place, router: Expectations): Draft {
  const size = family === 4 ? 4 : 16;
  const count = router.hasAddresses ? random.chance(0.02) ? 255 : random.integer(1, 4) : random.integer(0, 1);
  const authentication = router.version === 2 && family === 4
    ? octets(router.password ?? "00".repeat(8))
    : [];
  const interval = router.version === 2 ? router.centiseconds / 100 : random.integer(1, 0xfff);
  const head = router.version === 2
    ? [0x21, router.vrid, random.integer(0, 255), count, router.password === null ? 0 : 1, interval]
    : [0x31, router.vrid, random.integer(0, 255), count, interval >> 8, interval & 0xff];
  const isPlain = router.version === 2 && family === 4 || family === 4 && random.chance(0.3);
  return {
    family,
    source: router.peers === null ? peerOf(family, random.integer(2, 4)) : random.pick(router.peers),
    destination: router.peers === null ? group : own,
    hops: 255,
    head,
    body: [...noise(random, count * size), ...authentication],
    checksum: isPlain ? "message" : "pseudo_header",
    options: [],
    fragment: 0,
  };
}

/** 192.0.2.N or fe80::N */
export function peerOf(family: 4 | 6, host: number): string {
  const last = host.toString(16).padStart(2, "0");
  return family === 4 ? `c00002${last}` : `fe80${"00".repeat(13)}${last}`;
}

/** The telling values of an octet: the ends, the signs, the version nibbles, the small counts. */
const EDGES = [0, 1, 2, 3, 4, 5, 0x0f, 0x10, 0x11, 0x21, 0x22, 0x31, 0x41, 0x7f, 0x80, 0xf0, 0xfe, 0xff];

/** Addresses that are nobody's, or not for this. */
const ADDRESSES = {
  4: ["00000000", "ffffffff", "7f000001", "e0000001", "e0000012", "c0000201", "c0000263", "efffffff"],
  6: [
    "00".repeat(16),
    "ff".repeat(16),
    `${"00".repeat(15)}01`,
    `ff02${"00".repeat(13)}01`,
    `ff02${"00".repeat(13)}12`,
    `fe80${"00".repeat(13)}01`,
    `${"00".repeat(10)}ffffc0000202`,
  ],
};

type Mutation = (draft: Draft, random: Random) => void;

const MUTATIONS: readonly Mutation[] = [
  (draft, random) => draft.head[random.integer(0, 5)] = random.pick(EDGES),
  (draft, random) => draft.head[random.integer(0, 5)] = random.integer(0, 255),
  // The version's nibble, the type's nibble.
  (draft, random) => draft.head[0] = random.integer(0, 15) << 4 | draft.head[0]! & 15,
  (draft, random) => draft.head[0] = draft.head[0]! & 0xf0 | random.integer(0, 15),
  // Version 3's reserved bits, version 2's authentication type.
  (draft, random) => draft.head[4]! |= random.integer(0, 15) << 4,
  // The count by one, and its lies about the length.
  (draft, random) => draft.head[3] = draft.head[3]! + random.pick([-1, 1]) & 0xff,
  (draft, random) => draft.checksum = random.pick(["pseudo_header", "message", "wrong", "zero", "ones"]),
  (draft, random) => draft.covered = random.integer(0, draft.body.length + 8),
  (draft, random) => draft.hops = random.pick([0, 1, 64, 254, 255]),
  (draft, random) => draft.source = random.pick(ADDRESSES[draft.family]),
  (draft, random) => draft.destination = random.pick(ADDRESSES[draft.family]),
  (draft, random) => draft.source = peerOf(draft.family, random.integer(0, 255)),
  // Cut short, drawn out, all the way to what the buffer holds.
  (draft, random) => draft.body.length = random.integer(0, draft.body.length),
  (draft, random) => draft.body.push(...noise(random, random.integer(1, 40))),
  (draft, random) => {
    const zeros = new Array<number>(random.integer(1, 32)).fill(0);
    draft.covered = draft.body.length + 8;
    draft.body.push(...zeros);
  },
  (draft, random) => {
    if (random.chance(0.1)) draft.body = noise(random, random.integer(0, 8_140));
  },
  (draft, random) => {
    if (draft.body.length > 0) draft.body[random.integer(0, draft.body.length - 1)] = random.integer(0, 255);
  },
  // The password, or what stands in its place.
  (draft, random) => draft.body.splice(-8, 8, ...noise(random, 8)),
  (draft) => draft.body.splice(-8, 8, ...octets("3131313100000000")),
  // IP options, and headers that lie about them.
  (draft, random) => draft.options = noise(random, 4 * random.integer(1, 10)),
  (draft, random) => draft.headerWords = random.integer(0, 15),
  (draft, random) => draft.fragment = random.pick([0x2000, 0x4000, 0x8000, 1, 0x1fff, 0x3fff]),
  (draft, random) => draft.totalLength = random.integer(0, 0xffff),
];

export function mutated(random: Random, draft: Draft): Draft {
  for (let count = random.pick([0, 1, 1, 1, 2, 2, 3]); count > 0; count--) {
    random.pick(MUTATIONS)(draft, random);
  }
  return draft;
}

/** A whole IP packet, at most as long as the receive buffer. */
export function encodeDraft(draft: Draft, limit = 8_192): Uint8Array<ArrayBuffer> {
  const message = [...draft.head, 0, 0, ...draft.body];
  const checksum = checksumOf(draft, message.slice(0, draft.covered ?? message.length), message.length);
  message[6] = checksum >> 8;
  message[7] = checksum & 0xff;
  const header = draft.family === 4 ? ipv4Header(draft, message.length) : ipv6Header(draft, message.length);
  return Uint8Array.from([...header, ...message].slice(0, draft.family === 4 ? limit : limit + 40));
}

function ipv4Header(draft: Draft, length: number): number[] {
  const { options, headerWords = 5 + options.length / 4, fragment, hops } = draft;
  const total = draft.totalLength ?? 20 + options.length + length;
  return [
    ...[0x40 | headerWords, 0xc0, total >> 8 & 0xff, total & 0xff, 0, 0, fragment >> 8, fragment & 0xff],
    ...[hops, 112, 0, 0, ...octets(draft.source), ...octets(draft.destination), ...options],
  ];
}

function ipv6Header({ source, destination, hops }: Draft, length: number): number[] {
  return [
    0x60,
    0,
    0,
    0,
    length >> 8 & 0xff,
    length & 0xff,
    112,
    hops,
    ...octets(source),
    ...octets(destination),
  ];
}

function checksumOf({ checksum, source, destination }: Draft, covered: number[], length: number): number {
  if (checksum === "zero") return 0;
  if (checksum === "ones") return 0xffff;
  const bytes = checksum === "message" ? covered : [
    ...[...octets(source), ...octets(destination), 0, 112, covered.length >> 8, covered.length & 0xff],
    ...covered,
  ];
  let sum = checksum === "wrong" ? length + 1 : 0;
  for (const [i, byte] of bytes.entries()) sum += i % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

export function noise(random: Random, length: number): number[] {
  return Array.from({ length }, () => random.integer(0, 255));
}

function octets(hex: string): number[] {
  return [...Uint8Array.fromHex(hex)];
}
