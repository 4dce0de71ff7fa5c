/**
 * Another host has the VIP: who waits does not bind it while that host answers, who reports tells its MAC
 * address; and a pair that goes through its life finds nobody, however it changes hands.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { vipdRouter } from "./lab/routers.ts";
import { type Case, inLab, settled, testTogether } from "./lab/scenario.ts";
import { router, startVipd, status, type Vipd, vipdCommand, waitForState } from "./lab/vipd.ts";
import { type Host, type Lab, waitFor } from "./lab.ts";

const OPTIONS = {
  nodes: {
    n1: ["192.168.121.129/24", "fd00:121::129/64"],
    n2: ["192.168.121.128/24", "fd00:121::128/64"],
  },
  client: ["192.168.121.10/24", "fd00:121::10/64"],
};
const VIPS = { 4: ["192.168.121.120/24"], 6: ["fe80::121:120/64", "fd00:121::120/64"] } as const;

type Family = 4 | 6;
interface Kind {
  readonly family: Family;
  readonly virtualMac: boolean;
}
const KINDS: readonly Kind[] = [4, 6].flatMap((family) =>
  [false, true].map((virtualMac) => ({ family: family as Family, virtualMac }))
);

function start(node: Host, { family, virtualMac }: Kind, mode: "report" | "wait"): Promise<Vipd> {
  const priority = node.name === "n1" ? 150 : 100;
  const common = { name: "VI_1", vrid: 51, version: 3, intervalMs: 200 } as const;
  const vipdExtra = `detect_conflicts = "${mode}"`;
  return startVipd(node, vipdRouter({ ...common, addresses: VIPS[family], priority, virtualMac, vipdExtra }));
}

async function occupy(lab: Lab, family: Family): Promise<string> {
  const { client } = lab;
  await client.ip("address", "add", VIPS[family].at(-1)!, "dev", "eth0", ...family === 6 ? ["nodad"] : []);
  return await client.macAddress();
}

/** It waits, with the MAC address in the reason, and goes on when the address is free. */
async function waits(lab: Lab, kind: Kind): Promise<void> {
  const mac = await occupy(lab, kind.family);
  const vipd = await start(lab.node("n1"), kind, "wait");
  const { reason, conflicts, addresses } = await waitFor("the conflict", async () => {
    const now = await router(vipd, "VI_1");
    return now.state === "INIT" && now.conflicts.length > 0 ? now : undefined;
  });
  assertStringIncludes(reason, mac);
  assertEquals(conflicts.map((conflict) => [conflict.interface, conflict.mac]), [["eth0", mac]]);
  assert(addresses.every(({ present }) => !present), "bound all the same");
  await lab.client.ip("address", "delete", VIPS[kind.family].at(-1)!, "dev", "eth0");
  const { conflicts: left } = await waitForState(vipd, "VI_1", "ACTIVE");
  assertEquals(left, []);
}

/** It binds the address and tells the MAC address. */
async function reports(lab: Lab, kind: Kind): Promise<void> {
  const mac = await occupy(lab, kind.family);
  const vipd = await start(lab.node("n1"), kind, "report");
  await waitForState(vipd, "VI_1", "ACTIVE");
  const { conflicts, counters } = await waitFor("the conflict", async () => {
    const now = await router(vipd, "VI_1");
    return now.conflicts.length > 0 ? now : undefined;
  });
  assertEquals(conflicts.map((conflict) => conflict.mac), [mac]);
  assert((counters["address_conflicts"] ?? 0) > 0);
}

/** Who takes the address later says so itself, and is answered. */
async function hears(lab: Lab, kind: Kind): Promise<void> {
  const vipd = await start(lab.node("n1"), kind, "report");
  await waitForState(vipd, "VI_1", "ACTIVE");
  const announced = (counters: Readonly<Record<string, number>>): number =>
    (counters["gratuitous_arp_sent"] ?? 0) + (counters["neighbor_advertisements_sent"] ?? 0);
  const before = await router(vipd, "VI_1");
  assertEquals(before.conflicts, []);
  const tells =
    "echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_notify; echo 1 > /proc/sys/net/ipv6/conf/eth0/ndisc_notify";
  await lab.client.exec(["sh", "-c", tells]);
  const mac = await occupy(lab, kind.family);
  // IPv6 tells it when the interface comes up.
  await lab.pullCable(lab.client);
  await lab.plugCable(lab.client);
  const after = await waitFor("the conflict", async () => {
    const now = await router(vipd, "VI_1");
    return now.conflicts.length > 0 && announced(now.counters) > announced(before.counters) ? now : undefined;
  });
  assertEquals(after.conflicts.map((conflict) => conflict.mac), [mac]);
  assertEquals(after.state, "ACTIVE");
}

/** Upgraded, stopped, back, killed: no conflict, unless it is a dead router whose kernel still answers. */
async function lives(lab: Lab, kind: Kind, mode: "report" | "wait"): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const first = await start(n1, kind, mode);
  const second = await start(n2, kind, mode);
  await settled("VI_1", first, [second]);
  const { socket } = first;
  await n1.exec([...vipdCommand(), "upgrade", "--socket", socket]);
  await settled("VI_1", first, [second]);
  await first.child.stop();
  await waitForState(second, "VI_1", "ACTIVE");
  const again = await start(n1, kind, mode);
  await settled("VI_1", again, [second]);
  for (const vipd of [again, second]) {
    const { counters, conflicts } = await router(vipd, "VI_1");
    assertEquals([counters["address_conflicts"], conflicts], [0, []], `${mode} on ${vipd.node.name}`);
  }
  again.child.signal("SIGKILL");
  await again.child.drained;
  // The kernel of the dead one answers until its lease is over: who waits is told, and is active then.
  await waitForState(second, "VI_1", "ACTIVE");
}

/** Whoever was not heard when the address was asked for, and is now, is a router of the group. */
async function recognises(lab: Lab): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const kind: Kind = { family: 4, virtualMac: false };
  await n1.exec(["nft", "add table ip deaf"]);
  await n1.exec(["nft", "add chain ip deaf input { type filter hook input priority 0; }"]);
  await n1.exec(["nft", "add rule ip deaf input ip protocol 112 drop"]);
  const active = await start(n2, kind, "wait");
  await waitForState(active, "VI_1", "ACTIVE");
  const waiting = await start(n1, kind, "wait");
  await waitFor("the conflict", async () => {
    const { state, conflicts } = await router(waiting, "VI_1");
    return state === "INIT" && conflicts.length > 0;
  });
  await n1.exec(["nft", "delete table ip deaf"]);
  await settled("VI_1", waiting, [active]);
  assertStringIncludes(waiting.child.output, "it is the router 192.168.121.128 that has it");
}

/** Both families in one block: one address that is taken keeps both routers out. */
async function waitsTogether(lab: Lab): Promise<void> {
  const mac = await occupy(lab, 6);
  const common = { name: "VI_1", vrid: 51, version: 3, intervalMs: 200, priority: 150 } as const;
  const spec = { ...common, addresses: [...VIPS[4], VIPS[6][1]], vipdExtra: 'detect_conflicts = "wait"' };
  const vipd = await startVipd(lab.node("n1"), vipdRouter(spec));
  await waitFor("both to wait", async () => {
    const both = (await status(vipd)).virtual_routers;
    return both.length === 2 && both.every(({ state, reason }) => state === "INIT" && reason.includes(mac));
  });
  await lab.client.ip("address", "delete", VIPS[6][1], "dev", "eth0");
  await waitFor("both to serve", async () => {
    return (await status(vipd)).virtual_routers.every(({ state }) => state === "ACTIVE");
  });
}

/** Many at once: they mostly wait. */
testTogether(
  "conflicts: another host has the VIP",
  [
    { name: "a peer that was not heard", body: () => inLab(OPTIONS, recognises) },
    { name: "both families", body: () => inLab(OPTIONS, waitsTogether) },
    ...KINDS.flatMap((kind) => {
      const name = `IPv${kind.family}${kind.virtualMac ? ", virtual MAC address" : ""}`;
      const row = (what: string, body: (lab: Lab) => Promise<void>): Case => ({
        name: `${what}, ${name}`,
        body: () => inLab(OPTIONS, body),
      });
      return [
        row("wait", (lab) => waits(lab, kind)),
        row("report", (lab) => reports(lab, kind)),
        row("taken while ACTIVE", (lab) => hears(lab, kind)),
        row("nobody has it: report", (lab) => lives(lab, kind, "report")),
        row("nobody has it: wait", (lab) => lives(lab, kind, "wait")),
      ];
    }),
  ],
  8,
);
