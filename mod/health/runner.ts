/** The life of one check: when it runs, what its results make of its state, and its recovery. */
import { monotonicMs } from "../../ffi/clock.ts";
import { type CheckContext, type CheckType, type Host, type Member, runAsOf } from "../../checks/check.ts";
import { sleep } from "../../checks/deadline.ts";
import { at, cancel, type Timer } from "../../checks/timers.ts";
import type { CheckState, CheckStatus } from "../snapshot.ts";
import { Attempts, type Probe } from "./attempts.ts";
import { count, nextRecovery } from "./counter.ts";
import {
  factorOf,
  memorize,
  type Memory,
  type MonitoredCheck,
  newPast,
  noteRecovery,
  type Past,
  recall,
  statusOf,
  time,
} from "./past.ts";
import { recover, type Result } from "./recovery.ts";
import { Run } from "./run.ts";
import { keepWatching } from "./watching.ts";

/** A check changed its state; `at` is RFC 3339. */
export interface CheckChange {
  readonly name: string;
  readonly from: CheckState;
  readonly to: CheckState;
  readonly reason: string;
  readonly at: string;
  /** The number that it holds; see `Pass`. */
  readonly factor?: number | undefined;
}

/** A check that stays as it was holds another number. */
export type Measure = Pick<CheckStatus, "name" | "state" | "reason" | "factor">;

/** What a runner needs of its surroundings. */
export interface Services {
  readonly host: Host;
  onChange(change: CheckChange): void;
  /** A check passes and wants another weight for its real server; undefined: the configured one. */
  onWeight(name: string, weight: number | undefined): void;
  onMeasure(measure: Measure): void;
  /** The checks of these names as they are now. */
  members(names: readonly string[]): Member[];
  /** Something worth a line in the log that changes no state: a recovery, a watch that broke. */
  onNote(name: string, message: string): void;
  /** Wall clock in milliseconds since the epoch, for what people read; intervals use the monotonic clock. */
  now(): number;
  /** 0 <= x < 1 */
  random(): number;
}

const undecidedIntervalMs = 250;
/** Checks that are due within this time, or a fiftieth of their interval, run in one turn. */
const grainMaxMs = 20;
const wakesApartMs = 10;
/** The first looks after a pause come within this time, or all real servers would be asked at one moment. */
const resumeSpreadMs = 1000;
/** Longer than the time between TERM and KILL of a command. */
const stopLimitMs = 2500;

export class CheckRunner {
  readonly name: string;
  readonly config: MonitoredCheck;
  readonly #check: CheckType;
  readonly #services: Services;
  readonly #past: Past;
  readonly #lifetime = new AbortController();
  readonly #attempts = new Attempts();
  readonly #tasks = new Set<Promise<void>>();
  readonly #probe: Probe;
  #run: Run | undefined;
  #timer: Timer | undefined;
  #wakeTimer: number | undefined;
  #isSpread = false;
  #isPaused = false;
  #isRecovering = false;
  #isOutdated = false;
  #lastPassed: boolean | undefined;

  /** A check that replaces one of the same name goes on with its state and statistics. */
  constructor(name: string, config: MonitoredCheck, check: CheckType, services: Services, memory?: Memory) {
    this.name = name;
    this.config = config;
    this.#check = check;
    this.#services = services;
    const context = this.#context();
    this.#probe = (signal) => check.probe(context, config.options, signal);
    this.#past = (memory && recall(memory, config)) ?? newPast(config, services.now());
  }

  /** For whoever goes on in its place. */
  memory(): Memory {
    return memorize(this.config, this.#past);
  }

  /** Its recovery command runs; whoever stops it now leaves the service half started. */
  get isRecovering(): boolean {
    return this.#isRecovering;
  }

  get state(): CheckState {
    return this.#past.counter.state;
  }

  start(): void {
    const warmupMs = this.state === "down" ? 0 : (this.config.warmup ?? 0) * this.#services.random();
    if (this.#isPaused || warmupMs === 0) this.#begin();
    else this.#beginIn(warmupMs);
    this.#isSpread = warmupMs > 0;
    if (this.#check.watch !== undefined) this.#track(this.#watch());
  }

  /** The names of the checks that it follows. */
  get members(): readonly string[] {
    return this.config.follows?.checks ?? [];
  }

  /** One of its members has another state. A recovery that is under way looks by itself, but not for ever. */
  follow(): void {
    if (this.#lifetime.signal.aborted || this.#isPaused) return;
    this.#isOutdated = this.#isRecovering;
    if (!this.#isRecovering) this.#begin();
  }

  /** Makes no look until `resume()`; what it knows stays. */
  pause(): void {
    this.#isPaused = true;
    this.#endRun();
  }

  resume(): void {
    this.#isPaused = false;
    this.#beginIn(Math.min(this.config.interval, resumeSpreadMs) * this.#services.random());
  }

  /** Resolves when nothing of the check runs any more, or when what still does cannot be ended. */
  async stop(): Promise<void> {
    this.#lifetime.abort();
    this.#endRun();
    const limit = new AbortController();
    const ended = Promise.all([this.#attempts.idle(), ...this.#tasks]).finally(() => limit.abort());
    await Promise.race([ended, sleep(stopLimitMs, limit.signal)]);
  }

  status(): CheckStatus {
    return statusOf(this.name, this.config, this.#past);
  }

  /**
   * Starts a run now; one that is under way is about the past and does not count. A stuck one fails without a
   * look.
   */
  #begin(dueMs = performance.now(), isStuck = false): void {
    if (this.#isPaused) return;
    this.#endRun();
    this.#run = new Run(dueMs, isStuck);
    this.#track(this.#perform(this.#run));
  }

  #beginIn(waitMs: number, fromMs = performance.now(), periodMs = this.config.interval): void {
    const grainMs = Math.min(grainMaxMs, Math.max(1, Math.floor(periodMs / 50)));
    const dueMs = fromMs + waitMs;
    this.#timer = at(dueMs, grainMs, () => this.#begin(dueMs, this.#attempts.isLingering));
  }

  #endRun(): void {
    if (this.#timer !== undefined) cancel(this.#timer);
    if (this.#wakeTimer !== undefined) clearTimeout(this.#wakeTimer);
    this.#wakeTimer = undefined;
    if (this.#run === undefined || this.#run.isOver) return;
    this.#run.end();
    this.#attempts.end("ended");
  }

  /** What a watch sees. When it is news, look at once, but never so often that no look comes to its end. */
  #report(passing: boolean | undefined): void {
    if (this.#lifetime.signal.aborted || this.#isPaused || this.#isRecovering) return;
    if (this.#lastPassed === undefined || this.#lastPassed === passing) return;
    const waitMs = (this.#run?.startMs ?? 0) + wakesApartMs - performance.now();
    clearTimeout(this.#wakeTimer);
    if (waitMs <= 0) return this.#begin();
    // Asked again by then, as the run that is under way may have said so itself.
    this.#wakeTimer = setTimeout(() => this.#report(passing), waitMs);
  }

  async #perform(run: Run): Promise<void> {
    let result = await this.#look(run);
    if (this.#isRecoverable(result) && !run.isOver) result = await this.#recover(result, run);
    if (run.isOver) return;
    run.end();
    this.#decide(result);
    if (this.config.follows === undefined) this.#schedule(run.dueMs);
    else if (this.#isOutdated) this.follow();
  }

  #decide({ passed, reason, weight, factor }: Result): void {
    const { state: from } = this;
    const held = this.#past.factor;
    this.#past.reason = reason;
    if (passed === undefined) return;
    // Before the state, so that a real server that comes back has the right weight from the start.
    if (passed) this.#weigh(weight, factor);
    this.#lastPassed = passed;
    this.#past.counter = count(this.#past.counter, passed, this.config);
    const now: Measure = { name: this.name, state: this.state, reason, ...factorOf(this.#past) };
    if (this.state !== from) this.#change(from, now);
    else if (this.#past.factor !== held) this.#services.onMeasure(now);
  }

  #change(from: CheckState, { state, ...rest }: Measure): void {
    const nowMs = this.#services.now();
    this.#past.sinceMs = nowMs;
    this.#services.onChange({ ...rest, from, to: state, at: time(nowMs) });
  }

  #weigh(weight: number | undefined, factor: number | undefined): void {
    if (factor === undefined) delete this.#past.factor;
    else this.#past.factor = factor;
    if (this.#past.weight === weight) return;
    if (weight === undefined) delete this.#past.weight;
    else this.#past.weight = weight;
    this.#services.onWeight(this.name, weight);
  }

  /** The next run counts from when this one was due; slots that passed meanwhile are skipped. */
  #schedule(dueMs: number): void {
    const isDecided = this.state !== "unknown";
    const { interval } = this.config;
    const periodMs = isDecided ? interval : Math.min(interval, undecidedIntervalMs);
    if (isDecided && !this.#isSpread) {
      // Checks that started together spread over the interval instead of running together for ever.
      this.#isSpread = true;
      return this.#beginIn(periodMs * this.#services.random(), performance.now(), periodMs);
    }
    const slots = Math.floor((performance.now() - dueMs) / periodMs);
    this.#beginIn((slots + 1) * periodMs, dueMs, periodMs);
  }

  /** What is not known to be up is judged by one look if it is a real server's. */
  #attemptsOf(): number {
    const { target, attempts } = this.config;
    const isUp = this.state === "up" && this.#past.lastRunMs !== undefined;
    return target === undefined || isUp ? attempts : 1;
  }

  /** Up to `attempts` looks, of which one must pass. */
  async #look(run: Run): Promise<Result> {
    if (run.isStuck) return this.#note({ passed: false, reason: "the run before does not end" }, run);
    const attempts = this.#attemptsOf();
    for (let attempt = 1;; attempt++) {
      const result = await this.#attempts.make(this.#probe, this.config.timeout);
      if (result.passed !== false || attempt >= attempts || run.isOver) return this.#note(result, run);
      await sleep(this.config.attempt_delay, run.signal);
      if (run.isOver) return result;
    }
  }

  #note(result: Result, { isOver, startMs }: Run): Result {
    if (isOver) return result;
    const past = this.#past;
    past.durationMs = performance.now() - startMs;
    past.lastRunMs = this.#services.now() - past.durationMs;
    if (result.passed === true) past.successes++;
    if (result.passed === false) past.failures++;
    return result;
  }

  #isRecoverable({ passed }: Result): boolean {
    if (passed !== false || this.config.recover === undefined || this.state === "down") return false;
    return count(this.#past.counter, passed, this.config).state === "down";
  }

  async #recover({ reason }: Result, run: Run): Promise<Result> {
    const { recover: argv = [], recover_timeout: timeoutMs, recover_limit: limit } = this.config;
    const next = nextRecovery(this.#past.recovery, limit, monotonicMs());
    if (next.kind === "refused") return { passed: false, reason: `${reason}; ${next.reason}` };
    const runAs = runAsOf({ user: this.config.recover_user, group: this.config.recover_group });
    const { host, onNote } = this.#services;
    const startMs = this.#services.now();
    this.#past.recovery = next.history;
    this.#past.recoveries++;
    onNote(this.name, `${reason}; recovering by ${argv.join(" ")}`);
    this.#isRecovering = true;
    const look = async (): Promise<Result> =>
      this.#note(await this.#attempts.make(this.#probe, this.config.timeout), run);
    const recovered = await recover({ argv, runAs, timeoutMs, host, look }, run.signal);
    this.#isRecovering = false;
    noteRecovery(this.#past, recovered, startMs);
    if (recovered.helped) onNote(this.name, `recovered by ${argv.join(" ")}: ${recovered.result.reason}`);
    return recovered.result;
  }

  #watch(): Promise<void> {
    const { signal } = this.#lifetime;
    const report = (passing?: boolean): void => this.#report(passing);
    const watch = async (): Promise<void> =>
      await this.#check.watch?.(this.#context(), this.config.options, signal, report);
    return keepWatching(watch, (problem) => this.#services.onNote(this.name, problem), signal);
  }

  #context(): CheckContext {
    const { target, timeout } = this.config;
    return {
      name: this.name,
      host: this.#services.host,
      members: (names) => this.#services.members(names),
      timeoutMs: timeout,
      runAs: runAsOf(this.config),
      ...(target === undefined ? {} : { target }),
    };
  }

  #track(task: Promise<void>): void {
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }
}
