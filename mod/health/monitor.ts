/** Runs the configured checks and tells when one changes its state. */
import type { CheckType, Host, Member } from "../../checks/check.ts";
import { checkType } from "../../checks/mod.ts";
import { fingerprint } from "../fingerprint.ts";
import type { CheckStatus } from "../snapshot.ts";
import type { Memory, MonitoredCheck } from "./past.ts";
import { type CheckChange, CheckRunner, type Measure, type Services } from "./runner.ts";

export type { Memory, MonitoredCheck } from "./past.ts";
export type { CheckChange, Measure } from "./runner.ts";

export interface MonitorOptions {
  readonly host: Host;
  onChange(change: CheckChange): void;
  /** A check passes and wants another weight for its real server; undefined: the configured one. */
  onWeight?(name: string, weight: number | undefined): void;
  /** A check that stays as it was holds another number. */
  onMeasure?(measure: Measure): void;
  /** Something worth a line in the log that changes no state: a recovery, a watch that broke. */
  onNote?(name: string, message: string): void;
  /** Wall clock in milliseconds since the epoch. */
  now?(): number;
  /** 0 <= x < 1; spreads the checks over their interval. */
  random?(): number;
  /** What the image of the program before this one knew, by the checks' names. */
  readonly inherited?: Readonly<Record<string, Memory>>;
  /** Finds a check type by name; the registry unless told otherwise. */
  checkType?(type: string): CheckType | undefined;
}

export class Monitor {
  readonly #services: Services;
  readonly #checkType: (type: string) => CheckType | undefined;
  readonly #stopping = new Set<Promise<void>>();
  #runners: ReadonlyMap<string, CheckRunner> = new Map();
  #isRunning = false;
  #isStopped = false;
  #inherited: Readonly<Record<string, Memory>>;
  #paused: ReadonlySet<string> = new Set();

  constructor(options: MonitorOptions) {
    this.#services = {
      host: options.host,
      onChange: (change) => {
        options.onChange(change);
        for (const runner of this.#runners.values()) {
          if (runner.members.includes(change.name)) runner.follow();
        }
      },
      onMeasure: (measure) => options.onMeasure?.(measure),
      members: (names) => names.map((name) => this.#member(name)),
      onWeight: (name, weight) => options.onWeight?.(name, weight),
      onNote: (name, message) => options.onNote?.(name, message),
      now: () => options.now?.() ?? Date.now(),
      random: () => options.random?.() ?? Math.random(),
    };
    this.#checkType = options.checkType ?? checkType;
    this.#inherited = options.inherited ?? {};
  }

  /**
   * Makes these the checks. Unchanged ones go on undisturbed; a changed one keeps its state until its new
   * results decide otherwise, so that a reload alone never moves a virtual router; removed ones end.
   */
  configure(checks: Readonly<Record<string, MonitoredCheck>>): void {
    const before = this.#runners;
    const runners = Object.entries(checks).map(([name, config]) =>
      this.#runner(name, config, before.get(name))
    );
    this.#inherited = {};
    this.#runners = new Map(runners.map((runner) => [runner.name, runner]));
    for (const runner of before.values()) if (this.#runners.get(runner.name) !== runner) this.#end(runner);
    for (const runner of runners) {
      if (this.#isRunning && before.get(runner.name) !== runner) this.#start(runner);
    }
  }

  /**
   * The checks of these names make no look, and keep what they know, until a call that leaves them out. Names
   * that are no check count once they are.
   */
  pauseOnly(names: Iterable<string>): void {
    const before = this.#paused;
    this.#paused = new Set(names);
    for (const [name, runner] of this.#runners) {
      if (!this.#isRunning || this.#isStopped || before.has(name) === this.#paused.has(name)) continue;
      if (this.#paused.has(name)) runner.pause();
      else runner.resume();
    }
  }

  /** In the order of the configuration. */
  status(): CheckStatus[] {
    return [...this.#runners.values()].map((runner) => runner.status());
  }

  start(): void {
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    for (const runner of this.#runners.values()) this.#start(runner);
  }

  /**
   * Resolves when nothing runs any more: no probe, no child, no watch. A stopped monitor does not start
   * again.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const runner of this.#runners.values()) this.#end(runner);
    await Promise.all(this.#stopping);
  }

  /**
   * Ends what runs, so that no child is left to a process that does not know it. `start()` goes on from
   * there.
   */
  async suspend(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    const runners = [...this.#runners.values()];
    for (const runner of runners) this.#end(runner);
    await Promise.all(this.#stopping);
    this.#runners = new Map(runners.map(({ name, config }) => [name, this.#replace(name, config)]));
  }

  /** What the checks know, by their names. */
  memories(): Record<string, Memory> {
    return Object.fromEntries([...this.#runners].map(([name, runner]) => [name, runner.memory()]));
  }

  /** A check whose recovery command runs now: whoever ends it leaves the service half started. */
  get recovering(): string | undefined {
    return [...this.#runners.values()].find((runner) => runner.isRecovering)?.name;
  }

  #member(name: string): Member {
    const { state = "unknown", reason = "there is no such check" } = this.#runners.get(name)?.status() ?? {};
    return { name, state, reason };
  }

  #start(runner: CheckRunner): void {
    if (this.#paused.has(runner.name)) runner.pause();
    runner.start();
  }

  #runner(name: string, config: MonitoredCheck, before: CheckRunner | undefined): CheckRunner {
    if (before !== undefined && fingerprint(before.config) === fingerprint(config)) return before;
    return this.#replace(name, config, before);
  }

  #replace(name: string, config: MonitoredCheck, before = this.#runners.get(name)): CheckRunner {
    const type = this.#checkType(config.type);
    if (type === undefined) throw new Error(`check ${name}: there is no check type ${config.type}`);
    return new CheckRunner(name, config, type, this.#services, before?.memory() ?? this.#inherited[name]);
  }

  #end(runner: CheckRunner): void {
    const ended = runner.stop().finally(() => this.#stopping.delete(ended));
    this.#stopping.add(ended);
  }
}
