/**
 * Keeps the program that reads a FIFO running: started anew when it ends, ever more slowly when it always
 * does.
 */
import { describe, type Host, type RunAs } from "../../checks/check.ts";
import { sleep } from "../../checks/deadline.ts";
import { describeEnd } from "../../checks/exec.ts";
import { logger } from "../log.ts";
import type { FifoStatus } from "../snapshot.ts";
import { backoffMs } from "./backoff.ts";

const BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const;
/** Who has run for so long is started again at once. */
const STEADY_MS = 10_000;

const log = logger("notify");

export class Reader {
  readonly #argv: readonly string[];
  readonly #runAs: RunAs;
  readonly #host: Pick<Host, "run">;
  readonly #end = new AbortController();
  #work: Promise<void> | null = null;
  #isRunning = false;
  #starts = 0;
  #problem: string | null = null;

  constructor(argv: readonly string[], runAs: RunAs, host: Pick<Host, "run">) {
    this.#argv = argv;
    this.#runAs = runAs;
    this.#host = host;
  }

  start(): void {
    this.#work ??= this.#keep();
  }

  status(): FifoStatus["reader"] {
    return {
      argv0: this.#argv[0] ?? "",
      state: this.#isRunning ? "running" : "waiting",
      restarts: Math.max(0, this.#starts - 1),
      last_problem: this.#problem,
    };
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error("vipd stops"));
    await this.#work;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#end;
    for (let failures = 1; !signal.aborted; failures++) {
      const startedMs = performance.now();
      this.#starts++;
      this.#isRunning = true;
      this.#problem = await this.#run();
      this.#isRunning = false;
      if (signal.aborted) return;
      log.warn("fifo_reader_ended {program}: {problem}", { program: this.#argv[0], problem: this.#problem });
      if (performance.now() - startedMs >= STEADY_MS) failures = 1;
      await sleep(backoffMs(BACKOFF, failures, Math.random()), signal);
    }
  }

  async #run(): Promise<string> {
    try {
      const command = { argv: this.#argv, ...this.#runAs };
      return describeEnd(await this.#host.run(command, this.#end.signal));
    } catch (error) {
      return describe(error);
    }
  }
}
