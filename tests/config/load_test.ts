/**
 * Good configurations: TOML in, the whole Config out; and what includes, environment and unreadable files do.
 */
import { assertEquals } from "@std/assert";
import { loadConfig, loadToRun, loadWithWarnings } from "../../mod/config/load.ts";
import { errorOf, inMemory, load, loadLoud, SECRET } from "./fixture.ts";

const DEFAULTS = {
  node: { name: "testhost", startup_delay: 0, realtime: true, state_file: "/var/lib/vipd/state.json" },
  api: {
    listen: [{ kind: "tcp", hostname: "127.0.0.1", port: 8112 }, {
      kind: "unix",
      path: "/run/vipd/vipd.sock",
    }],
    exporter_names: false,
  },
  log: { level: "info", format: "auto" },
  notify: {
    startup_timeout: 10_000,
    shutdown_timeout: 10_000,
    fifos: [],
    priority_changes: false,
    webhooks: [],
  },
  virtual_router: {},
  sync_group: {},
  check: {},
  balance: {
    tune_kernel: false,
    flush: false,
    flush_on_stop: true,
  },
  haproxy: { directory: "/run/vipd/haproxy", global: [], defaults: [] },
  virtual_server: {},
  direct_routing: {},
} as const;

const CONFLICTS_OFF = { detect_conflicts: "off", conflict_wait: 200 } as const;
const ROUTER = {
  interface: "eth0",
  vrid: 51,
  version: 3,
  priority: 100,
  advertisement_interval: 1_000,
  family: 4,
  addresses: [],
  excluded_addresses: [],
  preempt: true,
  preempt_delay: 0,
  accept: true,
  multicast_group: "224.0.0.18",
  ttl_security: true,
  ipv4_checksum: "pseudo_header",
  virtual_mac: null,
  ...CONFLICTS_OFF,
  garp: { repeat: 5, delay: 5_000, refresh: 60_000, interval: 0 },
  lease: "auto",
  handover: { enabled: true, timeout: 1_000 },
  track: [],
  notify: { timeout: 30_000 },
} as const;

const RUN = {
  type: "run",
  interval: 2_000,
  timeout: 2_000,
  rise: 2,
  fall: 1,
  attempts: 1,
  attempt_delay: 1_000,
  initial: "unknown",
  recover_timeout: 10_000,
  recover_limit: 5,
  options: { command: ["/bin/true"] },
} as const;

Deno.test("loadConfig() fills an empty file with the defaults", async () => {
  assertEquals<unknown>(await load(""), DEFAULTS);
});

Deno.test("loadConfig() fills a virtual router with the defaults", async () => {
  const config = await load(`[virtual_router.a]\ninterface = "eth0"\nvrid = 51`);
  assertEquals<unknown>(config, { ...DEFAULTS, virtual_router: { a: ROUTER } });
});

Deno.test("loadConfig() reads every key of a virtual router", async () => {
  const config = await load(`
    [virtual_router.a]
    interface = "eth0"
    vrid = 51
    version = 2
    priority = 101
    advertisement_interval = "5s"
    addresses = [
      "192.0.2.1/24",
      { address = "192.0.2.2", interface = "eth1", label = "eth1:vip", scope = "link", preferred_lifetime = "1m" },
    ]
    excluded_addresses = ["2001:DB8:0::1/64"]
    preempt = false
    preempt_delay = "1.5s"
    accept = true
    password = "1111"
    unicast_source = "192.0.2.3"
    unicast_peers = ["192.0.2.4"]
    ttl_security = false
    ipv4_checksum = "rfc9568"
    virtual_mac = { interface = "gateway" }
    garp = { repeat = 1, delay = "0s", refresh = "0s", interval = "10ms" }
    lease = "15s"
    handover = { enabled = false, timeout = "500ms" }
    track = ["c", { check = "d", weight = -20 }]
    [check.c]
    type = "run"
    command = ["/bin/true"]
    [check.d]
    type = "run"
    command = ["/bin/true"]`);
  assertEquals<unknown>(config.virtual_router["a"], {
    interface: "eth0",
    vrid: 51,
    version: 2,
    priority: 101,
    advertisement_interval: 5_000,
    family: 4,
    addresses: [
      { address: "192.0.2.1", prefix: 24 },
      {
        address: "192.0.2.2",
        prefix: 32,
        interface: "eth1",
        label: "eth1:vip",
        scope: "link",
        preferred_lifetime: 60_000,
      },
    ],
    excluded_addresses: [{ address: "2001:db8::1", prefix: 64 }],
    preempt: false,
    preempt_delay: 1_500,
    accept: true,
    password: "1111",
    unicast_source: "192.0.2.3",
    unicast_peers: ["192.0.2.4"],
    multicast_group: "224.0.0.18",
    ttl_security: false,
    ipv4_checksum: "rfc9568",
    virtual_mac: { interface: "gateway", advertise_from: "base" },
    ...CONFLICTS_OFF,
    garp: { repeat: 1, delay: 0, refresh: 0, interval: 10 },
    lease: 15_000,
    handover: { enabled: false, timeout: 500 },
    track: [{ check: "c" }, { check: "d", weight: -20 }],
    notify: { timeout: 30_000 },
  });
});

Deno.test("loadConfig() reads how conflicts are looked for", async () => {
  const keys = `interface = "eth0"\nvrid = 1\naddresses = ["192.0.2.1"]\ndetect_conflicts = "wait"`;
  const { virtual_router } = await load(`[virtual_router.a]\n${keys}\nconflict_wait = "300ms"`);
  const { detect_conflicts, conflict_wait } = virtual_router["a"]!;
  assertEquals([detect_conflicts, conflict_wait], ["wait", 300]);
});

Deno.test("loadConfig() tells the family by what the router says", async () => {
  const families: [string, 4 | 6, string][] = [
    [`addresses = ["2001:db8::1"]`, 6, "ff02::12"],
    [`unicast_peers = ["2001:db8::1"]`, 6, "ff02::12"],
    [`multicast_group = "ff02::99"`, 6, "ff02::99"],
    [`addresses = ["192.0.2.1"]\nexcluded_addresses = ["2001:db8::1"]`, 4, "224.0.0.18"],
  ];
  for (const [keys, family, multicast_group] of families) {
    const { virtual_router } = await load(`[virtual_router.a]\ninterface = "eth0"\nvrid = 1\n${keys}`);
    assertEquals(virtual_router["a"]?.family, family, keys);
    assertEquals(virtual_router["a"]?.multicast_group, multicast_group, keys);
  }
});

Deno.test("loadConfig() keeps routers of one VRID apart by link, family, group or peers", async () => {
  const router = (name: string, keys: string): string => `[virtual_router.${name}]\nvrid = 1\n${keys}\n`;
  const config = await load([
    router("a", `interface = "eth0"`),
    router("link", `interface = "eth1"`),
    router("family", `interface = "eth0"\naddresses = ["2001:db8::1"]`),
    router("group", `interface = "eth0"\nmulticast_group = "224.0.0.19"`),
    router("peers", `interface = "eth0"\nunicast_peers = ["192.0.2.1"]`),
    router("others", `interface = "eth0"\nunicast_peers = ["192.0.2.2"]`),
  ].join(""));
  assertEquals(Object.keys(config.virtual_router).length, 6);
});

Deno.test("loadConfig() lets the same link-local address live on two links", async () => {
  const { virtual_router } = await load(`
    [virtual_router.a]
    interface = "eth0"
    vrid = 1
    addresses = ["fe80::1"]
    [virtual_router.b]
    interface = "eth1"
    vrid = 1
    addresses = ["fe80::1"]`);
  assertEquals(Object.keys(virtual_router), ["a", "b"]);
});

Deno.test("loadConfig() separates a check's options from the keys that every check has", async () => {
  const { check } = await load(`
    [check.c]
    type = "run"
    command = ["/bin/true"]
    [check.all]
    type = "run"
    command = ["/bin/true"]
    interval = "500ms"
    timeout = "1s"
    rise = 5
    fall = 4
    attempts = 3
    attempt_delay = "0s"
    initial = "down"
    recover = ["systemctl", "start", "app"]
    recover_timeout = "2s"
    user = "nobody"
    [check.slow]
    type = "run"
    command = ["/bin/true"]
    interval = "1m"
    [check.own_defaults]
    type = "web"
    url = "http://127.0.0.1/"`);
  assertEquals<unknown>(check, {
    c: RUN,
    all: {
      ...RUN,
      interval: 500,
      timeout: 1_000,
      rise: 5,
      fall: 4,
      attempts: 3,
      attempt_delay: 0,
      initial: "down",
      recover: ["systemctl", "start", "app"],
      recover_timeout: 2_000,
      user: "nobody",
    },
    slow: { ...RUN, interval: 60_000, timeout: 5_000 },
    own_defaults: {
      ...RUN,
      type: "web",
      interval: 10_000,
      timeout: 3_000,
      rise: 3,
      fall: 2,
      options: { url: "http://127.0.0.1/" },
    },
  });
});

Deno.test("loadConfig() reads places to listen at", async () => {
  const { api } = await load(`
    [api]
    listen = ["localhost:1", "[0:0::1]:2", "0.0.0.0:3", "unix:/run/x.sock"]
    token_file = "/etc/vipd/token"`);
  assertEquals<unknown>(api, {
    listen: [
      { kind: "tcp", hostname: "localhost", port: 1 },
      { kind: "tcp", hostname: "::1", port: 2 },
      { kind: "tcp", hostname: "0.0.0.0", port: 3 },
      { kind: "unix", path: "/run/x.sock" },
    ],
    token_file: "/etc/vipd/token",
    exporter_names: false,
  });
});

Deno.test("loadConfig() replaces ${NAME} and leaves $${NAME} and plain dollars", async () => {
  const { node, check } = await load(`
    [node]
    name = "\${VIPD_TEST_SECRET}"
    [check.c]
    type = "run"
    command = ["$\${HOME}", "$HOME", "a\${VIPD_TEST_SECRET}b"]`);
  assertEquals(node.name, SECRET);
  assertEquals<unknown>(check["c"]?.options["command"], ["${HOME}", "$HOME", `a${SECRET}b`]);
});

Deno.test("loadConfig() reads includes in the order of their names, nested ones relative to their file", async () => {
  const files = {
    "/etc/vipd.toml": `include = ["conf.d/*.toml", "/srv/\${VIPD_TEST_SECRET}.toml"]\n[node]\nname = "lb1"`,
    "/etc/conf.d/b.toml": `[virtual_router.b]\ninterface = "eth0"\nvrid = 2`,
    "/etc/conf.d/a.toml": `include = ["more/[x-z]?.toml"]\n[virtual_router.a]\ninterface = "eth0"\nvrid = 1`,
    "/etc/conf.d/more/y1.toml": `[virtual_router.a]\npriority = 7`,
    "/etc/conf.d/more/a1.toml": `no TOML`,
    "/etc/conf.d/.hidden.toml": `no TOML`,
    [`/srv/${SECRET}.toml`]: `[log]\nlevel = "warn"`,
  };
  const { config, files: read } = await loadWithWarnings("/etc/vipd.toml", inMemory(files));
  assertEquals<unknown>(config, {
    ...DEFAULTS,
    node: { ...DEFAULTS.node, name: "lb1" },
    log: { level: "warn", format: "auto" },
    virtual_router: { a: { ...ROUTER, vrid: 1, priority: 7 }, b: { ...ROUTER, vrid: 2 } },
  });
  assertEquals(read, [
    "/etc/vipd.toml",
    "/etc/conf.d/a.toml",
    "/etc/conf.d/more/y1.toml",
    "/etc/conf.d/b.toml",
    `/srv/${SECRET}.toml`,
  ]);
});

Deno.test("loadConfig() refuses a cycle through several files, and a file that is included twice", async () => {
  const cycle = { "a.toml": `include = ["b.toml"]`, "b.toml": `include = ["a.toml"]` };
  const error = await errorOf(loadConfig("a.toml", inMemory(cycle)));
  assertEquals(error.problems.map(({ file, line, column }) => [file, line, column]), [["b.toml", 1, 12]]);
  const twice = {
    "a.toml": `include = ["b.toml", "c.toml"]`,
    "b.toml": `include = ["c.toml"]`,
    "c.toml": "",
  };
  const { message } = await errorOf(loadConfig("a.toml", inMemory(twice)));
  assertEquals(message, "a.toml:1:22: include[1]: c.toml is included twice");
});

Deno.test("loadConfig() reads sixteen files that include one another and no more", async () => {
  const chain = (length: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length }, (_, i) => [
      `${i}.toml`,
      i + 1 < length ? `include = ["${i + 1}.toml"]` : `[node]\nname = "last"`,
    ]));
  assertEquals((await loadConfig("0.toml", inMemory(chain(16)))).node.name, "last");
  const { problems } = await errorOf(loadConfig("0.toml", inMemory(chain(17))));
  assertEquals(problems.map(({ file, message }) => [file, message]), [
    ["15.toml", "expected at most 16 files that include one another"],
  ]);
});

Deno.test("loadConfig() reads a file with a byte order mark and with CRLF", async () => {
  assertEquals((await load('\ufeff[node]\r\nname = "lb1"\r\n')).node.name, "lb1");
});

Deno.test("loadConfig() says which file cannot be read", async () => {
  const error = await errorOf(loadConfig("vipd.toml", inMemory({})));
  assertEquals(error.message, "vipd.toml: cannot read: no such file or directory");
});

Deno.test("loadWithWarnings() and loadConfig() agree", async () => {
  const text =
    `[virtual_router.a]\ninterface = "eth0"\nvrid = 1\ntrack = [{ check = "c", weight = -2 }]\n[check.c]\ntype = "run"\ncommand = ["/bin/true"]`;
  const { config, warnings } = await loadLoud(text);
  assertEquals(config, await load(text));
  assertEquals(warnings.map(({ path, line, column }) => [path, line, column]), [
    ["virtual_router.a.addresses", 1, 2],
    ["virtual_router.a.track[0]", 4, 10],
  ]);
});

Deno.test("loadToRun gives the same configuration and warnings as loadWithWarnings", async () => {
  const clean = '[virtual_router.a]\ninterface = "eth0"\nvrid = 9\naddresses = ["192.0.2.1"]\n';
  const unused = clean + '[check.unused]\ntype = "tcp"\naddress = "127.0.0.1:80"\n';
  for (const text of [clean, unused]) {
    const options = { readFile: () => text, hostName: "lb1" };
    const { config, warnings } = await loadWithWarnings("/vipd.toml", options);
    assertEquals(
      await loadToRun("/vipd.toml", options).then(({ config, warnings }) => ({ config, warnings })),
      { config, warnings },
    );
  }
  const { warnings } = await loadToRun("/vipd.toml", { readFile: () => unused, hostName: "lb1" });
  assertEquals(warnings.length, 1);
});
