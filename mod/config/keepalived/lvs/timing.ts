/**
 * How often real servers are looked at: keywords that virtual_server, real_server and checkers know, where
 * the inner one counts.
 */
import { formatDuration } from "../../../../checks/duration.ts";
import { CHECK_TIMEOUT_MAX_MS } from "../../check_timeout.ts";
import { secondsAt, switchAt, wholeNumberAt } from "../arguments.ts";
import type { Value } from "../draft.ts";
import type { Keywords } from "../table.ts";

/** Times in milliseconds. */
export interface Timing {
  intervalMs?: number | undefined;
  retries?: number | undefined;
  retryDelayMs?: number | undefined;
  warmupMs?: number | undefined;
  connectTimeoutMs?: number | undefined;
  isAlpha?: boolean | undefined;
}

export interface Timed {
  readonly timing: Timing;
}

const HOUR_S = 3_600;
const DAY_S = 86_400;

export const TIMING: Keywords<Timed> = [
  {
    keyword: "delay_loop",
    outcome: "converted",
    why: "check.interval; 60s where keepalived.conf does not say",
    convert: (statement, { timing }, tell) => {
      const ms = secondsAt(statement, 0, [0, DAY_S], tell);
      if (ms === undefined) return;
      if (ms < 50) tell.note("50ms is the shortest here");
      timing.intervalMs = Math.max(50, ms);
    },
  },
  {
    keyword: "retry",
    outcome: "converted",
    why: "check.retries",
    convert: (statement, { timing }, tell) => {
      timing.retries = wholeNumberAt(statement, 0, [0, 99], tell);
    },
  },
  {
    keyword: "delay_before_retry",
    outcome: "converted",
    why: "check.retry_delay",
    convert: (statement, { timing }, tell) => {
      timing.retryDelayMs = secondsAt(statement, 0, [0, HOUR_S], tell);
    },
  },
  {
    keyword: "warmup",
    outcome: "converted",
    why: "check.warmup",
    convert: (statement, { timing }, tell) => {
      timing.warmupMs = secondsAt(statement, 0, [0, DAY_S], tell);
    },
  },
  {
    keyword: "connect_timeout",
    outcome: "converted",
    why: "check.connect_timeout and check.timeout",
    convert: (statement, { timing }, tell) => {
      const ms = secondsAt(statement, 0, [0, HOUR_S / 2], tell);
      if (ms !== undefined) timing.connectTimeoutMs = Math.max(10, ms);
    },
  },
  {
    keyword: "alpha",
    outcome: "converted",
    why: 'initial = "down"',
    convert: (statement, { timing }, tell) => {
      timing.isAlpha = switchAt(statement, tell);
    },
  },
];

/** What holds for a kind of checker where nothing is said. */
export interface Defaults {
  readonly retries: number;
  /** Null: the interval. */
  readonly retryDelayMs: number | null;
  /** What one attempt may take, as a multiple of connect_timeout: keepalived counts each step on its own. */
  readonly steps: number;
}

const INTERVAL_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** The inner one counts: the first of the list is the innermost. */
export function inherited(levels: readonly Timed[]): Timing {
  const said = [...levels].reverse().map(({ timing }) =>
    Object.fromEntries(Object.entries(timing).filter(([, value]) => value !== undefined))
  );
  return Object.assign({}, ...said);
}

/** The keys of one check; what is the default here too is left out. */
export function timingKeys(timing: Timing, defaults: Defaults): Record<string, Value> {
  const interval = timing.intervalMs ?? INTERVAL_MS;
  const connect = timing.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const timeout = connect * defaults.steps;
  const retries = timing.retries ?? defaults.retries;
  const delay = timing.retryDelayMs ?? defaults.retryDelayMs ?? interval;
  return {
    interval: formatDuration(interval),
    ...(timeout === Math.min(interval, CHECK_TIMEOUT_MAX_MS) ? {} : { timeout: formatDuration(timeout) }),
    ...(retries === 1 ? {} : { retries }),
    ...(retries === 0 || delay === 1_000
      ? {}
      : { retry_delay: formatDuration(Math.min(delay, HOUR_S * 1000)) }),
    ...(timing.warmupMs === undefined ? {} : { warmup: formatDuration(timing.warmupMs) }),
  };
}

export function connectTimeoutOf(timing: Timing): Record<string, Value> {
  return { connect_timeout: formatDuration(timing.connectTimeoutMs ?? CONNECT_TIMEOUT_MS) };
}
