/** How soon a daemon speaks after its start, what a reload costs, and what lies on the disk. */
import { request } from "../e2e/lab/vipd.ts";
import { createLab, type Host, type Lab, sleep, waitFor } from "../e2e/lab.ts";
import { advertsOf, captureAdverts, longestGapMs } from "./adverts.ts";
import { type BenchRouter, type Daemon, vipd } from "./daemons.ts";
import { now } from "./scene.ts";
import type { Record } from "./samples.ts";
import { activeDownMs, type Timing, TIMINGS } from "./timings.ts";

const OWNER = 255;
const PRIORITY = 100;
const MANY = 255;
/** Long enough for a backup of 1 s to become active. */
const ACTIVE_MS = 5_000;
const RELOAD_MS = 3_500;

export async function measureStarts(daemon: Daemon, record: Record): Promise<void> {
  await using lab = await createLab({ nodes: { n1: ["192.168.121.129/16"] }, client: ["192.168.121.10/16"] });
  const n1 = lab.node("n1");
  const startedMs = now();
  const owner = await firstAdverts(lab, daemon, OWNER, () => daemon === vipd ? readyMs(n1) : undefined);
  record({ event: "start to first advertisement, owner", timing: "", value: owner.firstMs.get(1) ?? NaN });
  if (owner.readyMs !== undefined) {
    record({ event: "start to ready", timing: "", value: owner.readyMs - startedMs });
  }
  const other = await firstAdverts(lab, daemon, PRIORITY, () => undefined);
  TIMINGS.forEach((timing, index) =>
    record({
      event: `start to first advertisement, ${timing.name}`,
      timing: "",
      value: other.firstMs.get(index + 1) ?? NaN,
      limit: activeDownMs(timing, PRIORITY),
    })
  );
  const { size } = await Deno.stat(daemon.binary);
  record({ event: "executable, MB", timing: "", value: size / 1e6 });
}

/** Starts the daemon alone; vrid -> ms from the start of the process to its first advertisement. */
async function firstAdverts(
  lab: Lab,
  daemon: Daemon,
  priority: number,
  ready: () => Promise<number> | undefined,
): Promise<{ firstMs: Map<number, number>; readyMs: number | undefined }> {
  const wire = await captureAdverts(lab.bridge, "n1");
  const startedMs = now();
  const running = await daemon.start(lab.node("n1"), oneOfEach(priority));
  const readyAtMs = await ready();
  await sleep(priority === OWNER ? 1_000 : ACTIVE_MS);
  await running.stop();
  const adverts = (await advertsOf(wire)).filter((advert) => advert.priority === priority);
  const firstMs = new Map(
    [...Map.groupBy(adverts, ({ vrid }) => vrid)].map(([vrid, [first]]) => [vrid, first!.atMs - startedMs]),
  );
  return { firstMs, readyMs: readyAtMs };
}

async function readyMs(node: Host): Promise<number> {
  const socket = `${node.directory}/vipd/vipd.sock`;
  await waitFor("vipd to be ready", async () => (await request(socket, "/readyz")).ok, 5000, 1);
  return now();
}

/** A reload of the active daemon: what the longest gap between two advertisements exceeds the interval by. */
export async function measureReloads(daemon: Daemon, record: Record): Promise<void> {
  await using lab = await createLab({ nodes: { n1: ["192.168.121.129/16"] }, client: ["192.168.121.10/16"] });
  const few = oneOfEach(PRIORITY);
  const raised = oneOfEach(PRIORITY + 5);
  const [same = [], other = []] = await reloaded(lab, daemon, few, [few, raised]);
  TIMINGS.forEach((timing, index) => {
    const late = (gaps: readonly number[]): number => Math.max(0, gaps[index]! - timing.intervalMs);
    record({ event: "reload, nothing changed", timing: timing.name, value: late(same), limit: 0 });
    record({ event: "reload, another priority", timing: timing.name, value: late(other), limit: 0 });
  });
  for (const timing of TIMINGS.slice(0, 2)) {
    const many = manyRouters(timing);
    const [gaps = []] = await reloaded(lab, daemon, many, [many]);
    const value = Math.max(0, Math.max(...gaps) - timing.intervalMs);
    record({ event: "255 virtual routers: reload, nothing changed", timing: timing.name, value, limit: 0 });
  }
}

/** For each configuration that it is given in turn: the longest gap of each virtual router. */
async function reloaded(
  lab: Lab,
  daemon: Daemon,
  first: readonly BenchRouter[],
  then: readonly (readonly BenchRouter[])[],
): Promise<number[][]> {
  const n1 = lab.node("n1");
  const running = await daemon.start(n1, first);
  const all = async (): Promise<boolean> => (await n1.addresses(n1.iface)).length >= first.length + 2;
  await waitFor("all addresses", all, 30_000, 100);
  await sleep(1_500);
  const results: number[][] = [];
  for (const routers of then) {
    const wire = await captureAdverts(lab.bridge, "n1");
    await sleep(1_500);
    await running.reload(routers);
    await sleep(RELOAD_MS);
    const adverts = await advertsOf(wire);
    results.push(first.map(({ vrid }) => longestGapMs(adverts, vrid)));
  }
  await running.stop();
  return results;
}

function oneOfEach(priority: number): BenchRouter[] {
  return TIMINGS.map((timing, index) => router(timing, index + 1, priority));
}

function manyRouters(timing: Timing): BenchRouter[] {
  return Array.from({ length: MANY }, (_, index) => router(timing, index + 1, PRIORITY));
}

function router({ version, intervalMs }: Timing, vrid: number, priority: number): BenchRouter {
  return { name: `VI_${vrid}`, vrid, version, intervalMs, priority, addresses: [`192.168.130.${vrid}`] };
}
