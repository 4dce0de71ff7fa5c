/**
 * `deno task punctuality [--seconds 15] [--daemons 0,2] [--loads 0,5] [--json FILE]`: vipd and keepalived,
 * each with and without real-time scheduling, under every load in one run; a table, and JSON for programs.
 * Daemons and loads by their number in CONTENDERS and LOADS.
 */
import { parseArgs } from "@std/cli/parse-args";
import { createLab } from "../e2e/lab.ts";
import { LOADS } from "./load.ts";
import { CONTENDERS, INTERVAL_MS, measurePunctuality, type Punctuality } from "./punctuality.ts";
import { formatNumber } from "./statistics.ts";

const LOG_CHARACTERS_MAX = 5_000;

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, { string: ["seconds", "daemons", "loads", "json"] });
  const seconds = Number(args.seconds ?? 15);
  const rows: Punctuality[] = [];
  for (const load of pick(LOADS, args.loads)) {
    for (const daemon of pick(CONTENDERS, args.daemons)) {
      await using lab = await createLab({
        nodes: { n1: ["192.168.121.129/16"], n2: ["192.168.121.128/16"] },
        client: ["192.168.121.10/16"],
      });
      const row = await measurePunctuality(lab, daemon, load, seconds).catch((error) => {
        say(lab.logs().slice(-LOG_CHARACTERS_MAX));
        throw error;
      });
      say(JSON.stringify(row));
      rows.push(row);
    }
  }
  say(punctualityTable(rows));
  if (args.json !== undefined) await Deno.writeTextFile(args.json, JSON.stringify(rows, null, 1) + "\n");
}

/** All, or those whose numbers are named: "0,5". */
function pick<T>(all: readonly T[], numbers: string | undefined): readonly T[] {
  return numbers === undefined ? all : all.filter((_, i) => numbers.split(",").includes(String(i)));
}

/** Markdown. */
export function punctualityTable(rows: readonly Punctuality[]): string {
  const optional = (value: number | null): string => value === null ? "–" : formatNumber(value);
  const cells = rows.map((row) => [
    row.load,
    row.daemon,
    formatNumber(row.p50Ms),
    formatNumber(row.p99Ms),
    formatNumber(row.p999Ms),
    formatNumber(row.maxMs),
    `${formatNumber(row.rateKept)} %`,
    String(row.falseFailovers),
    optional(row.requests),
    optional(row.checks),
    row.lateP99Ms === null ? "–" : `≤ ${formatNumber(row.lateP99Ms)}`,
  ]);
  const header = [
    "load",
    "daemon",
    "p50",
    "p99",
    "p99.9",
    "max",
    "rate kept",
    "false failovers",
    "requests/s",
    "checks/s",
    "own lateness p99",
  ];
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  return [
    `## Deviation of advertisements from their interval of ${INTERVAL_MS} ms, ms`,
    "",
    line(header),
    line(header.map(() => "---")),
    ...cells.map(line),
    "",
  ].join("\n");
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

await main();
