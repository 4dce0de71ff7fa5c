/**
 * What many checks cost, and how fast a death is known: 1000 tcp and 1000 http checks a second, kill -9 of
 * nginx.
 */
import process from "node:process";
import type { CheckConfig } from "../../mod/config/check.ts";
import { NginxLab } from "../health/nginx_lab.ts";
import { config, pause, Recorder } from "../health/recorder.ts";

const checkCount = 1000;
const seconds = 10;
const rounds = 21;

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

async function measureCost(name: string, check: CheckConfig): Promise<void> {
  await using recorder = new Recorder();
  recorder.monitor.configure(
    Object.fromEntries(Array.from({ length: checkCount }, (_, index) => [`check${index}`, check])),
  );
  recorder.monitor.start();
  await pause(2500);
  const runsBefore = runs(recorder);
  const cpuBefore = process.cpuUsage();
  await pause(seconds * 1000);
  const { user, system } = process.cpuUsage(cpuBefore);
  const status = recorder.monitor.status();
  const durations = status.map(({ duration_ms }) => duration_ms ?? NaN);
  const up = status.filter(({ state }) => state === "up").length;
  const percent = (user + system) / 1e4 / seconds;
  print(
    `${name}: ${((runs(recorder) - runsBefore) / seconds).toFixed(0)} a second, ${up} up, CPU ${
      percent.toFixed(1)
    } % of a core, ` +
      `duration p50 ${quantile(durations, 0.5).toFixed(2)} ms, p99 ${
        quantile(durations, 0.99).toFixed(2)
      } ms, ` +
      `RSS ${(Deno.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`,
  );
}

function runs({ monitor }: Recorder): number {
  return monitor.status().reduce((sum, { runs }) => sum + runs, 0);
}

async function measureDeath(lab: NginxLab): Promise<void> {
  await using recorder = new Recorder();
  recorder.monitor.configure({ nginx: config("nginx", { pid_file: lab.pidFile }, { interval: 60_000 }) });
  recorder.monitor.start();
  await recorder.next();
  const deaths: number[] = [];
  const births: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await pause(50);
    const master = await lab.master();
    const killedMs = performance.now();
    lab.kill(master);
    deaths.push((await recorder.next()).monotonicMs - killedMs);
    await pause(20 + 7 * round);
    const startMs = performance.now();
    await lab.start();
    births.push((await recorder.next()).monotonicMs - startMs);
  }
  const figures = (values: number[]): string =>
    `median ${quantile(values, 0.5).toFixed(2)} ms, worst ${Math.max(...values).toFixed(2)} ms`;
  print(
    `nginx kill -9 to down: ${figures(deaths)}; start of nginx to up: ${figures(births)} (${rounds} rounds)`,
  );
}

await using lab = new NginxLab();
await lab.start();
await measureDeath(lab);
await measureCost("tcp", config("tcp", { address: `127.0.0.1:${lab.port}` }));
await measureCost("http", config("http", { url: lab.url, expect: { body: "hello" } }));
