/** HTTP requests as octets: right, nearly right, and nothing like it. */
import type { Random } from "../sim/random.ts";
import { LISTENERS, request } from "./api_cases.ts";
import { noise } from "./packet_cases.ts";

const NODES = Object.keys(LISTENERS);

const LINES = [
  "Content-Length: -1",
  "Content-Length: 5",
  "Content-Length: 99999999999999999999",
  "Content-Length: 5\r\nContent-Length: 6",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked\r\nContent-Length: 3",
  "Transfer-Encoding: gzip, chunked, identity",
  "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13",
  "Expect: 100-continue",
  "X: a\r\n continued",
  "No colon",
  ": no name",
  "Sp ace: x",
  "X\0: y",
  "Host: a\r\nHost: b",
  "Keep-Alive: timeout=0",
  "TE: trailers",
];

const BODIES = [
  "0\r\n\r\n",
  "5\r\nhello\r\n0\r\n\r\n",
  "ffffffffffffffff\r\n",
  "-1\r\n",
  "zz\r\n",
  "5\r\nhel",
  "hello",
];

const VERSIONS = [
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/0.9",
  "HTTP/2.0",
  "HTTP/1.11",
  "http/1.1",
  "",
  "X",
];

/** A TLS client, an HTTP/2 one, a proxy's, and others who knock at the wrong door. */
const STRANGERS = [
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
  "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n",
  "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
  "GET http://evil.example/reload HTTP/1.1\r\nHost: evil.example\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "SSH-2.0-OpenSSH_9.2\r\n",
  "\r\n\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n",
];

export function rawRequest(random: Random): Uint8Array {
  const text = random.chance(0.15) ? random.pick(STRANGERS) : written(random);
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
  if (random.chance(0.15)) return bytes.slice(0, random.integer(0, bytes.length));
  if (random.chance(0.15)) bytes.set(noise(random, 1), random.integer(0, bytes.length - 1));
  return bytes;
}

function written(random: Random): string {
  const { method, path, headers, body } = request(random, NODES);
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  if (!lines.some((line) => line.startsWith("host:"))) lines.unshift("Host: localhost");
  for (let n = random.pick([0, 0, 1, 2]); n > 0; n--) lines.push(random.pick(LINES));
  if (random.chance(0.01)) lines.push(...Array.from({ length: 500 }, (_, i) => `X-${i}: y`));
  const tail = random.chance(0.5) ? random.pick(BODIES) : body;
  if (body !== "" && tail === body) lines.push(`Content-Length: ${body.length}`);
  const version = random.pick(VERSIONS);
  return `${method} ${path} ${version}\r\n${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n${tail}`;
}
