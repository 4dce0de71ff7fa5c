/** haproxy.cfg for virtual servers of every kind, to the letter. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { servicesOf } from "../../../mod/balance/services.ts";
import { algorithmOf, scaleWeight, SCHEDULERS } from "../../../mod/balance/haproxy/schedulers.ts";
import { type Proxies, proxiesOf } from "../../../mod/balance/haproxy/proxy.ts";
import { bindingsOf, compose, markOf, type Surroundings } from "../../../mod/balance/haproxy/text.ts";
import type { Destination } from "../../../mod/balance/model.ts";
import type { VirtualServerConfig } from "../../../mod/config/virtual_server.ts";
import { destinations, real, surroundings, virtualServer } from "./fixture.ts";

function proxies(
  config: VirtualServerConfig,
  inService: readonly Destination[] = destinations(config),
): Proxies {
  return proxiesOf(servicesOf(config, inService), { web: config });
}

function sections(config: VirtualServerConfig, inService?: readonly Destination[]): string {
  const { proxies: made, problems } = proxies(config, inService);
  assertEquals(problems, []);
  const { text } = compose(made, surroundings);
  return text.slice(text.indexOf("frontend "));
}

const two = [real("192.0.2.21", 80, { name: "rs1" }), real("192.0.2.22", 80)];

Deno.test("the whole file of one virtual server", () => {
  const { proxies: made } = proxies(
    virtualServer([["192.0.2.10", 80]], two, { mode: "http", scheduler: "rr" }),
  );
  const { text, mark } = compose(made, surroundings);
  assertEquals(
    text,
    `# vipd writes this file from vipd.toml: what is changed here is lost.

global
  description "vipd ${mark}"
  stats socket /run/vipd/haproxy/commands.sock mode 600 level admin expose-fd listeners
  stats timeout 1m
  uid 105
  gid 115
  chroot /run/vipd/haproxy/jail
  localpeer vipd

defaults
  mode http
  timeout connect 5s
  timeout queue 30s
  timeout http-request 10s
  timeout http-keep-alive 10s
  timeout client 1m
  timeout server 1m
  timeout tunnel 1h
  retries 3
  option redispatch 1

frontend web
  bind 192.0.2.10:80 transparent
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  default_backend web

backend web
  balance roundrobin
  server rs1 192.0.2.21:80 weight 1
  server 192.0.2.22:80 192.0.2.22:80 weight 1
`,
  );
  assertEquals(markOf(text), mark);
  assertEquals([...bindingsOf(text)], ["192.0.2.10:80"]);
});

Deno.test("TLS, redirect, cookie, lines of the operator", () => {
  const config = virtualServer([["2001:db8::10", 443]], two, {
    mode: "http",
    scheduler: "wlc",
    options: {
      certificate: "/etc/my certs/www.pem",
      redirect_https: true,
      forwarded: false,
      cookie: "SRV",
      frontend: ["timeout client 5m"],
      backend: ["option httpchk"],
    },
  });
  assertEquals(
    sections(config),
    `frontend web
  bind [2001:db8::10]:443 transparent ssl crt '/etc/my certs/www.pem' alpn h2,http/1.1
  http-request redirect scheme https code 301 unless { ssl_fc }
  timeout client 5m
  default_backend web

backend web
  balance leastconn
  cookie SRV insert indirect nocache httponly secure
  option httpchk
  server rs1 192.0.2.21:80 weight 1 cookie f1dbff99
  server 192.0.2.22:80 192.0.2.22:80 weight 1 cookie ${
      /22:80 weight 1 cookie (\w+)/.exec(sections(config))?.[1]
    }
`,
  );
});

Deno.test("mode tcp: a group of addresses, persistence, limits, PROXY protocol, a sorry server", () => {
  const servers = [real("192.0.2.21", 0, { name: "rs1", weight: 3, upper_threshold: 100 })];
  const config = virtualServer([["192.0.2.10", 80], ["192.0.2.11", 81]], servers, {
    scheduler: "sh",
    persistence: { seconds: 360, prefix: 24, engine: null },
    options: { proxy_protocol: "v2", forwarded: true },
    sorry_server: { address: "127.0.0.1", port: 8080, forward: { method: "nat" }, on_failure: "remove" },
  });
  const section = (place: string, port: number): string =>
    `frontend web:${place}
  bind ${place} transparent
  default_backend web:${place}

backend web:${place}
  balance source
  hash-type consistent
  stick-table type ip size 1m expire 360s peers vipd:peers
  stick on src,ipmask(24)
  server rs1 192.0.2.21:${port} weight 3 maxconn 100 send-proxy-v2
  server sorry_server 127.0.0.1:8080 weight 1 disabled backup send-proxy-v2
`;
  assertEquals(sections(config), `${section("192.0.2.10:80", 80)}\n${section("192.0.2.11:81", 81)}`);
  const { text } = compose(proxies(config).proxies, surroundings);
  const peers = `
peers vipd:peers
  bind unix@/run/vipd/haproxy/jail/peers.sock mode 600 uid 105 gid 115
  server vipd
`;
  assertEquals(text.includes(peers), true);
});

Deno.test("who may serve is in the file, but a change of it is no new configuration", () => {
  const config = virtualServer([["192.0.2.10", 80]], [real("192.0.2.21", 80), real("192.0.2.22", 80)]);
  const states = (inService: readonly Destination[]): string[] =>
    sections(config, inService).split("\n").filter((line) => line.startsWith("  server"));
  const all = destinations(config, { "192.0.2.22:80": 7 });
  assertEquals(states(all), [
    "  server 192.0.2.21:80 192.0.2.21:80 weight 1",
    "  server 192.0.2.22:80 192.0.2.22:80 weight 7",
  ]);
  const drained = destinations(config, { "192.0.2.22:80": 0 }).slice(1);
  assertEquals(states(drained), [
    "  server 192.0.2.21:80 192.0.2.21:80 weight 1 disabled",
    "  server 192.0.2.22:80 192.0.2.22:80 weight 0",
  ]);
  const mark = (inService: readonly Destination[], more: Partial<Surroundings> = {}): string =>
    compose(proxies(config, inService).proxies, { ...surroundings, ...more }).mark;
  assertEquals(mark(all), mark(drained));
  assertNotEquals(mark(all), mark(all, { stamp: "/etc/www.pem 2" }));
  assertNotEquals(mark(all), mark(all, { global: ["maxconn 100"] }));
  // One that the configuration does not know has a place all the same.
  const stranger = { ...all[0]!, address: "192.0.2.99" };
  assertNotEquals(mark(all), mark([...all, stranger]));
});

Deno.test("weights are scaled together, and no server with one loses it", () => {
  const rows: [number, number, number][] = [[1, 1, 1], [256, 256, 256], [100, 256, 100], [0, 1000, 0]];
  rows.push([1000, 1000, 256], [500, 1000, 128], [1, 1000, 1], [65535, 65535, 256]);
  for (const [weight, highest, expected] of rows) assertEquals(scaleWeight(weight, highest), expected);
  const servers = [real("192.0.2.21", 80, { weight: 1000 }), real("192.0.2.22", 80, { weight: 500 })];
  const config = virtualServer([["192.0.2.10", 80]], servers);
  const weights = (scheduler: string): number[] =>
    proxies({ ...config, scheduler }).proxies[0]!.slots.map(({ weight }) => weight);
  assertEquals(weights("wrr"), [256, 128]);
  assertEquals(weights("rr"), [1, 1]);
});

Deno.test("what haproxy cannot do is a problem of that service alone", () => {
  const config = virtualServer([["192.0.2.10", 80]], two);
  const problem = (more: Partial<VirtualServerConfig>): readonly string[] =>
    proxies({ ...config, ...more }).problems;
  assertEquals(problem({ scheduler: "lblc" }), ["tcp 192.0.2.10:80: haproxy has no scheduler like lblc"]);
  assertEquals(problem({ protocol: "udp" }), ["udp 192.0.2.10:80: haproxy carries tcp, not udp"]);
  assertEquals(problem({ addresses: [{ kind: "address", family: 4, address: "192.0.2.10", port: 0 }] }), [
    "tcp 192.0.2.10:0: haproxy needs a port",
  ]);
  assertEquals(proxiesOf(servicesOf(config, []), {}).problems, [
    "tcp 192.0.2.10:80: no virtual server has this address",
  ]);
  for (const scheduler of SCHEDULERS) assertEquals(problem({ scheduler }), []);
  assertEquals(algorithmOf("ovf"), null);
});

Deno.test("an operator's line cannot begin a section", () => {
  for (
    const options of [{ frontend: ["x\nglobal"] }, { backend: ["listen x"] }, { balance: "uri\nbackend y" }]
  ) {
    const config = virtualServer([["192.0.2.10", 80]], two, { mode: "http", options });
    assertThrows(() => sections(config), RangeError);
  }
});
