/**
 * Partitions that heal one direction after the other: however late the second one is, the clients then find
 * the router that has remained active; and keepalived on the same link is not disturbed by how that is told.
 */
import { assert, assertEquals } from "@std/assert";
import { startKeepalived } from "./lab/keepalived.ts";
import { type Probe, type ProbeResult, probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter, vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { router, startVipd, type Vipd } from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

const NODES = {
  4: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"], n3: ["192.168.121.127/24"] },
  6: { n1: ["fd00:121::129/64"], n2: ["fd00:121::128/64"], n3: ["fd00:121::127/64"] },
} as const;
const CLIENT = ["192.168.121.10/24", "fd00:121::10/64"] as const;
const VIPS = { 4: ["192.168.121.120"], 6: ["fe80::121:120", "fd00:121::120"] } as const;
/** Between the two directions. Without reminders clients would wait for the next refresh, up to a minute. */
const GAPS_MS = [30, 120, 500] as const;
/** The limit by design is 20 ms; commands of the lab and a busy machine take their time as well. */
const DARK_MAX_MS = 1000;

const common = { name: "VI_1", vrid: 51, version: 3, intervalMs: 100 } as const;
const LABS = (family: 4 | 6): { nodes: Record<string, readonly string[]>; client: readonly string[] } => ({
  nodes: NODES[family],
  client: CLIENT,
});

/** Neither hears the other, both are active, and the client follows the worse one, which announced later. */
async function part(lab: Lab, [n1, n2]: readonly [Host, Host], probe: Probe): Promise<void> {
  await lab.cutOneWay(n1, n2);
  await lab.cutOneWay(n2, n1);
  await probe.answeredBy(n2.name);
  await sleep(200);
}

/** Milliseconds without an answer after that moment. */
function darkAfter({ outages }: ProbeResult, fromMs: number): number {
  const dark = outages.map(({ start_ms, length_ms, stood_still_ms }) =>
    start_ms + length_ms - Math.max(start_ms, fromMs) - stood_still_ms
  );
  return Math.max(0, ...dark);
}

async function healEveryOrder(family: 4 | 6): Promise<void> {
  await inLab(LABS(family), async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const addresses = VIPS[family];
    const first = await startVipd(n1, vipdRouter({ ...common, priority: 150, addresses }));
    const second = await startVipd(n2, vipdRouter({ ...common, priority: 100, addresses }));
    await settled("VI_1", first, [second]);
    for (const [from, to] of [[n1, n2], [n2, n1]] as const) {
      for (const gapMs of GAPS_MS) {
        const probe = await probeUdp(lab.client, addresses.at(-1)!);
        await probe.answeredBy("n1");
        await part(lab, [n1, n2], probe);
        await lab.healOneWay(from, to);
        await sleep(gapMs);
        await lab.healOneWay(to, from);
        const healedMs = Date.now();
        await probe.answeredBy("n1");
        await sleep(50);
        const darkMs = darkAfter(await probe.stop(), healedMs);
        assert(darkMs <= DARK_MAX_MS, `${from.name} first, ${gapMs} ms apart: ${darkMs} ms dark`);
        await settled("VI_1", first, [second]);
      }
    }
    const { counters } = await router(second, "VI_1");
    assertEquals(
      counters["acknowledgements_received"]! >= 2 * GAPS_MS.length,
      true,
      JSON.stringify(counters),
    );
  });
}

/** The loser goes on reminding; a keepalived backup beside it must not take that for anything. */
async function thirdParty(): Promise<void> {
  await inLab(LABS(4), async (lab) => {
    const [n1, n2, n3] = [lab.node("n1"), lab.node("n2"), lab.node("n3")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const spec = { ...common, addresses: VIPS[4] };
    const first = await startVipd(n1, vipdRouter({ ...spec, priority: 150 }));
    const second = await startVipd(n2, vipdRouter({ ...spec, priority: 100 }));
    const third = await startKeepalived(n3, keepalivedRouter({ ...spec, priority: 50 }));
    await waitFor("keepalived to be a backup", () => third.output.includes("BACKUP STATE"));
    await settled("VI_1", first, [second]);
    const probe = await probeUdp(lab.client, VIPS[4][0]);
    await probe.answeredBy("n1");
    await part(lab, [n1, n2], probe);
    const before = third.output.length;
    await lab.healOneWay(n1, n2);
    await sleep(1000);
    const { counters } = await router(second, "VI_1");
    assert(counters["reminders_sent"]! > 5, JSON.stringify(counters));
    await lab.healAll();
    await probe.answeredBy("n1");
    await probe.stop();
    assertEquals(third.output.slice(before), "", "keepalived has nothing to say");
    assertEquals(await n3.holds(VIPS[4][0]), false);
  });
}

/** keepalived wins: it never acknowledges, and must not be told for ever. */
async function keepalivedWins(): Promise<void> {
  await inLab(LABS(4), async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const spec = { ...common, addresses: VIPS[4] };
    const winner = await startKeepalived(n1, keepalivedRouter({ ...spec, priority: 150 }));
    const loser: Vipd = await startVipd(n2, vipdRouter({ ...spec, priority: 100 }));
    const probe = await probeUdp(lab.client, VIPS[4][0]);
    await probe.answeredBy("n1");
    await part(lab, [n1, n2], probe);
    const before = winner.output.length;
    await lab.healAll();
    await waitFor("the loser to yield", async () => (await router(loser, "VI_1")).state === "BACKUP");
    await sleep(1000);
    await probe.stop();
    const { reminders_sent: reminders } = (await router(loser, "VI_1")).counters;
    assert(reminders! >= 1 && reminders! <= 30, `${reminders} reminders`);
    const said = winner.output.slice(before);
    assertEquals(/STATE|invalid|unexpected|discard|bogus/i.test(said), false, said);
  });
}

testTogether("partitions that heal one direction after the other", [
  { name: "IPv4: every order, several times apart", body: () => healEveryOrder(4) },
  { name: "IPv6: every order, several times apart", body: () => healEveryOrder(6) },
  { name: "a keepalived backup beside them is not disturbed", body: thirdParty },
  { name: "a keepalived winner is told a few times only", body: keepalivedWins },
], 2);
