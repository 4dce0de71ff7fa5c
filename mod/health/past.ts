/** What a check knows: its state, how it came to it, and its statistics; and what operators see of that. */
import type { Target } from "../../checks/check.ts";
import type { CheckConfig } from "../config/check.ts";
import { fingerprint } from "../fingerprint.ts";
import type { CheckStatus } from "../snapshot.ts";
import type { Recovered } from "./recovery.ts";
import { type Counter, type RecoveryHistory, startCounter } from "./counter.ts";

/** A check, and what a real server adds to it. */
export interface MonitoredCheck extends CheckConfig {
  /** The real server. Its `attempts` are made only while the check is up: otherwise one look decides. */
  readonly target?: Target;
  /** The first look comes after a random part of this (milliseconds), unless the check is down: at once. */
  readonly warmup?: number;
}

/**
 * What a check knows of the past; survives a change of its configuration and, as plain JSON, an upgrade of
 * the program. Moments are Unix milliseconds, that of `recovery` is `monotonicMs()`.
 */
export interface Past {
  counter: Counter;
  sinceMs: number;
  reason: string;
  lastRunMs?: number;
  durationMs?: number;
  successes: number;
  failures: number;
  recoveries: number;
  recoveriesFailed: number;
  recovery?: RecoveryHistory;
  lastRecovery?: NonNullable<CheckStatus["last_recovery"]>;
  weight?: number;
  factor?: number;
}

/** What a check leaves to the one that goes on in its place. */
export interface Memory {
  /** The `fingerprint()` of its configuration. */
  readonly config: string;
  /** The `fingerprint()` of its real server: what is known of one says nothing of another. */
  readonly target?: string;
  readonly past: Past;
}

/** Of a check that has looked at nothing yet. */
export function newPast({ initial }: MonitoredCheck, nowMs: number): Past {
  return {
    counter: startCounter(initial),
    sinceMs: nowMs,
    reason: "not checked yet",
    successes: 0,
    failures: 0,
    recoveries: 0,
    recoveriesFailed: 0,
  };
}

/** For whoever goes on in its place. */
export function memorize(config: MonitoredCheck, past: Past): Memory {
  const target = targetOf(config);
  return {
    config: fingerprint(config),
    ...(target === undefined ? {} : { target }),
    past: { ...past },
  };
}

/**
 * What a memory says to a check of this configuration: nothing when it is of another real server. Results
 * that do not make a state yet count only for the same configuration.
 */
export function recall({ config, target, past }: Memory, now: MonitoredCheck): Past | undefined {
  if (target !== targetOf(now)) return undefined;
  return config === fingerprint(now) ? { ...past } : { ...past, counter: startCounter(past.counter.state) };
}

export function statusOf(name: string, config: MonitoredCheck, past: Past): CheckStatus {
  const { counter, sinceMs, reason, lastRunMs, durationMs, successes, failures, weight } = past;
  const { follows } = config;
  return {
    name,
    type: config.type,
    state: counter.state,
    since: time(sinceMs),
    reason: reason + progress(counter, config),
    last_run: lastRunMs === undefined ? null : time(lastRunMs),
    duration_ms: durationMs === undefined ? null : Number(durationMs.toFixed(3)),
    interval_ms: config.interval,
    rise: config.rise,
    fall: config.fall,
    successes,
    failures,
    runs: successes + failures,
    recoveries: past.recoveries,
    recoveries_failed: past.recoveriesFailed,
    last_recovery: past.lastRecovery ?? null,
    ...(weight === undefined ? {} : { weight }),
    ...factorOf(past),
    ...(follows === undefined ? {} : { follows: { ...follows, checks: [...follows.checks] } }),
  };
}

/** What became of a recovery that began at that moment. */
export function noteRecovery(past: Past, recovered: Recovered, startMs: number): void {
  const { helped, exitCode: exit_code, output, problem } = recovered;
  if (!helped) past.recoveriesFailed++;
  past.lastRecovery = { at: time(startMs), helped, exit_code, output, problem };
}

/** The number that it holds, if any. */
export function factorOf({ factor }: Past): { factor?: number } {
  return factor === undefined ? {} : { factor };
}

/** Unix milliseconds as RFC 3339. */
export function time(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** " (1 of 3 failures)" while results speak against the state but not long enough yet. */
function progress({ passes, failures }: Counter, { rise, fall }: MonitoredCheck): string {
  if (failures > 0) return ` (${failures} of ${fall} failures)`;
  return passes > 0 ? ` (${passes} of ${rise} passes)` : "";
}

function targetOf({ target }: MonitoredCheck): string | undefined {
  return target === undefined ? undefined : fingerprint(target);
}
