/** What virtual servers mean: defaults, spans, what real servers inherit, and what is doubtful about them. */
import { assertEquals } from "@std/assert";
import { ENGINE_NAMES, FEATURES, lacking } from "../../mod/config/engine_features.ts";
import { summarize } from "../../mod/config/summary.ts";
import type { VirtualServerConfig } from "../../mod/config/virtual_server.ts";
import { load, loadLoud } from "./fixture.ts";

const CHECK = `{ type = "run", command = ["/bin/true"] }`;

/** A virtual server named a with these keys, and these real servers. */
function server(keys: string, ...realServers: string[]): string {
  const tables = realServers.map((lines) => `[[virtual_server.a.real_server]]\n${lines}\n`);
  return `[virtual_server.a]\n${keys}\n${tables.join("")}`;
}

async function read(keys: string, ...realServers: string[]): Promise<VirtualServerConfig> {
  const { virtual_server } = await load(server(keys, ...realServers));
  return virtual_server["a"]!;
}

const CHECKED = {
  ...{ type: "run", interval: 6000, timeout: 5000, rise: 1, fall: 1, attempts: 2, attempt_delay: 1000 },
  ...{
    initial: "up",
    warmup: 6000,
    recover_timeout: 0,
    recover_limit: 0,
    options: { command: ["/bin/true"] },
  },
} as const;

Deno.test("a virtual server has defaults for all but its address and its real servers", async () => {
  const found = await read(`address = "192.0.2.10:80"\ncheck = ${CHECK}`, `address = "192.0.2.21:8080"`);
  assertEquals<unknown>(found, {
    addresses: [{ kind: "address", family: 4, address: "192.0.2.10", port: 80 }],
    ...{
      protocol: "tcp",
      engine: "auto",
      mode: "tcp",
      options: {},
      scheduler: "wlc",
      scheduler_is_default: true,
    },
    ...{ flags: [], one_packet: false, persistence: null, quorum: 1, hysteresis: 0, omega: false },
    ...{ drain_timeout: 0, notify: { timeout: 30_000 } },
    real_server: [{
      ...{
        name: "192.0.2.21:8080",
        address: "192.0.2.21",
        port: 8080,
        weight: 1,
        forward: { method: "nat" },
      },
      ...{ upper_threshold: 0, lower_threshold: 0, on_failure: "remove", initial: "up", slow_start: 0 },
      check: [CHECKED],
    }],
  });
});

Deno.test("a real server has what it does not say itself of its virtual server", async () => {
  const keys =
    `address = "[2001:DB8::10]:80"\nforward = "dr"\nweight = 7\nupper_threshold = 9\nslow_start = "5s"
    lower_threshold = 3\non_failure = "quiesce"\ninitial = "down"\ncheck = [${CHECK}, ${CHECK}]`;
  const { real_server: [heir, own] } = await read(
    keys,
    `address = "2001:db8:0::21"`,
    `name = "rs2"\naddress = "[2001:db8::22]"\nforward = "tunnel"\nweight = 0\nupper_threshold = 5\nslow_start = "0s"
    on_failure = "remove"\ninitial = "up"\ncheck = []`,
  );
  const downCheck = { ...CHECKED, initial: "down", warmup: 0 };
  assertEquals<unknown>(heir, {
    ...{ name: "2001:db8:0::21", address: "2001:db8::21", port: 80, weight: 7, forward: { method: "dr" } },
    ...{ upper_threshold: 9, lower_threshold: 3, on_failure: "quiesce", initial: "down", slow_start: 5000 },
    check: [downCheck, downCheck],
  });
  assertEquals<unknown>(own, {
    ...{ name: "rs2", address: "2001:db8::22", port: 80, weight: 0 },
    forward: { method: "tunnel", type: "ipip", port: 0, checksum: "none" },
    ...{
      upper_threshold: 5,
      lower_threshold: 3,
      on_failure: "remove",
      initial: "up",
      slow_start: 0,
      check: [],
    },
  });
});

Deno.test("a group counts out its ranges and prefixes; its marks are of the real servers' family", async () => {
  const { addresses, real_server } = await read(
    `addresses = ["192.0.2.254-255:81", "192.0.2.70/31:80", "192.0.2.1:80", { fwmark = 7 }, { fwmark = 8, family = "ipv6" }]`,
    `address = "192.0.2.21"\nforward = "tunnel"`,
  );
  const at = (last: number, port: number): unknown => ({
    ...{ kind: "address", family: 4, address: `192.0.2.${last}`, port },
  });
  assertEquals<unknown[]>([...addresses.slice(0, 5)], [
    at(254, 81),
    at(255, 81),
    at(70, 80),
    at(71, 80),
    at(1, 80),
  ]);
  assertEquals<unknown[]>([...addresses.slice(5)], [
    { kind: "fwmark", family: 4, fwmark: 7 },
    { kind: "fwmark", family: 6, fwmark: 8 },
  ]);
  assertEquals(real_server[0]?.port, 0, "each address's own");
  const six = await read(`addresses = ["[2001:db8::fe-101]:53", { fwmark = 1 }]`, `address = "2001:db8::21"`);
  assertEquals(six.addresses.map((one) => one.kind === "address" ? one.address : one.family), [
    ...["2001:db8::fe", "2001:db8::ff", "2001:db8::100", "2001:db8::101"],
    6,
  ]);
});

Deno.test("persistence is seconds and leading bits", async () => {
  const rows: [keys: string, persistence: VirtualServerConfig["persistence"]][] = [
    [`address = "192.0.2.1"\npersistence = "6m"`, { seconds: 360, prefix: 32, engine: null }],
    [`address = "192.0.2.1"\npersistence = "6m"\npersistence_granularity = "255.255.240.0"`, {
      ...{ seconds: 360, prefix: 20, engine: null },
    }],
    [`address = "192.0.2.1:5060"\nprotocol = "udp"\npersistence = "1s"\npersistence_engine = "sip"`, {
      ...{ seconds: 1, prefix: 32, engine: "sip" },
    }],
  ];
  for (const [keys, persistence] of rows) {
    assertEquals((await read(keys, `address = "192.0.2.21"`)).persistence, persistence);
  }
  const six = `address = "[2001:db8::1]:80"\npersistence = "1s"`;
  assertEquals((await read(six, `address = "2001:db8::2"`)).persistence?.prefix, 128);
  const network = `${six}\npersistence_granularity = 64`;
  assertEquals((await read(network, `address = "2001:db8::2"`)).persistence?.prefix, 64);
});

Deno.test("a sorry server is text, or a table when there is more to say", async () => {
  const keys = `address = "192.0.2.1:80"\nforward = "dr"\n`;
  const plain = await read(`${keys}sorry_server = "192.0.2.9"`, `address = "192.0.2.21"`);
  assertEquals<unknown>(plain.sorry_server, {
    ...{ address: "192.0.2.9", port: 80, forward: { method: "dr" }, on_failure: "remove" },
  });
  const table = `sorry_server = { address = "127.0.0.1:8080", forward = "nat", on_failure = "quiesce" }`;
  const more = await read(`${keys}${table}`, `address = "192.0.2.21"`);
  assertEquals<unknown>(more.sorry_server, {
    ...{ address: "127.0.0.1", port: 8080, forward: { method: "nat" }, on_failure: "quiesce" },
  });
});

Deno.test("sync has interface and id of its virtual router unless it says otherwise", async () => {
  const router = `[virtual_router.VI_1]\ninterface = "eth0"\nvrid = 51\n[balance]\n`;
  const { balance } = await load(`${router}sync = { virtual_router = "VI_1" }`);
  assertEquals(balance.sync, { virtual_router: "VI_1", interface: "eth0", id: 51 });
  const own = await load(`${router}sync = { virtual_router = "VI_1", interface = "eth1", id = 0 }`);
  assertEquals(own.balance.sync, { virtual_router: "VI_1", interface: "eth1", id: 0 });
});

Deno.test("masquerade is of nat, and false is what is not said", async () => {
  const forward = async (text: string): Promise<unknown> =>
    (await read(`address = "192.0.2.1:80"\nforward = ${text}`, `address = "192.0.2.21"`)).real_server[0]
      ?.forward;
  assertEquals(await forward(`{ method = "nat", masquerade = true }`), { method: "nat", masquerade: true });
  assertEquals(await forward(`{ method = "nat", masquerade = false }`), { method: "nat" });
});

Deno.test("an engine without a scheduler of its own default takes another", async () => {
  const keys = (engine: string): string => `address = "192.0.2.1:80"\nengine = "${engine}"`;
  const found = ["auto", "ipvs", "nftables", "haproxy"].map(async (engine) =>
    (await read(keys(engine), `address = "192.0.2.21"`)).scheduler
  );
  assertEquals(await Promise.all(found), ["wlc", "wlc", "wrr", "wlc"]);
});

Deno.test("engine features: each default works, IPVS does all but masquerade and what is haproxy's, each row is asked by something", () => {
  for (const engine of ENGINE_NAMES) assertEquals(lacking({ protocol: "tcp", mode: "tcp" }, engine), []);
  const notIpvs = FEATURES.filter(({ engines }) => !engines.includes("ipvs"));
  const others = notIpvs.filter(({ engines }) => engines.join() !== "haproxy").map(({ what }) => what);
  assertEquals(others, ["masquerade the clients of real servers"]);
  assertEquals(new Set(FEATURES.map(({ what }) => what)).size, FEATURES.length);
  assertEquals(lacking({ one_packet: true }, "nftables"), [{
    path: ["one_packet"],
    message: 'engine "nftables" cannot schedule every packet on its own (ipvs can)',
  }]);
});

const RS = `address = "192.0.2.21"`;
const WEB = `address = "192.0.2.10:80"\ncheck = ${CHECK}\n`;
const ROUTER = `[virtual_router.VI_1]\ninterface = "eth0"\nvrid = 51\naddresses = ["192.0.2.10/24"]\n` +
  `[virtual_router.VI_2]\ninterface = "eth0"\nvrid = 52\naddresses = ["192.0.2.11/24"]\n`;

const WARNINGS: readonly [name: string, text: string, warnings: string[]][] = [
  ["nothing to say", server(WEB, RS), []],
  ["nothing to say about its address", ROUTER + server(`${WEB}virtual_router = "VI_1"`, RS), []],
  ["a protocol of marked packets", server(`fwmark = 7\nprotocol = "udp"\ncheck = ${CHECK}`, RS), [
    "virtual_server.a.protocol: has no effect: packets with the mark may be of any protocol",
  ]],
  [
    "a real server that is the virtual server, and one that is only at its address",
    server(
      `${WEB}sorry_server = "192.0.2.10:80"`,
      RS,
      `address = "192.0.2.10"`,
      `address = "192.0.2.10:8080"`,
    ),
    [
      "virtual_server.a.sorry_server: is the virtual server itself: " +
      "connections, and its checks, come back to where they came from",
      "virtual_server.a.real_server[1].address: is the virtual server itself: " +
      "connections, and its checks, come back to where they came from",
    ],
  ],
  ["no check", server(`address = "192.0.2.10:80"`, RS), [
    "virtual_server.a.check: without a check its real servers are taken for healthy, dead or alive",
  ]],
  ["a real server without a check", server(WEB, RS, `address = "192.0.2.22"\ncheck = []`), [
    "virtual_server.a.check: without a check 192.0.2.22 is taken for healthy, dead or alive",
  ]],
  ["no weight", server(`${WEB}weight = 0`, RS), [
    "virtual_server.a.weight: all real servers have weight 0: none of them gets a connection",
  ]],
  [
    "weights that nobody looks at",
    server(`${WEB}scheduler = "rr"`, RS, `address = "192.0.2.22"\nweight = 3`),
    [
      "virtual_server.a.scheduler: scheduler rr does not look at weights other than 0: wrr does",
    ],
  ],
  ["equal weights", server(`${WEB}scheduler = "rr"\nweight = 100`, RS, `address = "192.0.2.22"`), []],
  ["a slow start without steps", server(`${WEB}slow_start = "30s"`, RS), [
    "virtual_server.a.slow_start: has no effect: a weight of 1 cannot rise in steps; give larger weights",
  ]],
  [
    "a slow start that is not looked at",
    server(`${WEB}slow_start = "30s"\nscheduler = "lc"\nweight = 9`, RS),
    [
      "virtual_server.a.slow_start: has no effect: scheduler lc does not look at weights",
    ],
  ],
  ["a quorum for nobody", server(`${WEB}quorum = 2\nweight = 2`, RS), [
    "virtual_server.a.quorum: decides nothing: there is no sorry_server, and no program that would hear of it",
  ]],
  ["omega for nobody", server(`${WEB}omega = true`, RS), [
    "virtual_server.a.omega: has no effect: there is no program in notify.down or notify.quorum_down",
  ]],
  ["an address of no virtual router", ROUTER + server(`address = "192.0.2.9:80"\ncheck = ${CHECK}`, RS), [
    "virtual_server.a.address: 192.0.2.9 is no address of a virtual router here: " +
    "something else has to bring it to this host",
  ]],
  ["an address of another virtual router", ROUTER + server(`${WEB}virtual_router = "VI_2"`, RS), [
    "virtual_server.a.virtual_router: 192.0.2.10 is an address of virtual_router.VI_1",
  ]],
  [
    "IPVS settings without IPVS",
    `${server(`${WEB}engine = "nftables"`, RS)}[balance]\ntimeouts = { tcp = "1s" }`,
    [
      "balance.timeouts: has no effect: no virtual server here uses IPVS",
    ],
  ],
  ["director and real server at once", `${ROUTER}[direct_routing.x]\naddresses = ["192.0.2.10"]`, [
    "direct_routing.x.addresses[0]: 192.0.2.10 is also an address of virtual_router.VI_1: " +
    "a host is one of the two, director or real server",
  ]],
  ["only direct routing", `[direct_routing.x]\naddresses = ["192.0.2.10"]`, []],
];

for (const [name, text, expected] of WARNINGS) {
  Deno.test(`lint() of virtual servers: ${name}`, async () => {
    const { warnings } = await loadLoud(text);
    assertEquals(warnings.map(({ path, message }) => `${path}: ${message}`), expected);
  });
}

Deno.test("summarize() tells what a virtual server does", async () => {
  const text = `${ROUTER}${
    server(
      `addresses = ["192.0.2.10:80", "[2001:db8::1]:80", { fwmark = 3 }]\nforward = { method = "tunnel", type = "gue" }
      persistence = "6m"\nvirtual_router = "VI_1"\nsorry_server = "192.0.2.9:80"\ncheck = ${CHECK}`,
      `address = "192.0.2.21"`,
      `name = "rs2"\naddress = "192.0.2.22:80"\nweight = 3`,
    )
  }`;
  const { config } = await loadLoud(text.replace("{ fwmark = 3 }", `"192.0.2.30-39:80"`));
  assertEquals(summarize(config).filter((line) => !/router|VRRP|api/.test(line) || line.includes("engine")), [
    "virtual server a: tcp 192.0.2.10:80, [2001:db8::1]:80, 192.0.2.30:80, 192.0.2.31:80, 192.0.2.32:80, " +
    "192.0.2.33:80, 192.0.2.34:80, 192.0.2.35:80 and 4 more",
    "  by wlc, engine auto, a client stays 6m, while VI_1 is ACTIVE here",
    "  to 192.0.2.21 (tunnel (gue), weight 1), rs2 (tunnel (gue), weight 3)",
    "  quorum 1, else 192.0.2.9:80; checks: run every 6s",
  ]);
});
