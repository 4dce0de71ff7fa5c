/** What haproxy does for a virtual server beyond choosing a real server, seen by curl. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { libc } from "../../../ffi/libc.ts";
import { waitFor } from "../../e2e/lab/wait.ts";
import { destinations, virtualServer } from "./fixture.ts";
import { Backend, freePort, stand } from "./stand.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const FINE = { drift: [], problems: [] };

async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text}${new TextDecoder().decode(stderr)}`);
  return text;
}

/** Certificate and key in one file, for this name. */
async function makeCertificate(directory: string, name: string): Promise<string> {
  const [key, certificate, both] = ["key", "crt", "pem"].map((ending) => `${directory}/www.${ending}`) as [
    string,
    string,
    string,
  ];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", "req", ...kind, "-keyout", key, "-out", certificate, "-subj", `/CN=${name}`);
  await Deno.writeTextFile(both, await Deno.readTextFile(certificate) + await Deno.readTextFile(key));
  return both;
}

Deno.test("TLS ends at haproxy, who comes without is sent there, and a new certificate is taken", async () => {
  await using one = new Backend("one");
  await using web = await stand();
  const certificates = await Deno.makeTempDir({ prefix: "vipd haproxy " });
  const certificate = await makeCertificate(certificates, "first");
  const plain = freePort();
  const options = { certificate, redirect_https: true, frontend: [`bind 127.0.0.1:${plain}`] };
  const config = virtualServer([["127.0.0.1", web.port]], [one.server], { mode: "http", options });
  assertEquals(await web.apply(config), FINE);
  const https = `https://127.0.0.1:${web.port}`;
  const curl = ["-sk", "-m", "5"];
  const headers = new Map<string, string>(
    JSON.parse(await run("curl", ...curl, "-H", "X-Forwarded-For: 192.0.2.66", `${https}/headers`)),
  );
  assertEquals([headers.get("x-forwarded-for"), headers.get("x-forwarded-proto")], ["127.0.0.1", "https"]);
  const subject = (): Promise<string> =>
    run("curl", ...curl, "-o", "/dev/null", "-w", "%{http_version} %{certs}", https);
  assertMatch(await subject(), /^2 [^]*CN ?= ?first/);
  const seen = await run(
    "curl",
    ...curl,
    "-o",
    "/dev/null",
    "-w",
    "%{http_code} %{redirect_url}",
    `http://127.0.0.1:${plain}/x`,
  );
  assertEquals(seen, `301 https://127.0.0.1:${plain}/x`);
  await makeCertificate(certificates, "second");
  assertEquals(await web.apply(config), FINE);
  assertMatch(await subject(), /CN ?= ?second/);
  await Deno.remove(certificates, { recursive: true });
});

Deno.test("a cookie keeps a client, drained or not; the sorry server serves only when it is asked to", async () => {
  await using one = new Backend("one");
  await using two = new Backend("two");
  await using sorry = new Backend("sorry");
  await using web = await stand();
  const nat = { method: "nat" } as const;
  const config = virtualServer([["127.0.0.1", web.port]], [one.server, two.server], {
    mode: "http",
    options: { cookie: "SRV", forwarded: false },
    sorry_server: { address: "127.0.0.1", port: sorry.server.port, forward: nat, on_failure: "remove" },
  });
  assertEquals(await web.apply(config), FINE);
  const first = await fetch(web.url);
  const name = await first.text();
  const cookie = /^SRV=([0-9a-f]{8}); path=\/; HttpOnly$/.exec(first.headers.get("set-cookie") ?? "")?.[1];
  const again = async (): Promise<string> =>
    await (await fetch(web.url, { headers: { cookie: `SRV=${cookie}; other=1` } })).text();
  for (let i = 0; i < 4; i++) assertEquals(await again(), name);
  const seen = new Map<string, string>(
    await (await fetch(`${web.url}/headers`, { headers: { cookie: `SRV=${cookie}; other=1` } })).json(),
  );
  assertEquals([seen.get("cookie"), seen.has("x-forwarded-for")], ["other=1", false]);
  assertEquals(await web.apply(config, { [name]: 0 }), FINE);
  assertEquals(await again(), name);
  assertEquals(await web.apply(config, {}, [name]), FINE);
  assert(await again() !== name);

  const [service] = destinations({ ...config, real_server: [sorry.server] });
  assertEquals(await web.applyDestinations(config, [service!]), FINE);
  assertEquals([await web.get(), await web.get()], ["sorry", "sorry"]);
  assertEquals(await web.apply(config), FINE);
  assert(await web.get() !== "sorry");
});

Deno.test("IPv6, persistence of networks, PROXY protocol: haproxy takes the configuration and serves", async () => {
  await using one = new Backend("one");
  await using web = await stand();
  const port = freePort();
  for (const prefix of [128, 64]) {
    const persistence = { seconds: 60, prefix, engine: null };
    const config = virtualServer([["::1", port]], [one.server], { persistence, scheduler: "sh" });
    assertEquals(await web.apply(config), FINE);
    // A connection that is kept would go on in the worker before.
    assertEquals(await run("curl", "-s", "-m", "5", `http://[::1]:${port}/`), "one");
    assertMatch(await web.tell("show table web"), /type: ipv6.*used:1/);
  }
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = { ...one.server, port: listener.addr.port };
  const config = virtualServer([["127.0.0.1", web.port]], [server], { options: { proxy_protocol: "v1" } });
  assertEquals(await web.apply(config), FINE);
  using client = await Deno.connect({ hostname: "127.0.0.1", port: web.port });
  using connection = await waitFor("the connection", () => listener.accept(), 10_000);
  const bytes = new Uint8Array(200);
  const length = await connection.read(bytes);
  const from = (client.localAddr as Deno.NetAddr).port;
  assertEquals(
    new TextDecoder().decode(bytes.subarray(0, length ?? 0)),
    `PROXY TCP4 127.0.0.1 127.0.0.1 ${from} ${web.port}\r\n`,
  );
});
