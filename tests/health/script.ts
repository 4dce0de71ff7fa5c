/** A check that does as a test says, and a monitor around it. */
import * as z from "zod";
import { CheckFailed, type CheckType, type Pass, type Report } from "../../checks/check.ts";
import type { MonitoredCheck, MonitorOptions } from "../../mod/health/monitor.ts";
import { CheckStatus } from "../../mod/snapshot.ts";
import { sleep } from "../../mod/sleep.ts";
import { config, Recorder } from "./recorder.ts";

/**
 * A check whose answers the test gives: "+" passes, "s" after 30 ms, a digit with that weight, "-" fails, "f"
 * when told to, "." never, "!" not even when aborted; the last goes on for ever.
 */
export class Script {
  answers = "+";
  readonly startsMs: number[] = [];
  running = 0;
  aborts = 0;
  report: Report = () => {};
  readonly #failing = Promise.withResolvers<never>();
  readonly #stuck = Promise.withResolvers<string>();

  readonly type: CheckType = {
    type: "script",
    summary: "Does as the test says.",
    options: z.strictObject({}),
    probe: (_context, _options, signal) => this.#probe(signal),
    watch: (_context, _options, signal, report) => {
      this.report = report;
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    },
  };

  /** For "f". */
  fail(): void {
    this.#failing.reject(new CheckFailed("slow failure"));
  }

  release(): void {
    this.#stuck.resolve("at last");
  }

  #probe(signal: AbortSignal): Promise<string | Pass> {
    this.startsMs.push(performance.now());
    const answer = this.answers.charAt(Math.min(this.startsMs.length, this.answers.length) - 1);
    if (answer === "+") return Promise.resolve("scripted");
    if (answer === "f") return this.#failing.promise;
    if (answer === "s") return sleep(30).then(() => "slow");
    if (answer >= "0" && answer <= "9") return Promise.resolve({ note: "weighed", weight: Number(answer) });
    if (answer === "-") return Promise.reject(new CheckFailed("scripted failure"));
    if (answer === "!") return this.#stuck.promise;
    this.running++;
    return new Promise((_resolve, reject) =>
      signal.addEventListener("abort", () => {
        this.running--;
        this.aborts++;
        reject(signal.reason);
      }, { once: true })
    );
  }
}

/** A monitor that runs one such check, called `it`; without chance it spreads nothing. */
export function lab(
  answers: string,
  rest: Partial<MonitoredCheck>,
  options: Partial<MonitorOptions> = {},
): [Script, Recorder] {
  const script = new Script();
  script.answers = answers;
  const recorder = new Recorder({ checkType: () => script.type, random: () => 1, ...options });
  recorder.monitor.configure({ it: config("script", {}, rest) });
  recorder.monitor.start();
  return [script, recorder];
}

/** What is told of the one check. */
export function only(recorder: Recorder): CheckStatus {
  return CheckStatus.parse(recorder.monitor.status()[0]);
}
