/**
 * What breaks in operation, one fault a test: the address ends on one healthy host, and the status says what
 * happened.
 */
import { assert, assertEquals } from "@std/assert";
import { helperProgram } from "./lab/compile.ts";
import { darkMs, darkTimes, HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { reload, router, startVipd, status, type Vipd, waitForState } from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

const VIP = "192.168.121.120";
const INTERVAL_MS = 200;
/** 3 x 200 ms + (256 - 100) / 256 x 200 ms. */
const ACTIVE_DOWN_MS = 722;
/** What a busy machine may add to it. */
const SLACK_MS = 500;
/** The shortest lease is 3 s; the kernel counts whole seconds, and a busy machine looks seldom. */
const LEASE_MS_MAX = 3000 + 5000;
const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};

interface Pair {
  readonly lab: Lab;
  readonly n1: Host;
  readonly n2: Host;
  readonly first: Vipd;
  readonly second: Vipd;
}

function config(priority: number, intervalMs = INTERVAL_MS): string {
  return vipdRouter({
    name: "VI_1",
    vrid: 51,
    version: 3,
    priority,
    intervalMs,
    addresses: [VIP],
  });
}

/** n1 active, n2 backup, echo servers on both; VRRPv3 at 200 ms. */
function withPair(body: (pair: Pair) => Promise<void>): Promise<void> {
  return inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const first = await startVipd(n1, config(150));
    const second = await startVipd(n2, config(100));
    await settled("VI_1", first, [second]);
    await body({ lab, n1, n2, first, second });
  });
}

async function killed({ lab, n1, n2, first, second }: Pair): Promise<void> {
  const killedMs = performance.now();
  first.child.signal("SIGKILL");
  await waitForState(second, "VI_1", "ACTIVE");
  await waitFor("the VIP to leave the dead node", async () => !(await n1.holds(VIP)));
  const leftMs = performance.now() - killedMs;
  assert(leftMs <= LEASE_MS_MAX, `the VIP stayed for ${leftMs} ms`);
  assert(await n2.holds(VIP));
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n2");
  const again = await startVipd(n1, config(150));
  await settled("VI_1", again, [second]);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, `preempt after a crash: ${JSON.stringify(result)}`);
}

async function frozen({ lab, n1, n2, first, second }: Pair): Promise<void> {
  first.child.signal("SIGSTOP");
  await waitForState(second, "VI_1", "ACTIVE");
  await waitFor("the VIP to leave the frozen node", async () => !(await n1.holds(VIP)));
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n2");
  await sleep(500);
  first.child.signal("SIGCONT");
  await settled("VI_1", first, [second]);
  await probe.answeredBy("n1");
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, `after SIGCONT: ${JSON.stringify(result)}`);
  assertEquals(await n2.holds(VIP), false);
}

async function cablePulled({ lab, n1, n2, first, second }: Pair): Promise<void> {
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  await lab.pullCable(n1);
  await waitForState(first, "VI_1", "FAULT");
  await probe.answeredBy("n2");
  await waitFor("the VIP to leave the disconnected node", async () => !(await n1.holds(VIP)));
  await lab.plugCable(n1);
  await settled("VI_1", first, [second]);
  await probe.answeredBy("n1");
  const result = await probe.stop();
  const [down = Infinity, later = 0] = darkTimes(result);
  assert(down <= ACTIVE_DOWN_MS + SLACK_MS, JSON.stringify(result));
  assert(later <= HITLESS_MS, `return of the link: ${JSON.stringify(result)}`);
  assertEquals(await n2.holds(VIP), false);
}

async function cutOff({ lab, n1, n2, first, second }: Pair): Promise<void> {
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  await lab.cut(n1);
  await probe.answeredBy("n2");
  assertEquals((await router(first, "VI_1")).state, "ACTIVE", "it hears nobody");
  await sleep(1000);
  await lab.heal(n1);
  await settled("VI_1", first, [second]);
  await probe.answeredBy("n1");
  await sleep(1000);
  const result = await probe.stop();
  const [down = Infinity, later = 0] = darkTimes(result);
  assert(down <= ACTIVE_DOWN_MS + SLACK_MS, JSON.stringify(result));
  assert(later <= HITLESS_MS, `heal: ${JSON.stringify(result)}`);
  assertEquals([await n1.holds(VIP), await n2.holds(VIP)], [true, false]);
}

/**
 * What n1 announced when it became active went nowhere: the heal a moment later must announce, however recent
 * that was.
 */
async function cutOffAfterPromotion({ lab, n1, first, second }: Pair): Promise<void> {
  const intervalMs = 100;
  await first.child.stop();
  await reload(second, config(100, intervalMs));
  const again = await startVipd(n1, config(150, intervalMs));
  await waitForState(again, "VI_1", "ACTIVE");
  await lab.cut(n1);
  const probe = await probeUdp(lab.client, VIP);
  await waitForState(second, "VI_1", "ACTIVE");
  await probe.answeredBy("n2");
  await lab.heal(n1);
  await settled("VI_1", again, [second]);
  await probe.answeredBy("n1");
  await sleep(500);
  const result = await probe.stop();
  const dark = result.outages.filter(({ to }) => to !== "n2");
  assert(dark.every((outage) => darkMs(outage) <= HITLESS_MS), `heal: ${JSON.stringify(result)}`);
}

/** Neither node hears the other, the client hears both: two actives, and one again when the cut is healed. */
async function deafToEachOther({ lab, n1, n2, first, second }: Pair): Promise<void> {
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  await lab.cutOneWay(n1, n2);
  await lab.cutOneWay(n2, n1);
  // Its announcement, the last one of the two, moves the client.
  await probe.answeredBy("n2");
  await sleep(1000);
  await lab.healAll();
  await settled("VI_1", first, [second]);
  await probe.answeredBy("n1");
  await sleep(1000);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, `heal: ${JSON.stringify(result)}`);
}

async function addressDeleted({ lab, n1, first }: Pair): Promise<void> {
  const before = await router(first, "VI_1");
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  await n1.ip("address", "delete", `${VIP}/32`, "dev", n1.iface);
  await waitFor("the VIP to come back", () => n1.holds(VIP));
  await sleep(300);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
  const after = await router(first, "VI_1");
  assertEquals([after.state, after.since], ["ACTIVE", before.since]);
  assertEquals((after.counters["addresses_restored"] ?? 0) - (before.counters["addresses_restored"] ?? 0), 1);
}

async function interfaceRecreated({ lab, n1, n2, first, second }: Pair): Promise<void> {
  await lab.removeInterface(n1);
  const down = await waitFor("VI_1 of n1 to leave ACTIVE", async () => {
    const now = await router(first, "VI_1");
    return now.state === "FAULT" || now.state === "INIT" ? now : undefined;
  });
  assert(down.reason.includes("eth0"), down.reason);
  await waitForState(second, "VI_1", "ACTIVE");
  await lab.addInterface(n1, OPTIONS.nodes.n1);
  await settled("VI_1", first, [second]);
  assertEquals([await n1.holds(VIP), await n2.holds(VIP)], [true, false]);
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  await probe.stop();
}

/** Booting before the network is no error: it waits, says for what, and goes on by itself. */
function interfaceMissingAtStart(): Promise<void> {
  return inLab(OPTIONS, async (lab) => {
    const n1 = lab.node("n1");
    await lab.removeInterface(n1);
    const vipd = await startVipd(n1, config(150));
    await sleep(1000);
    const waiting = await router(vipd, "VI_1");
    assert(waiting.state === "INIT" || waiting.state === "FAULT", waiting.state);
    assert(waiting.reason.includes("eth0"), waiting.reason);
    await lab.addInterface(n1, OPTIONS.nodes.n1);
    await waitForState(vipd, "VI_1", "ACTIVE");
    assert(await n1.holds(VIP));
  });
}

async function brokenReload({ lab, first }: Pair): Promise<void> {
  const before = await router(first, "VI_1");
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  for (const broken of ["", "this is not TOML", config(150).replace("vrid = 51", "vrid = 300")]) {
    await reload(first, broken);
    await waitFor(
      "the error to show",
      async () => (await status(first)).node.last_reload_error !== null,
      3000,
    );
    const during = await router(first, "VI_1");
    assertEquals([during.state, during.since, during.vrid], ["ACTIVE", before.since, 51]);
    await reload(first, config(150));
    await waitFor("the error to go", async () => (await status(first)).node.last_reload_error === null);
  }
  const result = await probe.stop();
  assertEquals((await router(first, "VI_1")).since, before.since);
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
}

async function malformedPackets({ lab, first, second }: Pair): Promise<void> {
  const perKind = 1000;
  const [before, backupBefore] = [await router(first, "VI_1"), await router(second, "VI_1")];
  const linesBefore = first.child.output.split("\n").length;
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  await lab.client.exec([await helperProgram("flood"), "192.168.121.10", "51", VIP, String(perKind)]);
  await sleep(500);
  const result = await probe.stop();
  const [after, backupAfter] = [await router(first, "VI_1"), await router(second, "VI_1")];
  assertEquals([after.state, after.since], ["ACTIVE", before.since]);
  assertEquals([backupAfter.state, backupAfter.since], ["BACKUP", backupBefore.since]);
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
  const grown = (name: string): number => (after.counters[name] ?? 0) - (before.counters[name] ?? 0);
  const expected = {
    checksum_errors: 2 * perKind,
    packet_length_errors: perKind,
    invalid_type_pkts_rcvd: perKind,
    version_errors: perKind,
    ip_ttl_errors: perKind,
    address_list_errors: perKind,
  };
  for (const [name, least] of Object.entries(expected)) {
    assert(
      grown(name) >= least * 0.5,
      `${name} grew by ${grown(name)} of ${least}: ${JSON.stringify(after.counters)}`,
    );
  }
  assert(
    after.rejected.length > 0 && after.rejected.length <= 64,
    `${after.rejected.length} rejected packets kept`,
  );
  assertEquals(after.peers.length, before.peers.length, "no malformed packet makes a peer");
  const lines = first.child.output.split("\n").length - linesBefore;
  assert(lines <= 100, `${lines} lines of log`);
}

testTogether("faults", [
  {
    name: "kill -9: the VIP leaves the dead node within its lease, the peer takes over",
    body: () => withPair(killed),
  },
  { name: "SIGSTOP: as dead while frozen, and back in order when it thaws", body: () => withPair(frozen) },
  { name: "cable pulled: FAULT, the peer takes over, and back", body: () => withPair(cablePulled) },
  {
    name: "host cut off: the peer takes over; healed: one active and no dark time",
    body: () => withPair(cutOff),
  },
  {
    name: "host cut off just after it became active, healed at once: no dark time",
    body: () => withPair(cutOffAfterPromotion),
  },
  {
    name: "nodes deaf to each other: two actives, and one again when healed",
    body: () => withPair(deafToEachOther),
  },
  { name: "VIP deleted by hand: back at once, counted, still ACTIVE", body: () => withPair(addressDeleted) },
  {
    name: "interface deleted and created again: FAULT, then ACTIVE again",
    body: () => withPair(interfaceRecreated),
  },
  { name: "interface missing at the start: waits, and says for what", body: interfaceMissingAtStart },
  { name: "broken configuration: a reload changes nothing and says why", body: () => withPair(brokenReload) },
  { name: "10,000 malformed packets: counters move, nothing else", body: () => withPair(malformedPackets) },
]);
