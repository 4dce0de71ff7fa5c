/**
 * The fuzzers on demand: `deno task fuzz packets --count 1000000 --seed 7`. What breaks a promise is printed
 * in its smallest form, as a row for tests/fuzz/corpus. Exit code 1 when there is one.
 */
import { parseArgs } from "@std/cli/parse-args";
import { caseOf } from "./target.ts";
import { TARGETS } from "./targets.ts";
import type { Done, Order } from "./worker.ts";

const PROGRESS_MS = 5_000;
/** A case that is still running after so long will never end. */
const STUCK_MS = 60_000;

interface Plan {
  readonly kind: string;
  readonly count: number;
  readonly seed: number;
  readonly workers: number;
  /** No new case after so long. */
  readonly seconds: number;
}

function out(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** A worker and the number of the case that it is at. */
class Share {
  readonly #at = new Int32Array(new SharedArrayBuffer(8));
  readonly #worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  #last = { index: -1, sinceMs: 0 };

  constructor(readonly plan: Plan, readonly first: number) {}

  get index(): number {
    return Atomics.load(this.#at, 0);
  }

  get cases(): number {
    return Math.max(0, Math.ceil((this.index - this.first) / this.plan.workers));
  }

  stop(): void {
    Atomics.store(this.#at, 1, 1);
  }

  run(): Promise<Done> {
    const { kind, seed, count, workers } = this.plan;
    const { promise, resolve, reject } = Promise.withResolvers<Done>();
    this.#worker.onmessage = ({ data }: MessageEvent<Done>) => resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`${kind}, seed ${seed}, case ${this.index}: ${event.message}`));
    };
    const slice = { seed, first: this.first, step: workers, end: count };
    this.#worker.postMessage({ kind, slice, at: this.#at } satisfies Order);
    const stuck = setInterval(() => {
      if (!this.#isStuck()) return;
      const row = TARGETS[kind]!.toRow(caseOf(TARGETS[kind]!, seed, this.index));
      reject(new Error(`${kind}, seed ${seed}: case ${this.index} does not end:\n${JSON.stringify(row)}`));
    }, PROGRESS_MS);
    return promise.finally(() => {
      clearInterval(stuck);
      this.#worker.terminate();
    });
  }

  #isStuck(): boolean {
    const { index } = this;
    const nowMs = performance.now();
    if (index !== this.#last.index) this.#last = { index, sinceMs: nowMs };
    return nowMs - this.#last.sinceMs > STUCK_MS;
  }
}

/** Runs one kind on all workers; false when something was found. */
async function fuzz(plan: Plan): Promise<boolean> {
  const { kind, count, seed, workers } = plan;
  const begin = performance.now();
  const seconds = (): number => (performance.now() - begin) / 1000;
  const shares = Array.from({ length: workers }, (_, first) => new Share(plan, first));
  const progress = setInterval(() => {
    const done = shares.reduce((sum, { cases }) => sum + cases, 0);
    out(`${kind}: ${done} of ${count}, ${Math.round(done / seconds())} a second`);
  }, PROGRESS_MS);
  const end = setTimeout(() => shares.forEach((share) => share.stop()), plan.seconds * 1000);
  const results = await Promise.all(shares.map(async (share) => {
    const done = await share.run();
    if (done.find !== null) shares.forEach((other) => other.stop());
    return done;
  })).finally(() => {
    clearInterval(progress);
    clearTimeout(end);
  });
  const cases = results.reduce((sum, done) => sum + done.cases, 0);
  for (const [outcome, number] of total(results)) out(`  ${number}\t${outcome}`);
  const finds = results.flatMap(({ find }) => find === null ? [] : [find]);
  for (const { index, message, row } of finds) {
    out(`FOUND ${kind}, seed ${seed}, case ${index}:\n${message}\n  row for the corpus:\n${rowText(row)}`);
  }
  const slowest = Math.max(...results.map(({ slowestMs }) => slowestMs)).toFixed(1);
  out(
    `${kind}: ${cases} cases, seed ${seed}, ${seconds().toFixed(1)} s, ${
      Math.round(cases / seconds())
    } a second, ` +
      `slowest ${slowest} ms, ${finds.length} finds`,
  );
  return finds.length === 0;
}

/** To be pasted, with its name and what must come of it. */
function rowText(row: readonly string[]): string {
  return `  ["NAME", "OUTCOME", ${row.map((cell) => JSON.stringify(cell)).join(", ")}],`;
}

function total(results: readonly Done[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const [outcome, number] of results.flatMap(({ outcomes }) => [...outcomes])) {
    sums.set(outcome, (sums.get(outcome) ?? 0) + number);
  }
  return [...sums].toSorted(([, a], [, b]) => b - a).slice(0, 40);
}

async function main(): Promise<void> {
  const { _: [kind = "all"], ...given } = parseArgs(Deno.args, {
    string: ["count", "seed", "workers", "seconds"],
  });
  const kinds = kind === "all" ? Object.keys(TARGETS) : [String(kind)];
  if (kinds.some((name) => TARGETS[name] === undefined)) {
    out(`expected one of ${Object.keys(TARGETS).join(", ")}, all; got ${kind}`);
    Deno.exitCode = 2;
    return;
  }
  for (const name of kinds) {
    const fine = await fuzz({
      kind: name,
      count: Number(given.count ?? TARGETS[name]!.count),
      seed: Number(given.seed ?? Date.now() % 1_000_000_000),
      workers: Number(given.workers ?? navigator.hardwareConcurrency),
      seconds: Number(given.seconds ?? 1_000_000),
    });
    if (!fine) Deno.exitCode = 1;
  }
}

await main();
