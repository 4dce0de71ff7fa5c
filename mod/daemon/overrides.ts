/** Priorities by the operator's word: until they are taken back, their time is over, or the program ends. */
import { monotonicMs } from "../../ffi/clock.ts";
import type { OverrideBegin, OverrideOrder, OverrideResult, Release } from "../api/context.ts";
import { logger } from "../log.ts";
import { sleep } from "../sleep.ts";
import type { EngineHandle } from "../vrrp/handle.ts";
import type { RouterReport } from "../vrrp/messages.ts";
import { type Override, PREFERRED_PRIORITY } from "../vrrp/override.ts";
import { OWNER_PRIORITY } from "../vrrp/state.ts";
import { attempt, comesBack, type StandingOrders, type VirtualRouterOrders } from "./standing_orders.ts";

/** Who is preferred is ACTIVE at once, or after the wait that a preemption takes: the operator sees which. */
const LOOK_MS = 20;
const ALLOWANCE_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;

const log = logger("main");

/** As it is left to the next image of the program. */
export interface OverrideState {
  readonly by: Override["by"];
  readonly priority: number;
  /** Unix milliseconds, for people. */
  readonly sinceMs: number;
  readonly untilMs: number | null;
  /** The same end on the monotonic clock, which nobody sets. */
  readonly endsAtMs: number | null;
  readonly persisted: boolean;
}

export type OverrideStates = Readonly<Record<string, OverrideState>>;

export interface OverridesParts {
  readonly engine: Pick<EngineHandle, "override" | "report">;
  readonly orders: StandingOrders;
  /** What the image before has left; null: this is a start like any other. */
  readonly inherited: OverrideStates | null;
  /** Of the configuration: who has no priority is not there. */
  priorityOf(name: string): number | undefined;
  /** A transition of one virtual router. */
  tell(name: string, from: string, to: string, reason: string): void;
}

export class Overrides {
  readonly #parts: OverridesParts;
  readonly #states: Map<string, OverrideState>;

  constructor(parts: OverridesParts) {
    this.#parts = parts;
    this.#states = new Map(Object.entries(parts.inherited ?? standing(parts.orders)));
    if (this.#states.size === 0) return;
    this.#post();
    for (const [name, state] of this.#states) {
      log.warn("override {name}: {what} {until}", { name, what: nameOf(state), until: untilOf(state) });
    }
  }

  /** What the next image of the program has to know. */
  get states(): OverrideStates {
    return Object.fromEntries(this.#states);
  }

  /** All of these virtual routers, or none: then the answer says why. */
  async order(names: readonly string[], order: OverrideOrder): Promise<OverrideResult> {
    if ("end" in order) return this.#takeBack(names, order.by);
    const report = await this.#parts.engine.report();
    const refusals = names.map((name) =>
      this.#refusal(name, order, report.virtual_routers.find((router) => router.name === name))
    ).filter((refusal) => refusal !== null);
    if (refusals.length > 0) return { ok: false, message: refusals.join("; ") };
    const state = stateOf(order);
    const problem = this.#writeDown(names, state.persisted ? state : null);
    if (problem !== null && order.persist) {
      return { ok: false, message: `nothing is done, as it cannot be kept: ${problem}` };
    }
    const notes = problem === null ? [] : [comesBack(problem)];
    for (const name of names) this.#set(name, state, `ordered by the operator, ${untilOf(state)}`);
    this.#post();
    const results = await Promise.all(names.map((name) => this.#outcome(name)));
    return { ok: true, virtual_routers: results.map((result) => withNotes(result, notes)) };
  }

  /** To be called about once a second. */
  tick(): void {
    const nowMs = monotonicMs();
    const over = [...this.#states].filter(([, { endsAtMs }]) => endsAtMs !== null && nowMs >= endsAtMs);
    for (const [name] of over) this.end(name, "its time is over");
  }

  /** After a reload: what is not to be kept ends with its virtual router, or when that owns its addresses. */
  forgetOthers(): void {
    for (const [name, { persisted }] of this.#states) {
      const priority = this.#parts.priorityOf(name);
      if (priority === undefined && !persisted) this.end(name, "the virtual router is gone");
      if (priority === OWNER_PRIORITY) this.end(name, "the virtual router owns its addresses");
    }
  }

  /** The virtual router has been handed over: who has ordered that does not prefer it any more. */
  handedOver(name: string): void {
    if (this.#states.get(name)?.by === "prefer") this.end(name, "handed over by the operator");
  }

  end(name: string, why: string): string | null {
    const problem = this.#writeDown([name], null);
    if (problem !== null) log.error("state_file {problem}", { problem: comesBack(problem) });
    this.#set(name, null, why);
    this.#post();
    return problem;
  }

  #takeBack(names: readonly string[], by: Override["by"]): OverrideResult {
    const others = names.filter((name) => this.#states.get(name)?.by !== by);
    if (others.length === names.length) {
      const message = others.map((name) => nothingToTakeBack(name, by, this.#states.get(name))).join("; ");
      return { ok: false, message };
    }
    const results = names.filter((name) => !others.includes(name)).map((name): Release => {
      const problem = this.end(name, "taken back by the operator");
      const detail = `${name} has its configured priority ${this.#parts.priorityOf(name)} again`;
      return withNotes({ name, ok: true, detail }, problem === null ? [] : [comesBack(problem)]);
    });
    return { ok: true, virtual_routers: results };
  }

  #refusal(name: string, { by }: OverrideOrder, router: RouterReport | undefined): string | null {
    if (this.#parts.priorityOf(name) === OWNER_PRIORITY) {
      return `${name} owns its addresses (priority 255): nothing changes its priority`;
    }
    const owner = router?.peers.find(({ address, priority }) =>
      priority === OWNER_PRIORITY && address === router.active_router
    );
    if (by !== "prefer" || owner === undefined) return null;
    return `${name} cannot be preferred here: ${owner.address} owns its addresses (priority 255) and gives way ` +
      `to nobody`;
  }

  #set(name: string, state: OverrideState | null, reason: string): void {
    const from = nameOf(this.#states.get(name) ?? null);
    const to = nameOf(state);
    if (state === null) this.#states.delete(name);
    else this.#states.set(name, state);
    log.warn("override {name} {from} -> {to}: {reason}", { name, from, to, reason });
    this.#parts.tell(name, from, to, reason);
  }

  #post(): void {
    const overrides = [...this.#states].map(([name, state]) => [name, overrideOf(state)] as const);
    this.#parts.engine.override(Object.fromEntries(overrides));
  }

  /** The last order counts, after a restart too. What speaks against it, or null. */
  #writeDown(names: readonly string[], state: OverrideState | null): string | null {
    return attempt(() =>
      this.#parts.orders.changeVirtualRouters(
        names,
        ({ override: _, ...rest }) => state === null ? rest : { ...rest, override: keptOf(state) },
      )
    );
  }

  /** What became of it, once that can be told. */
  async #outcome(name: string): Promise<Release> {
    const sinceMs = monotonicMs();
    let router = await this.#router(name);
    const waitMs = Math.min(LONGEST_WAIT_MS, (router?.active_down_interval_ms ?? 0) + ALLOWANCE_MS);
    while (router !== undefined && isUnderWay(router) && monotonicMs() - sinceMs < waitMs) {
      await sleep(LOOK_MS);
      router = await this.#router(name);
    }
    if (router === undefined) return { name, ok: false, detail: `${name} is gone` };
    return outcomeOf(router, Math.round(monotonicMs() - sinceMs));
  }

  async #router(name: string): Promise<RouterReport | undefined> {
    const { virtual_routers } = await this.#parts.engine.report();
    return virtual_routers.find((router) => router.name === name);
  }
}

/** It is about to take over: nothing stands in the way, and nobody is as good. */
function isUnderWay(router: RouterReport): boolean {
  const { state, override } = router;
  return state === "BACKUP" && override?.by === "prefer" && override.suspended === null &&
    rivalOf(router) === null;
}

/** The active router, if it is one that does not give way. */
function rivalOf({ peers, active_router, effective_priority }: RouterReport): string | null {
  const active = peers.find(({ address }) => address === active_router);
  if (active === undefined || active.priority < effective_priority) return null;
  return `${active.address} is active with priority ${active.priority}, and only a higher one takes over`;
}

/** In one sentence, once it has settled. */
function outcomeOf(router: RouterReport, tookMs: number): Release {
  const { name, state, override, base_priority, effective_priority: effective, reason } = router;
  if (override === null) return { name, ok: false, detail: `${name} is overridden no more` };
  const until = override.until === null ? "until it is taken back" : `until ${override.until}`;
  if (override.by === "priority") {
    const detail = `${name} has base priority ${override.priority} (configured: ${base_priority}), ` +
      `effective ${effective}, ${until}; it is ${state} now`;
    return { name, ok: true, detail };
  }
  const preferred = `${name} is preferred here ${until}`;
  if (state === "ACTIVE" && override.suspended === null) {
    return { name, ok: true, detail: `${preferred}: ACTIVE after ${tookMs} ms` };
  }
  const why = override.suspended ??
    (state === "BACKUP" ? rivalOf(router) ?? "nothing has come of it yet" : reason);
  return { name, ok: false, detail: `${preferred}, but does not count now: it is ${state}, ${why}` };
}

function stateOf(order: OverrideBegin): OverrideState {
  const { by, forMs, persist } = order;
  const nowMs = Date.now();
  return {
    by,
    priority: order.by === "priority" ? order.priority : PREFERRED_PRIORITY,
    sinceMs: nowMs,
    untilMs: forMs === null ? null : nowMs + forMs,
    endsAtMs: forMs === null ? null : monotonicMs() + forMs,
    persisted: persist,
  };
}

/** What a run before was told to keep; what is over by now is forgotten. */
function standing(orders: StandingOrders): OverrideStates {
  const nowMs = Date.now();
  const states: Record<string, OverrideState> = {};
  for (const [name, { override }] of Object.entries(orders.virtualRouters)) {
    if (override === undefined) continue;
    const { by, priority } = override;
    const untilMs = override.until === null ? null : Date.parse(override.until);
    if (untilMs !== null && untilMs <= nowMs) {
      attempt(() => orders.changeVirtualRouters([name], ({ override: _, ...rest }) => rest));
      continue;
    }
    const endsAtMs = untilMs === null ? null : monotonicMs() + untilMs - nowMs;
    states[name] = { by, priority, sinceMs: Date.parse(override.since), untilMs, endsAtMs, persisted: true };
  }
  return states;
}

function overrideOf({ by, priority, sinceMs, untilMs, persisted }: OverrideState): Override {
  const until = untilMs === null ? null : new Date(untilMs).toISOString();
  return { by, priority, since: new Date(sinceMs).toISOString(), until, persisted };
}

function keptOf(state: OverrideState): NonNullable<VirtualRouterOrders["override"]> {
  const { persisted: _, ...kept } = overrideOf(state);
  return kept;
}

/** As events and the log have it. */
function nameOf(state: OverrideState | null): string {
  if (state === null) return "configured";
  return state.by === "prefer" ? "preferred" : `priority ${state.priority}`;
}

function untilOf({ untilMs }: OverrideState): string {
  return untilMs === null ? "until it is taken back" : `until ${new Date(untilMs).toISOString()}`;
}

function nothingToTakeBack(name: string, by: Override["by"], state: OverrideState | undefined): string {
  if (state === undefined) {
    return by === "prefer" ? `${name} is not preferred here` : `${name} has its configured priority`;
  }
  return by === "prefer"
    ? `${name} is not preferred here, but has another priority: "vipd priority ${name} auto" takes that back`
    : `${name} has no other priority, but is preferred here: "vipd prefer ${name} --off" takes that back`;
}

function withNotes(release: Release, notes: readonly string[]): Release {
  return { ...release, detail: [release.detail, ...notes].join("; ") };
}
