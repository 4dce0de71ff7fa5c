/** The netlink protocol against a made-up kernel: bytes, batches, refusals, losses, interrupted dumps. */

import { assertEquals, assertThrows } from "@std/assert";
import { EBUSY, ENOBUFS, ETIMEDOUT, SyscallError } from "../../ffi/errno.ts";
import { libc } from "../../ffi/libc.ts";
import * as n from "../../ffi/netlink.ts";
import { acknowledge, acknowledgeAll, dump, FakeNetlink, isDump } from "./netlink_fake.ts";
import { addAddress, addRoute } from "../../ffi/rtnetlink.ts";
import { u16, u32, u64, u8 } from "../../ffi/struct.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const request = (type: number, description = `request ${type}`): n.NetlinkRequest => ({
  type,
  flags: 0,
  payload: Uint8Array.of(type),
  description,
});

Deno.test("golden: RTM_NEWADDR for a leased IPv4 address with label and protocol", () => {
  const { nl, datagrams } = recorder();
  addAddress(nl, {
    ifindex: 3,
    address: Uint8Array.of(192, 0, 2, 1),
    prefix: 32,
    label: "eth0:vip",
    validLft: 4,
    preferredLft: 2,
    proto: 18,
  });
  assertHex(datagrams, [
    "5c000000 1400 0506 01000000 92100000", // length 92, RTM_NEWADDR, CREATE|EXCL|ACK|REQUEST, 1, port 4242
    "02 20 00 00 03000000", // AF_INET, /32, flags, scope, interface 3
    "0800 0200 c0000201", // IFA_LOCAL
    "0800 0100 c0000201", // IFA_ADDRESS
    "0d00 0300 657468303a766970 00 000000", // IFA_LABEL "eth0:vip"
    "0800 0800 00000000", // IFA_FLAGS
    "1400 0600 02000000 04000000 00000000 00000000", // IFA_CACHEINFO preferred 2, valid 4
    "0500 0b00 12 000000", // IFA_PROTO 18
  ]);
});

Deno.test("golden: RTM_NEWADDR renews an IPv6 address without duplicate detection and prefix route", () => {
  const { nl, datagrams } = recorder();
  const address = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 1);
  addAddress(nl, {
    ifindex: 258,
    address,
    prefix: 64,
    noDad: true,
    noPrefixRoute: true,
    scope: 253,
    label: "IPv4 only",
  }, {
    replace: true,
  });
  assertHex(datagrams, [
    "48000000 1400 0505 01000000 92100000",
    "0a 40 00 fd 02010000",
    "1400 0200 20010db8000000000000000000000001",
    "1400 0100 20010db8000000000000000000000001",
    "0800 0800 02020000", // IFA_F_NODAD | IFA_F_NOPREFIXROUTE
  ]);
});

Deno.test("golden: RTM_NEWROUTE to a prefix by a next hop that is on the link", () => {
  const { nl, datagrams } = recorder();
  addRoute(nl, {
    family: 4,
    dst: Uint8Array.of(198, 51, 100, 0),
    prefix: 24,
    via: Uint8Array.of(192, 0, 2, 254),
    oif: 2,
    metric: 10,
    table: 1000,
    onlink: true,
  });
  assertHex(datagrams, [
    "44000000 1800 0506 01000000 92100000",
    "02 18 00 00 00 12 00 01 04000000", // /24, table 0 (see RTA_TABLE), RTPROT 18, universe, unicast, ONLINK
    "0800 0100 c6336400",
    "0800 0500 c00002fe",
    "0800 0400 02000000",
    "0800 0600 0a000000",
    "0800 0f00 e8030000",
  ]);
});

Deno.test("attributes: to bytes and back, nested, padded, repeated", () => {
  const bytes = n.encodeAttributes([
    [1, Uint8Array.of(7)],
    [2, "eth0"],
    [3, undefined],
    [4, [[1, n.bytesOf(u16, 0x1234)], [1, n.bytesOf(u32, 9)], [2, [[5, n.bytesOf(u64, 1n << 40n)]]]]],
    [6, new Uint8Array(0)],
  ]);
  assertEquals([...bytes.subarray(0, 24)], [
    5,
    0,
    1,
    0,
    7,
    0,
    0,
    0,
    9,
    0,
    2,
    0,
    101,
    116,
    104,
    48,
    0,
    0,
    0,
    0,
    36,
    0,
    4,
    0x80,
  ]);
  const attributes = new n.Attributes(bytes);
  assertEquals([attributes.u8(1), attributes.text(2), attributes.has(3), attributes.octets(6)], [
    7,
    "eth0",
    false,
    new Uint8Array(0),
  ]);
  assertEquals(attributes.list(4).map(({ type, value }) => [type, value.length]), [[1, 2], [1, 4], [2, 12]]);
  assertEquals(attributes.nested(4)?.u32(1), 9);
  assertEquals(attributes.nested(4)?.nested(2)?.u64(5), 1n << 40n);
  // Shorter than asked for: an older kernel.
  assertEquals([attributes.u32(1), attributes.field(1, u8), attributes.u16(99)], [undefined, 7, undefined]);
});

Deno.test("messages: every cut-off prefix of a datagram loses only what it cuts", () => {
  const one = n.encodeMessage({ type: 20, flags: 2, sequence: 7, portId: 9 }, Uint8Array.of(1, 2, 3));
  const datagram = n.concat([one, one]);
  for (let length = 0; length <= datagram.length; length++) {
    const whole = n.decodeMessages(datagram.subarray(0, length)).length;
    assertEquals(whole, length < 19 ? 0 : length < 39 ? 1 : 2, `${length} octets`);
  }
  assertEquals(n.decodeMessages(one), [{
    type: 20,
    flags: 2,
    sequence: 7,
    portId: 9,
    payload: Uint8Array.of(1, 2, 3),
  }]);
  // A length below the header's own must not loop for ever.
  assertEquals(n.decodeMessages(new Uint8Array(64)), []);
});

Deno.test("requestAll: one datagram, a result for each, a refusal hinders no other", () => {
  const datagrams: Uint8Array[] = [];
  const nl = new FakeNetlink((datagram) => {
    datagrams.push(datagram);
    return n.concat(
      n.decodeMessages(datagram).map((m) => acknowledge(m, m.type === 41 ? EBUSY : 0)).reverse(),
    );
  });
  const results = nl.requestAll([request(40), request(41, "load the gun"), request(42)]);
  assertEquals(results.map((error) => error?.message ?? null), [
    null,
    "load the gun: EBUSY: Device or resource busy",
    null,
  ]);
  assertEquals([datagrams.length, nl.sent.map(({ type, sequence }) => [type, sequence])], [1, [[40, 1], [
    41,
    2,
  ], [42, 3]]]);
  assertThrows(() => nl.request([request(41), request(42)]), n.NetlinkError, "request 41: EBUSY");
  assertEquals(nl.sent.length, 5);
});

Deno.test("requestAll: many requests are split so that the answers fit", () => {
  let datagrams = 0;
  const nl = new FakeNetlink((datagram) => {
    datagrams++;
    return n.concat(n.decodeMessages(datagram).map((m) => acknowledge(m)));
  });
  assertEquals(nl.requestAll(Array.from({ length: 200 }, () => request(40))), new Array(200).fill(null));
  assertEquals(datagrams, 4);
});

Deno.test("requestAll: of quiet requests only the last one is acknowledged, and what was refused is told", () => {
  const nl = new FakeNetlink((datagram) => {
    const asked = n.decodeMessages(datagram).filter(({ flags, type }) =>
      type === 41 || (flags & n.NLM_F_ACK) !== 0
    );
    return n.concat(asked.map((m) => acknowledge(m, m.type === 41 ? EBUSY : 0)));
  });
  const quiet = (type: number): n.NetlinkRequest => ({ ...request(type), quiet: true });
  const results = nl.requestAll([quiet(40), quiet(41), quiet(42), quiet(43)]);
  assertEquals(results.map((error) => error?.code ?? null), [null, "EBUSY", null, null]);
  const ACKNOWLEDGED = n.NLM_F_REQUEST | n.NLM_F_ACK;
  const { NLM_F_REQUEST } = n;
  assertEquals(nl.sent.map(({ flags }) => flags), [
    NLM_F_REQUEST,
    NLM_F_REQUEST,
    NLM_F_REQUEST,
    ACKNOWLEDGED,
  ]);
  assertEquals(nl.requestAll([quiet(41)]).map((error) => error?.code ?? null), ["EBUSY"]);
  assertEquals(nl.requestAll(Array.from({ length: 200 }, () => quiet(40))), new Array(200).fill(null));
  assertEquals(nl.sent.filter(({ flags }) => flags === ACKNOWLEDGED).length, 1 + 1 + 4);
  // One that is not quiet among them has its answer.
  assertEquals(nl.requestAll([quiet(40), request(40), quiet(40)]), [null, null, null]);
});

Deno.test("NetlinkError: carries the kernel's own sentence, with the request capped or whole", () => {
  const sentence = n.encodeAttributes([[1, "Nope: too blue"], [2, n.bytesOf(u32, 20)]]);
  const whole = new Uint8Array(20).fill(9);
  for (const [flags, body] of [[0x300, new Uint8Array(0)], [0x200, whole]] as const) {
    const nl = new FakeNetlink((datagram) => {
      const [message] = n.decodeMessages(datagram) as [n.NetlinkMessage];
      const head = acknowledge(message, EBUSY).slice(16);
      // The refused request's own length is in its header, behind the error.
      new DataView(head.buffer).setUint32(4, 16 + body.length, true);
      return n.encodeMessage({ ...message, type: n.NLMSG_ERROR, flags }, n.concat([head, body, sentence]));
    });
    const [error] = nl.requestAll([request(40, "paint it")]);
    assertEquals([error?.message, error?.extack, error?.code, error?.errno], [
      "paint it: EBUSY: Device or resource busy (Nope: too blue)",
      "Nope: too blue",
      "EBUSY",
      16,
    ]);
  }
});

Deno.test("request: a dump's messages, without its end", () => {
  const nl = new FakeNetlink((datagram) =>
    dump(first(datagram), [{ type: 20, payload: Uint8Array.of(1) }, { type: 20, payload: Uint8Array.of(2) }])
  );
  const [reply] = nl.request([{ ...request(22), flags: n.NLM_F_DUMP }]);
  assertEquals(reply?.messages.map(({ payload }) => payload[0]), [1, 2]);
});

Deno.test("request: a dump that changed while it was read is read again, and not for ever", () => {
  let dumps = 0;
  const nl = new FakeNetlink((datagram) => {
    const interrupted = ++dumps < 3 || dumps > 3;
    const { sequence, portId } = first(datagram);
    const flags = n.NLM_F_MULTI | (interrupted ? n.NLM_F_DUMP_INTR : 0);
    return n.concat([
      n.encodeMessage({ type: 20, flags, sequence, portId }, Uint8Array.of(dumps)),
      n.encodeMessage({ type: n.NLMSG_DONE, flags, sequence, portId }, new Uint8Array(4)),
    ]);
  });
  const dumpRequest = { ...request(22, "list things"), flags: n.NLM_F_DUMP };
  assertEquals(nl.request([dumpRequest])[0]?.messages.map(({ payload }) => payload[0]), [3]);
  assertThrows(
    () => nl.request([dumpRequest]),
    SyscallError,
    "list things: changed while it was read: EINTR",
  );
});

Deno.test("request: a dump is sent alone, other requests around it in their order", () => {
  const datagrams: number[][] = [];
  const nl = new FakeNetlink((datagram) => {
    const messages = n.decodeMessages(datagram);
    datagrams.push(messages.map(({ type }) => type));
    return n.concat(messages.map((m) => isDump(m) ? dump(m, []) : acknowledge(m)));
  });
  nl.request([request(40), request(41), { ...request(22), flags: n.NLM_F_DUMP }, request(42), request(43)]);
  assertEquals(datagrams, [[40, 41], [22], [42, 43]]);
});

Deno.test("receive: notifications that arrive between answers are kept, in order", () => {
  const transport = new ScriptedTransport();
  const nl = new n.NetlinkConversation(transport);
  transport.arrives(notification(1), notification(2), answer(1), notification(3));
  assertEquals(nl.requestAll([request(40)]), [null]);
  assertEquals(nl.receive().map(({ payload }) => payload[0]), [1, 2, 3]);
  assertEquals([nl.receive(), nl.overrun], [[], false]);
});

Deno.test("receive: lost notifications are an overrun, once", () => {
  const transport = new ScriptedTransport();
  const nl = new n.NetlinkConversation(transport);
  transport.arrives(notification(1), "ENOBUFS", notification(2));
  assertEquals([nl.receive().length, nl.overrun], [2, true]);
  assertEquals([nl.receive().length, nl.overrun], [0, false]);
});

Deno.test("requestAll: an answer that was lost is ENOBUFS, one that never comes ETIMEDOUT, late ones are ignored", () => {
  const transport = new ScriptedTransport();
  const nl = new n.NetlinkConversation(transport);
  transport.arrives(answer(2), "ENOBUFS");
  assertEquals(nl.requestAll([request(40), request(41)]).map((error) => error?.errno), [ENOBUFS, undefined]);
  const startMs = performance.now();
  assertEquals(nl.requestAll([request(42)]).map((error) => error?.errno), [ETIMEDOUT]);
  assertEquals(Math.round((performance.now() - startMs) / 1000), 2);
  transport.arrives(answer(3, EBUSY), answer(1, EBUSY), answer(4));
  assertEquals(nl.requestAll([request(43)]), [null]);
});

/** A transport that plays what the test tells it to; waiting takes the time it should. */
class ScriptedTransport implements n.Transport {
  readonly portId = 7;
  readonly #script: (n.Datagram | "ENOBUFS")[] = [];

  arrives(...datagrams: readonly (n.Datagram | "ENOBUFS")[]): void {
    this.#script.push(...datagrams);
  }

  send(): void {}

  receive(waitMs: number): n.Datagram | null {
    const next = this.#script.shift();
    if (next === "ENOBUFS") throw new SyscallError("recvmsg", ENOBUFS);
    if (next === undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    return next ?? null;
  }
}

function notification(mark: number): n.Datagram {
  const message = { type: 20, flags: 0, sequence: 1, portId: 7 };
  return { multicast: true, bytes: n.encodeMessage(message, Uint8Array.of(mark)) };
}

function answer(sequence: number, errno = 0): n.Datagram {
  const message = { type: 40, flags: 0, sequence, portId: 7, payload: new Uint8Array(0) };
  return { multicast: false, bytes: acknowledge(message, errno) };
}

function first(datagram: Uint8Array): n.NetlinkMessage {
  const [message] = n.decodeMessages(datagram);
  if (message === undefined) throw new Error("no message");
  return message;
}

function recorder(): { nl: FakeNetlink; datagrams: Uint8Array[] } {
  const datagrams: Uint8Array[] = [];
  const nl = new FakeNetlink((datagram) => {
    datagrams.push(datagram);
    return acknowledgeAll(datagram);
  });
  return { nl, datagrams };
}

/** One datagram, written in hex with a line for each part. */
function assertHex(datagrams: readonly Uint8Array[], lines: readonly string[]): void {
  assertEquals(datagrams.map((bytes) => bytes.toHex()), [lines.join("").replaceAll(" ", "")]);
}
