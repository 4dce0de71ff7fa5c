/**
 * `deno task bench [--quick] [--rounds N] [--only GROUP,...] [--who NAME] [--lanes N] [--write]`: measures
 * vipd and keepalived in turn on the same lab and prints the tables; `--write` also replaces
 * docs/benchmarks.md and docs/benchmarks.json.
 */
import { parseArgs } from "@std/cli/parse-args";
import { run } from "../e2e/lab/command.ts";
import { vipd } from "./daemons.ts";
import { type Group, GROUPS } from "./groups.ts";
import { type Report, toMarkdown } from "./report.ts";
import type { Failure, Sample } from "./samples.ts";

const DOCS = new URL("../../docs/", import.meta.url).pathname;

/** One round of one group: every contender in turn. */
interface Task {
  readonly group: Group;
  readonly round: number;
}

interface Results {
  readonly samples: Sample[];
  readonly failures: Failure[];
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, {
    boolean: ["quick", "write"],
    string: ["rounds", "only", "who", "lanes", "json"],
  });
  const only = args.only?.split(",");
  const rounds = Number(args.rounds ?? (args.quick ? 1 : 5));
  const quick = args.quick && only === undefined;
  const groups = GROUPS.filter((group) => only?.includes(group.name) ?? (!quick || group.quick))
    .map((group) => args.who === undefined ? group : { ...group, contenders: chosen(group, args.who) });
  const results: Results = { samples: [], failures: [] };
  const startedMs = performance.now();
  await measureAll(groups, { rounds, quick: args.quick, lanes: Number(args.lanes ?? 2) }, results);
  const report = await reportOf(results, groups, performance.now() - startedMs);
  const markdown = toMarkdown(report, groups);
  say(markdown);
  const json = toJson(report);
  if (args.json !== undefined) await Deno.writeTextFile(args.json, json);
  if (!args.write) return;
  await Deno.writeTextFile(`${DOCS}benchmarks.md`, markdown);
  await Deno.writeTextFile(`${DOCS}benchmarks.json`, json);
}

function chosen({ contenders }: Group, who: string): Group["contenders"] {
  return contenders.filter((contender) => contender.who === who);
}

interface Plan {
  readonly rounds: number;
  readonly quick: boolean;
  /** Groups at a time, of those that bear company. */
  readonly lanes: number;
}

/** First what bears company, in several lanes; then what has to be alone. */
async function measureAll(groups: readonly Group[], plan: Plan, results: Results): Promise<void> {
  const tasksOf = (group: Group): Task[] =>
    Array.from({ length: Math.min(plan.rounds, group.roundsMax) }, (_, i) => ({ group, round: i + 1 }));
  // Round by round, so that what a machine does for a while does not hit one group only.
  const tasks = groups.flatMap(tasksOf).toSorted((a, b) => a.round - b.round);
  const shared = tasks.filter(({ group }) => !group.alone);
  const lane = async (): Promise<void> => {
    for (let task = shared.shift(); task !== undefined; task = shared.shift()) {
      await measureTask(task, plan, results);
    }
  };
  await Promise.all(Array.from({ length: plan.lanes }, lane));
  for (const task of tasks.filter(({ group }) => group.alone)) await measureTask(task, plan, results);
}

async function measureTask({ group, round }: Task, { quick }: Plan, results: Results): Promise<void> {
  const { samples, failures } = results;
  for (const contender of group.contenders) {
    const { who } = contender;
    const startedMs = performance.now();
    try {
      await group.measure(contender, { round, quick }, (sample) => {
        samples.push({ group: group.name, who, round, ...sample });
        const { event, timing, value, goal } = sample;
        const missed = who.includes("vipd") && goal !== undefined && value > goal ? "   MISSED" : "";
        say(`  ${group.name}, ${who}, round ${round}: ${event} ${timing}: ${value.toFixed(2)}${missed}`);
      });
    } catch (error) {
      failures.push({ group: group.name, who, round, error: String(error) });
      say(`${group.name}, ${who}, round ${round} failed: ${String(error)}`);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    say(`${group.name}, ${who}, round ${round}: ${seconds.toFixed(0)} s`);
  }
}

async function reportOf(
  { samples, failures }: Results,
  groups: readonly Group[],
  tookMs: number,
): Promise<Report> {
  const measuresVipd = groups.some(({ contenders }) => contenders.some(({ first }) => first === vipd));
  return {
    at: new Date().toISOString(),
    minutes: Math.round(tookMs / 60_000),
    machine: {
      cores: navigator.hardwareConcurrency,
      kernel: Deno.osRelease().split(".").slice(0, 2).join("."),
    },
    versions: {
      vipd: measuresVipd ? (await run([vipd.binary, "version"])).trim() : "vipd not measured",
      keepalived: (await run(["sh", "-c", "keepalived --version 2>&1"])).split(" (")[0]?.trim() ?? "",
    },
    samples,
    failures,
  };
}

/** Infinity, what never happened, is no JSON number. */
function toJson(report: Report): string {
  return JSON.stringify(report, (_, value) => value === Infinity ? "never" : value, 1) + "\n";
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

await main();
