/** `vipd handover` and `vipd maintenance` with real peers: the client notices nothing. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startKeepalived } from "./lab/keepalived.ts";
import { HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { router, startVipd, status, type Vipd, vipdCommand, waitForState } from "./lab/vipd.ts";
import { type Lab, sleep, waitFor } from "./lab.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};
const VIP = "192.168.121.120";
/** It advertises before it has the address; its skew, in which vipd must serve, is 609 ms in version 2. */
const KEEPALIVED_MS = 500;

function spec(priority: number, version: 2 | 3 = 3): RouterSpec {
  const intervalMs = version === 2 ? 1000 : 100;
  return { name: "VI_1", vrid: 51, version, priority, intervalMs, addresses: [VIP] };
}

/** What the command says, all of it, and whether it succeeded. */
async function say({ node, socket }: Vipd, ...args: string[]): Promise<{ ok: boolean; words: string }> {
  const command = [...vipdCommand(), ...args, "--socket", socket].join(" ");
  const words = await node.exec(["sh", "-c", `${command} 2>&1 || echo FAILED`]);
  return { ok: !words.includes("FAILED"), words };
}

async function pair(body: (lab: Lab, first: Vipd, second: Vipd) => Promise<void>): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const first = await startVipd(n1, vipdRouter(spec(150)));
    await waitForState(first, "VI_1", "ACTIVE");
    const second = await startVipd(n2, vipdRouter(spec(100)));
    await settled("VI_1", first, [second]);
    await body(lab, first, second);
  });
}

/** To the lower router and back, with the client watching. */
async function thereAndBack(lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  const { ok, words } = await say(first, "handover", "VI_1");
  assert(ok, words);
  assertMatch(words, /^VI_1 was handed over in \d+ ms: .* handed over to priority 100/);
  await settled("VI_1", second, [first]);
  await sleep(1000);
  assertMatch((await router(first, "VI_1")).held_back ?? "", /^handed over on demand/);
  // It is known after an upgrade too.
  assert((await say(first, "upgrade")).ok);
  await sleep(1500);
  assertMatch((await router(first, "VI_1")).held_back ?? "", /^handed over on demand/);
  assertEquals(probe.node, "n2");
  assert((await say(first, "handover", "VI_1", "--back")).ok);
  await settled("VI_1", first, [second]);
  await probe.answeredBy("n1");
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
}

/** Held back is not out: it serves when the other one fails. */
async function heldBackServes(lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  assert((await say(first, "handover", "VI_1")).ok);
  await settled("VI_1", second, [first]);
  second.child.signal("SIGKILL");
  await waitForState(first, "VI_1", "ACTIVE");
  assertEquals((await router(first, "VI_1")).held_back, null);
  const { ok, words } = await say(first, "handover", "VI_1");
  assert(!ok);
  assertStringIncludes(words, "VI_1 stays ACTIVE: nobody took over within");
  assert(await lab.node("n1").holds(VIP));
}

async function toKeepalived(version: 2 | 3): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const first = await startVipd(n1, vipdRouter(spec(150, version)));
    await waitForState(first, "VI_1", "ACTIVE");
    const peer = await startKeepalived(n2, keepalivedRouter(spec(100, version)));
    await waitFor("keepalived in BACKUP", () => peer.output.includes("Entering BACKUP STATE"));
    await sleep(300);
    const probe = await probeUdp(lab.client, VIP);
    await probe.answeredBy("n1");
    const { ok, words } = await say(first, "handover", "VI_1");
    assert(ok, words);
    await probe.answeredBy("n2");
    await sleep(version === 2 ? 4000 : 1000);
    assertEquals((await router(first, "VI_1")).state, "BACKUP");
    const result = await probe.stop();
    assert(longestOutage(result) <= KEEPALIVED_MS, JSON.stringify(result));
  });
}

/** Out for a time; an upgrade and a restart of the other node do not end it. */
async function maintenance(lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  const { ok, words } = await say(first, "maintenance", "on", "--for", "20s");
  assert(ok, words);
  assertMatch(words, /VI_1 was handed over in \d+ ms: .*\nmaintenance is on until 20/);
  await waitForState(second, "VI_1", "ACTIVE");
  const before = await status(first);
  assertEquals([before.virtual_routers[0]?.state, before.node.maintenance?.until !== null], ["INIT", true]);
  assert((await say(first, "upgrade")).ok);
  const after = await status(first);
  assertEquals([after.virtual_routers[0]?.state, after.node.maintenance], ["INIT", before.node.maintenance]);
  assertStringIncludes((await say(first, "status")).words, "MAINTENANCE until");
  await settled("VI_1", first, [second], 60_000);
  assertEquals((await status(first)).node.maintenance, null);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
}

/** Alone, it serves on; once somebody is there it goes; told to, it lets go of everything. */
async function aloneInMaintenance(): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const first = await startVipd(lab.node("n1"), vipdRouter(spec(150)));
    await waitForState(first, "VI_1", "ACTIVE");
    const { ok, words } = await say(first, "maintenance", "on");
    assert(!ok);
    assertStringIncludes(words, "VI_1 stays ACTIVE: nobody took over");
    assert(await lab.node("n1").holds(VIP));
    const second = await startVipd(lab.node("n2"), vipdRouter(spec(100)));
    await waitForState(second, "VI_1", "ACTIVE");
    await waitForState(first, "VI_1", "INIT");
    assert((await say(first, "maintenance", "off")).ok);
    await settled("VI_1", first, [second]);
    assertEquals((await second.child.stop()).code, 0);
    const forced = await say(first, "maintenance", "on", "--force");
    assert(forced.ok, forced.words);
    assert(!(await lab.node("n1").holds(VIP)));
  });
}

testTogether("leaving on demand", [
  { name: "handover: there, over an upgrade, and back", body: () => pair(thereAndBack) },
  { name: "handover: who was handed over serves when it has to", body: () => pair(heldBackServes) },
  { name: "handover to keepalived, VRRPv2", body: () => toKeepalived(2) },
  { name: "handover to keepalived, VRRPv3", body: () => toKeepalived(3) },
  { name: "maintenance: out for a time, over an upgrade", body: () => pair(maintenance) },
  {
    name: "maintenance of the last node: it serves on until somebody comes, or --force",
    body: aloneInMaintenance,
  },
], 3);
