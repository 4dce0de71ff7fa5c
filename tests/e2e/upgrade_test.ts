/**
 * The running program is replaced in place: the client, the peer and the process table must not notice. Also
 * what must not be replaced, and the plain stop and start.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { capture, field, type Packet } from "./lab/capture.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { HITLESS_MS, longestOutage, type Probe, probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import {
  check,
  request,
  router,
  startVipd,
  status,
  type Vipd,
  vipdCommand,
  waitForState,
} from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24", "fd00:121::129/64"], n2: ["192.168.121.128/24", "fd00:121::128/64"] },
  client: ["192.168.121.10/24", "fd00:121::10/64"],
};
const VIPS = { 4: ["192.168.121.120"], 6: ["fe80::121:120", "fd00:121::120"] } as const;

interface Timing {
  readonly version: 2 | 3;
  readonly intervalMs: number;
}

/** keepalived's own 10 ms are too tight for a busy machine that runs several of these at once, as are 20. */
const TIMINGS: readonly Timing[] = [
  { version: 2, intervalMs: 1000 },
  { version: 3, intervalMs: 100 },
  { version: 3, intervalMs: 50 },
];

function specOf({ version, intervalMs }: Timing, priority: number, family: 4 | 6 = 4): RouterSpec {
  return { name: "VI_1", vrid: 51, version, priority, intervalMs, addresses: VIPS[family] };
}

/** `vipd upgrade` on the node: exit code 0 or an error with its words. */
async function upgrade({ node, socket }: Vipd, ...args: string[]): Promise<string> {
  return await node.exec([...vipdCommand(), "upgrade", "--socket", socket, ...args]);
}

async function refusedUpgrade({ node, socket }: Vipd, ...args: string[]): Promise<string> {
  const command = [...vipdCommand(), "upgrade", "--socket", socket, ...args].join(" ");
  return await node.exec(["sh", "-c", `! ${command} 2>&1`]);
}

async function probed(lab: Lab, vip: string, body: () => Promise<void>): Promise<void> {
  const probe: Probe = await probeUdp(lab.client, vip);
  await probe.answeredBy("n1");
  await body();
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
  assertEquals(Object.keys(result.by_node), ["n1"]);
}

/** The active node is replaced twice; the peer, a vipd or a keepalived, stays BACKUP. */
async function activeNode(timing: Timing, family: 4 | 6, peer: "vipd" | "keepalived"): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const first = await startVipd(n1, vipdRouter(specOf(timing, 150, family)));
    await waitForState(first, "VI_1", "ACTIVE");
    const silent = await startPeer(n2, specOf(timing, 100, family), peer, first);
    const wire = await capture(lab.bridge, "n2", "ip proto 112 or ip6 proto 112");
    const before = await router(first, "VI_1");
    await probed(lab, VIPS[family].at(-1)!, async () => {
      for (let i = 0; i < 2; i++) {
        assertMatch(
          await upgrade(first),
          /^upgraded .* in \d+ ms .*\n1 virtual router stayed as .*, 1 ACTIVE/,
        );
      }
      await sleep(1200 + 4 * timing.intervalMs);
    });
    const after = await router(first, "VI_1");
    assertEquals([after.state, after.since, after.reason], [before.state, before.since, before.reason]);
    assertEquals(after.counters["became_active"], before.counters["became_active"]);
    assert(after.counters["advertisements_sent"]! > before.counters["advertisements_sent"]!);
    assertPaused(await wire.stop(), timing);
    await silent();
  });
}

/** Resolves with what proves that the peer has not noticed anything. */
async function startPeer(
  node: Host,
  spec: RouterSpec,
  kind: "vipd" | "keepalived",
  active: Vipd,
): Promise<() => Promise<void>> {
  if (kind === "keepalived") {
    const child = await startKeepalived(node, keepalivedRouter(spec));
    await waitFor("keepalived in BACKUP", () => child.output.includes("Entering BACKUP STATE"));
    return () => Promise.resolve(assert(!child.output.includes("Entering MASTER STATE"), child.output));
  }
  const vipd = await startVipd(node, vipdRouter(spec));
  await settled("VI_1", active, [vipd]);
  const { since } = await router(vipd, "VI_1");
  return async () => {
    const now = await router(vipd, "VI_1");
    assertEquals([now.state, now.since, now.counters["became_active"]], ["BACKUP", since, 0]);
  };
}

/** On the wire: one router only, which announced a long interval around each silence. */
function assertPaused(packets: readonly Packet[], { version, intervalMs }: Timing): void {
  assertEquals([...new Set(packets.map((packet) => field(packet, "vrrp.prio")))], ["150"]);
  if (version === 2) return;
  const intervals = packets.map((packet) => Number(field(packet, "vrrp.short_adver_int")));
  const changes = intervals.filter((interval, i) => interval !== intervals[i - 1]);
  const own = intervalMs / 10;
  // Twice, or once when the second upgrade came before the first was over.
  assert(
    [[own, 500, own], [own, 500, own, 500, own]].some((all) => all.join() === changes.join()),
    `${changes}`,
  );
}

/** The backup is replaced: the active one's failure right after is noticed as usual. */
async function backupNode(): Promise<void> {
  const timing = { version: 3, intervalMs: 100 } as const;
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const first = await startVipd(n1, vipdRouter(specOf(timing, 150)));
    await waitForState(first, "VI_1", "ACTIVE");
    const second = await startVipd(n2, vipdRouter(specOf(timing, 100)));
    await settled("VI_1", first, [second]);
    const { since } = await router(second, "VI_1");
    assertStringIncludes(await upgrade(second), "1 virtual router stayed as they were, 0 ACTIVE");
    const now = await router(second, "VI_1");
    assertEquals([now.state, now.since], ["BACKUP", since]);
    await waitFor("the peer to be heard", async () => (await router(second, "VI_1")).peers.length > 0);
    await lab.cut(n1);
    await waitForState(second, "VI_1", "ACTIVE");
  });
}

/** How many are open while no check and no client has any: the fewest in two seconds. */
async function descriptors({ node, child }: Vipd): Promise<number> {
  const counts: number[] = [];
  for (let i = 0; i < 40; i++) {
    counts.push(Number(await node.exec(["sh", "-c", `ls /proc/${child.pid}/fd | wc -l`])));
    await sleep(50);
  }
  return Math.min(...counts);
}

/** What the process is must stay: number, arguments, descriptors, states of checks; what ran has ended. */
async function whatStays(): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const n1 = lab.node("n1");
    const spec = { ...specOf({ version: 3, intervalMs: 100 }, 150), vipdExtra: 'track = ["slow"]' };
    const slow =
      '[check.slow]\ntype = "exec"\ncommand = ["sleep", "0.5"]\ninterval = "1s"\nfall = 3\nrise = 2';
    const vipd = await startVipd(n1, `${vipdRouter(spec)}\n${slow}`);
    await waitForState(vipd, "VI_1", "ACTIVE");
    const facts = (): Promise<string[]> =>
      Promise.all([
        n1.exec(["sh", "-c", `tr '\\0' ' ' < /proc/${vipd.child.pid}/cmdline`]),
        n1.exec(["sh", "-c", `grep -E 'Sig(Blk|Ign|Cgt)' /proc/${vipd.child.pid}/status`]),
        n1.exec(["sh", "-c", `tr '\\0' '\\n' < /proc/${vipd.child.pid}/environ | grep -v ESTATE | sort`]),
      ]);
    // So that the process has opened all that it opens in its life.
    await upgrade(vipd);
    const [before, open, checked] = [await facts(), await descriptors(vipd), await check(vipd, "slow")];
    for (let i = 0; i < 3; i++) await upgrade(vipd);
    assertEquals(await facts(), before);
    assertEquals(await descriptors(vipd), open);
    const now = await check(vipd, "slow");
    assertEquals([now.state, now.since], ["up", checked.since]);
    assert(now.runs >= checked.runs);
    const zombies = await n1.exec(["sh", "-c", `ps -o stat= --ppid ${vipd.child.pid} | grep -c Z || true`]);
    assertEquals(zombies.trim(), "0");
    assertEquals((await vipd.child.stop()).code, 0, vipd.child.output);
  });
}

/** SIGUSR2, as a script or a supervisor would. */
async function bySignal(): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const vipd = await startVipd(lab.node("n1"), vipdRouter(specOf({ version: 3, intervalMs: 100 }, 150)));
    await waitForState(vipd, "VI_1", "ACTIVE");
    const { node: { started, pid }, virtual_routers: [before] } = await status(vipd);
    vipd.child.signal("SIGUSR2");
    const after = await waitFor("the new program", async () => {
      const now = await status(vipd);
      return now.node.started === started ? undefined : now;
    });
    assertEquals([after.node.pid, after.virtual_routers[0]?.since], [pid, before?.since]);
    assertEquals(after.node.last_upgrade?.from, after.node.version);
  });
}

/** Programs that cannot take over, and a configuration that the new one could not run. */
async function whatIsRefused(): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const n1 = lab.node("n1");
    const vipd = await startVipd(n1, vipdRouter(specOf({ version: 3, intervalMs: 100 }, 150)));
    await waitForState(vipd, "VI_1", "ACTIVE");
    const { node: { started } } = await status(vipd);
    assertStringIncludes(await refusedUpgrade(vipd, "--binary", "/usr/bin/true"), "/usr/bin/true is no vipd");
    assertStringIncludes(await refusedUpgrade(vipd, "--binary", "/nowhere/vipd"), "/nowhere does not exist");
    const text = await Deno.readTextFile(vipd.configFile);
    await Deno.writeTextFile(vipd.configFile, text.replace("vrid = 51", "vrid = 510"));
    assertMatch(
      await refusedUpgrade(vipd),
      /does not accept .*vrid: expected a whole number 1\.\.255, got 510/,
    );
    await Deno.writeTextFile(vipd.configFile, text);
    const elsewhere = await request(vipd.socket, "/upgrade", { method: "POST", body: "nonsense" });
    assertEquals(elsewhere.status, 400);
    const now = await status(vipd);
    assertEquals([now.node.started, now.virtual_routers[0]?.state], [started, "ACTIVE"]);
    assertMatch(now.node.last_upgrade_error ?? "", /does not accept/);
  });
}

/** `systemctl restart`: SIGTERM, and a start when it has ended. The peer serves meanwhile, and gives back. */
async function stopAndStart(timing: Timing): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const config = vipdRouter(specOf(timing, 150));
    const first = await startVipd(n1, config);
    await waitForState(first, "VI_1", "ACTIVE");
    const second = await startVipd(n2, vipdRouter(specOf(timing, 100)));
    await settled("VI_1", first, [second]);
    const probe = await probeUdp(lab.client, VIPS[4][0]);
    await probe.answeredBy("n1");
    assertEquals((await first.child.stop()).code, 0, first.child.output);
    const again = await startVipd(n1, config);
    await settled("VI_1", again, [second]);
    await probe.answeredBy("n1");
    const result = await probe.stop();
    assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
    assertEquals(probe.nodes, ["n1", "n2", "n1"]);
  });
}

const name = ({ version, intervalMs }: Timing): string => `VRRPv${version}, ${intervalMs} ms`;

testTogether("upgrade in place", [
  ...TIMINGS.flatMap((timing) =>
    (["vipd", "keepalived"] as const).map((peer) => ({
      name: `of the active node, ${name(timing)}: neither client nor peer (${peer}) notice`,
      body: () => activeNode(timing, 4, peer),
    }))
  ),
  {
    name: "of the active node, VRRPv3, 100 ms, IPv6: neither client nor peer (keepalived) notice",
    body: () => activeNode({ version: 3, intervalMs: 100 }, 6, "keepalived"),
  },
  { name: "of the backup node: it stays BACKUP, and takes over when it has to", body: backupNode },
  { name: "keeps the process, its descriptors, its signals and what its checks know", body: whatStays },
  { name: "by SIGUSR2", body: bySignal },
  {
    name: "is refused for what is no vipd, and for a configuration that it could not run",
    body: whatIsRefused,
  },
], 3);

testTogether(
  "stop and start",
  TIMINGS.map((timing) => ({
    name: `${name(timing)}: hands over, comes back`,
    body: () => stopAndStart(timing),
  })),
  3,
);
