/** haproxy's answers, as version 2.6.12 gives them, and what follows from them. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type Counters,
  parseAlerts,
  parseInfo,
  parseOldWorkers,
  parseServersState,
  parseStat,
} from "../../../mod/balance/haproxy/answers.ts";
import { EMPTY_LEDGER, enter, reportsOf } from "../../../mod/balance/haproxy/ledger.ts";
import { type Made, plan } from "../../../mod/balance/haproxy/plan.ts";
import { proxiesOf, type Proxy } from "../../../mod/balance/haproxy/proxy.ts";
import { servicesOf } from "../../../mod/balance/services.ts";
import { destinations, real, virtualServer } from "./fixture.ts";

const STATES = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_port
3 web 1 rs1 127.0.0.1 0 5 256 256 8091
3 web 2 rs2 ::1 2 0 10 10 8092
3 web 3 rs3 127.0.0.1 2 8 0 0 8093
3 web 4 rs4 127.0.0.1 2 4 7 0 8093
`;

Deno.test("show servers state: maintenance by command, drain, serving (also after it began disabled)", () => {
  assertEquals(parseServersState(STATES), [
    { proxy: "web", server: "rs1", state: "maint", weight: 256 },
    { proxy: "web", server: "rs2", state: "ready", weight: 10 },
    { proxy: "web", server: "rs3", state: "drain", weight: 0 },
    { proxy: "web", server: "rs4", state: "ready", weight: 7 },
  ]);
  for (const text of ["", "Unknown command", "1\n# be_name srv_name\nweb rs1\n"]) {
    assertThrows(() => parseServersState(text), Error, "haproxy lists no states of servers");
  }
});

Deno.test("show stat: columns are found by their names", () => {
  const text = `# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq
web,FRONTEND,,,3,0,9977,12,345,6789,0
web,rs1,0,0,1,0,,4,5,6,
`;
  assertEquals(parseStat(text), [
    { proxy: "web", row: "FRONTEND", current: 3, sessions: 12, bytesIn: 345, bytesOut: 6789 },
    { proxy: "web", row: "rs1", current: 1, sessions: 4, bytesIn: 5, bytesOut: 6 },
  ]);
  assertThrows(() => parseStat("Permission denied\n"), Error, "this is no table of haproxy");
});

Deno.test("show info, show proc, and what haproxy says when it fails", () => {
  const info = "Name: HAProxy\nVersion: 2.6.12\nPid: 1545\ndescription: vipd 0123456789abcdef\n";
  assertEquals(parseInfo(info), { mark: "0123456789abcdef", pid: 1545 });
  assertEquals(parseInfo("Pid: 7\ndescription: somebody's\n"), { mark: null, pid: 7 });
  const proc = `#<PID>          <type>          <reloads>       <uptime>        <version>
1491            master          1 [failed: 0]   0d00h00m02s     2.6.12
# workers
1545            worker          0               0d00h00m01s     2.6.12
# old workers
1496            worker          1               0d00h00m02s     2.6.12
1497            worker          2               0d00h00m03s     2.6.12
# programs

`;
  assertEquals(parseOldWorkers(proc), [1496, 1497]);
  assertEquals(parseOldWorkers("# workers\n1545 worker 0 0d 2.6\n# programs\n"), []);
  const alerts = `[NOTICE]   (12) : haproxy version is 2.6.12
[ALERT]    (12) : config : parsing [/x/haproxy.cfg:7] : unknown keyword 'a'
[ALERT]    (12) : config : parsing [/x/haproxy.cfg:7] : unknown keyword 'a'
[ALERT] 123/4567 (12) : Starting frontend web: cannot bind socket
`;
  assertEquals(parseAlerts(alerts), [
    "parsing [/x/haproxy.cfg:7] : unknown keyword 'a'",
    "Starting frontend web: cannot bind socket",
  ]);
});

const config = virtualServer([["192.0.2.10", 80]], [
  ...[real("192.0.2.21", 80, { name: "rs1" }), real("192.0.2.22", 80, { name: "rs2", weight: 10 })],
  ...[real("192.0.2.23", 80, { name: "rs3" }), real("192.0.2.24", 80, { name: "rs4", weight: 7 })],
]);

function proxies(weights: Readonly<Record<string, number>> = {}, without: readonly string[] = []): Proxy[] {
  const inService = {
    ...config,
    real_server: config.real_server.filter(({ name }) => !without.includes(name)),
  };
  return [...proxiesOf(servicesOf(config, destinations(inService, weights)), { web: config }).proxies];
}

function made(state: "ready" | "drain" | "maint", weight: number): Made {
  return new Map([["web/rs2", { state, weight }]]);
}

Deno.test("only what differs is ordered, the weight before the state", () => {
  const commands = (...of: Parameters<typeof proxies>): readonly string[] =>
    plan(proxies(...of), parseServersState(STATES), new Map()).commands;
  assertEquals(commands({ rs3: 0 }), ["set server web/rs1 weight 1", "set server web/rs1 state ready"]);
  assertEquals(commands({ rs2: 3 }, ["rs1", "rs3"]), [
    "set server web/rs2 weight 3",
    "set server web/rs3 state maint",
  ]);
  assertEquals(commands({ rs2: 0, rs3: 2 }, ["rs1"]), [
    "set server web/rs2 state drain",
    "set server web/rs3 weight 2",
    "set server web/rs3 state ready",
  ]);
  // A server that is not there yet waits for its configuration.
  assertEquals(plan(proxies(), [], new Map()), { commands: [], drift: [] });
});

Deno.test("what somebody else did is told, what we want otherwise now is not", () => {
  const drift = (before: Made, of: Proxy[]): string[] =>
    plan(of, parseServersState(STATES), before).drift.map(({ key, what }) => `${key}: ${what}`);
  assertEquals(drift(made("ready", 10), proxies({ rs2: 0 })), []);
  assertEquals(drift(made("maint", 10), proxies()), [
    "tcp 192.0.2.10:80: server rs2 was set to ready, not maint",
  ]);
  assertEquals(drift(made("ready", 9), proxies()), [
    "tcp 192.0.2.10:80: server rs2 had weight 10 instead of 9",
  ]);
});

Deno.test("counters go on over reloads; connections of old workers count until they end", () => {
  const row = (name: string, current: number, sessions: number): Counters => ({
    proxy: "web",
    row: name,
    current,
    sessions,
    bytesIn: sessions * 10,
    bytesOut: sessions * 100,
  });
  const rows = (front: number, one: number, two: number, current: number): Counters[] => [
    row("FRONTEND", current, front),
    row("rs1", one === 0 ? 0 : current, one),
    row("rs2", two === 0 ? 0 : current, two),
  ];
  const first = enter(EMPTY_LEDGER, new Map([[100, rows(20, 20, 0, 2)]]));
  const reloaded = enter(first, new Map([[100, rows(21, 21, 0, 1)], [200, rows(5, 0, 5, 1)]]));
  const ended = enter(reloaded, new Map([[200, rows(6, 0, 6, 0)]]));
  const seen = (ledger: typeof first, of = proxies()): unknown[] =>
    reportsOf(ledger, of).map(({ traffic, destinations: all }) => [
      traffic?.connections,
      all.filter(({ traffic }) => traffic?.connections !== 0)
        .map(({ address, weight, activeConnections, traffic }) =>
          [address, weight, activeConnections, traffic?.connections, traffic?.bytesOut].join(" ")
        ),
    ]);
  assertEquals(seen(first), [[20, ["192.0.2.21 1 2 20 2000"]]]);
  assertEquals(seen(reloaded), [[26, ["192.0.2.21 1 1 21 2100", "192.0.2.22 10 1 5 500"]]]);
  assertEquals(seen(ended), [[27, ["192.0.2.21 1 0 21 2100", "192.0.2.22 10 0 6 600"]]]);
  // Drained: weight 0. Out of service: there only while a connection lasts.
  assertEquals(seen(reloaded, proxies({ rs2: 0 }, ["rs1"])), [[
    26,
    ["192.0.2.21 0 1 21 2100", "192.0.2.22 0 1 5 500"],
  ]]);
  assertEquals(seen(ended, proxies({}, ["rs1"])), [[27, ["192.0.2.22 10 0 6 600"]]]);
  // haproxy does not have it yet.
  assertEquals(reportsOf(ended, [{ ...proxies()[0]!, name: "api" }]), []);
});
