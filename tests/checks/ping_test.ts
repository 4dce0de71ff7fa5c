/** The ping check on loopback, and its messages octet by octet. */
import { assertEquals, assertMatch } from "@std/assert";
import { echoRequest, isReply, ping } from "../../checks/ping.ts";
import { verdict } from "./verdict.ts";

Deno.test("ping: IPv4 and IPv6, by address, name and real server, of every size", async () => {
  const answered = /^pass: answered after \d+\.\d ms$/;
  assertMatch(await verdict(ping, { address: "127.0.0.1" }), answered);
  assertMatch(await verdict(ping, { address: "::1", bind_address: "::1", size: 16 }), answered);
  assertMatch(await verdict(ping, { address: "localhost", size: 1400 }), answered);
  assertMatch(await verdict(ping, { size: 17 }, { target: { address: "127.0.0.9", port: 0 } }), answered);
});

Deno.test("ping: many at once, each with its own answer", async () => {
  const verdicts = await Promise.all(
    Array.from({ length: 50 }, () => verdict(ping, { address: "127.0.0.1" })),
  );
  assertEquals(verdicts.filter((text) => text.startsWith("pass: ")).length, 50);
});

Deno.test("ping: requests, and what answers them", () => {
  const request = echoRequest(4, 57);
  assertEquals([request.length, request[0], request[1]], [65, 8, 0]);
  let sum = 0;
  for (let at = 0; at < request.length; at += 2) sum += (request[at] ?? 0) << 8 | (request[at + 1] ?? 0);
  assertEquals((sum & 0xffff) + (sum >>> 16), 0xffff);
  // The identifier is the kernel's where the socket is no raw one, the checksum another.
  const reply = request.slice();
  reply.set([0, 0, 1, 2, 3, 4]);
  assertEquals(isReply(reply, request, 4), true);
  assertEquals(isReply(request, request, 4), false);
  assertEquals(isReply(reply.subarray(0, 64), request, 4), false);
  assertEquals(isReply(reply.with(60, 1), request, 4), false);
  assertEquals(isReply(echoRequest(4, 57), request, 4), false);
  const six = echoRequest(6, 16);
  assertEquals([six[0], six[2], six[3], isReply(six.with(0, 129), six, 6)], [128, 0, 0, true]);
});
