/**
 * What the daemons cost: memory and processor time with many virtual routers, size on disk, time to start.
 */
import { type Host, type Lab, sleep, waitFor } from "../e2e/lab.ts";
import { capture, field } from "../e2e/lab/capture.ts";
import { request } from "../e2e/lab/vipd.ts";
import type { BenchRouter, Daemon, Running } from "./daemons.ts";

const OWNER = 255;

export interface Cost {
  readonly routers: number;
  readonly intervalMs: number;
  /** Percent of one core. */
  readonly activeCpu: number;
  readonly backupCpu: number;
  readonly rssMb: number;
  readonly pssMb: number;
}

/** Runs that many virtual routers on both nodes and looks at them for `seconds` once they have settled. */
export async function measureCost(
  lab: Lab,
  daemon: Daemon,
  count: number,
  intervalMs: number,
  seconds: number,
): Promise<Cost> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const active = await daemon.start(n1, manyRouters(count, intervalMs, 110));
  const backup = await daemon.start(n2, manyRouters(count, intervalMs, 100));
  const settled = async (): Promise<boolean> => (await n1.addresses(n1.iface)).length >= count + 2;
  await waitFor(`${daemon.name} with ${count} routers`, settled, 60_000, 200);
  await sleep(3000);
  const before = await Promise.all([active, backup].map(cpuSeconds));
  await sleep(seconds * 1000);
  const after = await Promise.all([active, backup].map(cpuSeconds));
  const [activeCpu = NaN, backupCpu = NaN] = after.map((value, i) =>
    (value - (before[i] ?? NaN)) / seconds * 100
  );
  const cost = { routers: count, intervalMs, activeCpu, backupCpu, ...await memory(active) };
  await Promise.all([active.stop(), backup.stop()]);
  return cost;
}

export interface Start {
  /**
   * From the start of the process to its first advertisement on the wire, as the owner of the address, ms.
   */
  readonly firstAdvertisementMs: number;
  /** From the start of the process to the first answer of `/readyz`, ms; NaN where there is no such thing. */
  readonly readyMs: number;
}

export async function measureStart(lab: Lab, daemon: Daemon): Promise<Start> {
  const node = lab.node("n1");
  const wire = await capture(lab.bridge, node.name, "ip proto 112");
  const startedMs = performance.timeOrigin + performance.now();
  const running = await daemon.start(node, manyRouters(1, 1000, OWNER));
  const readyMs = daemon.name === "vipd" ? await readyAtMs(node) - startedMs : NaN;
  await sleep(1500);
  await running.stop();
  const advertisement = (await wire.stop()).find((packet) => field(packet, "vrrp.prio") === String(OWNER));
  return { firstAdvertisementMs: (advertisement?.timeMs ?? NaN) - startedMs, readyMs };
}

/** Bytes of the daemon's executable. */
export async function binarySize({ binary }: Daemon): Promise<number> {
  return (await Deno.stat(binary)).size;
}

async function readyAtMs(node: Host): Promise<number> {
  const ready = async (): Promise<boolean> =>
    (await request(`${node.directory}/vipd/vipd.sock`, "/readyz")).ok;
  await waitFor("vipd to be ready", ready, 5000, 1);
  return performance.timeOrigin + performance.now();
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

/** Time on a processor of all threads of the daemon, in seconds. */
async function cpuSeconds(running: Running): Promise<number> {
  const times = (await running.pids()).map(async (pid) => {
    const threads = await Array.fromAsync(Deno.readDir(`/proc/${pid}/task`));
    const stats = threads.map(({ name }) => Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`));
    return (await Promise.all(stats)).reduce((sum, stat) => sum + Number(stat.split(" ")[0]) / 1e9, 0);
  });
  return (await Promise.all(times)).reduce((sum, value) => sum + value, 0);
}

async function memory(running: Running): Promise<{ rssMb: number; pssMb: number }> {
  const rollups = (await running.pids()).map((pid) => Deno.readTextFile(`/proc/${pid}/smaps_rollup`));
  const texts = await Promise.all(rollups);
  const sumMb = (key: string): number =>
    texts.reduce(
      (sum, text) => sum + Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? NaN),
      0,
    ) / 1024;
  return { rssMb: sumMb("Rss"), pssMb: sumMb("Pss") };
}
