/**
 * Who becomes the active router: the real state machines of some virtual routers on one link, in virtual
 * time. They settle, then something changes for them, then they settle anew. PURE.
 */
import { compareAddresses } from "../wire/address.ts";
import { step } from "../vrrp/router.ts";
import {
  deadlineMs,
  type Effect,
  type Event,
  initialState,
  type State,
  type VirtualRouter,
} from "../vrrp/state.ts";
import { activeDownIntervalMs } from "../vrrp/timers.ts";

/** What decides about one router. */
export interface Contender {
  readonly name: string;
  readonly router: VirtualRouter;
  /** The effective one. */
  readonly priority: number;
  /** Why it cannot serve. */
  readonly faults: readonly string[];
}

export interface Change {
  /** Since what changed; milliseconds. */
  readonly atMs: number;
  readonly name: string;
  readonly from: State["name"];
  readonly to: State["name"];
  readonly reason: string;
}

export interface Outcome {
  /** Who was active before, and who is in the end; null: nobody. */
  readonly before: string | null;
  readonly after: string | null;
  /** When the one that is active in the end became so; 0 when it was before. */
  readonly afterMs: number;
  /** For so long nobody had the addresses, of the time until then. */
  readonly unservedMs: number;
  readonly changes: readonly Change[];
}

/** From one router to the other; what a switch takes. */
const TRAVEL_MS = 0.1;
/** A longer delay before a preemption would only be more of the same: what is cut is added to the result. */
const LONGEST_DELAY_MS = 10_000;
const SETTLE_MS = 2_000;
/** No contest of a few routers takes so many steps; what would go on for ever ends there. */
const STEPS_MAX = 100_000;

interface Running {
  readonly name: string;
  contender: Contender;
  state: State;
  holds: boolean;
}

interface Mail {
  readonly atMs: number;
  readonly to: Running;
  readonly event: Event;
}

/**
 * `first` is the one that is known to be active, which the others find so; null: all begin together. `after`
 * is what they are from then on, in the same order.
 */
export function contest(
  before: readonly Contender[],
  first: string | null,
  after: readonly Contender[],
): Outcome {
  const link = new Link(before.map(shortened));
  const patienceMs = Math.max(0, ...before.map(settlingMs)) + Math.max(0, ...after.map(settlingMs));
  if (first !== null) {
    link.start((name) => name === first);
    link.run(patienceMs);
  }
  link.start((name) => name !== first);
  link.run(patienceMs);
  const had = link.active();
  const sinceMs = link.begin();
  link.change(after.map(shortened));
  link.run(patienceMs);
  const has = link.active();
  const cutMs = cutOf(after.find(({ name }) => name === has), link.changes, has);
  const became = link.changes.findLast(({ name, to }) => name === has && to === "active");
  return {
    before: had,
    after: has,
    afterMs: became === undefined ? 0 : became.atMs - sinceMs + cutMs,
    unservedMs: link.unservedMs(),
    changes: link.changes.map((change) => ({ ...change, atMs: change.atMs - sinceMs })),
  };
}

/** Until these have settled whatever happened. */
function settlingMs({ router }: Contender): number {
  const { version, advertisementInterval, handover, preemptDelayMs } = router;
  const silenceMs = activeDownIntervalMs(version, 1, advertisementInterval);
  const delayMs = Math.min(preemptDelayMs, LONGEST_DELAY_MS);
  return 3 * silenceMs + handover.timeoutMs + delayMs + SETTLE_MS;
}

function shortened(contender: Contender): Contender {
  const { router } = contender;
  const preemptDelayMs = Math.min(router.preemptDelayMs, LONGEST_DELAY_MS);
  return { ...contender, router: { ...router, preemptDelayMs } };
}

/** What of its preempt delay has not been waited for. */
function cutOf(contender: Contender | undefined, changes: readonly Change[], name: string | null): number {
  if (contender === undefined) return 0;
  const became = changes.findLast((change) => change.name === name && change.to === "active");
  const isDelayed = became?.reason.startsWith("preempt delay is over") === true;
  return isDelayed ? Math.max(0, contender.router.preemptDelayMs - LONGEST_DELAY_MS) : 0;
}

class Link {
  readonly #all: readonly Running[];
  readonly #started = new Set<Running>();
  readonly #mail: Mail[] = [];
  changes: Change[] = [];
  #nowMs = 0;
  /** Since when nobody has the addresses, and for how long nobody had them before. */
  #unservedSinceMs: number | null = null;
  #unservedMs = 0;

  constructor(contenders: readonly Contender[]) {
    this.#all = contenders.map((contender) => ({
      name: contender.name,
      contender,
      state: initialState(contender.priority, 0),
      holds: false,
    }));
  }

  /** These take part from now on. */
  start(who: (name: string) => boolean): void {
    for (const one of this.#all.filter(({ name }) => who(name))) {
      this.#started.add(one);
      this.#dispatch(one, conditionsOf(one.contender));
    }
  }

  /** What happens from now on is what is asked for; returns the moment. */
  begin(): number {
    this.changes = [];
    this.#unservedMs = 0;
    this.#unservedSinceMs = this.#isServed() ? null : this.#nowMs;
    return this.#nowMs;
  }

  /** As the engine tells its routers of what their checks have found. */
  change(contenders: readonly Contender[]): void {
    for (const [i, contender] of contenders.entries()) {
      const one = this.#all[i]!;
      one.contender = contender;
      if (one.state.priority !== contender.priority) {
        this.#dispatch(one, { type: "priority", priority: contender.priority });
      }
      this.#dispatch(one, conditionsOf(contender));
    }
  }

  run(forMs: number): void {
    const endMs = this.#nowMs + forMs;
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const due = this.#due();
      if (due === null || due.atMs > endMs) break;
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      this.#dispatch(due.to, due.event);
    }
    this.#nowMs = endMs;
  }

  active(): string | null {
    return this.#all.find(({ state }) => state.name === "active")?.name ?? null;
  }

  unservedMs(): number {
    return this.#unservedMs + (this.#unservedSinceMs === null ? 0 : this.#nowMs - this.#unservedSinceMs);
  }

  #due(): Mail | null {
    const deadlines = [...this.#started].map((to): Mail => ({
      atMs: deadlineMs(to.state),
      to,
      event: { type: "deadline" },
    }));
    const next = deadlines.reduce<Mail | null>(earlier, null);
    const letter = this.#mail.reduce<Mail | null>(earlier, null);
    // What was heard in time counts before what is due.
    if (letter === null || (next !== null && next.atMs < letter.atMs)) {
      return next === null || next.atMs === Infinity ? null : next;
    }
    this.#mail.splice(this.#mail.indexOf(letter), 1);
    return letter;
  }

  #dispatch(one: Running, event: Event): void {
    const { state, effects } = step(one.contender.router, one.state, event, this.#nowMs);
    one.state = state;
    for (const effect of effects) this.#carryOut(one, effect);
  }

  #carryOut(one: Running, effect: Effect): void {
    switch (effect.type) {
      case "sendAdvertisement":
        return this.#advertise(one, effect.priority);
      case "remind":
      case "acknowledge": {
        const type = effect.type === "remind" ? "reminder" : "acknowledgement";
        const { primaryAddress: source } = one.contender.router;
        return this.#send(one, { type, source }, effect.destination);
      }
      case "addAddresses":
      case "removeAddresses":
        one.holds = effect.type === "addAddresses";
        return this.#noteService();
      case "transition":
        this.changes.push({
          atMs: this.#nowMs,
          name: one.name,
          from: effect.from,
          to: effect.to,
          reason: effect.reason,
        });
        return;
      case "renewAddresses":
      case "announceAddresses":
        return;
    }
  }

  #advertise(one: Running, priority: number): void {
    const { primaryAddress: source, advertisementInterval } = one.contender.router;
    const advertisement = { source, priority, maxAdvertiseInterval: advertisementInterval };
    this.#send(one, { type: "advertisement", advertisement });
  }

  #send(from: Running, event: Event, destination?: Uint8Array): void {
    for (const to of this.#started) {
      const isFor = destination === undefined ||
        compareAddresses(to.contender.router.primaryAddress, destination) === 0;
      if (to !== from && isFor) this.#mail.push({ atMs: this.#nowMs + TRAVEL_MS, to, event });
    }
  }

  #isServed(): boolean {
    return this.#all.some(({ holds }) => holds);
  }

  #noteService(): void {
    const isServed = this.#isServed();
    if (isServed && this.#unservedSinceMs !== null) {
      this.#unservedMs += this.#nowMs - this.#unservedSinceMs;
      this.#unservedSinceMs = null;
    } else if (!isServed) this.#unservedSinceMs ??= this.#nowMs;
  }
}

function conditionsOf({ faults }: Contender): Event {
  return { type: "conditions", waiting: [], faults, reachable: true };
}

function earlier(a: Mail | null, b: Mail): Mail {
  return a === null || b.atMs < a.atMs ? b : a;
}
