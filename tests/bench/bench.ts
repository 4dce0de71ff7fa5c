/**
 * `deno task bench [--quick] [--rounds N] [--only outages|cost] [--daemon vipd|keepalived] [--write]`:
 * measures vipd and keepalived in turn on the same lab and prints the table; `--write` also replaces
 * docs/benchmarks.md and docs/benchmarks.json.
 */
import { parseArgs } from "@std/cli/parse-args";
import { createLab, type Lab } from "../e2e/lab.ts";
import { run } from "../e2e/lab/command.ts";
import { startNginx } from "../e2e/lab/nginx.ts";
import { startEcho } from "../e2e/lab/probe.ts";
import { type Daemon, keepalived, vipd } from "./daemons.ts";
import { measureRound, type Outages, type Profile } from "./outages.ts";
import { type DaemonCosts, type ProfileResult, type Report, toMarkdown } from "./report.ts";
import { binarySize, type Cost, measureCost, measureStart, type Start } from "./resources.ts";

const DOCS = new URL("../../docs/", import.meta.url).pathname;
const PROFILES: readonly Profile[] = [
  { name: "VRRPv2, 1 s", version: 2, intervalMs: 1000 },
  { name: "VRRPv3, 100 ms", version: 3, intervalMs: 100 },
  { name: "VRRPv3, 10 ms", version: 3, intervalMs: 10 },
];
const QUICK_PROFILES = PROFILES.slice(1, 2);
const LOG_CHARACTERS_MAX = 20_000;
const ROUTER_COUNTS = [1, 50, 255];

interface Plan {
  readonly profiles: readonly Profile[];
  readonly rounds: number;
  readonly costSeconds: number;
  readonly daemons: readonly Daemon[];
  readonly only: string | undefined;
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, { boolean: ["quick", "write"], string: ["rounds", "only", "daemon"] });
  const plan: Plan = {
    profiles: args.quick ? QUICK_PROFILES : PROFILES,
    rounds: Number(args.rounds ?? (args.quick ? 2 : 5)),
    costSeconds: args.quick ? 4 : 10,
    daemons: [vipd, keepalived].filter(({ name }) => args.daemon === undefined || name === args.daemon),
    only: args.only,
  };
  const report = await measure(plan);
  const markdown = toMarkdown(report);
  say(markdown);
  if (!args.write) return;
  await Deno.writeTextFile(`${DOCS}benchmarks.md`, markdown);
  // Infinity, an address that never left, is no JSON number.
  const json = JSON.stringify(report, (_, value) => value === Infinity ? "never" : value, 1);
  await Deno.writeTextFile(`${DOCS}benchmarks.json`, json + "\n");
}

async function measure(plan: Plan): Promise<Report> {
  const outages: ProfileResult[] = [];
  for (const profile of plan.only === "cost" ? [] : plan.profiles) {
    outages.push(await measureOutages(plan, profile));
  }
  const costs = await measureCosts(plan);
  return {
    at: new Date().toISOString(),
    machine: {
      cores: navigator.hardwareConcurrency,
      kernel: Deno.osRelease().split(".").slice(0, 2).join("."),
    },
    versions: { vipd: await vipdVersion(plan), keepalived: await keepalivedVersion() },
    outages,
    vipd: costs.vipd,
    keepalived: costs.keepalived,
  };
}

async function measureOutages({ rounds, daemons }: Plan, profile: Profile): Promise<ProfileResult> {
  await using lab = await benchLab();
  const results: Record<Daemon["name"], Outages[]> = { vipd: [], keepalived: [] };
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  await Promise.all([startNginx(n2), startEcho(n1), startEcho(n2)]);
  for (let round = 1; round <= rounds; round++) {
    for (const daemon of daemons) {
      say(`${profile.name}: ${daemon.name}, round ${round} of ${rounds}`);
      const nginx = await startNginx(n1);
      const result = await measureRound(lab, daemon, profile, nginx).catch((error) => {
        say(lab.logs().slice(-LOG_CHARACTERS_MAX));
        throw error;
      });
      await run(["sh", "-c", `kill "$(cat ${nginx.pidFile})"`], { mayFail: true });
      results[daemon.name].push(result);
      say(JSON.stringify(result));
    }
  }
  return { profile, ...results };
}

async function measureCosts(plan: Plan): Promise<Record<Daemon["name"], DaemonCosts>> {
  const results: Record<Daemon["name"], DaemonCosts> = {
    vipd: { costs: [], starts: [], binaryBytes: NaN },
    keepalived: { costs: [], starts: [], binaryBytes: NaN },
  };
  if (plan.only === "outages") return results;
  await using lab = await benchLab();
  for (const daemon of plan.daemons) {
    const starts: Start[] = [];
    for (let round = 1; round <= plan.rounds; round++) {
      say(`start of ${daemon.name}, round ${round} of ${plan.rounds}`);
      starts.push(await measureStart(lab, daemon));
    }
    results[daemon.name] = {
      costs: await measureDaemonCosts(lab, daemon, plan.costSeconds).catch((error) => {
        say(lab.logs().slice(-LOG_CHARACTERS_MAX));
        throw error;
      }),
      starts,
      binaryBytes: await binarySize(daemon),
    };
  }
  return results;
}

async function measureDaemonCosts(lab: Lab, daemon: Daemon, seconds: number): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (const intervalMs of [1000, 100]) {
    for (const count of ROUTER_COUNTS) {
      say(`cost of ${daemon.name}: ${count} virtual routers at ${intervalMs} ms`);
      costs.push(await measureCost(lab, daemon, count, intervalMs, seconds));
    }
  }
  return costs;
}

function benchLab(): Promise<Lab> {
  return createLab({
    nodes: { n1: ["192.168.121.129/16"], n2: ["192.168.121.128/16"] },
    client: ["192.168.121.10/16"],
  });
}

async function vipdVersion({ daemons }: Plan): Promise<string> {
  return daemons.includes(vipd) ? (await run([vipd.binary, "version"])).trim() : "vipd not measured";
}

async function keepalivedVersion(): Promise<string> {
  const text = await run(["sh", "-c", "keepalived --version 2>&1"]);
  return text.split(" (")[0]?.trim() ?? "";
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

await main();
