/**
 * How punctual a daemon's advertisements are: the gaps between those of the active node, by the kernel's own
 * stamps where they arrive, against the interval; and whether the backup ever took over for no reason.
 */
import type { Lateness } from "../../mod/snapshot.ts";
import type { Child } from "../e2e/lab/child.ts";
import { keepalivedRouter, vipdRouter } from "../e2e/lab/routers.ts";
import { startKeepalived } from "../e2e/lab/keepalived.ts";
import { startNginx } from "../e2e/lab/nginx.ts";
import { launchVipd, status, type Vipd } from "../e2e/lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "../e2e/lab.ts";
import { type Load, startLoad } from "./load.ts";

export const INTERVAL_MS = 10;
const VIP = "192.168.121.120";
const ACTIVE_ADDRESS = "192.168.121.129";
const API_PORT = 8112;
const NGINX_PORT = 80;
const PRIORITIES = { n1: 150, n2: 100 } as const;
const CHECK_INTERVAL_MS = 100;
/** vipd tidies up 3 s after its start; the load comes after that. */
const SETTLE_MS = 4_000;
/** From the start of the load to the start of the measurement. */
const WARM_UP_MS = 1_000;

interface Started {
  readonly child: Child;
  readonly vipd: Vipd | null;
}

export interface Contender {
  readonly name: string;
  /** Priority decides who is active; checks are made on nginx of the node itself. */
  start(node: Host, priority: number, checks: number): Promise<Started>;
}

export interface Punctuality {
  readonly daemon: string;
  readonly load: string;
  readonly seconds: number;
  readonly advertisements: number;
  /** Of the difference between each gap and the interval, whatever its sign; ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Percent of the advertisements that the interval asks for. */
  readonly rateKept: number;
  /** How often the backup became active. */
  readonly falseFailovers: number;
  /** What was really reached, a second; null where there is none of it. */
  readonly requests: number | null;
  readonly checks: number | null;
  /** The daemon's own account: the bound in ms that 99 % of its deadlines kept; null for keepalived. */
  readonly lateP99Ms: number | null;
}

const ROUTER = { name: "VI_1", vrid: 51, version: 3, intervalMs: INTERVAL_MS, addresses: [VIP] } as const;

function vipdContender(realtime: boolean): Contender {
  return {
    name: realtime ? "vipd, realtime" : "vipd",
    async start(node, priority, checks): Promise<Started> {
      const directory = `${node.directory}/vipd`;
      const toml = [
        `[node]\nname = "${node.name}"\nrealtime = ${realtime}`,
        `[api]\nlisten = ["unix:${directory}/vipd.sock", "127.0.0.1:${API_PORT}"]`,
        vipdRouter({ ...ROUTER, priority }),
        ...Array.from(
          { length: checks * CHECK_INTERVAL_MS / 1000 },
          (_, i) =>
            `[check.c${i}]\ntype = "tcp"\naddress = "127.0.0.1:${NGINX_PORT}"\ninterval = "${CHECK_INTERVAL_MS}ms"`,
        ),
      ];
      const vipd = await launchVipd(node, toml.join("\n"));
      return { child: vipd.child, vipd };
    },
  };
}

function keepalivedContender(realtime: boolean): Contender {
  const globals = realtime ? "vrrp_rt_priority 50\nvrrp_no_swap\n" : "";
  return {
    name: realtime ? "keepalived, rt_priority" : "keepalived",
    async start(node, priority): Promise<Started> {
      const config = `global_defs {\n${globals}}\n${keepalivedRouter({ ...ROUTER, priority })}`;
      return { child: await startKeepalived(node, config, true), vipd: null };
    },
  };
}

export const CONTENDERS: readonly Contender[] = [
  vipdContender(true),
  keepalivedContender(true),
  vipdContender(false),
  keepalivedContender(false),
];

/** Runs the daemon on n1 (active) and n2, the load on n1, and listens at n2. */
export async function measurePunctuality(
  lab: Lab,
  daemon: Contender,
  load: Load,
  seconds: number,
): Promise<Punctuality> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const nginx = await startNginx(n1);
  const { child: first, vipd } = await daemon.start(n1, PRIORITIES.n1, load.checks);
  const { child: second } = await daemon.start(n2, PRIORITIES.n2, 0);
  await waitFor(`${daemon.name} to be active on n1`, () => n1.holds(VIP), 20_000, 100);
  await sleep(SETTLE_MS);
  const lifetime = seconds + WARM_UP_MS / 1000 + 30;
  const running = await startLoad(n1, load, vipd === null ? NGINX_PORT : API_PORT, lifetime);
  await sleep(WARM_UP_MS);
  const before = vipd === null ? null : await account(vipd);
  const heard = await listen(n2, seconds);
  const after = vipd === null ? null : await account(vipd);
  const requests = await running.stop();
  await Promise.all([first.stop(), second.stop()]);
  await nginx.stop();
  const done = before !== null && after !== null;
  const checked = done ? (after.runs - before.runs) / (after.atMs - before.atMs) * 1000 : null;
  return {
    daemon: daemon.name,
    load: load.name,
    seconds,
    ...judge(heard, seconds),
    requests,
    checks: load.checks > 0 ? checked : null,
    lateP99Ms: done ? boundOf(0.99, before.lateness, after.lateness) : null,
  };
}

interface Heard {
  readonly timeMs: number;
  readonly source: string;
}

/** Every advertisement that n2 receives or sends within `seconds`. */
async function listen(node: Host, seconds: number): Promise<Heard[]> {
  const file = `${node.directory}/${crypto.randomUUID()}.pcap`;
  const argv = ["tcpdump", "-i", node.iface, "-n", "-Z", "root", "--time-stamp-precision=nano", "-w", file];
  const child = node.spawn("tcpdump", [...argv, "ip proto 112"]);
  await waitFor("tcpdump to listen", () => child.output.includes("listening on"), 20_000);
  // It takes blocks of packets from the kernel at least once a second: the last of them, too.
  await sleep(seconds * 1000 + 1500);
  await child.stop("SIGINT");
  const packets = readPcap(await Deno.readFile(file));
  await Deno.remove(file);
  const [first] = packets;
  return first === undefined ? [] : packets.filter(({ timeMs }) => timeMs < first.timeMs + seconds * 1000);
}

/** pcap(5) with nanoseconds, Ethernet, IPv4; times in ms from the first packet on. */
function readPcap(bytes: Uint8Array): Heard[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== 0xa1b23c4d) throw new Error("Cannot read this capture: no nanoseconds");
  const heard: Heard[] = [];
  const startS = view.byteLength > 24 ? view.getUint32(24, true) : 0;
  for (let at = 24; at + 16 <= view.byteLength; at += 16 + view.getUint32(at + 8, true)) {
    const timeMs = (view.getUint32(at, true) - startS) * 1000 + view.getUint32(at + 4, true) / 1e6;
    const source = bytes.subarray(at + 16 + 26, at + 16 + 30).join(".");
    heard.push({ timeMs, source });
  }
  return heard;
}

type Judgement = Pick<
  Punctuality,
  "advertisements" | "p50Ms" | "p99Ms" | "p999Ms" | "maxMs" | "rateKept" | "falseFailovers"
>;

function judge(heard: readonly Heard[], seconds: number): Judgement {
  const times = heard.filter(({ source }) => source === ACTIVE_ADDRESS).map(({ timeMs }) => timeMs);
  const deviations = times.slice(1).map((timeMs, i) => Math.abs(timeMs - times[i]! - INTERVAL_MS))
    .toSorted((a, b) => a - b);
  const quantile = (part: number): number => deviations[Math.floor((deviations.length - 1) * part)] ?? NaN;
  const takeovers = heard.filter(({ source }, i) =>
    source !== ACTIVE_ADDRESS && heard[i - 1]?.source === ACTIVE_ADDRESS
  );
  return {
    advertisements: times.length,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    p999Ms: quantile(0.999),
    maxMs: quantile(1),
    rateKept: times.length / (seconds * 1000 / INTERVAL_MS) * 100,
    falseFailovers: takeovers.length,
  };
}

interface Account {
  readonly atMs: number;
  readonly lateness: Lateness;
  readonly runs: number;
}

async function account(vipd: Vipd): Promise<Account> {
  const { lateness, checks } = await status(vipd);
  return { atMs: performance.now(), lateness, runs: checks.reduce((sum, { runs }) => sum + runs, 0) };
}

/** The bucket's bound in ms under which this part of what was counted between the two lies. */
function boundOf(part: number, before: Lateness, after: Lateness): number {
  const count = after.count - before.count;
  const found = after.buckets.find((bucket, i) => bucket.count - before.buckets[i]!.count >= part * count);
  return found?.le_ms ?? Infinity;
}
