/**
 * Virtual router MAC addresses (RFC 9568 §7): clients keep one MAC address for the VIP whatever happens, a
 * backup never speaks from it, and nothing is left of it; alone and beside keepalived's `use_vmac`.
 */
import { assert, assertEquals } from "@std/assert";
import { capture, field } from "./lab/capture.ts";
import type { Child } from "./lab/child.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { darkTimes, HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { startVipd, status } from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

const INTERVAL_MS = 200;
const VMAC = { 4: "00:00:5e:00:01:33", 6: "00:00:5e:00:02:33" } as const;
const VIPS = { 4: ["192.168.121.120"], 6: ["fe80::121:120", "fd00:121::120"] } as const;
const OPTIONS = {
  nodes: {
    n1: ["192.168.121.129/24", "fd00:121::129/64"],
    n2: ["192.168.121.128/24", "fd00:121::128/64"],
  },
  client: ["192.168.121.10/24", "fd00:121::10/64"],
};

type Family = 4 | 6;

function spec(node: Host, family: Family): RouterSpec {
  return {
    name: "VI_1",
    vrid: 51,
    version: 3,
    priority: node.name === "n1" ? 150 : 100,
    intervalMs: INTERVAL_MS,
    addresses: VIPS[family],
    virtualMac: true,
  };
}

/** What the client's kernel believes the VIP's MAC address to be. */
async function macAtClient(lab: Lab, vip: string): Promise<string> {
  const [entry] = JSON.parse(await lab.client.ip("-json", "neighbour", "show", "to", vip)) as {
    lladdr?: string;
  }[];
  return entry?.lladdr ?? "";
}

/** Macvlans of a node, and whether they are up. */
async function macvlans(node: Host): Promise<string[]> {
  const links = JSON.parse(await node.ip("-json", "link", "show", "type", "macvlan")) as {
    ifname?: string;
    flags?: string[];
  }[];
  return links.filter(({ ifname }) => ifname !== undefined).map(({ ifname, flags = [] }) =>
    `${ifname} ${flags.includes("UP") ? "up" : "down"}`
  );
}

async function parameter(node: Host, name: string): Promise<string> {
  return (await node.exec(["cat", `/proc/sys/net/ipv4/conf/eth0/${name}`])).trim();
}

async function pair(lab: Lab, family: Family): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const vip = VIPS[family].at(-1)!;
  const link = family === 4 ? "vrrp.51" : "vrrp6.51";
  await Promise.all([startEcho(n1), startEcho(n2)]);
  const wire = await capture(lab.bridge, "n2", "ip proto 112 or ip6 proto 112");
  const first = await startVipd(n1, vipdRouter(spec(n1, family)));
  const second = await startVipd(n2, vipdRouter(spec(n2, family)));
  await settled("VI_1", first, [second]);
  assertEquals([await macvlans(n1), await macvlans(n2)], [[`${link} up`], [`${link} down`]]);
  const [router] = (await status(first)).virtual_routers;
  assertEquals(router?.virtual_mac, { interface: link, mac: VMAC[family], advertise_from: "virtual" });

  const probe = await probeUdp(lab.client, vip);
  await probe.answeredBy("n1");
  assertEquals(await macAtClient(lab, vip), VMAC[family]);
  await first.child.stop();
  await probe.answeredBy("n2");
  assertEquals([await macvlans(n1), await macvlans(n2)], [[], [`${link} up`]]);
  assertEquals([await parameter(n1, "arp_ignore"), await parameter(n1, "arp_announce")], ["0", "0"]);

  const again = await startVipd(n1, vipdRouter(spec(n1, family)));
  await probe.answeredBy("n1");
  await settled("VI_1", again, [second]);
  assertEquals([await macvlans(n1), await macvlans(n2)], [[`${link} up`], [`${link} down`]]);
  const moved = await probe.stop();
  assert(longestOutage(moved) <= HITLESS_MS, `stop and preemption: ${JSON.stringify(moved)}`);

  // Both active, with one MAC address: they must hear each other all the same.
  const split = await probeUdp(lab.client, vip);
  await split.answeredBy("n1");
  await lab.cut(n1);
  await split.answeredBy("n2");
  await lab.heal(n1);
  await split.answeredBy("n1");
  await settled("VI_1", again, [second]);
  await sleep(500);
  const divided = await split.stop();
  const [, later = 0] = darkTimes(divided);
  assert(later <= HITLESS_MS, `heal: ${JSON.stringify(divided)}`);
  assertEquals(await macAtClient(lab, vip), VMAC[family], "one MAC address through all of it");

  again.child.signal("SIGKILL");
  await again.child.drained;
  const restarted = await startVipd(n1, vipdRouter(spec(n1, family)));
  await settled("VI_1", restarted, [second]);
  assertEquals([await macvlans(n1), await macvlans(n2)], [[`${link} up`], [`${link} down`]]);
  assertEquals(await macAtClient(lab, vip), VMAC[family]);
  await assertAdvertisedFrom(wire, VMAC[family]);
}

async function assertAdvertisedFrom(wire: Awaited<ReturnType<typeof capture>>, mac: string): Promise<void> {
  // A reminder, and the answer to one, are for one host alone.
  const packets = (await wire.stop()).filter((packet) => /^(01:00:5e|33:33)/.test(field(packet, "eth.dst")));
  assert(packets.length > 10, `${packets.length} advertisements`);
  assertEquals(new Set(packets.map((packet) => field(packet, "eth.src"))), new Set([mac]));
}

async function besideKeepalived(lab: Lab, better: "vipd" | "keepalived"): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const [vip] = VIPS[4];
  const start = async (node: Host): Promise<Child> =>
    (node === n1) === (better === "vipd")
      ? (await startVipd(node, vipdRouter(spec(node, 4)))).child
      : await startKeepalived(node, keepalivedRouter(spec(node, 4)));
  const onlyOn = (node: Host): Promise<boolean> =>
    waitFor(`${vip} only on ${node.name}`, async () => {
      const [on1, on2] = [await n1.holds(vip), await n2.holds(vip)];
      return on1 === (node === n1) && on2 === (node === n2);
    });
  await Promise.all([startEcho(n1), startEcho(n2)]);
  await start(n2);
  const first = await start(n1);
  await onlyOn(n1);
  const probe = await probeUdp(lab.client, vip);
  await probe.answeredBy("n1");
  await first.stop("SIGTERM");
  await probe.answeredBy("n2");
  await onlyOn(n2);
  await start(n1);
  await probe.answeredBy("n1");
  await onlyOn(n1);
  await probe.stop();
  assertEquals(await macAtClient(lab, vip), VMAC[4]);
}

async function mended(lab: Lab): Promise<void> {
  const n1 = lab.node("n1");
  const vip = VIPS[4][0];
  const vipd = await startVipd(n1, vipdRouter(spec(n1, 4)));
  await settled("VI_1", vipd, []);
  await n1.ip("link", "delete", "vrrp.51");
  await waitFor("the macvlan to come back", async () => (await macvlans(n1)).join() === "vrrp.51 up");
  await waitFor("the address on it", () => n1.holds(vip));
  await n1.ip("link", "set", "vrrp.51", "down");
  await waitFor("the macvlan to be up again", async () => (await macvlans(n1)).join() === "vrrp.51 up");
  assertEquals(await n1.holds(vip), true);

  await lab.removeInterface(n1);
  await waitFor(
    "FAULT or INIT",
    async () => (await status(vipd)).virtual_routers[0]?.state !== "ACTIVE",
  );
  await lab.addInterface(n1, OPTIONS.nodes.n1);
  await settled("VI_1", vipd, []);
  assertEquals(await macvlans(n1), ["vrrp.51 up"]);
  assertEquals(await n1.holds(vip), true);
  await vipd.child.stop();
  assertEquals(await macvlans(n1), []);
}

async function refused(lab: Lab): Promise<void> {
  const n1 = lab.node("n1");
  await n1.ip("link", "add", "vrrp.51", "type", "bridge");
  const vipd = await startVipd(n1, vipdRouter(spec(n1, 4)));
  await waitFor("FAULT", async () => (await status(vipd)).virtual_routers[0]?.state === "FAULT");
  const [router] = (await status(vipd)).virtual_routers;
  assertEquals(
    router?.reason,
    "vrrp.51 exists and is no interface of a virtual router: choose another virtual_mac.interface",
  );
  assertEquals(await n1.holds(VIPS[4][0]), false);
}

testTogether("virtual MAC address", [
  {
    name: "IPv4: elect, hand over, preempt, split, heal, crash",
    body: () => inLab(OPTIONS, (lab) => pair(lab, 4)),
  },
  {
    name: "IPv6: elect, hand over, preempt, split, heal, crash",
    body: () => inLab(OPTIONS, (lab) => pair(lab, 6)),
  },
  {
    name: "with keepalived, vipd better",
    body: () => inLab(OPTIONS, (lab) => besideKeepalived(lab, "vipd")),
  },
  {
    name: "with keepalived, keepalived better",
    body: () => inLab(OPTIONS, (lab) => besideKeepalived(lab, "keepalived")),
  },
  { name: "removed, set down, or without its base: mended", body: () => inLab(OPTIONS, mended) },
  { name: "a stranger's interface of that name is left alone", body: () => inLab(OPTIONS, refused) },
]);
