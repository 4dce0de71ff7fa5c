/** What a kernel might say over rtnetlink: real datagrams, and everything that can be wrong with them. */
import { CAPTURES } from "../golden/netlink.ts";
import type { Random } from "../sim/random.ts";
import { IPVS_CAPTURES } from "./ipvs.ts";
import { attributes, familyHeader, messages } from "./netlink_model.ts";
import { noise } from "./packet_cases.ts";

/** A datagram (`multicast`: a notification), ENOBUFS, or nothing for as long as is waited. */
export type Delivery = { readonly bytes: Uint8Array; readonly multicast: boolean } | "lost" | "silence";

/** Captures by the question that they answer. */
const ANSWERS = Map.groupBy(
  [...CAPTURES, ...IPVS_CAPTURES.map(([, name, datagram]) => [name, datagram] as const)],
  ([name]) => name,
);

const OF_QUESTION: Readonly<Record<string, readonly string[]>> = {
  links: ["dump of links"],
  addresses: ["dump of addresses"],
  routes: ["dump of routes"],
  link: ["one link", "no such link"],
  change: ["bad address", "explained refusal", "strict refusal", "no such link"],
  news: ["notifications"],
  ...Object.fromEntries(
    [...Map.groupBy(IPVS_CAPTURES, ([question]) => question)].map(([question, rows]) => [
      question,
      [...new Set(rows.map(([, name]) => name)), "no such link"],
    ]),
  ),
};

/** The whole answer as the kernel gave it, to request number 1. */
export function answer(random: Random, question: string): Delivery[] {
  const name = random.pick(OF_QUESTION[question] ?? ["notifications"]);
  const multicast = name === "notifications";
  const all = ANSWERS.get(name) ?? [];
  const some = multicast ? Array.from({ length: random.integer(1, 4) }, () => random.pick(all)) : all;
  return some.map(([, hex]) => ({ bytes: Uint8Array.fromHex(hex), multicast }));
}

type Mutation = (bytes: Uint8Array<ArrayBuffer>, random: Random) => Uint8Array;

function put(bytes: Uint8Array, at: number, value: number, octets: number): void {
  for (let i = 0; i < octets && at + i < bytes.length; i++) bytes[at + i] = value >>> (8 * i) & 0xff;
}

/** Lengths that parsers fall over. */
const LENGTHS = [0, 1, 3, 4, 5, 8, 15, 16, 17, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff];
const TYPES = [0, 1, 2, 3, 16, 17, 20, 21, 24, 25, 28, 32, 0xffff];
const ERRORS = [0, -1, -17, -105, -4095, -0x80000000, 1, 0x7fffffff];

/** A random attribute, at any depth: where it begins in the datagram. */
function someAttribute(bytes: Uint8Array, random: Random): { from: number; to: number } | undefined {
  const message = pickSpan(messages(bytes), random);
  if (message === undefined) return undefined;
  const header = familyHeader(message.type) ?? random.pick([0, 4, 20]);
  const payload = bytes.subarray(message.from + 16, message.to);
  let found = pickSpan(attributes(payload, header), random);
  while (found !== undefined && random.chance(0.4)) {
    const inner = pickSpan(attributes(payload.subarray(0, found.to), found.from + 4), random);
    if (inner === undefined) break;
    found = inner;
  }
  return found && { from: found.from + message.from + 16, to: found.to + message.from + 16 };
}

function pickSpan<T>(spans: readonly T[], random: Random): T | undefined {
  return spans.length === 0 ? undefined : random.pick(spans);
}

const MUTATIONS: readonly Mutation[] = [
  // The header of a message: length, type, flags, sequence, port.
  (bytes, random) => {
    const at = pickSpan(messages(bytes), random)?.from ?? 0;
    const field = random.integer(0, 4);
    if (field === 0) put(bytes, at, random.pick(LENGTHS), 4);
    else if (field === 1) put(bytes, at + 4, random.pick(TYPES), 2);
    else if (field === 2) put(bytes, at + 6, random.integer(0, 0xffff), 2);
    else put(bytes, at + (field === 3 ? 8 : 12), random.pick([0, 1, 2, 3, 0xffffffff]), 4);
    return bytes;
  },
  // The length or the type of an attribute.
  (bytes, random) => {
    const at = someAttribute(bytes, random)?.from;
    if (at === undefined) return bytes;
    if (random.chance(0.6)) put(bytes, at, random.pick(LENGTHS), 2);
    else put(bytes, at + 2, random.pick([random.integer(0, 60), random.integer(0, 0xffff)]), 2);
    return bytes;
  },
  // Its value.
  (bytes, random) => {
    const found = someAttribute(bytes, random);
    if (found !== undefined) bytes.set(noise(random, Math.max(0, found.to - found.from - 4)), found.from + 4);
    return bytes;
  },
  // Cut down so that everything behind it moves up.
  (bytes, random) => {
    const found = someAttribute(bytes, random);
    if (found === undefined || found.to - found.from < 8) return bytes;
    const length = random.integer(4, found.to - found.from - 1);
    put(bytes, found.from, length, 2);
    return bytes;
  },
  // A nest that is nothing but nests.
  (bytes, random) => {
    const message = pickSpan(messages(bytes), random);
    if (message === undefined) return bytes;
    const depth = random.integer(2, 4_000);
    const nest = new Uint8Array(4 * depth);
    for (let i = 0; i < depth; i++) {
      put(nest, 4 * i, Math.min(0xffff, 4 * (depth - i)), 2);
      put(nest, 4 * i + 2, 0x8000 | random.pick([2, 18, 26]), 2);
    }
    const header = 16 + (familyHeader(message.type) ?? 0);
    const grown = Uint8Array.of(...bytes.subarray(message.from, message.from + header), ...nest);
    put(grown, 0, grown.length, 4);
    return grown;
  },
  // The error of an acknowledgement or of the end of a dump.
  (bytes, random) => {
    const message = messages(bytes).find(({ type }) => type === 2 || type === 3);
    put(bytes, (message?.from ?? 0) + 16, random.pick(ERRORS), 4);
    return bytes;
  },
  (bytes, random) => bytes.slice(0, random.integer(0, bytes.length)),
  (bytes, random) => Uint8Array.of(...bytes, ...noise(random, random.integer(1, 64))),
  (bytes, random) => {
    for (let n = random.integer(1, 8); n > 0 && bytes.length > 0; n--) {
      bytes[random.integer(0, bytes.length - 1)] = random.pick([0, 1, 0xff, random.integer(0, 255)]);
    }
    return bytes;
  },
  // The messages in another order, some of them twice or not at all.
  (bytes, random) => {
    const spans = messages(bytes);
    const some = Array.from({ length: random.integer(0, spans.length + 2) }, () => pickSpan(spans, random));
    return Uint8Array.from(some.flatMap((span) => span === undefined ? [] : padded(bytes, span)));
  },
  (_bytes, random) => Uint8Array.from(noise(random, random.integer(0, 200))),
];

function padded(bytes: Uint8Array, { from, to }: { readonly from: number; readonly to: number }): number[] {
  return [...bytes.subarray(from, to), ...new Array<number>((4 - (to - from) % 4) % 4).fill(0)];
}

/** The answer with something wrong in it, or around it. */
export function disturbed(random: Random, script: readonly Delivery[]): Delivery[] {
  let all = [...script];
  for (let n = random.integer(0, 3); n > 0; n--) {
    const at = random.integer(0, all.length);
    const delivery = all[at];
    const kind = random.integer(0, 9);
    if (kind === 0) all.splice(at, 0, random.pick(["lost", "silence"]));
    else if (kind === 1) all.splice(at, 1);
    else if (kind === 2 && typeof delivery === "object") {
      all[at] = { ...delivery, multicast: !delivery.multicast };
    } else if (kind === 3) all = [...all, ...all.slice(0, at)];
    else if (typeof delivery === "object") {
      all[at] = { ...delivery, bytes: random.pick(MUTATIONS)(delivery.bytes.slice(), random) };
    }
  }
  return all.slice(0, 12);
}
