/** The udp check against a server of our own: replies, silence, closed ports, what was sent. */
import { assertEquals, assertMatch } from "@std/assert";
import { udp } from "../../checks/udp.ts";
import { DatagramPeer } from "./datagram_peer.ts";
import { verdict } from "./verdict.ts";

const hello = new TextEncoder().encode("hello\xff");

const rows: [name: string, options: Record<string, unknown>, verdict: RegExp][] = [
  ["any reply", { require_reply: true }, /^pass: a reply of 7 octets$/],
  ["a reply nobody asked for", {}, /^pass: a reply of 7 octets$/],
  ["text", { expect: "ell" }, /^pass: a reply of 7 octets$/],
  ["other text", { expect: "world" }, /^"world" is not in the reply 68 65 6c 6c 6f c3 bf$/],
  ["octets", { expect_hex: "68xx6C" }, /^pass: a reply of 7 octets$/],
  ["other octets", { expect_hex: "68 65 00" }, /^the reply is 68 65 6c 6c 6f c3 bf$/],
  ["more octets than there are", { expect_hex: "68 65 6c 6c 6f c3 bf xx" }, /^the reply is 68 /],
  ["too short", { require_reply: true, minimum: 8 }, /^a reply of 7 octets, expected at least 8$/],
  ["too long", { maximum: 6 }, /^a reply of 7 octets, expected at most 6$/],
];

for (const [name, options, expected] of rows) {
  Deno.test(`udp: ${name}`, async () => {
    await using peer = await DatagramPeer.listen(() => [hello]);
    assertMatch(await verdict(udp, { address: peer.address, ...options }), expected);
  });
}

Deno.test("udp: what is sent", async () => {
  await using peer = await DatagramPeer.listen(() => [hello]);
  for (const options of [{}, { send: "ping\n" }, { send_hex: "DE ad\tbe ef" }]) {
    await verdict(udp, { address: peer.address, ...options });
  }
  assertEquals(peer.requests.map((request) => request.toHex()), ["00", "70696e670a", "deadbeef"]);
});

Deno.test("udp: silence passes unless a reply is required; a closed port never does", async () => {
  await using peer = await DatagramPeer.listen(() => []);
  const { address } = peer;
  assertMatch(await verdict(udp, { address, wait: "50ms" }), /is not known to be closed after 50 ms$/);
  assertMatch(
    await verdict(udp, { address }, { timeoutMs: 100 }),
    /^pass: 127.0.0.1:\d+ is not known to be closed after 90 ms$/,
  );
  const limit = AbortSignal.timeout(100);
  assertMatch(await verdict(udp, { address, require_reply: true }, { signal: limit }), /timed out/i);
  const target = { address: "127.0.0.1", port: 1 };
  assertEquals(await verdict(udp, {}, { target }), "127.0.0.1:1: connection refused");
  assertEquals(await verdict(udp, {}, { target: { ...target, port: 0 } }), "the real server has no port");
});
