/**
 * What the daemon hears from the VRRP thread and from the checks: logged, passed on to whom it concerns, and
 * published as transitions.
 */
import type { CheckChange, Measure } from "../health/monitor.ts";
import { logger } from "../log.ts";
import type { RouterState, Transition } from "../snapshot.ts";
import type { EngineEvent, TrackerState } from "../vrrp/messages.ts";
import type { Config } from "../config/schema.ts";

const vrrpLog = logger("vrrp");
const checkLog = logger("check");

/** Whom it concerns. */
export interface Listeners {
  config(): Config;
  track(trackers: readonly TrackerState[]): void;
  hearRouter(name: string, state: RouterState): void;
  /** What programs may want to act upon although no state has changed. */
  news(event: EngineEvent & { type: "rival" | "priority" }): void;
  /** This program goes on where the one before it was. */
  tookOver(event: EngineEvent & { type: "inherited" }): void;
  /** The snapshot is out of date. */
  invalidate(): void;
  /** A virtual router has another state. */
  moved(): void;
}

/** As the VRRP thread is told of it. */
export function trackerOf({ name, state, reason, factor }: Measure): TrackerState {
  return { check: name, state, reason, factor };
}

export class Hearing {
  readonly #listeners: Listeners;
  readonly #subscribers = new Set<(transition: Transition) => void>();
  readonly #states = new Map<string, RouterState>();
  readonly #running = Promise.withResolvers<void>();
  #realtime = false;

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
  }

  /** Resolves when the VRRP thread takes part. */
  get running(): Promise<void> {
    return this.#running.promise;
  }

  get realtime(): boolean {
    return this.#realtime;
  }

  engine(event: EngineEvent): void {
    switch (event.type) {
      case "inherited":
        return this.#hearInherited(event);
      case "running":
        this.#realtime = event.realtime;
        for (const warning of event.warnings) vrrpLog.warn("realtime {warning}", { warning });
        return this.#running.resolve();
      case "transition":
        return this.#hearTransition(event);
      case "group": {
        const { at, name, from, to, reason } = event;
        vrrpLog.info("sync_group {name} {from} -> {to}", { name, from, to, reason });
        return this.publish({ at: new Date(at).toISOString(), kind: "sync_group", name, from, to, reason });
      }
      case "conflict": {
        const { at, name, from, to, reason } = event;
        const level = to === "none" ? "info" : "warn";
        vrrpLog[level]("conflict {name} {from} -> {to}", { name, from, to, reason });
        return this.publish({ at: new Date(at).toISOString(), kind: "conflict", name, from, to, reason });
      }
      case "notice": {
        const { level, name, message } = event;
        const text = name === "" ? "notice {message}" : "notice {name}: {message}";
        return vrrpLog[level](text, { name, message });
      }
      case "rival":
      case "priority":
        return this.#listeners.news(event);
      case "report":
      case "pause":
      case "handover":
      case "maintain":
      case "stopped":
      case "failed":
        return;
    }
  }

  check({ name, from, to, reason, at, factor }: CheckChange): void {
    if (this.#isTracked(name)) this.#listeners.track([{ check: name, state: to, reason, factor }]);
    checkLog.info("change {name} {from} -> {to}", { name, from, to, reason });
    this.publish({ at, kind: "check", name, from, to, reason });
  }

  /** A check holds another number: its weights count anew. */
  measure(measure: Measure): void {
    const { name, reason } = measure;
    if (this.#isTracked(name)) this.#listeners.track([trackerOf(measure)]);
    checkLog.info("measure {name}: {reason}", { name, reason });
    this.#listeners.invalidate();
  }

  note(name: string, message: string): void {
    checkLog.info("note {name}: {message}", { name, message });
  }

  /** A transition of now. */
  tell(kind: Transition["kind"], name: string, from: string, to: string, reason: string): void {
    this.publish({ at: new Date().toISOString(), kind, name, from, to, reason });
  }

  publish(transition: Transition): void {
    this.#listeners.invalidate();
    for (const subscriber of this.#subscribers) subscriber(transition);
  }

  /** Returns what ends it. */
  subscribe(subscriber: (transition: Transition) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  /** Of the virtual routers that a reload has taken out nothing is told any more. */
  forgetOthers({ virtual_router }: Config): void {
    for (const name of this.#states.keys()) {
      if (!Object.hasOwn(virtual_router, name)) this.#states.delete(name);
    }
  }

  statusLine(): string {
    return [...this.#states].map(([name, state]) => `${name} ${state}`).join(", ");
  }

  #hearInherited(event: EngineEvent & { type: "inherited" }): void {
    for (const { name, state } of event.routers) {
      this.#states.set(name, state);
      this.#listeners.hearRouter(name, state);
    }
    this.#listeners.tookOver(event);
  }

  #hearTransition({ at, name, from, to, reason, priority }: EngineEvent & { type: "transition" }): void {
    // What a reload has taken out goes on for a moment, and is no part of the status any more.
    if (Object.hasOwn(this.#listeners.config().virtual_router, name)) this.#states.set(name, to);
    this.#listeners.hearRouter(name, to);
    vrrpLog.info("transition {name} {from} -> {to}", { name, from, to, reason, priority });
    this.publish({
      at: new Date(at).toISOString(),
      kind: "virtual_router",
      name,
      from,
      to,
      reason,
      priority,
    });
    this.#listeners.moved();
  }

  /** What no virtual router tracks must not wake the VRRP thread; a reload tells it the state of all. */
  #isTracked(name: string): boolean {
    const routers = Object.values(this.#listeners.config().virtual_router);
    return routers.some(({ track }) => track.some(({ check }) => check === name));
  }
}
