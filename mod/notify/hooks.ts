/**
 * Runs the programs that are told of what happens: one after the other for each of those that it happens to.
 * What is out of date by the time that its turn comes is left out, and counted; the last news never is.
 */
import { describe, type Host } from "../../checks/check.ts";
import { formatMs, within } from "../../checks/deadline.ts";
import { describeEnd } from "../../checks/exec.ts";
import { logger } from "../log.ts";
import type { HookStatus } from "../snapshot.ts";
import type { Argv } from "../config/notify.ts";

/** Of what a program writes, the end is kept for the status. */
const OUTPUT_LENGTH = 1024;

const log = logger("notify");

/** One program to run. */
export interface HookCall {
  /** Its key in the configuration. */
  readonly hook: string;
  readonly argv: Argv;
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
  readonly user?: string;
  readonly group?: string;
}

/** `virtual_router/VI_1`: whose programs they are, and whose come one after the other. */
export function ownerOf(kind: "virtual_router" | "sync_group" | "virtual_server", name: string): string {
  return `${kind}/${name}`;
}

/** Something that happened: its programs run in this order, all of them or none. */
export interface Occasion {
  /** To whom; see `ownerOf`. */
  readonly owner: string;
  /** What it is about; a newer occasion of the same topic takes its place while it waits. */
  readonly topic: string;
  /** Other topics whose waiting occasions it takes the place of. */
  readonly outdates?: readonly string[];
  /** One word: `active`. */
  readonly event: string;
  readonly calls: readonly HookCall[];
  /** What the programs read from their standard input. */
  input?(): Promise<string>;
}

/** What is known of one program. */
interface Known {
  argv0: string;
  last: HookStatus["last"];
  runs: number;
  failures: number;
  coalesced: number;
}

interface Queue {
  readonly waiting: Occasion[];
  readonly hooks: Map<string, Known>;
  running: { readonly hook: string; readonly since: number; readonly end: AbortController } | null;
  /** Of the occasion that runs, what is still to come. */
  rest: readonly HookCall[];
  work: Promise<void> | null;
  /** Since it was last idle. */
  leftOut: number;
}

/** What a running vipd leaves to the next image of the program. */
export type HookMemory = Readonly<Record<string, readonly HookStatus[]>>;

export class Hooks {
  readonly #host: Pick<Host, "run">;
  readonly #queues = new Map<string, Queue>();
  /** Who has programs. */
  #owners: ReadonlySet<string> = new Set();

  constructor(host: Pick<Host, "run">, inherited: HookMemory = {}) {
    this.#host = host;
    for (const [owner, hooks] of Object.entries(inherited)) {
      const { hooks: known } = this.#queue(owner);
      for (const { hook, argv0, last, runs, failures, coalesced } of hooks) {
        known.set(hook, { argv0, last, runs, failures, coalesced });
      }
    }
  }

  /** These are the programs of each owner; what is known of others is forgotten once they have run. */
  configure(owners: ReadonlyMap<string, Readonly<Record<string, Argv>>>): void {
    this.#owners = new Set(owners.keys());
    for (const [owner, { hooks, work }] of this.#queues) {
      const programs = owners.get(owner);
      if (programs === undefined && work === null) this.#queues.delete(owner);
      for (const hook of hooks.keys()) if (programs?.[hook] === undefined) hooks.delete(hook);
    }
    for (const [owner, programs] of owners) {
      const { hooks } = this.#queue(owner);
      for (const [hook, [argv0 = ""]] of Object.entries(programs)) {
        hooks.set(hook, { ...hooks.get(hook) ?? newRecord(argv0), argv0 });
      }
    }
  }

  tell(occasion: Occasion): void {
    if (occasion.calls.length === 0) return;
    const queue = this.#queue(occasion.owner);
    const topics = [occasion.topic, ...occasion.outdates ?? []];
    for (const old of queue.waiting.filter(({ topic }) => topics.includes(topic))) {
      queue.waiting.splice(queue.waiting.indexOf(old), 1);
      this.#leaveOut(queue, old.calls);
    }
    queue.waiting.push(occasion);
    queue.work ??= this.#work(occasion.owner, queue);
  }

  /** Whose programs run; undefined: nobody's. */
  get busy(): string | undefined {
    return [...this.#queues].find(([, { work }]) => work !== null)?.[0];
  }

  /** Resolves when nothing runs and nothing waits. */
  async idle(): Promise<void> {
    for (let work = this.#works(); work.length > 0; work = this.#works()) await Promise.all(work);
  }

  /**
   * The end: what has been running since before has `graceMs` left, so that the last news has its turn; after
   * `limitMs` everything is ended and what still waits is left out.
   */
  async stop(graceMs: number, limitMs: number): Promise<void> {
    const before = [...this.#queues.values()].flatMap(({ running }) => running ?? []);
    const reason = new Error("ended because vipd stops");
    const grace = setTimeout(() => before.forEach(({ end }) => end.abort(reason)), graceMs);
    const limit = setTimeout(() => this.#endAll(reason), limitMs);
    await this.idle();
    clearTimeout(grace);
    clearTimeout(limit);
  }

  status(owner: string): HookStatus[] {
    const queue = this.#queues.get(owner);
    if (queue === undefined) return [];
    const waiting = [...queue.rest, ...queue.waiting.flatMap(({ calls }) => calls)];
    return [...queue.hooks].map(([hook, known]) => ({
      hook,
      ...known,
      state: queue.running?.hook === hook
        ? "running"
        : waiting.some((call) => call.hook === hook)
        ? "waiting"
        : "idle",
    }));
  }

  memory(): HookMemory {
    return Object.fromEntries([...this.#queues.keys()].map((owner) => [owner, this.status(owner)]));
  }

  #works(): Promise<void>[] {
    return [...this.#queues.values()].flatMap(({ work }) => work ?? []);
  }

  #queue(owner: string): Queue {
    const known = this.#queues.get(owner);
    const queue = known ?? { waiting: [], hooks: new Map(), running: null, rest: [], work: null, leftOut: 0 };
    if (known === undefined) this.#queues.set(owner, queue);
    return queue;
  }

  #endAll(reason: Error): void {
    for (const queue of this.#queues.values()) {
      const left = [...queue.rest, ...queue.waiting.splice(0).flatMap(({ calls }) => calls)];
      queue.rest = [];
      this.#leaveOut(queue, left);
      queue.running?.end.abort(reason);
    }
  }

  #leaveOut(queue: Queue, calls: readonly HookCall[]): void {
    queue.leftOut += calls.length;
    for (const { hook, argv: [argv0 = ""] } of calls) {
      const known = queue.hooks.get(hook) ?? newRecord(argv0);
      queue.hooks.set(hook, { ...known, coalesced: known.coalesced + 1 });
    }
  }

  async #work(owner: string, queue: Queue): Promise<void> {
    for (let next = queue.waiting.shift(); next !== undefined; next = queue.waiting.shift()) {
      // One text for all of its programs, made when the first of them starts.
      const input = next.input?.();
      queue.rest = next.calls;
      for (let [call] = queue.rest; call !== undefined; [call] = queue.rest) {
        queue.rest = queue.rest.slice(1);
        await this.#run(owner, queue, next, call, input);
      }
    }
    if (queue.leftOut > 0) {
      log.info("hooks_left_out {owner}: {count} were out of date", { owner, count: queue.leftOut });
    }
    queue.leftOut = 0;
    queue.work = null;
    // Its last words were that it is gone.
    if (!this.#owners.has(owner)) this.#queues.delete(owner);
  }

  async #run(
    owner: string,
    queue: Queue,
    { event }: Occasion,
    call: HookCall,
    input: Promise<string> | undefined,
  ): Promise<void> {
    const { hook, argv: [argv0 = ""], timeout } = call;
    const end = new AbortController();
    const startedMs = performance.now();
    queue.running = { hook, since: startedMs, end };
    const at = new Date().toISOString();
    const outcome = await this.#outcome(call, input, end.signal);
    queue.running = null;
    const duration_ms = Math.round((performance.now() - startedMs) * 10) / 10;
    const known = queue.hooks.get(hook) ?? newRecord(argv0);
    const failed = outcome.problem !== null;
    queue.hooks.set(hook, {
      ...known,
      argv0,
      last: { at, event, duration_ms, ...outcome },
      runs: known.runs + 1,
      failures: known.failures + Number(failed),
    });
    const fields = { owner, hook, event, program: argv0, duration_ms };
    if (!failed) log.info("hook {owner} {hook}", fields);
    else {
      const { problem } = outcome;
      log.error("hook_failed {owner} {hook}: {problem}", { ...fields, problem, timeout_ms: timeout });
    }
  }

  async #outcome(
    { argv, env, timeout, user, group }: HookCall,
    input: Promise<string> | undefined,
    end: AbortSignal,
  ): Promise<Pick<NonNullable<HookStatus["last"]>, "exit_code" | "output" | "problem">> {
    const command = {
      argv,
      env,
      ...(input === undefined ? {} : { stdin: input }),
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
    };
    try {
      const late = `not done within ${formatMs(timeout)}`;
      const result = await within(timeout, late, end, (limit) => this.#host.run(command, limit));
      const output = result.output.slice(-OUTPUT_LENGTH);
      return { exit_code: result.code, output, problem: result.code === 0 ? null : describeEnd(result) };
    } catch (error) {
      return { exit_code: null, output: "", problem: describe(error) };
    }
  }
}

function newRecord(argv0: string): Known {
  return { argv0, last: null, runs: 0, failures: 0, coalesced: 0 };
}
