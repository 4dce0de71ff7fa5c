/** `vipd status` as text: golden, at several widths, with and without colour. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatAge } from "../../mod/age.ts";
import { renderStatus } from "../../mod/cli/status_view.ts";
import { frame } from "../../mod/cli/status_watch.ts";
import { columns, visibleWidth, wrap } from "../../mod/cli/text.ts";
import { recoveryText } from "../../mod/recovery_text.ts";
import type { VirtualRouterStatus } from "../../mod/snapshot.ts";
import { AT, bigSnapshot, check, realServer, router, snapshot, virtualServer } from "../api/fixture.ts";

const PIPE = { width: Infinity, color: false };

Deno.test("renderStatus() shows everything, with the reasons", () => {
  assertEquals(renderStatus(snapshot(), PIPE), GOLDEN);
});

const GOLDEN = `lb1  vipd 0.1.0, engine running, up 2h 4m, /etc/vipd/vipd.toml loaded 2h 4m ago

VI_1  ACTIVE for 1m 7s  vrid 51, VRRPv3 ipv4 on eth0
  why        no advertisement for 3.6 s
  priority   80 = 100 - 20 uplink
  trackers   nginx   up    must pass   master 4711 is alive
             uplink  down  weight -20  eth1 has no carrier
  addresses  192.168.121.120/24 bound on eth0
             fd00::120/64 bound on eth0 (not advertised)
  active     this node (192.168.121.11)
  peers      192.168.121.12  priority 70  VRRPv3  every 1000 ms  seen 0.5s ago
  counters   advertisements_sent=67 advertisements_received=12 became_active=1 checksum_errors=2
  rejected   12s ago  from 192.168.121.66  checksum_errors  checksum 0x1234
  hooks      active  /usr/local/bin/notify    7 runs, 1 failed, 3 left out  exit code 2: cannot reach the cloud, 0.0s ago

web  quorum for 10m  wlc by ipvs, with VI_1
  services   tcp 192.168.121.120:80  90 connections
  quorum     weight 4 is healthy, 2 needed
  sorry      127.0.0.1:8080 stands by
  servers    192.168.121.21:80  up        for 10m  weight 1                   nat  3 active  connected
             rs2                down      for 30s  out (of 3)                 nat            connection refused
             rs3                draining  for 10s  weight 0 (of 1, set to 3)  nat  2 active  drained by the operator, out in 4m 50s at the latest
  healed     1 change of somebody else undone, 20s ago: service was missing

Checks
  nginx   nginx      up    for 10m  1.2 ms  master 4711 is alive
  uplink  interface  down  for 10m          eth1 has no carrier

Told
  startup  /usr/local/bin/notify    7 runs, 3 left out  exit code 2: cannot reach the cloud, 0.0s ago
  fifo     /run/vipd/notify.fifo        12 lines, 3 dropped                it is full: nobody reads
  webhook  https://hooks.example.org/…  5 delivered, 1 queued, 2 given up  answered 503
  mail     127.0.0.1                    4 delivered

Other virtual routers on our links
  vrid 77  ipv4  on eth0  from 192.168.121.66  seen 1.0s ago`;

Deno.test("renderStatus() shows a backup: who is active, what is not bound", () => {
  const addresses = router().addresses.slice(0, 1).map((address) => ({ ...address, present: false }));
  const backup = router({ state: "BACKUP", active_router: "192.168.121.12", addresses, rejected: [] });
  const text = renderStatus(snapshot({ virtual_routers: [backup] }), PIPE);
  assertStringIncludes(text, "VI_1  BACKUP for 1m 7s");
  assertStringIncludes(text, "  active     192.168.121.12\n");
  assertStringIncludes(text, "  addresses  192.168.121.120/24 not bound here\n");
});

Deno.test("renderStatus() shows who else has an address", () => {
  const conflict = { address: "192.0.2.1", interface: "eth0", mac: "02:00:00:00:00:66", last_seen: AT };
  const text = renderStatus(snapshot({ virtual_routers: [router({ conflicts: [conflict] })] }), PIPE);
  assertStringIncludes(text, "conflicts  192.0.2.1 is in use by 02:00:00:00:00:66 as well  on eth0");
});

Deno.test("renderStatus() makes trouble visible", () => {
  const { node } = snapshot();
  const addresses = router().addresses.slice(0, 1).map((address) => ({ ...address, present: false }));
  const peers = router().peers.map((peer) => ({ ...peer, addresses: ["10.0.0.1"], addresses_match: false }));
  const text = renderStatus(
    snapshot({
      node: {
        ...node,
        engine: "stalled",
        realtime: false,
        last_reload_error: "vipd.toml:1:1: bad\nvipd.toml:2:1: worse",
      },
      virtual_routers: [router({ addresses, peers, handover: true })],
    }),
    PIPE,
  );
  assertStringIncludes(text, "engine stalled, no real-time scheduling");
  assertStringIncludes(text, "192.168.121.120/24 MISSING");
  assertStringIncludes(text, "advertises other addresses: 10.0.0.1");
  assertStringIncludes(text, "ACTIVE for 1m 7s, handing over");
  assert(text.endsWith("configuration before it is in force:\nvipd.toml:1:1: bad\nvipd.toml:2:1: worse"));
});

Deno.test("renderStatus() makes trouble of a virtual server visible", () => {
  const { quorum, services } = virtualServer();
  const lost = virtualServer({
    engine: null,
    problem: "no engine can carry it (ipvs: the kernel has no IPVS)",
    checking: false,
    quorum: { ...quorum, up: false, live_weight: 0, hysteresis: 1 },
    services: services.map((service) => ({ ...service, present: false, traffic: null })),
    sorry_server: { address: "127.0.0.1:8080", state: "in" },
    real_servers: [realServer({ weight: 2, full_weight: 9, configured_weight: 5 })],
    healed: 0,
    last_healed: null,
  });
  const text = renderStatus(snapshot({ virtual_servers: [lost] }), PIPE);
  for (
    const line of [
      "web  no quorum for 10m  wlc by nothing, with VI_1 (not ACTIVE here: checks pause)",
      "  problem    no engine can carry it (ipvs: the kernel has no IPVS)",
      "  services   tcp 192.168.121.120:80\n",
      "  quorum     weight 0 is healthy, 2 needed (hysteresis 1)",
      "  sorry      127.0.0.1:8080 SERVES in place of the real servers",
      "weight 2 (of 5, 9 by its check)",
    ]
  ) assertStringIncludes(text, line);
  assert(!text.includes("healed"));
  const missing = virtualServer({ services: lost.services });
  assertStringIncludes(renderStatus(snapshot({ virtual_servers: [missing] }), PIPE), ":80  MISSING\n");
});

Deno.test("renderStatus() of very many real servers shows the ones that are not simply up", () => {
  const many = Array.from({ length: 100 }, (_, i) => realServer({ name: `rs${i}` }));
  const down = realServer({ name: "dead", state: "down", weight: null });
  const text = renderStatus(
    snapshot({ virtual_servers: [virtualServer({ real_servers: [...many, down] })] }),
    PIPE,
  );
  assertStringIncludes(text, "  servers    dead  down");
  assertStringIncludes(text, "             and 100 more that are up\n");
  assert(!text.includes("rs7"));
});

Deno.test("renderStatus() shows what a virtual server's engine is not content with", () => {
  const warnings = ["net.ipv4.ip_forward is 0: nothing is forwarded"];
  const text = renderStatus(snapshot({ virtual_servers: [virtualServer({ warnings })] }), PIPE);
  assertStringIncludes(text, "  warning    net.ipv4.ip_forward is 0: nothing is forwarded\n");
});

Deno.test("renderStatus() of direct routing shows each address and what is wrong with it", () => {
  const addresses = [
    { address: "192.0.2.10", present: true, restored: 2 },
    { address: "192.0.2.11", present: false, restored: 0 },
  ];
  const problem = "tunl0: there is no such interface (module ipip)";
  const direct_routing = [{ name: "web", interface: "tunl0", addresses, problem }];
  const notify = { hooks: [], fifos: [], webhooks: [], mail: null };
  const nothing = { virtual_routers: [], checks: [], foreign_routers: [], virtual_servers: [], notify };
  assertEquals(renderStatus(snapshot({ ...nothing, direct_routing }), PIPE).split("\n").slice(1), [
    "",
    "web  answers on tunl0, silent in ARP",
    `  problem    ${problem}`,
    "  addresses  192.0.2.10 (somebody else removed it 2 times)",
    "             192.0.2.11 MISSING",
  ]);
});

Deno.test("renderStatus() with nothing configured", () => {
  const notify = { hooks: [], fifos: [], webhooks: [], mail: null };
  const nothing = { virtual_routers: [], checks: [], foreign_routers: [], virtual_servers: [], notify };
  const text = renderStatus(snapshot(nothing), PIPE);
  assertEquals(text.split("\n").slice(1), ["", "No virtual router is configured."]);
});

Deno.test("renderStatus() never exceeds the terminal, and colour changes no text", () => {
  for (const width of [48, 60, 80, 120]) {
    const plain = renderStatus(bigSnapshot(3), { width, color: false });
    const painted = renderStatus(bigSnapshot(3), { width, color: true });
    for (const line of plain.split("\n")) assert(visibleWidth(line) <= width, `${width}: ${line}`);
    // deno-lint-ignore no-control-regex -- colour is made of control characters
    assertEquals(painted.replaceAll(/\x1b\[[0-9;]*m/g, ""), plain);
    assert(painted.includes("\x1b[1;32mACTIVE\x1b[0m"));
  }
});

Deno.test("renderStatus() lets nothing foreign move the cursor", () => {
  const evil = "a\x1b[2Jb\nc\x9bd";
  const text = renderStatus(
    snapshot({
      virtual_routers: [
        router({ name: evil, reason: evil, rejected: [{ ...router().rejected[0]!, detail: evil }] }),
      ],
      checks: [check({ name: evil, reason: evil })],
    }),
    PIPE,
  );
  // deno-lint-ignore no-control-regex -- control characters are what must not be there
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(text));
  assertStringIncludes(text, "a [2Jb c d");
});

Deno.test("wrap() breaks at spaces and indents what follows", () => {
  assertEquals(wrap("one two three four", 9, 2), ["one two", "  three", "  four"]);
  assertEquals(wrap("fits", 4, 2), ["fits"]);
  assertEquals(wrap("averylongword tail", 6, 2), ["averylongword", "  tail"]);
});

Deno.test("columns() aligns what is seen, not the codes", () => {
  assertEquals(columns([["\x1b[1mab\x1b[0m", "x"], ["abcd", "y"]]), ["\x1b[1mab\x1b[0m    x", "abcd  y"]);
});

Deno.test("formatAge() speaks like a person", () => {
  const rows: [number, string][] = [
    [-5, "0.0s"],
    [0.44, "0.4s"],
    [12.9, "12s"],
    [60, "1m"],
    [200, "3m 20s"],
    [7500, "2h 5m"],
    [3600, "1h"],
    [4 * 86_400 + 3700, "4d 1h"],
  ];
  for (const [seconds, expected] of rows) {
    assertEquals(formatAge(new Date(0).toISOString(), new Date(seconds * 1000).toISOString()), expected);
  }
});

Deno.test("frame() fills one screen and clears the rest", () => {
  assertEquals(frame(["a", "b", "c", "d"], 1, 3, "foot"), "\x1b[Hb\x1b[K\r\nc\x1b[K\r\n\x1b[J\x1b[3;1Hfoot");
});

Deno.test("renderStatus() is loud about what the operator has put in the place of a priority", () => {
  const since = "2026-11-20T05:50:00.000Z";
  const base = { since, until: null, persisted: false, suspended: null };
  const shown = (changes: Partial<VirtualRouterStatus>): string[] =>
    renderStatus(snapshot({ virtual_routers: [router(changes)] }), PIPE).split("\n")
      .filter((line) => /^OVERRIDE|^ {2}priority/.test(line));
  const prefer = { ...base, by: "prefer", priority: 254 } as const;
  assertEquals(shown({ effective_priority: 254, override: prefer }), [
    'OVERRIDE VI_1 preferred here ("vipd prefer VI_1 --off" ends it)',
    "  priority   254, preferred by the operator (configured: 100)",
  ]);
  assertEquals(
    shown({
      override: {
        ...prefer,
        until: "2026-11-20T06:20:00.000Z",
        persisted: true,
        suspended: "uplink failing",
      },
    }),
    [
      "OVERRIDE VI_1 preferred here until 2026-11-20T06:20:00.000Z, also after a restart, but not now: " +
      'uplink failing ("vipd prefer VI_1 --off" ends it)',
      "  priority   80 = 100 - 20 uplink",
    ],
  );
  assertEquals(shown({ effective_priority: 100, override: { ...base, by: "priority", priority: 120 } }), [
    'OVERRIDE VI_1 priority 120 instead of 100 ("vipd priority VI_1 auto" ends it)',
    "  priority   100 = 120 by the operator (configured: 100) - 20 uplink",
  ]);
});

Deno.test("renderStatus() says why nothing that was to be kept is in force", () => {
  const { node } = snapshot();
  const problem = "/var/lib/vipd/state.json cannot be used, so nothing in it is in force: it is empty";
  const shown = renderStatus(snapshot({ node: { ...node, state_file: { path: "", problem } } }), PIPE);
  assertStringIncludes(shown, `\nSTATE FILE ${problem}\n`);
});

Deno.test("the last recovery of a check follows its reason", () => {
  const last_recovery = {
    at: "2026-11-20T05:59:00.000Z",
    helped: false,
    exit_code: 3,
    output: "no",
    problem: "exit code 3: no",
  };
  const at = "2026-11-20T06:00:00.000Z";
  assertEquals(recoveryText(check({ recoveries: 0 }), at), "");
  assertEquals(
    recoveryText(check({ recoveries: 2, last_recovery }), at),
    "; recovery 1m ago did not help (exit code 3: no), 2 runs in all",
  );
  const helped = { ...last_recovery, helped: true, problem: null };
  assertEquals(recoveryText(check({ recoveries: 1, last_recovery: helped }), at), "; recovery 1m ago helped");
  const silent = check({ recoveries: 1, last_recovery: helped, reason: "" });
  assertEquals(recoveryText(silent, at), "recovery 1m ago helped", "a program that writes nothing");
});
