/** The tcp check against canned greetings. */
import { assertEquals } from "@std/assert";
import { tcp } from "../../checks/tcp.ts";
import type { Target } from "../../checks/check.ts";
import { Peer } from "./peer.ts";
import { verdict } from "./verdict.ts";

function probe(options: Record<string, unknown>, target?: Target): Promise<string> {
  return verdict(tcp, options, target === undefined ? {} : { target });
}

Deno.test("tcp: connects to the address, the target, or another port of either", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  assertEquals(await probe({ address: `127.0.0.1:${port}` }), "pass: ");
  assertEquals(await probe({ address: "127.0.0.1", connect_port: port }), "pass: ");
  assertEquals(await probe({ address: "127.0.0.1:1", connect_port: port }), "pass: ");
  assertEquals(await probe({}, { address: "127.0.0.1", port }), "pass: ");
  assertEquals(await probe({ connect_port: port }, { address: "127.0.0.1", port: 1 }), "pass: ");
  assertEquals(await probe({ address: "127.0.0.1" }), "the address has no port");
  assertEquals(await probe({ address: "127.0.0.1:1" }), "cannot connect to 127.0.0.1:1: connection refused");
});

Deno.test("tcp: over IPv6", async () => {
  using listener = Deno.listen({ hostname: "::1", port: 0 });
  assertEquals(await probe({ address: `[::1]:${listener.addr.port}` }), "pass: ");
  assertEquals(await probe({}, { address: "::1", port: listener.addr.port }), "pass: ");
});

Deno.test("tcp: sends and expects", async () => {
  await using peer = new Peer("+PONG\r\n");
  const address = `127.0.0.1:${peer.port}`;
  assertEquals(await probe({ address, send: "PING\r\n", expect: "+PONG" }), "pass: ");
  assertEquals(peer.requests, ["PING\r\n"]);
  assertEquals(
    await probe({ address, send: "PING\r\n", expect: "-ERR" }),
    'the server closed the connection after "+PONG\\r\\n"',
  );
  await using silent = new Peer("");
  assertEquals(
    await probe({ address: `127.0.0.1:${silent.port}`, send: "x", expect: "y" }),
    "the server closed the connection after no data",
  );
  await using chatty = new Peer("a".repeat(10_000));
  assertEquals(
    await probe({ address: `127.0.0.1:${chatty.port}`, send: "x", expect: "y" }),
    '"y" is not in the first 4096 bytes',
  );
});
