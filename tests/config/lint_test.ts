/** Warnings about intent: one configuration alone, and those of several hosts side by side. */
import { assertEquals } from "@std/assert";
import { compareNodes, withCounterpart } from "../../mod/config/compare.ts";
import { formatPath } from "../../mod/config/document.ts";
import { lint } from "../../mod/config/lint.ts";
import { load, loadLoud } from "./fixture.ts";
import { configSchema } from "../../mod/config/schema.ts";
import { checkTypes } from "../../checks/mod.ts";

const CHECK = `[check.c]\ntype = "run"\ncommand = ["/bin/true"]\n`;

function router(keys: string, name = "a"): string {
  return `[virtual_router.${name}]\ninterface = "eth0"\nvrid = 51\naddresses = ["192.0.2.1/24"]\n${keys}\n`;
}

async function warningsOf(text: string): Promise<string[]> {
  const { warnings } = await loadLoud(text);
  return warnings.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

const ROWS: readonly [name: string, text: string, warnings: string[]][] = [
  ["nothing to say", router(`track = ["c"]`) + CHECK, []],
  ["no virtual router", "", ["1:1 : there is no virtual router: vipd would keep no address"]],
  ["no address", `[virtual_router.a]\ninterface = "eth0"\nvrid = 1`, [
    "1:2 virtual_router.a.addresses: this virtual router has no address that could move",
  ]],
  ["mail from nobody", router(`notify = { mail = true }`), [
    "5:19 virtual_router.a.notify.mail: nobody gets mail: there is no [mail] table",
  ]],
  [
    "secrets in the clear",
    router("") + `[[notify.webhooks]]\nurl = "http://example.org"\ntoken_file = "/t"\n` +
    `[[notify.webhooks]]\nurl = "http://127.0.0.1"\ntoken_file = "/t"\n` +
    `[mail]\nto = ["root@localhost"]\nserver = "example.org"\ntls = "none"\nusername = "a"\npassword_file = "/p"`,
    [
      "7:7 notify.webhooks[0].url: http:// shows the token and the headers to everybody on the way",
      "15:7 mail.tls: none shows the password to everybody on the way",
    ],
  ],
  ["priorities for nobody", router("") + `[notify]\npriority_changes = true`, [
    "7:20 notify.priority_changes: has no effect: no FIFO is told of virtual routers",
  ]],
  [
    "only excluded addresses",
    `[virtual_router.a]\ninterface = "eth0"\nvrid = 1\nexcluded_addresses = ["192.0.2.1"]`,
    [
      "1:2 virtual_router.a.addresses: this virtual router advertises none of its addresses",
    ],
  ],
  ["a wait for nothing", router(`conflict_wait = "1s"`), [
    '5:17 virtual_router.a.conflict_wait: has no effect without detect_conflicts = "wait"',
  ]],
  ["a wait that is too long", router(`detect_conflicts = "wait"\nconflict_wait = "1s"`), [
    "6:17 virtual_router.a.conflict_wait: not below the handover.timeout 1s: a peer that hands over has let go by then",
  ]],
  ["an owner with weights", router(`priority = 255\ntrack = [{ check = "c", weight = -5 }]`) + CHECK, [
    "5:12 virtual_router.a.priority: 255 is the address owner, whose priority no weight changes (RFC 9568 §6.1)",
  ]],
  ["an owner without weights", router(`priority = 255\ntrack = ["c"]`) + CHECK, []],
  ["a small weight", router(`track = [{ check = "c", weight = -2 }]`) + CHECK, [
    "5:10 virtual_router.a.track[0]: weight -2 moves the addresses only if a peer's priority is less than 2 below; " +
    'leave it out to make a failing c FAULT, or give "vipd validate" the peer\'s file too',
  ]],
  ["a weight that is cut above", router(`priority = 250\ntrack = [{ check = "c", weight = 20 }]`) + CHECK, [
    "6:9 virtual_router.a.track: with all checks passing the priority is 270, which is cut to 254",
  ]],
  ["a weight that is cut below", router(`priority = 10\ntrack = [{ check = "c", weight = -20 }]`) + CHECK, [
    "6:9 virtual_router.a.track: with all checks failing the priority is -10, which is cut to 1",
  ]],
  ["weights without preemption", router(`preempt = false\ntrack = [{ check = "c", weight = -20 }]`) + CHECK, [
    "5:11 virtual_router.a.preempt: with preempt = false this router never takes over from a living one, " +
    "so weights alone do not bring the addresses here",
  ]],
  ["a delay without preemption", router(`preempt = false\npreempt_delay = "5s"`), [
    "6:17 virtual_router.a.preempt_delay: has no effect with preempt = false",
  ]],
  ["a very short interval", router(`advertisement_interval = "50ms"`), [
    "5:26 virtual_router.a.advertisement_interval: at 50ms a pause of 150ms in network or scheduling is a failover",
  ]],
  [
    "keys without effect",
    router(`unicast_peers = ["192.0.2.2"]\nmulticast_group = "224.0.0.19"\nttl_security = false`),
    [
      "6:19 virtual_router.a.multicast_group: has no effect with unicast_peers",
      "7:16 virtual_router.a.ttl_security: has no effect with unicast_peers",
    ],
  ],
  ["a checksum that is never sent", router(`version = 2\nipv4_checksum = "rfc9568"`), [
    "6:17 virtual_router.a.ipv4_checksum: has no effect with version = 2",
  ]],
  ["a check that nobody tracks", router("") + CHECK, [
    "6:2 check.c: no virtual router tracks this check: it decides nothing",
  ]],
  [
    "a check of a virtual address",
    router(`track = ["w"]`) + `[check.w]\ntype = "web"\nurl = "http://192.0.2.1/"`,
    [
      "8:7 check.w.url: 192.0.2.1 is an address of virtual_router.a: on a backup this asks the active router; ask 127.0.0.1",
    ],
  ],
];

for (const [name, text, expected] of ROWS) {
  Deno.test(`lint(): ${name}`, async () => assertEquals(await warningsOf(text), expected));
}

Deno.test("lint() reads the arguments of curl and exec", () => {
  const config = configSchema(checkTypes, "lb1").parse({
    virtual_router: {
      a: { interface: "eth0", vrid: 1, addresses: ["192.0.2.1"], track: ["a", "b", "c", "d", "e"] },
    },
    check: {
      a: { type: "curl", args: ["-sf", "http://127.0.0.1/"] },
      b: { type: "curl", args: ["-sfm", "3", "http://127.0.0.1/"] },
      c: { type: "exec", command: ["/bin/check one"] },
      d: { type: "exec", command: ["/bin/check", "a && b", "$HOME", "plain"] },
      e: { type: "exec", command: ["/bin/sh", "-c", "a && b"] },
    },
  });
  assertEquals(
    lint(config, ([table]) => table === "check").map(({ path, message }) =>
      `${formatPath(path)}: ${message}`
    ),
    [
      "check.a.args: no --max-time and no --connect-timeout: only the check's timeout (2s) ends a hanging curl",
      "check.c.command[0]: the program's name contains a blank: write each argument as an element of its own",
      'check.d.command[1]: "&" is passed as it is: no shell reads the command',
      'check.d.command[2]: "$H" is passed as it is: no shell reads the command',
    ],
  );
});

async function compared(...texts: string[]): Promise<string[]> {
  const nodes = await Promise.all(
    texts.map(async (text, i) => ({ file: `lb${i + 1}.toml`, config: await load(text) })),
  );
  return compareNodes(nodes).map(({ node, finding }) =>
    `${nodes[node]?.file} ${formatPath(finding.path)}: ${finding.message}`
  );
}

const PAIRS: readonly [name: string, first: string, second: string, findings: string[]][] = [
  [
    "a good pair",
    router(`priority = 100\ntrack = ["c"]`) + CHECK,
    router(`priority = 90\ntrack = ["c"]`) + CHECK,
    [],
  ],
  [
    "other VRIDs have nothing to do with each other",
    router("vrid = 51").replace("vrid = 51\n", ""),
    router("").replace("51", "52"),
    [],
  ],
  [
    "the weight of the tutorials",
    router(`priority = 100\ntrack = [{ check = "c", weight = 2 }]`) + CHECK,
    router("priority = 80"),
    [
      "lb1.toml virtual_router.a.track[0]: a failing c does not move the addresses: weight 2 leaves priority 100, " +
      "still above the 80 of lb2.toml; weight -21 would, or no weight (FAULT)",
    ],
  ],
  [
    "positive weights on both hosts",
    router(`priority = 101\ntrack = [{ check = "c", weight = 1 }]`) + CHECK,
    router(`priority = 100\ntrack = [{ check = "c", weight = 1 }]`) + CHECK,
    [
      "lb1.toml virtual_router.a.track[0]: a failing c does not move the addresses: weight 1 leaves priority 101, " +
      "equal to the 101 of lb2.toml, and a tie does not move; weight 2 on all hosts would, or no weight (FAULT)",
    ],
  ],
  [
    "a backup that never takes over from a living router",
    router(`priority = 100\ntrack = [{ check = "c", weight = -50 }]`) + CHECK,
    router("priority = 80\npreempt = false"),
    [
      "lb1.toml virtual_router.a.track[0]: a failing c does not move the addresses: with preempt = false, " +
      "lb2.toml never takes over from a living router",
    ],
  ],
  [
    "the same priority",
    router(""),
    router(""),
    [
      "lb2.toml virtual_router.a.priority: the same as in lb1.toml: the higher address wins a tie, " +
      "and which host is ACTIVE depends on who started first",
    ],
  ],
  [
    "what must agree",
    router(`version = 2\npassword = "1111"\nexcluded_addresses = ["192.0.2.9"]`),
    router(`priority = 90\nadvertisement_interval = "2s"\nmulticast_group = "224.0.0.19"`).replace(
      "2.1/24",
      "2.2/24",
    ),
    [
      "lb2.toml virtual_router.a.version: 3, but 2 in lb1.toml: packets of another version are discarded",
      "lb2.toml virtual_router.a.advertisement_interval: 2s, but 1s in lb1.toml: version 2 discards other intervals, version 3 follows the active router's",
      "lb2.toml virtual_router.a.addresses: 192.0.2.2, but 192.0.2.1 in lb1.toml: after a failover some addresses would be missing",
      "lb2.toml virtual_router.a.excluded_addresses: none, but 192.0.2.9 in lb1.toml: after a failover some addresses would be missing",
      "lb2.toml virtual_router.a.multicast_group: 224.0.0.19, but 224.0.0.18 in lb1.toml: the routers would not hear each other",
      "lb2.toml virtual_router.a.password: differs from the one in lb1.toml: each router would discard the other's packets",
    ],
  ],
  [
    "unicast peers that do not know each other",
    router(`unicast_source = "192.0.2.11"\nunicast_peers = ["192.0.2.12"]`),
    router(`priority = 90\nunicast_source = "192.0.2.13"\nunicast_peers = ["192.0.2.11"]`),
    [
      "lb1.toml virtual_router.a.unicast_peers: 192.0.2.13, the unicast_source in lb2.toml, is not among them: its packets are discarded",
    ],
  ],
];

function pool(keys: string, ...realServers: string[]): string {
  const tables = realServers.map((address) => `[[virtual_server.p.real_server]]\naddress = "${address}"\n`);
  return `[virtual_server.p]\n${keys}\n${tables.join("")}`;
}

const SYNC = `[balance]\nsync = { virtual_router = "a" }\n`;
const POOLS: typeof PAIRS = [
  [
    "the same virtual servers, in other words",
    router("") + pool(`address = "192.0.2.1:80"`, "192.0.2.21", "192.0.2.22:80"),
    router("priority = 90") + pool(`addresses = ["192.0.2.1:80"]`, "192.0.2.22", "192.0.2.21:80"),
    [],
  ],
  [
    "virtual servers that differ",
    router("") +
    pool(
      `addresses = ["192.0.2.1:80", "192.0.2.1:81"]\nscheduler = "rr"\npersistence = "6m"`,
      "192.0.2.21:80",
    ),
    router("priority = 90") + pool(`addresses = ["192.0.2.1:80", "192.0.2.1:81"]`, "192.0.2.22:80"),
    [
      "lb2.toml virtual_server.p.scheduler: wlc, but rr in lb1.toml: " +
      "after a failover clients would be shared in another way",
      "lb2.toml virtual_server.p.persistence: none, but 360s /32 in lb1.toml: " +
      "after a failover clients would leave their real server",
      "lb2.toml virtual_server.p.real_server: 192.0.2.22:80 (nat), but 192.0.2.21:80 (nat) in lb1.toml: " +
      "after a failover connections to the others would end",
    ],
  ],
  [
    "a virtual server on one host only, where the other may have the address",
    router("") + pool(`addresses = ["192.0.2.1:80", "192.0.2.99:80"]`, "192.0.2.21:80"),
    router("priority = 90"),
    [
      "lb2.toml virtual_router.a.addresses: tcp 192.0.2.1:80 is virtual_server.p in lb1.toml, " +
      "but no virtual server here: after a failover nobody would share its connections",
    ],
  ],
  [
    "a sync daemon without a counterpart",
    router("") + SYNC,
    router("priority = 90"),
    ["lb2.toml balance.sync: there is none, but one in lb1.toml: connections end with a failover"],
  ],
  [
    "sync daemons that do not hear each other",
    router("") + SYNC,
    router("priority = 90") + SYNC.replace(" }", ", id = 7 }"),
    ["lb2.toml balance.sync: id, port or group differ from those in lb1.toml: neither director hears the other"],
  ],
];

for (const [name, first, second, expected] of [...PAIRS, ...POOLS]) {
  Deno.test(`compareNodes(): ${name}`, async () => assertEquals(await compared(first, second), expected));
}

Deno.test("compareNodes() tells the links of one VRID apart by their addresses", async () => {
  const other = (keys: string): string =>
    `[virtual_router.b]\ninterface = "eth1"\nvrid = 51\naddresses = ["198.51.100.1"]\n${keys}\n`;
  assertEquals(await compared(router("") + other("priority = 90"), other("") + router("priority = 90")), []);
});

Deno.test("withCounterpart() names the routers that another host has too", async () => {
  const both = await load(router("") + `[virtual_router.b]\ninterface = "eth0"\nvrid = 7`);
  const one = await load(router(""));
  const nodes = [{ file: "1", config: both }, { file: "2", config: one }];
  assertEquals([...withCounterpart(nodes, 0)], ["a"]);
});
