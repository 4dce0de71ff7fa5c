/**
 * `vipd doctor` on live pairs: a healthy one gives neither problem nor warning, on either node, of whatever
 * kind; and of each thing that is broken in it, one at a time, it says what it is.
 */
import { assert, assertEquals } from "@std/assert";
import {
  type Change,
  diagnose,
  filter,
  listed,
  OPTIONS,
  OWN,
  type Pair,
  pair,
  routerOf,
  says,
  set,
  VIP,
  VIP6,
} from "./lab/doctor.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { keepalivedRouter } from "./lab/routers.ts";
import { type Case, inLab, settled, testTogether } from "./lab/scenario.ts";
import { reload, startVipd, status, waitForState } from "./lab/vipd.ts";
import { type Host, type Lab, waitFor } from "./lab.ts";

const HEALTHY: readonly (readonly [name: string, change: Change])[] = [
  ["IPv4", {}],
  ["IPv6", { addresses: VIP6 }],
  ["both families", { addresses: [VIP, "fd00:121::120/64"] }],
  ["a virtual MAC address", { virtualMac: true }],
  ["IPv6 with a virtual MAC address", { addresses: VIP6, virtualMac: true }],
  ["unicast", { unicast: { source: "", peers: [] } }],
  ["version 2 with a password", { version: 2, intervalMs: 1000, password: "secret" }],
  ["conflicts looked for", { vipdExtra: 'detect_conflicts = "wait"' }],
];

/** A firewall as it ought to be. */
const RIGHT =
  "policy drop; ct state established,related accept; iif lo accept; icmpv6 type { nd-neighbor-solicit, " +
  "nd-neighbor-advert } accept; ip protocol vrrp accept; meta l4proto 112 accept;";

async function healthy(lab: Lab, change: Change): Promise<void> {
  for (const name of ["n1", "n2"]) await filter(lab.node(name), "input", RIGHT);
  const { n1, n2, first, second } = await pair(lab, change);
  for (const [node, vipd] of [[n1, first], [n2, second]] as const) {
    await Deno.chmod(vipd.configFile, 0o640);
    let alarms = "";
    // A machine that stands still makes real trouble, which passes; a false alarm does not.
    for (let tries = 0; tries < 3; tries++) {
      alarms = listed((await diagnose(node, vipd.configFile)).filter(({ severity }) => severity !== "note"));
      if (alarms === "") break;
    }
    assertEquals(alarms, "", `${node.name} is healthy`);
  }
}

/** What is broken, and what is said of it where. */
type Break = readonly [
  name: string,
  change: Change,
  body: (pair: Pair) => Promise<void>,
  where: "n1" | "n2",
  says: RegExp,
];

const BROKEN: readonly Break[] = [
  [
    "a firewall without a rule for VRRP",
    {},
    ({ n2 }) => filter(n2, "input", "policy drop; ct state established,related accept; tcp dport 22 accept;"),
    "n2",
    /problem eth0: the firewall drops advertisements that come in/,
  ],
  [
    "two active routers, one of them behind that firewall",
    {},
    ({ n2 }) => filter(n2, "input", "policy accept; ip protocol 112 drop;"),
    "n2",
    /problem VI_1: another router is ACTIVE as well/,
  ],
  [
    "advertisements that arrive and are not heard",
    {},
    ({ n2 }) => filter(n2, "input", "policy accept; ip daddr 224.0.0.0/8 drop;"),
    "n2",
    /problem eth0: the firewall drops advertisements that come in on eth0 from 192.168.121.129/,
  ],
  [
    "a firewall that lets none out",
    {},
    ({ n1 }) => filter(n1, "output", "policy accept; meta l4proto 112 reject;"),
    "n1",
    /problem eth0: the firewall drops this host's advertisements to 224.0.0.18/,
  ],
  [
    "a unicast peer's packets dropped",
    { unicast: { source: "", peers: [] } },
    ({ n2 }) => filter(n2, "input", `policy accept; ip saddr ${OWN.n1} drop;`),
    "n2",
    /problem eth0: the firewall drops advertisements that come in on eth0 from 192.168.121.129/,
  ],
  [
    "a rule of iptables",
    {},
    async ({ n2 }) => {
      await n2.exec(["iptables", "-A", "INPUT", "-i", "eth0", "-p", "112", "-j", "DROP"]);
    },
    "n2",
    /problem eth0: the firewall drops advertisements that come in/,
  ],
  [
    "a rule of ip6tables",
    { addresses: VIP6 },
    async ({ n2 }) => {
      await n2.exec(["ip6tables", "-A", "INPUT", "-d", "ff02::/16", "!", "-p", "icmpv6", "-j", "REJECT"]);
    },
    "n2",
    /problem eth0: the firewall drops advertisements that come in/,
  ],
  [
    "an interface that is down",
    {},
    async ({ n2 }) => {
      await n2.ip("link", "set", "eth0", "down");
    },
    "n2",
    /problem eth0: the interface is down/,
  ],
  ["no carrier", {}, ({ lab, n2 }) => lab.pullCable(n2), "n2", /problem eth0: the interface has no carrier/],
  [
    "the VIP on a third host",
    {},
    async ({ lab }) => {
      await lab.client.ip("address", "add", VIP, "dev", "eth0");
    },
    "n1",
    /problem VI_1: 192.168.121.120 is in use by .* as well/,
  ],
  [
    "the VIP on a third host, seen by the backup",
    {},
    async ({ lab }) => {
      await lab.client.ip("address", "add", VIP, "dev", "eth0");
    },
    "n2",
    /problem VI_1: 2 hosts answer for 192.168.121.120/,
  ],
  [
    "an IPv6 VIP on a third host",
    { addresses: VIP6 },
    async ({ lab }) => {
      await lab.client.ip("address", "add", "fd00:121::120/64", "dev", "eth0", "nodad");
    },
    "n1",
    /problem VI_1: fd00:121::120 is in use by .* as well/,
  ],
  [
    "this host's own address on another one",
    {},
    async ({ lab }) => {
      await lab.client.ip("address", "add", `${OWN.n1}/24`, "dev", "eth0");
    },
    "n1",
    /problem eth0|problem 192.168.121.129: .*own address, is in use/,
  ],
  [
    "another group's VRID",
    {},
    async ({ lab }) => {
      await startVipd(lab.node("n3"), routerOf(lab.node("n3"), { vrid: 77, addresses: ["192.168.121.121"] }));
    },
    "n1",
    /note eth0: other groups are on this link: VRID 77/,
  ],
  [
    "keepalived with the same VRID on this host",
    {},
    async ({ n2 }) => {
      const spec = {
        name: "VI_1",
        vrid: 51,
        version: 3,
        priority: 50,
        intervalMs: 200,
        addresses: [VIP],
      } as const;
      await startKeepalived(n2, keepalivedRouter(spec));
    },
    "n2",
    /problem keepalived: .* the same VRID 51/,
  ],
  [
    "neighbours that learn the wrong MAC address",
    { virtualMac: true },
    async ({ n1 }) => {
      await set(n1, "ipv4/conf/eth0/arp_ignore", 0);
    },
    "n1",
    /problem VI_1: arp_ignore of eth0 is 0/,
  ],
  [
    "strict reverse path filtering of a virtual MAC address",
    { virtualMac: true },
    async ({ n1 }) => {
      await set(n1, "ipv4/conf/vrrp.51/rp_filter", 1);
    },
    "n1",
    /problem VI_1: rp_filter of vrrp.51 is 1/,
  ],
  [
    "a host that answers no ARP",
    {},
    ({ n1 }) => set(n1, "ipv4/conf/eth0/arp_ignore", 8),
    "n1",
    /problem eth0: arp_ignore is 8/,
  ],
  [
    "IPv6 switched off",
    { addresses: VIP6 },
    ({ n2 }) => set(n2, "ipv6/conf/eth0/disable_ipv6", 1),
    "n2",
    /problem eth0: IPv6 is off/,
  ],
  [
    "a configuration that everybody may write",
    {},
    async ({ second }) => {
      await Deno.chmod(second.configFile, 0o666);
    },
    "n2",
    /problem .*vipd.toml: others may write the configuration/,
  ],
  [
    "a reload that was refused",
    {},
    async ({ second }) => {
      const right = await Deno.readTextFile(second.configFile);
      await reload(second, "[virtual_router.VI_1]\nvrid = 300\n");
      await waitFor("the refusal", async () => (await status(second)).node.last_reload_error !== null);
      await Deno.writeTextFile(second.configFile, right);
    },
    "n2",
    /warning vipd: the last reload was refused/,
  ],
  [
    "a failed check",
    {},
    async ({ n2, second }) => {
      const failing = '[check.no]\ntype = "exec"\ncommand = ["/bin/false"]\ninterval = "200ms"\n';
      await reload(second, routerOf(n2, { vipdExtra: 'track = ["no"]' }) + failing);
      await waitForState(second, "VI_1", "FAULT");
    },
    "n2",
    /problem VI_1: FAULT: .*no/,
  ],
];

/** Another pair of configurations than the healthy ones: what does not fit is named. */
async function mismatched(lab: Lab): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const change = { version: 2, intervalMs: 1000 } as const;
  const first = await startVipd(n1, routerOf(n1, { ...change, password: "first1" }));
  const second = await startVipd(n2, routerOf(n2, { ...change, password: "second2" }));
  await waitForState(first, "VI_1", "ACTIVE");
  await waitForState(second, "VI_1", "ACTIVE");
  await says(
    n2,
    second.configFile,
    /problem VI_1: advertisements from .* are rejected: authentication_failures/,
  );
  // No secret is told.
  assert(!/first1|second2/.test(JSON.stringify(await diagnose(n2, second.configFile))));
  await reload(second, routerOf(n2, { ...change, password: "first1", addresses: ["192.168.121.119"] }));
  await says(n2, second.configFile, /problem VI_1: 192.168.121.129 advertises other addresses/);
  await reload(second, routerOf(n2, { version: 3, intervalMs: 1000 }));
  await says(n2, second.configFile, /rejected: version_errors/);
  await says(
    n2,
    second.configFile,
    /warning .*vipd.toml: .*virtual_router.VI_1.version/,
    "--peer",
    first.configFile,
  );
}

/** Two that do not hear each other, and the other one's API. */
async function asked(lab: Lab): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const token = `${lab.site.directory}/token`;
  await Deno.writeTextFile(token, "a-token-that-is-not-told\n", { mode: 0o600 });
  const api = (node: Host, own: string): string =>
    `\n[api]\nlisten = ["unix:${node.directory}/vipd/vipd.sock", "${own}:8112"]\ntoken_file = "${token}"\n`;
  const first = await startVipd(n1, routerOf(n1) + api(n1, OWN.n1));
  const second = await startVipd(n2, routerOf(n2) + api(n2, OWN.n2));
  await settled("VI_1", first, [second]);
  const peer = ["--peer", `http://${OWN.n2}:8112`, "--token-file", token];
  const healthy = await diagnose(n1, first.configFile, ...peer);
  assertEquals(listed(healthy.filter(({ severity }) => severity !== "note")), "");
  await filter(n1, "output", "policy accept; meta l4proto 112 drop;");
  await filter(n2, "output", "policy accept; meta l4proto 112 drop;");
  await waitForState(second, "VI_1", "ACTIVE");
  await says(
    n1,
    first.configFile,
    /problem VI_1: ACTIVE here and on http:.*: they do not hear each other/,
    ...peer,
  );
  assert(!JSON.stringify(await diagnose(n1, first.configFile, ...peer)).includes("not-told"));
}

/** Nothing runs here yet. */
async function before(lab: Lab): Promise<void> {
  const { n1, first } = await pair(lab);
  const n3 = lab.node("n3");
  const file = `${n3.directory}/new.toml`;
  const api = `[api]\nlisten = ["unix:${n3.directory}/no.sock"]\n`;
  await Deno.writeTextFile(file, `${routerOf(n3, { addresses: ["192.168.121.99"] })}\n${api}`);
  await says(n3, file, /problem VI_1: VRID 51 is in use on eth0 with other addresses/);
  await Deno.writeTextFile(file, `${routerOf(n3, { version: 2, intervalMs: 1000 })}\n${api}`);
  await says(n3, file, /problem VI_1: .* advertises with VRRP version 3, this router would with 2/);
  await Deno.writeTextFile(file, `${routerOf(n3, { priority: 20 })}\n${api}`);
  assertEquals(listed((await diagnose(n3, file)).filter(({ severity }) => severity !== "note")), "");
  await Deno.writeTextFile(file, `${routerOf(n3, { interface: "eth7" })}\n${api}`);
  await says(n3, file, /problem eth7: the interface does not exist/);
  // Nothing was changed by all that looking.
  assertEquals((await status(first)).virtual_routers[0]?.state, "ACTIVE");
  assert(await n1.holds("192.168.121.120"));
}

const row = (name: string, body: (lab: Lab) => Promise<void>): Case => ({
  name,
  body: () => inLab(OPTIONS, body),
});

testTogether(
  "doctor: a healthy pair gives no alarm",
  HEALTHY.map(([name, change]) => row(name, (lab) => healthy(lab, change))),
  7,
);

testTogether("doctor: what is broken is named", [
  // The longest first: the others find room beside them.
  row("peers that do not fit", mismatched),
  row("before the first start", before),
  row("a peer that is asked", asked),
  ...BROKEN.map(([name, change, body, where, expected]) =>
    row(name, async (lab) => {
      const here = await pair(lab, change);
      await body(here);
      await says(here[where], (where === "n1" ? here.first : here.second).configFile, expected);
    })
  ),
], 8);
