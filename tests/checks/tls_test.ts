/** The http check over TLS against a real nginx: trust, names, client certificates, silence. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { http } from "../../checks/http.ts";
import { chosenVersion } from "../../checks/tls_version.ts";

import { sleep } from "../../mod/sleep.ts";
import { NginxLab } from "../health/nginx_lab.ts";
import { until } from "../health/recorder.ts";
import { makeCertificates } from "./certificates.ts";
import { verdict } from "./verdict.ts";

function certificatesIn(directory: string): { ca: string; pair: { cert: string; key: string } } {
  const pair = { cert: `${directory}/cert.pem`, key: `${directory}/key.pem` };
  return { ca: `${directory}/ca.pem`, pair };
}

function probe(options: Record<string, unknown>, signal = new AbortController().signal): Promise<string> {
  return verdict(http, options, { signal });
}

type Step = readonly [name: string, options: Record<string, unknown>, verdict: RegExp];

/** Asks the server of `lab`, which answers with the name and the client certificate that it saw. */
function stepsOf({ directory, port }: NginxLab): readonly Step[] {
  const { ca, pair } = certificatesIn(directory);
  const url = `https://www.example.com/`;
  const connect_to = `127.0.0.1:${port}`;
  const sees = (body: string): { body: string } => ({ body });
  return [
    ["an authority of its own, SNI of the URL", {
      url,
      connect_to,
      tls: { ca },
      expect: sees("sni=www.example.com client=NONE"),
    }, /^pass: status 200$/],
    [
      "an IP address as the name",
      { url: `https://127.0.0.1:${port}/`, tls: { ca }, expect: sees("sni= ") },
      /^pass: status 200$/,
    ],
    ["server_name in place of the URL's host", {
      url: `https://127.0.0.1:${port}/`,
      tls: { ca, server_name: "www.example.com" },
      expect: sees("sni=www.example.com"),
    }, /^pass: status 200$/],
    ["an unknown authority", { url, connect_to }, /^TLS handshake failed: .*UnknownIssuer/],
    [
      "another name",
      { url: "https://other.example.com/", connect_to, tls: { ca } },
      /^TLS handshake failed: .*not valid for name "other\.example\.com"/,
    ],
    ["no verification", {
      url: "https://other.example.com/",
      connect_to,
      tls: { verify: false },
      expect: sees("sni=other.example.com"),
    }, /^pass: status 200$/],
    [
      "a client certificate",
      { url, connect_to, tls: { ca, ...pair }, expect: sees("client=SUCCESS") },
      /^pass: status 200$/,
    ],
    ["a client certificate, another name", {
      url: "https://other.example.com/",
      connect_to,
      tls: { ca, ...pair },
    }, /^TLS handshake failed: the server's certificate is not accepted, or it does not speak TLS$/],
    [
      "a client certificate, an IP address",
      { url: `https://127.0.0.1:${port}/`, tls: { ca, ...pair }, expect: sees("client=SUCCESS") },
      /^pass: status 200$/,
    ],
    [
      "a client certificate, another IP address",
      { url: "https://192.0.2.7/", connect_to, tls: { ca, ...pair } },
      /^TLS handshake failed: the server's certificate is not accepted, or it does not speak TLS$/,
    ],
    ["a client certificate, no verification", {
      url,
      connect_to,
      tls: { verify: false, ...pair },
      expect: sees("client=SUCCESS"),
    }, /^pass: status 200$/],
    [
      "a missing file",
      { url, connect_to, tls: { ca: "/no/ca.pem" } },
      /^cannot read \/no\/ca\.pem: no such file/,
    ],
    ["refused", { url, connect_to: "127.0.0.1:1" }, /^cannot connect to 127\.0\.0\.1:1: connection refused/],
  ];
}

Deno.test("http: TLS", async (t) => {
  await using lab = new NginxLab();
  const { directory } = lab;
  makeCertificates(directory);
  const { ca, pair } = certificatesIn(directory);
  lab.write("sni=$ssl_server_name client=$ssl_client_verify", [
    `ssl_certificate ${pair.cert}`,
    `ssl_certificate_key ${pair.key}`,
    `ssl_client_certificate ${ca}`,
    "ssl_verify_client optional",
  ]);
  await lab.start();
  for (const [name, options, verdict] of stepsOf(lab)) {
    await t.step(name, async () => {
      const startMs = performance.now();
      const result = await probe(options);
      assert(verdict.test(result), result);
      assert(performance.now() - startMs < 5000);
    });
  }
});

Deno.test("http: TLS to a peer that says nothing ends with the limit and with the abort", async () => {
  for (const verify of [true, false]) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const url = `https://127.0.0.1:${listener.addr.port}/`;
    assertStringIncludes(await probe({ url, tls: { verify }, connect_timeout: "60ms" }), "within 60 ms");
    const abort = new AbortController();
    const run = probe({ url, tls: { verify } }, abort.signal);
    await sleep(50);
    const abortedMs = performance.now();
    abort.abort(new Error("enough"));
    assertEquals(await run, "enough");
    assert(performance.now() - abortedMs < 5000);
  }
});

Deno.test("http: plain text where TLS is expected", async () => {
  await using lab = new NginxLab();
  await lab.start();
  for (const verify of [true, false]) {
    const result = await probe({ url: `https://127.0.0.1:${lab.port}/`, tls: { verify } });
    assertStringIncludes(result, "TLS handshake failed: ");
  }
});

Deno.test("http: probes of a hung TLS server leave no descriptor behind", async () => {
  for (const verify of [true, false]) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const url = `https://127.0.0.1:${listener.addr.port}/`;
    const before = sockets();
    for (let round = 0; round < 5; round++) await probe({ url, tls: { verify }, connect_timeout: "20ms" });
    await until(() => sockets() === before, `verify ${verify}: descriptors stay open`);
  }
});

function sockets(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** The first octets of a ServerHello of OpenSSL 3. */
const hello12 = "160303004102" +
  "00003d03035f8cb910c83964cf5adc22b1b5df2b3cb1a7278c8f68d1afd50c94e88c01678000c030" +
  "000015ff01000100000b000403000102002300000017000016030303170b000313";
const hello13 =
  "160303007a020000760303326183c2c7202f5966abe3861e9927c3698e85116027362cf9385d393ef7be8020697721a7" +
  "0c89c6a4520ddb8d4b42b22211023b6e1731b643c283c5459192ab87130200002e002b0002030400330024001d0020a6a3ee5ccaa455" +
  "59d922e3d8e80235d794a38e4a0a0a80ed8eafd0b09d33eb1814030300010117030300";

Deno.test("TLS: the version that a server chose, of whatever it says", () => {
  const [old, now] = [hello12, hello13].map((hex) => Uint8Array.fromHex(hex));
  assertEquals([chosenVersion(old!), chosenVersion(now!)], ["1.2", "1.3"]);
  for (const hello of [old!, now!]) {
    const whole = 5 + (hello[3]! << 8 | hello[4]!);
    for (let length = 0; length < whole; length++) {
      assertEquals(chosenVersion(hello.subarray(0, length)), undefined);
    }
    // Any octet may be anything: it has a version or none, and that is all.
    for (let at = 0; at < hello.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) chosenVersion(hello.with(at, value));
    }
  }
  assertEquals(chosenVersion(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")), undefined);
});

Deno.test("http: tls.min_version refuses a server that chooses an older one", async () => {
  const directory = Deno.makeTempDirSync();
  makeCertificates(directory);
  using free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const files = ["-cert", `${directory}/cert.pem`, "-key", `${directory}/key.pem`];
  const args = ["s_server", "-accept", `127.0.0.1:${port}`, ...files, "-tls1_2", "-www"];
  const server = new Deno.Command("openssl", { args, stdout: "null", stderr: "null" }).spawn();
  const url = `https://127.0.0.1:${port}/`;
  const ask = (tls: Record<string, unknown>): Promise<string> =>
    probe({ url, tls: { verify: false, ...tls } });
  await until(async () => await ask({}) === "pass: status 200", "openssl does not answer");
  assertEquals(await ask({ min_version: "1.2" }), "pass: status 200");
  assertEquals(await ask({ min_version: "1.3" }), "the server chose TLS 1.2, expected at least 1.3");
  assertEquals(
    await probe({ url, tls: { min_version: "1.3", ca: `${directory}/ca.pem` } }),
    "the server chose TLS 1.2, expected at least 1.3",
  );
  server.kill();
  await server.status;
  Deno.removeSync(directory, { recursive: true });
});
