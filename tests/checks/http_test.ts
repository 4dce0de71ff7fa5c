/** The http check against canned answers: what passes, what fails and with which reason, what is sent. */
import { assert, assertEquals } from "@std/assert";
import type { Target } from "../../checks/check.ts";
import { http } from "../../checks/http.ts";
import { bodyLimit, headLimit } from "../../checks/http_message.ts";
import { Peer } from "./peer.ts";
import { verdict } from "./verdict.ts";

/** "pass: note" or the reason of the failure. */
function probe(options: Record<string, unknown>, target?: Target): Promise<string> {
  return verdict(http, options, target === undefined ? {} : { target });
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const typed = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nServer: a\r\n\r\n{}";
const json =
  'HTTP/1.1 200 OK\r\n\r\n{"status":"ok","nodes":[{"up":true},{"up":false}],"count":2,"none":null}';
const md5 = "5d41402abc4b2a76b9719d911017c592";
const sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

const rows: [name: string, answer: string, options: Record<string, unknown>, verdict: string][] = [
  ["content length", ok, { expect: { digest: `md5:${md5}` } }, "pass: status 200"],
  [
    "until close",
    "HTTP/1.0 200 OK\r\n\r\nhello",
    { expect: { digest: `sha256:${sha256}` } },
    "pass: status 200",
  ],
  [
    "chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    { expect: { digest: `sha256:${sha256.toUpperCase()}` } },
    "pass: status 200",
  ],
  ["interim answer", `HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${ok}`, {}, "pass: status 200"],
  ["no reason phrase", "HTTP/1.1 204 \r\n\r\n", {}, "pass: status 204"],
  [
    "HEAD has no body",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    { method: "HEAD" },
    "pass: status 200",
  ],
  ["304 has no body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", {}, "pass: status 304"],
  ["bad status", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", {}, "status 503, expected 200-399"],
  [
    "status list",
    "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
    { expect: { status: [200, "3xx"] } },
    "status 404, expected 200, 300-399",
  ],
  [
    "status on purpose",
    "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
    { expect: { status: 401 } },
    "pass: status 401",
  ],
  [
    "redirect not followed",
    "HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
    {},
    "pass: status 302",
  ],
  ["body text", ok, { expect: { body: "ell" } }, "pass: status 200"],
  ["body text missing", ok, { expect: { body: "nope" } }, 'the body does not contain "nope"'],
  ["regex", ok, { expect: { regex: "^h.*o$" } }, "pass: status 200"],
  ["regex missing", ok, { expect: { regex: "^x" } }, "the body does not match /^x/u"],
  ["digest differs", ok, { expect: { digest: `md5:${"0".repeat(32)}` } }, `the body's digest is md5:${md5}`],
  [
    "json",
    json,
    { expect: { json: { status: "ok", "nodes.1.up": false, count: 2, none: null, "nodes.length": 2 } } },
    "pass: status 200",
  ],
  ["json differs", json, { expect: { json: { "nodes.0.up": false } } }, "nodes.0.up is true, expected false"],
  ["json missing", json, { expect: { json: { "a.b": 1 } } }, "a.b is missing, expected 1"],
  [
    "json of the prototype",
    json,
    { expect: { json: { "constructor.name": "Object" } } },
    'constructor.name is missing, expected "Object"',
  ],
  ["no json", ok, { expect: { json: { status: "ok" } } }, "the body is not JSON"],
  ["no answer", "", {}, "the server closed the connection without an answer"],
  [
    "half a head",
    "HTTP/1.1 200 OK\r\nContent",
    {},
    "the server closed the connection in the middle of its answer",
  ],
  [
    "half a body",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell",
    {},
    "the server closed the connection before the end of its answer",
  ],
  [
    "half a chunk",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    {},
    "the server closed the connection before the end of its answer",
  ],
  [
    "no last chunk",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    {},
    "the server closed the connection in the middle of its answer",
  ],
  [
    "chunk longer than said",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
    {},
    "the answer's chunks are malformed",
  ],
  [
    "chunk without a length",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    {},
    'malformed length in the answer: "x"',
  ],
  [
    "bad length",
    "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    {},
    'malformed length in the answer: "-5"',
  ],
  ["not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", {}, 'not an HTTP answer: "SSH-2.0-OpenSSH_9.2"'],
  ["not a header", "HTTP/1.1 200 OK\r\nwhat\r\n\r\n", {}, 'malformed header in the answer: "what"'],
  [
    "endless head",
    `HTTP/1.1 200 OK\r\nA: ${"a".repeat(2 * headLimit)}`,
    {},
    `a part of the answer has no end within ${headLimit} bytes`,
  ],
  [
    "a long body is cut: its start still counts",
    `HTTP/1.1 200 OK\r\n\r\nstart${"a".repeat(bodyLimit)}end`,
    { expect: { body: "start" } },
    "pass: status 200",
  ],
  [
    "a long body is cut: a digest cannot be made",
    `HTTP/1.1 200 OK\r\n\r\n${"a".repeat(bodyLimit + 1)}`,
    { expect: { digest: `md5:${md5}` } },
    `the body is longer than ${bodyLimit} bytes`,
  ],
  [
    "a long body by its length",
    `HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n${"a".repeat(bodyLimit + 1)}`,
    { expect: { json: { a: 1 } } },
    `the body is longer than ${bodyLimit} bytes`,
  ],
  [
    "a long body in chunks",
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"100000\r\n" + "a".repeat(0x100000) + "\r\n"}${
      "100000\r\n" + "b".repeat(0x100000)
    }`,
    { expect: { body: "ab", regex: "^a" } },
    'the body does not contain "ab"',
  ],
  ["a header that contains", typed, { expect: { headers: { "content-type": "json" } } }, "pass: status 200"],
  [
    "a header that does not contain",
    typed,
    { expect: { headers: { "Content-Type": "html" } } },
    'the header Content-Type is "application/json; charset=utf-8", expected "html"',
  ],
  ["a header that is missing", ok, { expect: { headers: { "X-A": "b" } } }, "there is no header X-A"],
  ["a header that must be there", typed, { expect: { headers: { "X-A": true } } }, "there is no header X-A"],
  ["a header that must not", ok, { expect: { headers: { "X-A": false } } }, "pass: status 200"],
  [
    "a header that must not be",
    typed,
    { expect: { headers: { server: false } } },
    "there is a header server",
  ],
  ["a small body", ok, { expect: { max_size: 5 } }, "pass: status 200"],
  ["a large body", ok, { expect: { max_size: 4 } }, "the body has more than 4 bytes"],
  [
    "a body that is cut is larger than anything",
    `HTTP/1.1 200 OK\r\n\r\n${"a".repeat(bodyLimit + 1)}`,
    { expect: { max_size: bodyLimit } },
    `the body has more than ${bodyLimit} bytes`,
  ],
  [
    "a compressed body cannot be judged",
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    { expect: { body: "hello" } },
    "the body is compressed (gzip), which no Accept-Encoding of vipd asks for",
  ],
  [
    "a compressed body that nobody looks into",
    "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nhello",
    {},
    "pass: status 200",
  ],
  [
    "a compressed message",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    {},
    'the answer has the transfer encoding "gzip, chunked", not chunked',
  ],
];

for (const [name, answer, options, verdict] of rows) {
  Deno.test(`http: ${name}`, async () => {
    await using peer = new Peer(answer);
    assertEquals(await probe({ url: peer.url, ...options }), verdict);
  });
}

Deno.test("http: the request, whole", async () => {
  await using peer = new Peer(ok);
  await probe({ url: `${peer.url}a%20b?q=1#f` });
  const host = `127.0.0.1:${peer.port}`;
  const usual = "User-Agent: vipd\r\nAccept: */*\r\n";
  assertEquals(
    peer.requests[0],
    `GET /a%20b?q=1 HTTP/1.1\r\nHost: ${host}\r\n${usual}Connection: close\r\n\r\n`,
  );
  await probe({
    url: peer.url,
    method: "POST",
    headers: { host: "www.example.com", "user-agent": "probe", "X-A": "é" },
    basic_auth: { username: "user", password: "pässword:1" },
    body: "ä=1",
  });
  assertEquals(
    peer.requests[1],
    "POST / HTTP/1.1\r\nAccept: */*\r\nContent-Length: 4\r\nAuthorization: Basic dXNlcjpww6Rzc3dvcmQ6MQ==\r\n" +
      "host: www.example.com\r\nuser-agent: probe\r\nX-A: é\r\nConnection: close\r\n\r\nä=1",
  );
  await probe({ url: `http://us%40er:pw@127.0.0.1:${peer.port}/` });
  assert(peer.requests[2]?.includes(`Authorization: Basic ${btoa("us@er:pw")}\r\n`));
});

Deno.test("http: version 1.0, and secrets from files, which are never told", async () => {
  await using peer = new Peer(ok);
  const file = Deno.makeTempFileSync();
  const request = async (options: Record<string, unknown>): Promise<string> => {
    const said = await probe({ url: peer.url, ...options });
    return said === "pass: status 200" ? peer.requests.at(-1) ?? "" : said;
  };
  assert((await request({ http_version: "1.0" })).startsWith("GET / HTTP/1.0\r\nHost: "));
  Deno.writeTextFileSync(file, "tok.en-1\n");
  assert((await request({ bearer_token_file: file })).includes("\r\nAuthorization: Bearer tok.en-1\r\n"));
  Deno.writeTextFileSync(file, "pässword:1\n");
  const basic = { username: "user", password_file: file };
  assert(
    (await request({ basic_auth: basic })).includes("Authorization: Basic dXNlcjpww6Rzc3dvcmQ6MQ==\r\n"),
  );
  assertEquals(await request({ bearer_token_file: file }), `${file} holds no token`);
  Deno.writeTextFileSync(file, "two\nX-Injected: lines\n");
  assertEquals(await request({ bearer_token_file: file }), `${file} holds no token`);
  Deno.removeSync(file);
  assert(
    (await request({ bearer_token_file: file })).startsWith(`cannot read ${file}: no such file or directory`),
  );
  // A redirect to another server does not take it along.
  await using other = new Peer(ok);
  const location = `HTTP/1.1 302 F\r\nLocation: http://127.0.0.2:${other.port}/\r\nContent-Length: 0\r\n\r\n`;
  await using away = new Peer(location);
  Deno.writeTextFileSync(file, "secret");
  await probe({ url: away.url, bearer_token_file: file, follow_redirects: true, connect_timeout: "1s" });
  assert(away.requests[0]?.includes("Authorization: Bearer secret"));
  assertEquals(other.requests.some((text) => text.includes("secret")), false);
  Deno.removeSync(file);
});

Deno.test("http: a target or connect_to is where it connects, whatever the URL says", async () => {
  await using peer = new Peer(ok);
  const target = { address: "127.0.0.1", port: peer.port };
  assertEquals(await probe({}, target), "pass: status 200");
  assertEquals(await probe({ path: "/health?x" }, target), "pass: status 200");
  assertEquals(await probe({ url: "http://www.example.com/a" }, target), "pass: status 200");
  assertEquals(
    await probe({ url: "http://www.example.com:81/b", connect_to: `127.0.0.1:${peer.port}` }),
    "pass: status 200",
  );
  const heads = peer.requests.map((request) => request.split("\r\n").slice(0, 2).join(" "));
  assertEquals(heads, [
    `GET / HTTP/1.1 Host: 127.0.0.1:${peer.port}`,
    `GET /health?x HTTP/1.1 Host: 127.0.0.1:${peer.port}`,
    "GET /a HTTP/1.1 Host: www.example.com",
    "GET /b HTTP/1.1 Host: www.example.com:81",
  ]);
});

Deno.test("http: no proxy of the environment is used", async () => {
  await using proxy = new Peer(ok);
  await using peer = new Peer(ok);
  for (const name of ["http_proxy", "HTTP_PROXY", "all_proxy"]) Deno.env.set(name, proxy.url);
  assertEquals(await probe({ url: peer.url }), "pass: status 200");
  for (const name of ["http_proxy", "HTTP_PROXY", "all_proxy"]) Deno.env.delete(name);
  assertEquals([proxy.requests.length, peer.requests.length], [0, 1]);
});

function redirect(status: number, location: string): string {
  return `HTTP/1.1 ${status} R\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
}

Deno.test("http: redirects are followed when asked for", async () => {
  await using peer = new Peer(redirect(301, "/next?a"), redirect(307, "last"), ok);
  const verdict = await probe({
    url: `${peer.url}first/`,
    follow_redirects: true,
    method: "POST",
    body: "x",
  });
  assertEquals(verdict, `pass: status 200 at ${peer.url}last`);
  const lines = peer.requests.map((request) => request.split("\r\n")[0]);
  assertEquals(lines, ["POST /first/ HTTP/1.1", "GET /next?a HTTP/1.1", "GET /last HTTP/1.1"]);
});

Deno.test("http: redirects end", async () => {
  await using peer = new Peer(redirect(302, "/again"));
  assertEquals(await probe({ url: peer.url, follow_redirects: true }), "more than 10 redirects");
  assertEquals(peer.requests.length, 11);
  await using strange = new Peer(redirect(302, "ftp://a/"));
  assertEquals(
    await probe({ url: strange.url, follow_redirects: true }),
    "cannot follow the redirect to ftp://a/",
  );
});

Deno.test("http: another server gets neither credentials nor headers", async () => {
  await using other = new Peer(ok);
  await using peer = new Peer(redirect(302, other.url));
  const verdict = await probe({
    url: peer.url,
    follow_redirects: true,
    headers: { Cookie: "secret" },
    basic_auth: { username: "a", password: "b" },
  });
  assertEquals(verdict, `pass: status 200 at ${other.url}`);
  assert(/Cookie|Authorization/.test(peer.requests[0] ?? ""));
  assert(!/Cookie|Authorization/.test(other.requests[0] ?? ""));
});

Deno.test("http: a redirect to the virtual host stays with the server", async () => {
  await using peer = new Peer(redirect(302, "http://www.example.com/home"), ok);
  const verdict = await probe({
    url: peer.url,
    follow_redirects: true,
    headers: { Host: "www.example.com", Cookie: "c" },
  });
  assertEquals(verdict, "pass: status 200 at http://www.example.com/home");
  assert(peer.requests[1]?.includes("Host: www.example.com\r\n") && peer.requests[1].includes("Cookie: c"));
});

Deno.test("http: every probe opens a new connection", async () => {
  await using peer = new Peer(ok);
  for (let i = 0; i < 3; i++) assertEquals(await probe({ url: peer.url }), "pass: status 200");
  assertEquals(peer.requests.length, 3);
});

Deno.test("http: the limit of connecting holds where no answer to the SYN comes", async () => {
  // Beyond a full backlog the kernel drops SYNs, as a host that is gone would.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  using _first = await Deno.connect({ port });
  using _second = await Deno.connect({ port });
  const startMs = performance.now();
  const verdict = await probe({ url: `http://127.0.0.1:${port}/`, connect_timeout: "80ms" });
  assertEquals(verdict, `no connection to 127.0.0.1:${port} within 80 ms`);
  assert(performance.now() - startMs < 5000);
});

Deno.test("http: a real server, its virtual host, another port of it", async () => {
  await using peer = new Peer(ok);
  const target = { address: "127.0.0.1", port: peer.port };
  assertEquals(await probe({ path: "/a?b" }, target), "pass: status 200");
  assertEquals(await probe({ virtual_host: "www.example.com" }, target), "pass: status 200");
  assertEquals(await probe({ connect_port: peer.port }, { ...target, port: 1 }), "pass: status 200");
  assertEquals(await probe({ connect_port: peer.port }, { ...target, port: 0 }), "pass: status 200");
  assertEquals(await probe({ url: "http://other.example.com:81/" }, target), "pass: status 200");
  const heads = peer.requests.map((request) => request.split("\r\n").slice(0, 2));
  assertEquals(heads, [
    ["GET /a?b HTTP/1.1", `Host: 127.0.0.1:${peer.port}`],
    ["GET / HTTP/1.1", "Host: www.example.com"],
    ["GET / HTTP/1.1", `Host: 127.0.0.1:${peer.port}`],
    ["GET / HTTP/1.1", `Host: 127.0.0.1:${peer.port}`],
    ["GET / HTTP/1.1", "Host: other.example.com:81"],
  ]);
});
