/**
 * The haproxy that vipd runs: brought up with a configuration, reloaded without losing a connection, brought
 * up again when it ends by itself, taken over from a vipd before, and ended.
 */
import { SIGKILL, SIGTERM, SIGUSR1, SIGUSR2 } from "../../../ffi/process.ts";
import { sleep } from "../../sleep.ts";
import { parseAlerts, parseInfo, parseOldWorkers } from "./answers.ts";
import { Log, prepare, readIfThere, removeIfThere, replaceFile } from "./files.ts";
import { Process } from "./process.ts";
import { objectionTo } from "./program.ts";
import { ask, askPatiently } from "./runtime.ts";
import type { Composed, Paths } from "./text.ts";

/** So long a haproxy may take to be there with a configuration that it has found good. */
const UP_MS = 10_000;
const RELOAD_ATTEMPTS = 2;
const LOOK_MS = 20;
/** An alert is no failure yet: the new worker may be there all the same. */
const ALERT_MS = 500;
/** On a stop, requests that are under way may end in this time, then connections are cut. */
const GRACE_MS = 1_000;
const TERM_MS = 2_000;
/** What ends sooner than this after its start has failed, and is started again later and later. */
const SETTLED_MS = 10_000;
const BACKOFF_MS = 1_000;
const BACKOFF_LIMIT_MS = 30_000;

export class Master {
  readonly #paths: Paths;
  readonly #log: Log;
  readonly #ended: (how: string) => void;
  #process: Process | null = null;
  /** Those that only serve out what they have begun. */
  readonly #leaving = new Set<Process>();
  #startedAtMs = 0;
  #isStarting = false;
  #failures = 0;

  /** With what runs already. `ended` is called when a haproxy that should run does not any more. */
  static async create(paths: Paths, ended: (how: string) => void): Promise<Master> {
    const master = new Master(paths, ended);
    const process = await Process.find(paths);
    if (process !== null) master.#watch(process);
    return master;
  }

  private constructor(paths: Paths, ended: (how: string) => void) {
    this.#paths = paths;
    this.#log = new Log(paths.log);
    this.#ended = ended;
  }

  get pid(): number | null {
    return this.#process?.isAlive ? this.#process.pid : null;
  }

  /** Milliseconds until it makes sense to start it again. */
  get waitMs(): number {
    // Once is an accident.
    if (this.#failures <= 1) return 0;
    const backoffMs = Math.min(BACKOFF_MS * 2 ** (this.#failures - 2), BACKOFF_LIMIT_MS);
    return Math.max(0, this.#startedAtMs + backoffMs - performance.now());
  }

  /** The mark of what it runs; null when it runs nothing of ours, or does not answer. */
  async mark(): Promise<string | null> {
    if (this.pid === null) return null;
    try {
      return parseInfo(await ask(this.#paths.commands, "show info")).mark;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return null;
    }
  }

  /** The worker that serves, and those that serve out what they began before a reload. */
  async workers(): Promise<{ readonly current: number; readonly old: readonly number[] }> {
    const { pid } = parseInfo(await ask(this.#paths.commands, "show info"));
    return { current: pid, old: parseOldWorkers(await askPatiently(this.#paths.master, "show proc")) };
  }

  /** Puts the configuration in place if haproxy finds it good; otherwise a sentence why not. */
  async accept(program: string, { text }: Composed): Promise<string | null> {
    prepare(this.#paths);
    const candidate = `${this.#paths.configuration}.candidate`;
    replaceFile(candidate, text);
    const objection = await objectionTo(program, candidate);
    if (objection === null) Deno.renameSync(candidate, this.#paths.configuration);
    else removeIfThere(candidate);
    return objection;
  }

  /**
   * With the configuration in place, whose mark this is. Null when it serves, otherwise a sentence why not.
   */
  async start(program: string, mark: string): Promise<string | null> {
    this.#log.mark();
    this.#startedAtMs = performance.now();
    const process = Process.start(program, this.#paths);
    this.#watch(process);
    this.#isStarting = true;
    const isUp = await this.#comesUp(mark, process);
    this.#isStarting = false;
    if (isUp) return null;
    const alerts = this.#alerts();
    await this.#end(process, 0);
    return alerts || "it does not answer";
  }

  /**
   * The configuration that was accepted last takes the place of the one before. Null when it has; otherwise a
   * sentence why not, and `before`, the text of the one before, goes on.
   */
  async reload(mark: string, before: string): Promise<string | null> {
    const process = this.#process!;
    this.#log.mark();
    for (let attempt = 0; attempt < RELOAD_ATTEMPTS && this.#alerts() === ""; attempt++) {
      // After a start and a reload the master executes itself anew, and what it is told meanwhile is lost.
      if (!await this.#listens()) continue;
      process.signal(SIGUSR2);
      if (await this.#comesUp(mark, process)) return null;
    }
    // A master that is started anew reads this file.
    replaceFile(this.#paths.configuration, before);
    const alerts = this.#alerts();
    this.#log.mark();
    return alerts || "the new worker does not answer";
  }

  /** The text that a master reads when it starts. */
  get configuration(): string {
    return readIfThere(this.#paths.configuration);
  }

  /** No new connection any more; it ends by itself with the last that it has. */
  retire(): void {
    const process = this.#process;
    if (process === null) return;
    this.#process = null;
    this.#leaving.add(process);
    void process.ended.then(() => this.#leaving.delete(process));
    process.signal(SIGUSR1);
  }

  async stop(): Promise<void> {
    this.retire();
    await Promise.all([...this.#leaving].map((process) => this.#end(process, GRACE_MS)));
    removeIfThere(this.#paths.pid);
  }

  /** It goes on without us, for a vipd to come. */
  release(): void {
    this.#process?.release();
    this.#process = null;
    for (const process of this.#leaving) process.release();
  }

  #watch(process: Process): void {
    this.#process = process;
    void process.ended.then(() => {
      if (this.#process !== process) return;
      this.#process = null;
      const ranMs = performance.now() - this.#startedAtMs;
      this.#failures = ranMs < SETTLED_MS ? this.#failures + 1 : 0;
      // Whoever starts it learns of it without us.
      if (!this.#isStarting) this.#ended(this.#alerts() || "it was killed");
    });
  }

  async #listens(): Promise<boolean> {
    try {
      await askPatiently(this.#paths.master, "show proc");
      return true;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return false;
    }
  }

  async #comesUp(mark: string, process: Process): Promise<boolean> {
    const begunMs = performance.now();
    for (let ms = 0; ms < UP_MS && process.isAlive; ms = performance.now() - begunMs) {
      if (await this.mark() === mark) return true;
      if (ms > ALERT_MS && this.#alerts() !== "") return false;
      await sleep(LOOK_MS);
    }
    return false;
  }

  async #end(process: Process, graceMs: number): Promise<void> {
    if (this.#process === process) this.#process = null;
    if (graceMs > 0 && await process.endsWithin(graceMs)) return;
    process.signal(SIGTERM);
    if (await process.endsWithin(TERM_MS)) return;
    process.signal(SIGKILL);
    await process.endsWithin(TERM_MS);
  }

  #alerts(): string {
    return parseAlerts(this.#log.sinceMark()).join("; ");
  }
}
