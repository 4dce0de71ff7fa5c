/** What many virtual routers cost: processor time, memory, and moves that nobody asked for. */
import { createLab, type Host, sleep, waitFor } from "../e2e/lab.ts";
import type { BenchRouter, Daemon, Running } from "./daemons.ts";
import { PRIORITIES } from "./failover.ts";
import { Holders } from "./holders.ts";
import type { Record } from "./samples.ts";

/** Virtual routers and their advertisement interval. */
const LOADS: readonly (readonly [count: number, intervalMs: number])[] = [
  [1, 1000],
  [10, 1000],
  [50, 1000],
  [255, 1000],
  [1, 100],
  [10, 100],
  [50, 100],
  [255, 100],
  [50, 10],
  [255, 10],
];
const QUICK_LOADS = LOADS.filter(([count, intervalMs]) => count >= 50 && intervalMs === 100);
const SECONDS = { whole: 10, quick: 4 } as const;
/** vipd's processor time may be so many times keepalived's. */
const TIMES_KEEPALIVED = 1.5;
const SETTLE_MS = 5_000;
const PATIENCE_MS = 60_000;

export async function measureCosts(daemon: Daemon, quick: boolean, record: Record): Promise<void> {
  const seconds = quick ? SECONDS.quick : SECONDS.whole;
  for (const [count, intervalMs] of quick ? QUICK_LOADS : LOADS) {
    await measureLoad(daemon, count, intervalMs, seconds, record);
  }
}

async function measureLoad(
  daemon: Daemon,
  count: number,
  intervalMs: number,
  seconds: number,
  record: Record,
): Promise<void> {
  await using lab = await createLab({
    nodes: { n1: ["192.168.121.129/16"], n2: ["192.168.121.128/16"] },
    client: ["192.168.121.10/16"],
  });
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  await using holders = await Holders.watch([n1, n2]);
  const active = await daemon.start(n1, manyRouters(count, intervalMs, PRIORITIES.n1));
  const backup = await daemon.start(n2, manyRouters(count, intervalMs, PRIORITIES.n2));
  const settled = async (): Promise<boolean> => (await n1.addresses(n1.iface)).length >= count + 2;
  await waitFor(`${daemon.name} with ${count} routers`, settled, PATIENCE_MS, 200);
  await sleep(SETTLE_MS);
  const daemons = [active, backup];
  const [before, sentBefore, movesBefore] = [
    await cpuSeconds(daemons),
    await sentPackets(n1),
    holders.moves.length,
  ];
  await sleep(seconds * 1000);
  const [after, sentAfter, movesAfter] = [
    await cpuSeconds(daemons),
    await sentPackets(n1),
    holders.moves.length,
  ];
  const name = `${count} at ${intervalMs} ms`;
  ["active", "backup"].forEach((role, i) =>
    record({
      event: `${name}: CPU of the ${role} node, %`,
      timing: "",
      value: (after[i]! - before[i]!) / seconds * 100,
      timesTheirs: TIMES_KEEPALIVED,
    })
  );
  record({ event: `${name}: resident memory, MB`, timing: "", value: await residentMb(active) });
  if (intervalMs < 100) {
    const kept = (sentAfter - sentBefore) / (count * seconds * 1000 / intervalMs) * 100;
    record({ event: `${name}: advertisements sent, % of those due`, timing: "", value: kept });
    record({ event: `${name}: false failovers`, timing: "", value: movesAfter - movesBefore, goal: 0 });
  }
  await Promise.all([active.stop(), backup.stop()]);
}

function manyRouters(count: number, intervalMs: number, priority: number): BenchRouter[] {
  return Array.from({ length: count }, (_, i): BenchRouter => ({
    name: `VI_${i + 1}`,
    vrid: i + 1,
    version: 3,
    priority,
    intervalMs,
    addresses: [`192.168.130.${i + 1}`],
  }));
}

function cpuSeconds(daemons: readonly Running[]): Promise<number[]> {
  return Promise.all(daemons.map(async (running) => await cpuSecondsOf(await running.pids())));
}

/** Time on a processor of all threads of the processes. */
export async function cpuSecondsOf(pids: readonly number[]): Promise<number> {
  const times = pids.map(async (pid) => {
    const threads = await Array.fromAsync(Deno.readDir(`/proc/${pid}/task`));
    const stats = threads.map(({ name }) => Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`));
    return (await Promise.all(stats)).reduce((sum, stat) => sum + Number(stat.split(" ")[0]) / 1e9, 0);
  });
  return (await Promise.all(times)).reduce((sum, value) => sum + value, 0);
}

async function sentPackets(node: Host): Promise<number> {
  const [link] = JSON.parse(await node.ip("-json", "-s", "link", "show", "dev", node.iface)) as {
    stats64: { tx: { packets: number } };
  }[];
  return link?.stats64.tx.packets ?? NaN;
}

async function residentMb(running: Running): Promise<number> {
  const texts = await Promise.all(
    (await running.pids()).map((pid) => Deno.readTextFile(`/proc/${pid}/smaps_rollup`)),
  );
  const kilobytes = texts.map((text) => Number(/^Rss:\s+(\d+) kB/m.exec(text)?.[1] ?? NaN));
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1024;
}
