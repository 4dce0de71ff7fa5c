/** Collects what a monitor tells, and waits for it within a limit. */
import {
  type CheckChange,
  Monitor,
  type MonitoredCheck,
  type MonitorOptions,
} from "../../mod/health/monitor.ts";
import { checkTypes } from "../../checks/mod.ts";
import { libc } from "../../ffi/libc.ts";
import { LinuxHost } from "../../mod/health/host.ts";
import { sleep } from "../../mod/sleep.ts";

/** Well below the minute that the next look may be away where only a push can tell. */
const PATIENCE_MS = 20_000;

// Loaded once for the process, thus before any test, or it would count as a leak of the first.
libc();

export interface Recorded extends CheckChange {
  /** Of `performance.now()`. */
  readonly monotonicMs: number;
}

export class Recorder implements AsyncDisposable {
  readonly host = new LinuxHost();
  readonly changes: Recorded[] = [];
  readonly notes: string[] = [];
  readonly weights: (number | undefined)[] = [];
  readonly monitor: Monitor;
  #seen = 0;

  constructor(options: Partial<MonitorOptions> = {}) {
    this.monitor = new Monitor({
      host: this.host,
      onChange: (change) => this.changes.push({ ...change, monotonicMs: performance.now() }),
      onWeight: (_name, weight) => this.weights.push(weight),
      onNote: (name, message) => this.notes.push(`${name}: ${message}`),
      ...options,
    });
  }

  /** The next change that was not returned before. */
  async next(): Promise<Recorded> {
    const index = this.#seen;
    await until(() => this.changes.length > index, "no change of state");
    this.#seen++;
    const change = this.changes[index];
    if (change === undefined) throw new Error("unreachable");
    return change;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.monitor.stop();
    await this.host.idle();
  }
}

/** Looks every millisecond, and gives up long after what a busy machine may take. */
export async function until(condition: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!await condition()) {
    if (performance.now() > endMs) throw new Error(`${otherwise} within ${PATIENCE_MS} ms`);
    await sleep(1);
  }
}

/** A configuration with the usual defaults; `options` as written in the file. */
export function config(
  type: string,
  options: Record<string, unknown>,
  rest: Partial<MonitoredCheck> = {},
): MonitoredCheck {
  const check = checkTypes.find((candidate) => candidate.type === type);
  return {
    type,
    interval: 1000,
    timeout: 10_000,
    rise: 1,
    fall: 1,
    attempts: 1,
    attempt_delay: 1000,
    initial: "unknown",
    recover_timeout: 10_000,
    recover_limit: 5,
    options: check === undefined ? options : check.options.parse(options),
    ...rest,
  };
}
