/** Attempts of a check: a probe with a limit in time, and nothing that costs more than the probe itself. */
import { CheckFailed, CheckUndecided, describe, type Pass } from "../../checks/check.ts";
import { formatMs } from "../../checks/deadline.ts";
import { deadline } from "../../checks/timers.ts";
import type { Result } from "./recovery.ts";

/** One look; see `CheckType.probe`. */
export type Probe = (signal: AbortSignal) => Promise<Pass | string | void> | Pass | string;

/** One attempt at a time; what an aborted probe says later does not matter. */
export class Attempts {
  /** The same for all probes until one is aborted. */
  #controller = new AbortController();
  #settle: ((result: Result) => void) | undefined;
  #probing = 0;
  #ended: (() => void)[] = [];

  /** A probe was aborted and has not ended yet: whatever it waits for is not well. */
  get isLingering(): boolean {
    return this.#probing > (this.#settle === undefined ? 0 : 1);
  }

  make(probe: Probe, timeoutMs: number): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<Result>();
    const endTimer = deadline(timeoutMs, () => this.end(`no answer within ${formatMs(timeoutMs)}`));
    const settle = (result: Result): void => {
      endTimer();
      if (this.#settle === settle) this.#settle = undefined;
      resolve(result);
    };
    this.#settle = settle;
    this.#run(probe, settle);
    return promise;
  }

  /** Aborts the probe, if any; its attempt fails for this reason at once, even while the probe tidies up. */
  end(reason: string): void {
    if (this.#settle === undefined) return;
    this.#settle({ passed: false, reason });
    this.#controller.abort(new CheckFailed(reason));
    this.#controller = new AbortController();
  }

  /** Resolves when no probe runs any more. */
  async idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#probing === 0) return;
    this.#ended.push(resolve);
    await promise;
  }

  async #run(probe: Probe, settle: (result: Result) => void): Promise<void> {
    this.#probing++;
    try {
      settle(passed(await probe(this.#controller.signal)));
    } catch (error) {
      settle(failed(error));
    }
    this.#probing--;
    if (this.#probing > 0) return;
    for (const tell of this.#ended) tell();
    this.#ended = [];
  }
}

/** Whatever keeps a check from running, a mistake in it included, is a failure and never a pass. */
function failed(error: unknown): Result {
  if (error instanceof CheckUndecided) return { passed: undefined, reason: error.message };
  const reason = error instanceof CheckFailed ? error.message : `cannot run: ${describe(error)}`;
  return { passed: false, reason };
}

function passed(pass: Pass | string | void): Result {
  if (typeof pass !== "object") return { passed: true, reason: pass ?? "passed" };
  const { note, ...rest } = pass;
  return { passed: true, reason: note, ...rest };
}
