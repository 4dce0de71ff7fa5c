/** `vipd digest`: what it prints, that the http check takes it, and what is refused. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { http } from "../../checks/http.ts";
import { UsageError } from "../../mod/errors.ts";
import { digest } from "../../mod/cli/digest.ts";
import { Peer } from "../checks/peer.ts";
import { verdict } from "../checks/verdict.ts";
import { fakeIo } from "./fake_io.ts";

const page = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const sha256 = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const md5 = "md5:5d41402abc4b2a76b9719d911017c592";

async function run(...args: string[]): Promise<[code: number, out: string[], err: string]> {
  const io = fakeIo();
  const code = await digest(args, io);
  return [code, io.stdout, io.stderr.join("\n")];
}

Deno.test("vipd digest: one line for each algorithm, as the check takes it", async () => {
  await using peer = new Peer(page);
  assertEquals(await run(peer.url), [0, [sha256, md5], "status 200, 5 octets"]);
  for (const line of [sha256, md5]) {
    assertEquals(await verdict(http, { url: peer.url, expect: { digest: line } }), "pass: status 200");
  }
});

Deno.test("vipd digest: another address, virtual host and method; redirects", async () => {
  await using peer = new Peer(page, "HTTP/1.1 302 F\r\nLocation: /b\r\n\r\n", page);
  const address = new URL(peer.url).host;
  await run("http://example.com/a", "--connect-to", address, "--host", "www.example.com", "--method", "POST");
  const [head = ""] = peer.requests;
  assertEquals(head.split("\r\n")[0], "POST /a HTTP/1.1");
  assertMatch(head, /\r\nHost: www\.example\.com\r\n/);
  const [, lines, said] = await run(peer.url, "--follow");
  assertEquals([lines, said], [[sha256, md5], `status 200 at ${peer.url}b, 5 octets`]);
});

Deno.test("vipd digest: what cannot be had", async () => {
  await using long = new Peer(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(1_100_000)}`);
  const [code, lines, said] = await run(long.url);
  assertEquals([code, lines.length], [1, 0]);
  assertMatch(said, /the body is longer than 1048576 octets: no check can compare it$/);
  assertEquals(await run("http://127.0.0.1:1/"), [
    1,
    [],
    "vipd digest: cannot connect to 127.0.0.1:1: connection refused",
  ]);
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const slow = await run(`http://127.0.0.1:${silent.addr.port}/`, "--timeout", "50ms");
  assertEquals([slow[0], slow[1].length], [1, 0]);
});

const refused: [args: string[], problem: string][] = [
  [[], "Name the URL first"],
  [["--follow"], "Name the URL first"],
  [["ftp://a/"], "url: expected an http:// or https:// URL"],
  [["http://a/", "--connect-to", "a:b:c"], "connect-to: expected address or address:port"],
  [["http://a/", "--timeout", "soon"], '--timeout needs a duration such as "10s"'],
  [["http://a/", "--digest"], 'Unknown option "--digest"'],
];

Deno.test("vipd digest: wrong usage", async () => {
  for (const [args, problem] of refused) {
    await assertRejects(() => run(...args), UsageError, problem);
  }
});
