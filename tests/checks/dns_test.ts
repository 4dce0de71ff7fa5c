/** The dns check against name servers of our own: canned answers over UDP and TCP, and messages as octets. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { dns } from "../../checks/dns.ts";
import {
  decodeResponse,
  DnsMessageError,
  encodeName,
  encodeQuery,
  isResponseTo,
} from "../../checks/dns_message.ts";
import { Random } from "../sim/random.ts";
import { DatagramPeer } from "./datagram_peer.ts";
import { verdict } from "./verdict.ts";

/** "0000 8180 …": octets as hexadecimal digits. */
function octets(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replace(/\s/g, ""));
}

/** A response to `query` with these flags and answers: records without their name, the question's. */
function response(query: Uint8Array, flags: string, ...answers: readonly string[]): Uint8Array {
  const message = Uint8Array.from([
    ...query.subarray(0, 2),
    ...octets(`${flags} 0001 ${answers.length.toString(16).padStart(4, "0")} 0000 0000`),
    ...query.subarray(12),
    ...answers.flatMap((answer) => [...octets(`c00c ${answer}`)]),
  ]);
  return message;
}

const a = "0001 0001 0000003c 0004 c0000235";
const aaaa = "001c 0001 0000003c 0010 20010db8000000000000000000000001";
const mx = "000f 0001 0000003c 0007 000a 026d78 c00c";
const txt = "0010 0001 0000003c 0008 03763d31 03206d78";
const srv = "0021 0001 0000003c 000c 0001 0002 01bb 03777777 c00c";
const soa = "0006 0001 0000003c 001a c00c 0161 c00c 00000001 00000002 00000003 00000004 00000005";
const odd = "00ff 0001 0000003c 0002 beef";

const rows: [name: string, answers: string[], options: Record<string, unknown>, verdict: string][] = [
  ["any answer", [], {}, "pass: example.com SOA: NOERROR, 0 answers"],
  ["an address", [a], { query: "A", expect: { answer: "192.0.2.53" } }, "pass: example.com A: 192.0.2.53"],
  [
    "one of several",
    [aaaa, a],
    { query: "ANY", expect: { answer: "192.0.2.53" } },
    "pass: example.com ANY: 192.0.2.53",
  ],
  [
    "another address",
    [a, aaaa],
    { query: "A", expect: { answer: "192.0.2.54" } },
    "example.com A is 192.0.2.53, 2001:db8::1, expected 192.0.2.54",
  ],
  [
    "no answer",
    [],
    { query: "A", expect: { answer: "192.0.2.54" } },
    "example.com A is empty, expected 192.0.2.54",
  ],
  ["an IPv6 address", [aaaa], { expect: { answer: "2001:DB8::1" } }, "pass: example.com SOA: 2001:db8::1"],
  ["MX", [mx], { expect: { answer: "10 MX.example.com" } }, "pass: example.com SOA: 10 mx.example.com."],
  ["TXT", [txt], { expect: { answer: "v=1 mx" } }, "pass: example.com SOA: v=1 mx"],
  [
    "SRV",
    [srv],
    { expect: { answer: "1 2 443 www.example.com." } },
    "pass: example.com SOA: 1 2 443 www.example.com.",
  ],
  [
    "SOA",
    [soa],
    { expect: { answer: "example.com. a.example.com. 1 2 3 4 5" } },
    "pass: example.com SOA: example.com. a.example.com. 1 2 3 4 5",
  ],
  ["a type we do not know", [odd], { expect: { answer: "beef" } }, "pass: example.com SOA: beef"],
];

for (const [name, answers, options, expected] of rows) {
  Deno.test(`dns: ${name}`, async () => {
    await using peer = await DatagramPeer.listen((query) => [response(query, "8180", ...answers)]);
    assertEquals(await verdict(dns, { address: peer.address, name: "example.com", ...options }), expected);
  });
}

const flags: [flags: string, options: Record<string, unknown>, verdict: string][] = [
  ["8183", {}, ". SOA is answered with NXDOMAIN, expected NOERROR"],
  ["8185", { expect: { rcode: "REFUSED" } }, "pass: . SOA: REFUSED, 0 answers"],
  ["818f", {}, ". SOA is answered with 15, expected NOERROR"],
  ["8380", {}, "pass: . SOA: NOERROR, 0 answers"],
  ["8380", { expect: { answer: "x" } }, 'the answer to . SOA does not fit; ask with protocol = "tcp"'],
];

Deno.test("dns: response codes and truncation; the root's SOA is what is asked for", async () => {
  for (const [flag, options, expected] of flags) {
    await using peer = await DatagramPeer.listen((query) => [response(query, flag)]);
    assertEquals(await verdict(dns, { address: peer.address, ...options }), expected);
    assertEquals(peer.requests[0]?.subarray(2).toHex(), "01000001000000000000" + "0000060001");
  }
});

Deno.test("dns: what is no response to the query is not taken for one", async () => {
  await using peer = await DatagramPeer.listen((query) => {
    const right = response(query, "8180", a);
    return [query, right.with(0, (right[0] ?? 0) ^ 1), octets("00"), right];
  });
  const expect = { answer: "192.0.2.53" };
  assertEquals(await verdict(dns, { address: peer.address, name: "x", expect }), "pass: x SOA: 192.0.2.53");
});

Deno.test("dns: over TCP, in pieces", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (cut: number): Promise<void> => {
    using connection = await listener.accept();
    const query = new Uint8Array(100);
    const length = await connection.read(query) ?? 0;
    const answer = response(query.subarray(2, length), "8180", a);
    const framed = Uint8Array.of(0, answer.length, ...answer);
    for (let at = 0; at < framed.length - cut; at++) await connection.write(framed.subarray(at, at + 1));
  };
  const options = { address: `127.0.0.1:${listener.addr.port}`, protocol: "tcp", name: "x", query: "A" };
  const [whole] = await Promise.all([verdict(dns, options), serve(0)]);
  assertEquals(whole, "pass: x A: NOERROR, 1 answer");
  const [half] = await Promise.all([verdict(dns, options), serve(3)]);
  assertEquals(half, "the server closed the connection in the middle of its answer");
});

const malformed: [name: string, message: string, problem: RegExp][] = [
  ["nothing behind the header's counts", "0000 8180 0000 0001 0000 0000", /cut short/],
  ["a name that points at itself", "0000 8180 0001 0000 0000 0000 c00c 0001 0001", /points forward/],
  ["names in a ring", "0000 8180 0001 0000 0000 0000 0161 c00c 0001 0001", /too many pointers|too long/],
  ["a label of an unknown kind", "0000 8180 0001 0000 0000 0000 4161 0001 0001", /unknown kind/],
  [
    "data longer than the message",
    `0000 8180 0000 0001 0000 0000 00 0001 0001 0000003c 0005 c0000235`,
    /cut short/,
  ],
  [
    "a name longer than its record",
    `0000 8180 0000 0001 0000 0000 00 0002 0001 0000003c 0001 0161 00`,
    /longer/,
  ],
];

Deno.test("dns: malformed messages", async () => {
  for (const [name, message, problem] of malformed) {
    assertMatch(
      assertThrows(() => decodeResponse(octets(message)), DnsMessageError, undefined, name).message,
      problem,
    );
  }
  await using peer = await DatagramPeer.listen((query) => [response(query, "8180", "0001")]);
  assertEquals(
    await verdict(dns, { address: peer.address }),
    "the answer is malformed: the message is cut short",
  );
});

Deno.test("dns: queries and names as octets", () => {
  assertEquals(
    encodeQuery(0x1234, "www.Example.com.", "AAAA").toHex(),
    "1234 0100 0001 0000 0000 0000"
      .replaceAll(" ", "") + "03777777074578616d706c6503636f6d00" + "001c0001",
  );
  assertEquals(isResponseTo(octets("1234 8180 0000 0000 0000 0000"), octets("1234")), true);
  assertEquals(encodeName("."), Uint8Array.of(0));
  assertEquals(
    ["a..b", ".a", "x".repeat(64), "aaaa.".repeat(60)].map(encodeName),
    [1, 1, 1, 1].map(() => undefined),
  );
});

Deno.test("dns: whatever a hostile server says, it is a response or a malformed message", () => {
  const random = new Random(53);
  const query = encodeQuery(1, "www.example.com", "ANY");
  const seeds = [a, aaaa, mx, txt, srv, soa, odd].map((answer) =>
    response(query, "8180", answer, answer, answer)
  );
  let malformed = 0;
  for (let round = 0; round < 20_000; round++) {
    const message = random.pick(seeds).slice();
    for (let n = random.integer(1, 4); n > 0; n--) {
      message[random.integer(4, message.length - 1)] = random.pick([
        0,
        1,
        0x3f,
        0xc0,
        0xff,
        random.integer(0, 255),
      ]);
    }
    try {
      const cut = message.subarray(0, random.integer(12, message.length));
      assert(decodeResponse(cut).answers.length <= 0xffff);
    } catch (error) {
      assert(error instanceof DnsMessageError, `${message.toHex()}: ${error}`);
      malformed++;
    }
  }
  assert(malformed > 1000 && malformed < 19_900, `${malformed}`);
});
