/** The tls check: what it says of dates, and a real handshake with certificates of every kind. */
import { assert, assertEquals } from "@std/assert";
import { judge, tls } from "../../checks/tls_expiry.ts";
import { NginxLab } from "../health/nginx_lab.ts";
import { makeCertificates } from "./certificates.ts";
import { Peer } from "./peer.ts";
import { verdict } from "./verdict.ts";

const day = 86_400_000;
const now = Date.UTC(2026, 0, 1);
const dates = { valid_from: "Jan  1 00:00:00 2025 GMT", valid_to: "Jan 15 00:00:00 2026 GMT" };
const www = { subject: { CN: "www.example.com" }, subjectaltname: "DNS:www.example.com", ...dates };

const rows: [name: string, certificate: unknown, minValidity: number, nowMs: number, said: string][] = [
  [
    "long enough",
    www,
    14 * day,
    now,
    "the certificate of www.example.com is valid for 14 days, until 2026-01-15T00:00:00Z",
  ],
  [
    "not long enough",
    www,
    15 * day,
    now,
    "the certificate of www.example.com is valid for 14 days, until 2026-01-15T00:00:00Z; expected 15 days at least",
  ],
  [
    "its last day",
    www,
    0,
    now + 13.5 * day,
    "the certificate of www.example.com is valid for 12 h, until 2026-01-15T00:00:00Z",
  ],
  [
    "over",
    www,
    0,
    now + 20 * day,
    "the certificate of www.example.com has expired 6 days ago, 2026-01-15T00:00:00Z",
  ],
  [
    "not yet",
    www,
    0,
    now - 366 * day,
    "the certificate of www.example.com is not valid before 2025-01-01T00:00:00Z",
  ],
  [
    "no date",
    { ...www, valid_to: "" },
    0,
    now,
    "the certificate of www.example.com does not tell how long it is valid",
  ],
  [
    "no common name",
    { ...www, subject: undefined },
    0,
    now,
    "the certificate of DNS:www.example.com is valid for 14 days, until 2026-01-15T00:00:00Z",
  ],
];

for (const [name, certificate, minValidity, nowMs, said] of rows) {
  Deno.test(`tls: ${name}`, () => {
    let result: string;
    try {
      result = judge(certificate as Parameters<typeof judge>[0], minValidity, nowMs);
    } catch (error) {
      result = error instanceof Error ? error.message : "";
    }
    assertEquals(result, said);
  });
}

const handshakes: [name: string, options: Record<string, unknown>, said: RegExp][] = [
  [
    "trusted",
    { server_name: "www.example.com" },
    /^pass: the certificate of www\.example\.com is valid for (29|30) days, /,
  ],
  [
    "expires too soon",
    { server_name: "www.example.com", min_validity: "31d" },
    /; expected 31 days at least$/,
  ],
  [
    "another name",
    { server_name: "other.example.com" },
    /^TLS handshake failed: .*not valid for name "other\.example\.com"/,
  ],
  ["an address", {}, /^pass: /],
  [
    "an unknown authority",
    { server_name: "www.example.com", ca: undefined },
    /^TLS handshake failed: .*UnknownIssuer/,
  ],
  ["unverified", { ca: undefined, verify: false }, /^pass: the certificate of www\.example\.com is valid/],
  [
    "unverified, too soon",
    { ca: undefined, verify: false, min_validity: "31d" },
    /; expected 31 days at least$/,
  ],
];

Deno.test("tls: handshakes", async (t) => {
  await using lab = new NginxLab();
  const { directory, port } = lab;
  makeCertificates(directory);
  lab.write("", [`ssl_certificate ${directory}/cert.pem`, `ssl_certificate_key ${directory}/key.pem`]);
  await lab.start();
  for (const [name, options, said] of handshakes) {
    await t.step(name, async () => {
      const address = `127.0.0.1:${port}`;
      const result = await verdict(tls, { address, ca: `${directory}/ca.pem`, ...options });
      assert(said.test(result), result);
    });
  }
  await t.step("a real server's port", async () => {
    const options = { ca: `${directory}/ca.pem`, server_name: "www.example.com" };
    const result = await verdict(tls, options, { target: { address: "127.0.0.1", port } });
    assert(result.startsWith("pass: "), result);
  });
});

Deno.test("tls: a server that speaks something else", async () => {
  for (const verify of [true, false]) {
    await using peer = new Peer("HTTP/1.1 400 Bad Request\r\n\r\n");
    const result = await verdict(tls, { address: `127.0.0.1:${peer.port}`, verify });
    assert(result.startsWith("TLS handshake failed: "), result);
  }
});
