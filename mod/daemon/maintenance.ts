/** Maintenance: this node stays out of everything until it is told otherwise or its time is over. */
import { monotonicMs } from "../../ffi/clock.ts";
import { logger } from "../log.ts";
import type { MaintenanceStatus } from "../snapshot.ts";
import type { EngineHandle } from "../vrrp/handle.ts";
import type { Released } from "../vrrp/messages.ts";

/** Whoever could not leave, because nobody took over, tries again so often. */
const RETRY_MS = 10_000;

const log = logger("main");

/** As it is asked for. `forMs` null: until it is ended. `force`: also where nobody takes over. */
export interface MaintenanceOrder {
  readonly forMs: number | null;
  readonly force: boolean;
}

/** As it is left to the next image of the program. */
export interface MaintenanceState {
  /** Unix milliseconds, for people. */
  readonly sinceMs: number;
  readonly untilMs: number | null;
  /** The same end on the monotonic clock, which nobody sets. */
  readonly endsAtMs: number | null;
  readonly force: boolean;
}

export class Maintenance {
  #state: MaintenanceState | null;
  #retryAtMs = Infinity;

  constructor(readonly engine: EngineHandle, inherited: MaintenanceState | null) {
    this.#state = inherited;
    if (inherited === null) return;
    this.#retryAtMs = monotonicMs() + RETRY_MS;
    void this.#tell();
  }

  get state(): MaintenanceState | null {
    return this.#state;
  }

  status(): MaintenanceStatus | null {
    if (this.#state === null) return null;
    const { sinceMs, untilMs } = this.#state;
    return { since: time(sinceMs), until: untilMs === null ? null : time(untilMs) };
  }

  /** Begins, or changes the end of one that is on. Resolves with how each ACTIVE virtual router left. */
  async begin({ forMs, force }: MaintenanceOrder): Promise<readonly Released[]> {
    const nowMs = Date.now();
    this.#state = {
      sinceMs: this.#state?.sinceMs ?? nowMs,
      untilMs: forMs === null ? null : nowMs + forMs,
      endsAtMs: forMs === null ? null : monotonicMs() + forMs,
      force,
    };
    log.warn("maintenance on {until}", { until: this.#until(), force });
    return await this.#tell();
  }

  async end(why: string): Promise<void> {
    if (this.#state === null) return;
    this.#state = null;
    log.warn("maintenance off: {why}", { why });
    await this.#tell();
  }

  /** To be called about once a second. */
  tick(): void {
    const nowMs = monotonicMs();
    if (nowMs >= (this.#state?.endsAtMs ?? Infinity)) void this.end("its time is over");
    else if (nowMs >= this.#retryAtMs) void this.#tell();
  }

  async #tell(): Promise<readonly Released[]> {
    this.#retryAtMs = Infinity;
    const state = this.#state;
    const order = state && { reason: `maintenance ${this.#until()}`, force: state.force };
    const released = await this.engine.maintain(order);
    if (this.#state === state && released.some(({ ok }) => !ok)) this.#retryAtMs = monotonicMs() + RETRY_MS;
    return released;
  }

  #until(): string {
    const { untilMs = null } = this.#state ?? {};
    return untilMs === null ? "until it is ended" : `until ${time(untilMs)}`;
  }
}

function time(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
