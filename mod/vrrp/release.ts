/**
 * Leaving on the operator's word: a virtual router hands over if somebody takes over, and otherwise serves
 * on; the operator is told which. One at a time (`handover`) or the whole node (`maintenance`).
 */
import type { Dispatcher, DispatcherParts } from "./dispatcher.ts";
import type { Instance } from "./instance.ts";
import { fingerprint } from "../fingerprint.ts";
import type { Command, EngineEvent, Released } from "./messages.ts";
import type { Override } from "./override.ts";
import { type Handover, OWNER_PRIORITY } from "./state.ts";
import { skewTimeMs } from "./timers.ts";

/** An RFC peer waits its skew at most; so much longer for its start and the way. */
const ALLOWANCE_MS = 500;

export interface ReleaseParts extends DispatcherParts {
  readonly dispatcher: Dispatcher;
  now(): number;
  post(event: EngineEvent): void;
}

/** One question: who has not decided yet, what is known of the others, and what to do with all of it. */
interface Asked {
  readonly waiting: Set<Instance>;
  readonly released: Released[];
  readonly atMs: number;
  answer(released: readonly Released[]): void;
}

export class Release {
  readonly #parts: ReleaseParts;
  readonly #asked = new Set<Asked>();

  constructor(parts: ReleaseParts) {
    this.#parts = parts;
  }

  handOver({ id, name, back, reason }: Command & { type: "handover" }, nowMs: number): void {
    const { roster, post } = this.#parts;
    const instances = roster.named(name);
    const say = (result: Released | null): void => post({ type: "handover", id, result });
    if (instances.length === 0) return say(null);
    if (back) return say(together(name, instances.map((instance) => this.#giveBack(instance, nowMs))));
    const refused = instances.map(refusal).find((result) => result !== null);
    if (refused !== undefined) return say({ ...refused, name });
    for (const instance of instances) instance.heldBack = reason;
    const asked = this.#ask(instances, nowMs, (released) => {
      const result = together(name, released);
      // Where one of a group stays, all stay.
      if (!result.ok) { for (const instance of instances) instance.heldBack = null; }
      say(result);
    });
    const timeoutMs = Math.max(...instances.map(patienceMs));
    for (const instance of instances) {
      this.#dispatch(instance, { name: "backup" }, "handed over on demand", nowMs, timeoutMs);
    }
    this.#answerIfDone(asked);
  }

  maintain({ id, maintenance }: Command & { type: "maintain" }, nowMs: number): void {
    const { roster, dispatcher, post } = this.#parts;
    const instances = [...roster.instances.values()];
    roster.maintenance = maintenance;
    const serving = maintenance === null ? [] : instances.filter(({ isActive }) => isActive);
    const asked = this.#ask(serving, nowMs, (result) => post({ type: "maintain", id, result }));
    for (const instance of instances) {
      dispatcher.evaluate(instance, nowMs);
      if (maintenance === null || maintenance.force) continue;
      const { reason } = maintenance;
      const timeoutMs = Math.max(...(instance.group?.members ?? [instance]).map(patienceMs));
      this.#dispatch(instance, { name: "initialize", reasons: [reason] }, reason, nowMs, timeoutMs);
    }
    this.#answerIfDone(asked);
  }

  /** What is preferred is held back no longer. */
  override(overrides: Readonly<Record<string, Override>>, nowMs: number): void {
    const { roster, dispatcher } = this.#parts;
    roster.overrides = new Map(Object.entries(overrides));
    for (const instance of roster.instances.values()) {
      const override = roster.overrides.get(instance.name) ?? null;
      if (fingerprint(override) === fingerprint(instance.override)) continue;
      instance.override = override;
      if (override?.by === "prefer") instance.heldBack = null;
      dispatcher.weigh(instance, nowMs);
    }
  }

  /** To be called after everything that may have ended a handover. */
  answerDone(): void {
    for (const asked of this.#asked) this.#answerIfDone(asked);
  }

  #dispatch(
    instance: Instance,
    next: Handover["next"],
    reason: string,
    nowMs: number,
    timeoutMs: number,
  ): void {
    this.#parts.dispatcher.dispatch(instance, { type: "release", reason, next, timeoutMs }, nowMs);
  }

  #giveBack(instance: Instance, nowMs: number): Released {
    const { name, config, heldBack } = instance;
    if (heldBack === null) return { name, ok: false, detail: `${name} is not held back` };
    instance.heldBack = null;
    this.#parts.dispatcher.evaluate(instance, nowMs);
    const detail = config.preempt
      ? `${name} takes over again when its priority is the highest`
      : `${name} is held back no longer, but preempt = false: it waits until the active router leaves`;
    return { name, ok: true, detail };
  }

  #ask(serving: readonly Instance[], atMs: number, answer: Asked["answer"]): Asked {
    const asked = { waiting: new Set(serving), released: [], atMs, answer };
    this.#asked.add(asked);
    return asked;
  }

  #answerIfDone(asked: Asked): void {
    const { waiting, released, atMs, answer } = asked;
    for (const instance of waiting) {
      const { name, state } = instance;
      if (state.name === "active" && state.handover !== null) continue;
      waiting.delete(instance);
      const tookMs = Math.round(this.#parts.now() - atMs);
      released.push(
        state.name === "active"
          ? { name, ok: false, detail: `${name} stays ACTIVE: nobody took over within ${tookMs} ms` }
          : { name, ok: true, detail: `${name} was handed over in ${tookMs} ms: ${instance.reason}` },
      );
    }
    if (waiting.size > 0) return;
    this.#asked.delete(asked);
    answer(released);
  }
}

/** So long somebody may take to take over. */
function patienceMs({ router: { version, advertisementInterval, handover } }: Instance): number {
  return Math.max(handover.timeoutMs, skewTimeMs(version, 1, advertisementInterval) + ALLOWANCE_MS);
}

/** What became of all that are called so. */
function together(name: string, released: readonly Released[]): Released {
  const ok = released.every((one) => one.ok);
  const told = ok ? released : released.filter((one) => !one.ok);
  return { name, ok, detail: told.map(({ detail }) => detail).join("; ") };
}

/** Why a virtual router cannot be handed over; null when it can. */
function refusal({ name, config, state }: Instance): Released | null {
  const no = (detail: string): Released => ({ name, ok: false, detail });
  if (state.name !== "active") return no(`${name} is not ACTIVE here, there is nothing to hand over`);
  if (state.handover !== null) return no(`${name} is handing over already: ${state.handover.reason}`);
  if (config.priority === OWNER_PRIORITY) {
    return no(`${name} owns its addresses (priority 255): it is the active router whenever it is there`);
  }
  return null;
}
