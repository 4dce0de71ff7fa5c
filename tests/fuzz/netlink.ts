/** Netlink as a kernel might speak it, to the conversation, the parsers of rtnetlink and the link table. */
import { assert, assertEquals } from "@std/assert";
import { ENOBUFS, SyscallError } from "../../ffi/errno.ts";
import {
  type Datagram,
  decodeMessages,
  listAttributes,
  NetlinkConversation,
  NetlinkError,
  type NetlinkMessage,
  type Transport,
} from "../../ffi/netlink.ts";
import {
  type Address,
  changeAddresses,
  getLink,
  type Link,
  listAddresses,
  listLinks,
  listRoutes,
  type Notification,
  parseNotification,
} from "../../ffi/rtnetlink.ts";
import { LinkTable } from "../../mod/kernel/links.ts";
import { KernelNews } from "../../mod/kernel/news.ts";
import type { Random } from "../sim/random.ts";
import { address, bytes, link } from "../vrrp/fixture.ts";
import { IPVS_QUESTIONS } from "./ipvs.ts";
import { answer, type Delivery, disturbed } from "./netlink_cases.ts";
import { attributes, familyHeader, messages, told } from "./netlink_model.ts";
import { smallerBytes, smallerList } from "./smaller.ts";
import type { Target } from "./target.ts";

/** What a kernel delivers after it has been asked something. */
export interface NetlinkCase {
  /** Of `QUESTIONS`. */
  readonly question: string;
  readonly script: readonly Delivery[];
  /** It goes on with it for ever. */
  readonly endless: boolean;
}

/** Whatever the kernel says, nobody reads more often than this on its behalf. */
const READS_MAX = 20_000;

const QUESTIONS: Readonly<Record<string, (script: Script) => void>> = {
  links: (script) => listLinks(script.conversation()).forEach(assertLink),
  addresses: (script) => listAddresses(script.conversation()).forEach(assertAddress),
  routes: (script) => assert(Array.isArray(listRoutes(script.conversation()))),
  link: (script) => {
    const found = getLink(script.conversation(), 1);
    if (found !== null) assertLink(found);
  },
  change: (script) => {
    const change = { action: "add", ifindex: 1, address: bytes("192.0.2.9"), prefix: 32 } as const;
    const results = changeAddresses(script.conversation(), [change, change]);
    assertEquals(results.length, 2);
    assert(results.every((error) => error === null || error.errno > 0));
  },
  news: judgeNews,
  ...Object.fromEntries(
    Object.entries(IPVS_QUESTIONS).map((
      [name, ask],
    ) => [name, (script: Script) => ask(script.conversation())]),
  ),
};

export const netlink: Target<NetlinkCase> = {
  count: 1_000_000,
  limitMs: 10_000,
  generate(random: Random): NetlinkCase {
    const question = random.pick(Object.keys(QUESTIONS));
    const script = disturbed(random, answer(random, question));
    return { question, script, endless: random.chance(0.002) };
  },
  judge({ question, script, endless }): string {
    for (const delivery of script) if (typeof delivery === "object") judgeDatagram(delivery.bytes);
    const reading = new Script(script, endless);
    try {
      const ask = QUESTIONS[question];
      if (ask === undefined) throw new Error(`no question ${question}`);
      ask(reading);
      return `${question}: answered`;
    } catch (error) {
      if (error instanceof NetlinkError || error instanceof SyscallError) {
        return `${question}: ${error.code.replace(/^errno .*/, "errno")}`;
      }
      throw error;
    }
  },
  *smaller({ question, script, endless }): Generator<NetlinkCase> {
    if (endless) yield { question, script, endless: false };
    const less = (delivery: Delivery): Iterable<Delivery> =>
      typeof delivery === "object"
        ? smallerBytes(delivery.bytes).map((bytes) => ({ ...delivery, bytes }))
        : [];
    for (const smaller of smallerList(script, less)) yield { question, script: smaller, endless };
  },
  toRow({ question, script, endless }): string[] {
    const words = script.map((delivery) =>
      typeof delivery === "string"
        ? delivery
        : `${delivery.multicast ? "to all" : "to us"} ${delivery.bytes.toHex()}`
    );
    return [question, ...words, ...endless ? ["for ever"] : []];
  },
  fromRow([question = "", ...words]): NetlinkCase {
    const script = words.filter((word) => word !== "for ever").map(deliveryOf);
    return { question, script, endless: words.at(-1) === "for ever" };
  },
};

function deliveryOf(word: string): Delivery {
  if (word === "lost" || word === "silence") return word;
  const [, to, hex = ""] = /^to (us|all) (.*)$/.exec(word) ?? [];
  return { bytes: Uint8Array.fromHex(hex), multicast: to === "all" };
}

/** Plays the deliveries to one or more conversations; time passes with them, and only with them. */
class Script {
  #nowMs = 0;

  constructor(readonly deliveries: readonly Delivery[], readonly endless: boolean) {}

  conversation(): NetlinkConversation {
    const transport: Transport = { portId: 4242, send: () => {}, receive: this.#player() };
    return new NetlinkConversation(transport, () => this.#nowMs);
  }

  #player(): (waitMs: number) => Datagram | null {
    const { deliveries, endless } = this;
    let next = 0;
    let reads = 0;
    return (waitMs) => {
      if (++reads > READS_MAX) throw new Error("it reads for ever");
      const delivery = deliveries[endless && deliveries.length > 0 ? next++ % deliveries.length : next++];
      this.#nowMs += delivery === undefined || delivery === "silence" ? waitMs : 5;
      if (delivery === "lost") throw new SyscallError("recvmsg", ENOBUFS);
      return typeof delivery === "object" ? { ...delivery, bytes: delivery.bytes.slice() } : null;
    };
  }
}

/** Every message against the second reader, and with an attribute of the future in front. */
function judgeDatagram(datagram: Uint8Array): void {
  const found = decodeMessages(datagram);
  const expected = messages(datagram);
  assertSame(found.map(({ type, payload }) => `${type} ${payload.length}`), expected.map(spanOf));
  for (const [i, message] of found.entries()) {
    const notification = parseNotification(message);
    const words = notification && said(notification);
    assertSame([words], [told(expected[i]!.type, message.payload)]);
    const header = familyHeader(message.type);
    if (header === null || message.payload.length < header) continue;
    const list = listAttributes(message.payload.subarray(header));
    assertSame(
      list.map(({ type, value }) => `${type} ${value.length}`),
      attributesOf(message.payload, header),
    );
    const newer = parseNotification(withUnknown(message, header));
    assertSame([words], [newer && said(newer)], "an unknown attribute changes what is understood");
    if (notification !== null) assertCopied(notification, datagram);
  }
}

/** As assertEquals, which takes its time even when all is well. */
function assertSame(actual: readonly unknown[], expected: readonly unknown[], message?: string): void {
  if (actual.length !== expected.length || actual.some((value, i) => value !== expected[i])) {
    assertEquals(actual, expected, message);
  }
}

function spanOf({ type, from, to }: { type: number; from: number; to: number }): string {
  return `${type} ${to - from - 16}`;
}

function attributesOf(payload: Uint8Array, header: number): string[] {
  return attributes(payload, header).map(({ type, from, to }) => `${type} ${to - from - 4}`);
}

function withUnknown(message: NetlinkMessage, header: number): NetlinkMessage {
  const unknown = [7, 0, 0xe7, 0x3f, 1, 2, 3, 0];
  const { payload } = message;
  return {
    ...message,
    payload: Uint8Array.of(...payload.subarray(0, header), ...unknown, ...payload.subarray(header)),
  };
}

/** The same words as the model's `told`. */
function said(notification: Notification): string {
  if ("link" in notification) {
    const { index, name, mtu, up, mac, master } = notification.link;
    return ["link", index, name, mtu, up, mac.toHex(), master].join(" ");
  }
  if ("address" in notification) {
    const { ifindex, address, prefix, flags, validLft } = notification.address;
    const valid = validLft === Infinity ? 0xffffffff : validLft;
    return ["address", ifindex, address.toHex(), prefix, flags, valid].join(" ");
  }
  const { dst, prefix, table, oif } = notification.route;
  return ["route", dst?.toHex() ?? "default", prefix, table, oif].join(" ");
}

/** What is kept must not keep the datagram. */
function assertCopied(notification: Notification, datagram: Uint8Array): void {
  const value = "link" in notification
    ? notification.link.mac
    : "address" in notification
    ? notification.address.address
    : notification.route.dst;
  assert(
    value === null || value.buffer !== datagram.buffer || value.length === 0,
    "a view of the datagram is kept",
  );
}

function assertLink({ index, name, mtu }: Link): void {
  assert(Number.isInteger(index) && Number.isInteger(mtu) && typeof name === "string");
}

function assertAddress({ address, family }: Address): void {
  assertEquals(address.length, family === 4 ? 4 : 16, "an address of another length than its family's");
}

/** Notifications into a table that knows two links, and a reading of everything when some were lost. */
function judgeNews(script: Script): void {
  const table = new LinkTable();
  table.load([link(1, "lo"), link(2, "fza")], [address(2, "192.0.2.1/24"), address(2, "fe80::1/64")]);
  const news = new KernelNews(script.conversation(), script.conversation(), table);
  for (let turn = 0; turn < 3; turn++) {
    const { virtual, readdressed, emptied } = news.receive(turn * 2_000, ({ length }) => length === 16);
    virtual.forEach(assertAddress);
    assert(readdressed.length + emptied.length < READS_MAX);
  }
  table.allAddresses().forEach(assertAddress);
  for (const index of [1, 2, 3, 4]) {
    const name = table.nameOf(index);
    if (table.byName(name) !== undefined) assertEquals(table.nameOf(table.indexOf(name)), name);
    for (const family of [4, 6] as const) table.primaryAddress(index, family, new Set());
  }
}
