/**
 * Sync groups and dual-stack virtual routers: what becomes of their tables, and what is doubtful about them.
 */
import { assertEquals } from "@std/assert";
import { compareNodes } from "../../mod/config/compare.ts";
import { formatPath } from "../../mod/config/document.ts";
import { summarize } from "../../mod/config/summary.ts";
import type { Config } from "../../mod/config/schema.ts";
import { load, loadLoud } from "./fixture.ts";

function router(name: string, keys = "", subnet = name === "in" ? "192.0.2" : "198.51.100"): string {
  const link = name === "in" ? "eth0" : "eth1";
  return `[virtual_router.${name}]\ninterface = "${link}"\nvrid = 51\naddresses = ["${subnet}.1/24"]\n${keys}\n`;
}

const CHECKS = ["c", "d"].map((name) => `[check.${name}]\ntype = "run"\ncommand = ["/bin/true"]\n`).join("");

function group(keys = ""): string {
  return `[sync_group.gw]\nmembers = ["in", "out"]\n${keys}\n`;
}

function tracksOf({ virtual_router }: Config): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(virtual_router).map(([name, { track }]) => [
      name,
      track.map(({ check, weight }) => `${check} ${weight ?? "fault"}`),
    ]),
  );
}

const WEIGHTS: readonly [weights: string, inside: string[], outside: string[]][] = [
  ["all", ["c -20", "d -5"], ["d -5", "c -20"]],
  ["each", ["c -20", "d -5"], ["d -5"]],
  ["ignore", ["d -5"], ["d -5"]],
];

for (const [weights, inside, outside] of WEIGHTS) {
  Deno.test(`member_weights = "${weights}": what each member's priority depends on`, async () => {
    const config = await load(
      router("in", 'track = [{ check = "c", weight = -20 }]') + router("out") +
        group(`track = [{ check = "d", weight = -5 }]\nmember_weights = "${weights}"`) + CHECKS,
    );
    assertEquals(tracksOf(config), { in: inside, out: outside });
  });
}

Deno.test("a check counts once for a member: as it says itself", async () => {
  const config = await load(
    router("in", 'track = [{ check = "c", weight = -20 }]') +
      router("out", 'track = ["d", { check = "c", weight = -30 }]') +
      group(`track = ["c"]`) + CHECKS,
  );
  assertEquals(tracksOf(config), { in: ["c -20"], out: ["d fault", "c -30"] });
});

const DUAL = `[virtual_router.web]
interface = "eth2"
vrid = 51
addresses = ["192.0.2.10/24", "2001:db8::10/64", "192.0.2.11/24"]
excluded_addresses = ["2001:db8::99/64"]
virtual_mac = true
`;

Deno.test("addresses of both families: two virtual routers in a group", async () => {
  const { virtual_router, sync_group } = await load(DUAL);
  assertEquals(sync_group, {
    web: { members: ["web/ipv4", "web/ipv6"], track: [], member_weights: "all", notify: { timeout: 30_000 } },
  });
  const parts = Object.entries(virtual_router).map(([name, part]) => [
    name,
    part.family,
    part.vrid,
    part.multicast_group,
    part.virtual_mac?.interface,
    part.addresses.map(({ address }) => address),
    part.excluded_addresses.map(({ address }) => address),
  ]);
  assertEquals(parts, [
    ["web/ipv4", 4, 51, "224.0.0.18", "vrrp.51", ["192.0.2.10", "192.0.2.11"], []],
    ["web/ipv6", 6, 51, "ff02::12", "vrrp6.51", ["2001:db8::10"], ["2001:db8::99"]],
  ]);
});

Deno.test("unicast peers and sources of both families go to the part of theirs", async () => {
  const { virtual_router } = await load(
    DUAL + 'unicast_peers = ["2001:db8::2", "192.0.2.2"]\nunicast_source = ["192.0.2.3", "2001:db8::3"]',
  );
  const parts = Object.values(virtual_router).map(({ unicast_peers, unicast_source }) => ({
    unicast_peers,
    unicast_source,
  }));
  assertEquals(parts, [
    { unicast_peers: ["192.0.2.2"], unicast_source: "192.0.2.3" },
    { unicast_peers: ["2001:db8::2"], unicast_source: "2001:db8::3" },
  ]);
});

Deno.test("a dual-stack virtual router in a group brings both of its parts", async () => {
  const { sync_group } = await load(DUAL + router("out") + `[sync_group.gw]\nmembers = ["web", "out"]`);
  assertEquals(Object.entries(sync_group).map(([name, { members }]) => [name, ...members]), [
    ["gw", "web/ipv4", "web/ipv6", "out"],
  ]);
});

Deno.test("a virtual server may follow a group or a dual-stack virtual router: its first member tells", async () => {
  const server = (name: string, port: number): string =>
    `[virtual_server.s${port}]\naddresses = ["192.0.2.10:${port}"]\nvirtual_router = "${name}"\n` +
    `[[virtual_server.s${port}.real_server]]\naddress = "192.0.2.21:80"\n`;
  const { virtual_server } = await load(
    DUAL + router("in", "", "203.0.113") + router("out") + group() + server("web", 80) + server("gw", 81),
  );
  assertEquals(Object.values(virtual_server).map((one) => one.virtual_router), ["web/ipv4", "in"]);
});

const DOUBTS: readonly [name: string, text: string, warnings: string[]][] = [
  ["nothing", router("in") + router("out") + group(), []],
  ["nothing in a dual-stack router", DUAL + 'ipv4_checksum = "rfc9568"', []],
  ["a group of one", router("in") + `[sync_group.gw]\nmembers = ["in"]`, [
    "sync_group.gw.members: a group of one virtual router keeps nothing together",
  ]],
  ["preemption here and there", router("in") + router("out", "preempt = false") + group(), [
    "virtual_router.out.preempt: differs from in of the same sync group: " +
    "the group takes over only when each of them may",
  ]],
  ["delays", router("in") + router("out", 'preempt_delay = "5s"') + group(), [
    "virtual_router.out.preempt_delay: differs from in of the same sync group: the group waits for the longest",
  ]],
  ["an owner among others", router("in", "priority = 255") + router("out") + group(), [
    "virtual_router.out.priority: only some members of the sync group own their addresses (255): " +
    "all are where each can be ACTIVE",
  ]],
  [
    "weights that are ignored",
    router("in", 'track = [{ check = "c", weight = -20 }]') + router("out") +
    group('track = ["d"]\nmember_weights = "ignore"') + CHECKS,
    [
      'virtual_router.in.track[0]: has no effect: member_weights = "ignore" in its sync group; "all" would make it count for each member',
      "check.c: no virtual router tracks this check: it decides nothing",
    ],
  ],
  [
    "weights of one member",
    router("in", 'track = [{ check = "c", weight = -20 }, "d"]') + router("out") +
    group('member_weights = "each"') + CHECKS,
    [
      'sync_group.gw.member_weights: "each": c changes the priority of in alone, which moves no group; ' +
      '"all" counts it for all members',
    ],
  ],
];

for (const [name, text, expected] of DOUBTS) {
  Deno.test(`lint() of groups: ${name}`, async () => {
    const { warnings } = await loadLoud(text);
    assertEquals(warnings.map(({ path, message }) => `${path}: ${message}`).sort(), expected.toSorted());
  });
}

const PAIRS: readonly [name: string, first: string, second: string, expected: string[]][] = [
  ["the same", router("in") + router("out") + group(), router("in") + router("out") + group(), []],
  [
    "a group on one host only",
    router("in") + router("out") + group(),
    router("in") + router("out"),
    ["in", "out"].map((name) =>
      `2 virtual_router.${name}: is in no sync group, but in gw in 1: there it moves with others, here alone`
    ),
  ],
  [
    "a member on one host only",
    router("in") + router("out") + router("far", "", "203.0.113").replace("51", "7") +
    `[sync_group.gw]\nmembers = ["in", "out", "far"]`,
    router("in") + router("out") + router("far", "", "203.0.113").replace("51", "7") + group() +
    `[sync_group.else]\nmembers = ["far"]`,
    [
      "2 sync_group.gw.members: without far, which moves with them in 1",
      "2 sync_group.else.members: without in, out, which moves with them in 1",
    ],
  ],
  [
    "another order",
    router("in") + router("out") + group(),
    router("in") + router("out") + `[sync_group.pair]\nmembers = ["out", "in"]`,
    ["2 sync_group.pair.members: in another order than in 1: where priorities cross, the first member decides"],
  ],
];

for (const [name, first, second, expected] of PAIRS) {
  Deno.test(`compareNodes() of groups: ${name}`, async () => {
    const nodes = [{ file: "1", config: await load(first) }, { file: "2", config: await load(second) }];
    const told = compareNodes(nodes).map(({ node, finding: { path, message } }) =>
      `${node + 1} ${formatPath(path)}: ${message}`
    ).filter((line) => !line.includes("priority: the same as"));
    assertEquals(told.sort(), expected.toSorted());
  });
}

Deno.test("summarize() tells of groups", async () => {
  const lines = summarize(await load(DUAL + router("in", "", "203.0.113") + router("out") + group()));
  assertEquals(lines.filter((line) => !line.startsWith(" ")), [
    "virtual router web/ipv4: 192.0.2.10/24, 192.0.2.11/24",
    "virtual router web/ipv6: 2001:db8::10/64, 2001:db8::99/64",
    "virtual router in: 203.0.113.1/24",
    "virtual router out: 198.51.100.1/24",
    "sync group gw: in, out together or not at all",
    "sync group web: web/ipv4, web/ipv6 together or not at all",
    "api: 127.0.0.1:8112, unix:/run/vipd/vipd.sock",
  ]);
});
