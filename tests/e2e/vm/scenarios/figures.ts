/**
 * Not asserted but measured, vipd beside keepalived: how long a dead real server stays in the kernel's table
 * and a returning one out of it, and what 100 services of 50 real servers cost.
 */
import { createLab, type Host, type Lab } from "../../lab.ts";
import type { Child } from "../../lab/child.ts";
import { run } from "../../lab/command.ts";
import { startCheckers } from "../../lab/keepalived.ts";
import { startNginx } from "../../lab/nginx.ts";
import { launchVipd, startVipd } from "../../lab/vipd.ts";
import { sleep, waitFor } from "../../lab/wait.ts";
import { type BalancerSpec, keepalivedBalancers, vipdBalancers } from "../balancers.ts";
import { addressesOf, hosts, inOneWorld } from "../world.ts";

const VIP = "192.168.179.199";
const ROUNDS = 10;
const SERVICES = 100;
const SERVERS = 50;
const PATIENCE_MS = 240_000;

interface World {
  readonly lab: Lab;
  readonly n1: Host;
  readonly n2: Host;
}

async function open(): Promise<World> {
  const lab = await createLab(hosts({ n1: addressesOf(102, 1), n2: addressesOf(103, 2) }));
  return { lab, n1: lab.node("n1"), n2: lab.node("n2") };
}

/** Both daemons' names with a time each, or another number. */
type Pair = Record<"vipd" | "keepalived", number>;

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function report(what: string, unit: string, pairs: readonly Pair[]): void {
  for (const daemon of ["vipd", "keepalived"] as const) {
    const values = pairs.map((pair) => pair[daemon]).sort((a, b) => a - b);
    const middle = values[Math.floor(values.length / 2)] ?? NaN;
    const [least, most] = [values[0] ?? NaN, values.at(-1) ?? NaN];
    say(
      `${what}: ${daemon}: median ${middle.toFixed(0)} ${unit} (${least.toFixed(0)} to ${most.toFixed(0)})`,
    );
  }
}

/** Destinations in the table of the namespace of a process; no program is started for it. */
async function destinations({ pid }: Child): Promise<string[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/net/ip_vs`);
  return text.split("\n").filter((line) => line.startsWith("  -> ")).slice(1);
}

/** For each daemon, milliseconds from now until its table has so many destinations. */
async function until(count: number, vipd: Child, keepalived: Child): Promise<Pair> {
  const beganMs = performance.now();
  const taken: Partial<Pair> = {};
  await waitFor(
    `${count} destinations`,
    async () => {
      if ((await destinations(vipd)).length === count) taken.vipd ??= performance.now() - beganMs;
      if ((await destinations(keepalived)).length === count) taken.keepalived ??= performance.now() - beganMs;
      return taken.vipd !== undefined && taken.keepalived !== undefined;
    },
    PATIENCE_MS,
    5,
  );
  return { vipd: taken.vipd ?? NaN, keepalived: taken.keepalived ?? NaN };
}

/** Resident memory of a process and its children, MiB. */
async function memory({ pid }: Child): Promise<number> {
  const pids = [pid, ...(await run(["pgrep", "-P", `${pid}`], { mayFail: true })).split("\n")].filter(String);
  const sizes = await Promise.all(pids.map(async (one) => {
    const text = await Deno.readTextFile(`/proc/${one}/status`);
    return Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
  }));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function removalAndReturn({ lab, n1, n2 }: World): Promise<void> {
  const specs: BalancerSpec[] = [{
    name: "web",
    vipd: `address = "${VIP}:80"\nscheduler = "rr"`,
    keepalived: [`${VIP} 80`, "lb_algo rr"],
    servers: [{ address: "10.20.0.99:80", weight: 1 }, { address: "10.20.0.104:80", weight: 1 }],
  }];
  const [rs1] = [lab.node("rs1"), await startNginx(lab.node("rs2"))];
  let nginx = await startNginx(rs1);
  const keepalived = await startCheckers(n2, keepalivedBalancers(specs));
  const { child: vipd } = await startVipd(n1, vipdBalancers(specs));
  await until(2, vipd, keepalived);
  const removals: Pair[] = [];
  const returns: Pair[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Checks run every second: any moment of it.
    await sleep(1500 + (round * 1000) / ROUNDS);
    await nginx.kill();
    removals.push(await until(1, vipd, keepalived));
    await sleep(1500 + (round * 1000) / ROUNDS);
    const beganMs = performance.now();
    nginx = await startNginx(rs1);
    const startedMs = performance.now() - beganMs;
    const back = await until(2, vipd, keepalived);
    returns.push({ vipd: back.vipd + startedMs, keepalived: back.keepalived + startedMs });
  }
  report("from death to removal (checks every 1 s, one retry after 1 s)", "ms", removals);
  report("from start to return (checks every 1 s)", "ms", returns);
  await Promise.all([vipd.stop(), keepalived.stop()]);
}

async function filled(child: Child): Promise<void> {
  const isFull = async (): Promise<boolean> => (await destinations(child)).length === SERVICES * SERVERS;
  await waitFor("all destinations", isFull, PATIENCE_MS, 50);
}

async function manyServices({ n1, n2 }: World): Promise<void> {
  const specs = Array.from({ length: SERVICES }, (_, service): BalancerSpec => ({
    name: `service${service}`,
    vipd: `address = "${VIP}:${10_000 + service}"\nscheduler = "rr"`,
    keepalived: [`${VIP} ${10_000 + service}`, "lb_algo rr"],
    servers: Array.from({ length: SERVERS }, (_, server) => ({
      address: `10.21.${service}.${server + 1}:80`,
      weight: 1,
    })),
    check: null,
  }));
  const [ours, theirs] = [vipdBalancers(specs), keepalivedBalancers(specs)];
  // One after the other: each has the processor to itself.
  const full = async (start: () => Promise<Child>): Promise<{ child: Child; ms: number }> => {
    const beganMs = performance.now();
    const child = await start();
    await filled(child);
    return { child, ms: performance.now() - beganMs };
  };
  const what = `${SERVICES} services of ${SERVERS} servers`;
  const tell = async (daemon: string, { child, ms }: { child: Child; ms: number }): Promise<void> => {
    say(`${what}: ${daemon}: ${ms.toFixed(0)} ms from exec to all in the table`);
    say(`${what}: ${daemon}: ${(await memory(child)).toFixed(0)} MiB resident`);
  };
  // Each is told of as soon as it is known: the other may never come to its end.
  const vipd = await full(async () => (await launchVipd(n1, ours)).child);
  await tell("vipd", vipd);
  await n1.exec(["ipvsadm", "-C"]);
  const clearedMs = performance.now();
  await filled(vipd.child);
  say(`${what}: vipd: ${(performance.now() - clearedMs).toFixed(0)} ms from ipvsadm -C to all back`);
  await vipd.child.stop();
  const keepalived = await full(() => startCheckers(n2, theirs));
  await tell("keepalived", keepalived);
  await keepalived.child.stop();
}

export const reaction = inOneWorld(open, { "removal and return": removalAndReturn });
export const many = inOneWorld(open, { "many services": manyServices });
