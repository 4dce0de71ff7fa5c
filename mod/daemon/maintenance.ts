/** Maintenance: this node stays out of everything until it is told otherwise or its time is over. */
import { monotonicMs } from "../../ffi/clock.ts";
import type { MaintenanceResult, Term } from "../api/context.ts";
import { logger } from "../log.ts";
import type { MaintenanceStatus } from "../snapshot.ts";
import type { EngineHandle } from "../vrrp/handle.ts";
import type { Released } from "../vrrp/messages.ts";
import { attempt, comesBack, type StandingOrders } from "./standing_orders.ts";

/** Whoever could not leave, because nobody took over, tries again so often. */
const RETRY_MS = 10_000;

const log = logger("main");

/** As it is asked for. `force`: also where nobody takes over. */
export interface MaintenanceOrder extends Term {
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
  readonly persisted: boolean;
}

export interface MaintenanceParts {
  readonly engine: Pick<EngineHandle, "maintain">;
  readonly orders: StandingOrders;
  /** What the image before has left; null: nothing was on there. */
  readonly inherited: MaintenanceState | null;
  /** A transition of this node. */
  tell(from: string, to: string, reason: string): void;
}

export class Maintenance {
  readonly #parts: MaintenanceParts;
  #state: MaintenanceState | null;
  #retryAtMs = Infinity;

  /** To be made before anything takes part: what is on begins with this. */
  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#state = parts.inherited ?? standing(parts.orders);
    if (this.#state === null) return;
    if (parts.inherited === null) {
      log.warn("maintenance on {until}", { until: this.#until(), persisted: true });
    }
    this.#retryAtMs = monotonicMs() + RETRY_MS;
    void this.#tell();
  }

  get state(): MaintenanceState | null {
    return this.#state;
  }

  status(): MaintenanceStatus | null {
    if (this.#state === null) return null;
    const { sinceMs, untilMs, persisted } = this.#state;
    return { since: time(sinceMs), until: untilMs === null ? null : time(untilMs), persisted };
  }

  /** Begins, or changes the end of one that is on. */
  async begin({ forMs, force, persist }: MaintenanceOrder): Promise<MaintenanceResult> {
    const nowMs = Date.now();
    const before = this.#state;
    const state: MaintenanceState = {
      sinceMs: before?.sinceMs ?? nowMs,
      untilMs: forMs === null ? null : nowMs + forMs,
      endsAtMs: forMs === null ? null : monotonicMs() + forMs,
      force,
      persisted: persist,
    };
    const problem = this.#writeDown(persist ? state : null);
    if (problem !== null && persist) {
      return { ok: false, message: `nothing is done, as it cannot be kept: ${problem}` };
    }
    this.#state = state;
    log.warn("maintenance on {until}", { until: this.#until(), force, persisted: persist });
    this.#parts.tell(
      before === null ? "in service" : "maintenance",
      "maintenance",
      `ordered ${this.#until()}`,
    );
    const virtual_routers = await this.#tell();
    return { ok: true, virtual_routers, ...noted(problem) };
  }

  async end(why: string): Promise<MaintenanceResult> {
    if (this.#state === null) return { ok: true, virtual_routers: [] };
    const problem = this.#writeDown(null);
    if (problem !== null) log.error("state_file {problem}", { problem: comesBack(problem) });
    this.#state = null;
    log.warn("maintenance off: {why}", { why });
    this.#parts.tell("maintenance", "in service", why);
    await this.#tell();
    return { ok: true, virtual_routers: [], ...noted(problem) };
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
    const released = await this.#parts.engine.maintain(order);
    if (this.#state === state && released.some(({ ok }) => !ok)) this.#retryAtMs = monotonicMs() + RETRY_MS;
    return released;
  }

  /** The last order counts, after a restart too. What speaks against it, or null. */
  #writeDown(state: MaintenanceState | null): string | null {
    return attempt(() =>
      this.#parts.orders.setMaintenance(
        state && {
          since: time(state.sinceMs),
          until: state.untilMs === null ? null : time(state.untilMs),
          force: state.force,
        },
      )
    );
  }

  #until(): string {
    const { untilMs = null } = this.#state ?? {};
    return untilMs === null ? "until it is ended" : `until ${time(untilMs)}`;
  }
}

/** What a run before was told to keep; what is over by now is forgotten. */
function standing(orders: StandingOrders): MaintenanceState | null {
  if (orders.maintenance === null) return null;
  const { since, until, force } = orders.maintenance;
  const untilMs = until === null ? null : Date.parse(until);
  const leftMs = untilMs === null ? null : untilMs - Date.now();
  if (leftMs !== null && leftMs <= 0) {
    attempt(() => orders.setMaintenance(null));
    return null;
  }
  const endsAtMs = leftMs === null ? null : monotonicMs() + leftMs;
  return { sinceMs: Date.parse(since), untilMs, endsAtMs, force, persisted: true };
}

function noted(problem: string | null): { readonly note?: string } {
  return problem === null ? {} : { note: comesBack(problem) };
}

function time(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
