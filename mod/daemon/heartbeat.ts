/** Looks every two seconds whether the VRRP thread still turns; only then the supervisor hears that we do. */
import { watchdogIntervalMs } from "../notify/systemd.ts";
import type { EngineHandle } from "../vrrp/handle.ts";
import type { Operators } from "./operators.ts";
import type { Supervisor } from "./supervisor.ts";

const BEAT_MS = 2_000;
/** In a row. The first one that is missing only makes the thread be asked for the next. */
const MAX_MISSED_BEATS = 3;

export interface HeartbeatParts {
  readonly engine: EngineHandle;
  readonly operators: Operators;
  readonly supervisor: Supervisor;
  /** The thread does not turn any more. */
  failed(message: string): void;
}

export class Heartbeat {
  readonly #parts: HeartbeatParts;
  #timer = 0;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const { engine, operators, supervisor, failed } = this.#parts;
    operators.tick();
    const missed = engine.missedBeats();
    if (missed === 0 && watchdogIntervalMs() !== null) supervisor.tell({ watchdog: true });
    if (missed >= MAX_MISSED_BEATS) failed(`no heartbeat for ${missed * BEAT_MS} ms`);
  }
}
