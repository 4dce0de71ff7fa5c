/** Drives one engine: applies what is wanted, again and again, so that what somebody else changes heals. */
import type { Applied, Engine, Service, ServiceReport, SyncDaemon } from "./model.ts";

/** Changes that come together, as when a rack dies, are applied together. */
const GATHER_MS = 5;
/** How often it is looked whether all is still there; more seldom where a look takes long. */
const LOOK_AGAIN_MS = 1_000;
const LOOKS_SHARE = 50;
const LOOK_LIMIT_MS = 10_000;
/** What failed is tried again after this, then after twice as long each time, up to the limit. */
const RETRY_MS = 500;
const RETRY_LIMIT_MS = 5_000;
/** Who asks what an engine has does not wait longer than this for one that is at work. */
const READ_PATIENCE_MS = 300;

export interface DriverOptions {
  /** A round has ended. */
  applied(engine: Engine["name"], applied: Applied): void;
  /** What else is worth a line in the log. */
  note(engine: Engine["name"], message: string): void;
  /** Milliseconds between two looks at what is there. */
  readonly lookAgainMs?: number;
}

export class EngineDriver {
  readonly #name: Engine["name"];
  readonly #create: () => Engine;
  readonly #options: DriverOptions;
  /** Null until the first round, and while it cannot be made. */
  #engine: Engine | null = null;
  #wanted: readonly Service[] = [];
  #reports: readonly ServiceReport[] = [];
  #readAtMs = -Infinity;
  /** What the last round that worked has made. */
  #made: readonly Service[] = [];
  #timer: number | undefined;
  #failures = 0;
  #noted = "";
  #isStopped = false;
  /** Calls of the engine one after the other. */
  #queue: Promise<void> = Promise.resolve();
  /** The round that has yet to begin, and so will know of all that is wanted until then. */
  #coming: Promise<void> | null = null;

  constructor(name: Engine["name"], create: () => Engine, options: DriverOptions) {
    this.#name = name;
    this.#create = create;
    this.#options = options;
  }

  get memory(): unknown {
    return this.#engine?.memory?.();
  }

  /** Resolves at the end of the first round that has tried it, whether or not it worked. */
  want(services: readonly Service[]): Promise<void> {
    this.#wanted = services;
    return this.#comeSoon();
  }

  /** What the engine has, at most so old; what was read last where it cannot be read, or takes too long. */
  async reports(maxAgeMs: number): Promise<readonly ServiceReport[]> {
    if (performance.now() - this.#readAtMs < maxAgeMs) return this.#reports;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, READ_PATIENCE_MS);
    await Promise.race([this.#enqueue(() => this.#read(maxAgeMs)), promise]);
    clearTimeout(timer);
    return this.#reports;
  }

  /** The daemon that tells the other director of the connections; null: none. */
  sync(daemon: SyncDaemon | null): Promise<void> {
    return this.#enqueue(async () => {
      const nothing: Applied = { drift: [], problems: [] };
      const applied = await settled(async () => await this.#get().sync?.(daemon) ?? nothing);
      // Where it fails, `apply` says so too, and goes on to try.
      if (applied.problems.length > 0) this.#options.applied(this.#name, applied);
    });
  }

  /** Waits for what is under way; nothing is begun any more. `keep`: the engine leaves all as it is. */
  async stop(keep: boolean): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#queue;
    const { problems } = await settled(async () => {
      await this.#engine?.stop(keep);
      return { drift: [], problems: [] };
    });
    if (problems.length > 0) this.#note(`cannot be stopped: ${problems.join("; ")}`);
  }

  #get(): Engine {
    this.#engine ??= this.#create();
    return this.#engine;
  }

  /** Once, as long as it says the same. */
  #note(message: string): void {
    if (message !== this.#noted) this.#options.note(this.#name, message);
    this.#noted = message;
  }

  #comeSoon(): Promise<void> {
    this.#coming ??= new Promise<void>((resolve) => setTimeout(resolve, GATHER_MS))
      .then(() => this.#enqueue(() => this.#round()));
    return this.#coming;
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(task);
    return this.#queue;
  }

  async #round(): Promise<void> {
    this.#coming = null;
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    const wanted = this.#wanted;
    const startMs = performance.now();
    const applied = await settled(() => this.#get().apply(wanted));
    const tookMs = performance.now() - startMs;
    // A change takes as long as it takes: that says nothing of what a look costs.
    const lookMs = wanted === this.#made && applied.drift.length === 0 ? LOOKS_SHARE * tookMs : 0;
    // What was read before says nothing of what is there now.
    if (wanted !== this.#made || applied.drift.length > 0) this.#readAtMs = -Infinity;
    this.#made = wanted;
    this.#options.applied(this.#name, applied);
    this.#failures = applied.problems.length === 0 ? 0 : this.#failures + 1;
    if (this.#isStopped) return;
    const { lookAgainMs = Math.min(Math.max(LOOK_AGAIN_MS, lookMs), LOOK_LIMIT_MS) } = this.#options;
    const retryMs = Math.min(RETRY_MS * 2 ** (this.#failures - 1), RETRY_LIMIT_MS);
    this.#timer = setTimeout(() => void this.#comeSoon(), this.#failures === 0 ? lookAgainMs : retryMs);
  }

  async #read(maxAgeMs: number): Promise<void> {
    // Who waited in the queue behind another reader has what that one read.
    if (this.#isStopped || performance.now() - this.#readAtMs < maxAgeMs) return;
    try {
      this.#reports = await this.#get().read();
      this.#readAtMs = performance.now();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#note(`cannot be read: ${error.message}`);
    }
  }
}

/** A mistake in an engine must not take the virtual routers down with it: it is a problem like others. */
async function settled(call: () => Promise<Applied>): Promise<Applied> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { drift: [], problems: [error.message] };
  }
}
