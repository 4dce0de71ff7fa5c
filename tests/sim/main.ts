/**
 * The simulator on demand. Without options: its tests. `--hours 1000000 [--seed 1] [--workers 2]`: tells
 * stories on all processors until so much virtual time has passed. `--story 4711`: one story in full.
 * Exit code 1 when a promise is broken.
 */
import { parseArgs } from "@std/cli/parse-args";
import { makeStory } from "./generate.ts";
import { explain, tell } from "./hunt.ts";
import { describeStory } from "./story.ts";
import type { Piece, Told } from "./worker.ts";
import { World } from "./world.ts";

/** Stories that one thread takes at a time. */
const PIECE = 500;
/** Between two lines of progress. */
const PROGRESS_MS = 5000;
/** So many broken promises are enough to work on. */
const MAX_FINDS = 5;

function out(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function runTests(): Promise<number> {
  const args = ["test", "-A", "--no-check", new URL(".", import.meta.url).pathname];
  return (await new Deno.Command(Deno.execPath(), { args }).spawn().status).code;
}

class Search {
  readonly #beganMs = performance.now();
  #toldMs = 0;
  #next: number;
  #stories = 0;
  #hours = 0;
  #events = 0;
  readonly #finds: NonNullable<Told["failure"]>[] = [];

  constructor(readonly seed: number, readonly wanted: number) {
    this.#next = seed;
  }

  /** Until enough hours have passed, or enough was found. */
  async run(workers: number): Promise<number> {
    await Promise.all(Array.from({ length: workers }, () => this.#work()));
    out(`finished: ${this.#sum()}`);
    const [first] = this.#finds;
    if (first === undefined) return 0;
    for (const { seed, message } of this.#finds) out(`seed ${seed}: ${message}`);
    out(explain(first.seed, new World(makeStory(first.seed)).run()!));
    return 1;
  }

  async #work(): Promise<void> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    while (this.#hours < this.wanted && this.#finds.length < MAX_FINDS) {
      const piece = { seed: this.#next, stories: PIECE };
      this.#next += PIECE;
      this.#note(await tellPiece(worker, piece));
    }
    worker.terminate();
  }

  #note({ stories, hours, events, failure }: Told): void {
    this.#stories += stories;
    this.#hours += hours;
    this.#events += events;
    if (failure !== null) this.#finds.push(failure);
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < PROGRESS_MS) return;
    this.#toldMs = nowMs;
    out(this.#sum());
  }

  #sum(): string {
    const seconds = (performance.now() - this.#beganMs) / 1000;
    const perHour = (this.#events / this.#hours).toFixed(0);
    return `${this.#hours.toFixed(0)} hours, ${this.#stories} stories, seeds ${this.seed}..${
      this.#next - 1
    }, ` +
      `${this.#finds.length} finds, ${perHour} events an hour, ` +
      `${(this.#hours / seconds).toFixed(1)} hours a second, ${seconds.toFixed(0)} s`;
  }
}

function tellPiece(worker: Worker, piece: Piece): Promise<Told> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Told>): void => resolve(data);
    worker.onerror = (event): void => reject(new Error(`story piece ${piece.seed}: ${event.message}`));
    worker.postMessage(piece);
  });
}

async function main(): Promise<number> {
  const { hours, seed, story, workers } = parseArgs(Deno.args, {
    string: ["hours", "seed", "story", "workers"],
  });
  if (story !== undefined) {
    out(`${describeStory(makeStory(Number(story)))}\n\n${tell(makeStory(Number(story)))}`);
    return 0;
  }
  if (hours === undefined) return await runTests();
  const threads = Number(workers ?? navigator.hardwareConcurrency);
  return await new Search(Number(seed ?? Date.now() % 1_000_000_000), Number(hours)).run(threads);
}

if (import.meta.main) Deno.exit(await main());
