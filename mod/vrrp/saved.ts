/**
 * What one image of the program tells the next about a virtual router, as plain JSON values. The monotonic
 * clock goes on over execve(2), so moments keep their meaning. PURE.
 */
import type { VirtualRouterConfig } from "../config/schema.ts";
import type { ChangedParameter } from "../kernel/sysctl.ts";
import { formatAddress, parseAddress } from "../wire/address.ts";
import type { SavedGroup } from "./groups.ts";
import type { Instance } from "./instance.ts";
import { type Conflict, OWNER_PRIORITY, type State, type VirtualRouter } from "./state.ts";
import { activeDownIntervalMs } from "./timers.ts";

/**
 * An active router that pauses announces at least this interval: version 3 adopts it (RFC 9568 §6.4.2), so
 * that the peers wait for three of them before they take over: long enough for a start on a host that is very
 * busy. It costs little, as the kernel keeps the addresses and the host serves on. Centiseconds. Version 2
 * cannot, and does not need to: its intervals are whole seconds.
 */
const PAUSE_INTERVAL = 500;
/** The lease of the addresses in that time: until the peers' patience is over, and a little longer. */
const PAUSE_LEASE_MS = 17_000;
/** A backup that goes on waits at least so long: its active router may be pausing as well. */
const FIRST_PATIENCE_MS = 1_000;

/** Moments are `monotonicMs()`, null = never. */
export type SavedState =
  | { readonly name: "initialize"; readonly waiting: readonly string[]; readonly readyAtMs: number }
  | { readonly name: "fault"; readonly faults: readonly string[] }
  | {
    readonly name: "backup";
    readonly activeAdverInterval: number;
    readonly activeDownAtMs: number;
    readonly preemptAtMs: number | null;
    readonly heard: { readonly source: string; readonly priority: number } | null;
  }
  | {
    readonly name: "active";
    readonly sentAtMs: number;
    readonly announcedAtMs: number;
    readonly announceAtMs: readonly number[];
    readonly conflict: Conflict | null;
  };

export interface SavedRouter {
  readonly name: string;
  /** The one that it ran with; the file may hold another by now. */
  readonly config: VirtualRouterConfig;
  readonly state: SavedState;
  /** When the state began, Unix milliseconds, and why. */
  readonly since: number;
  readonly reason: string;
  /** The addresses that it has added, `192.0.2.100/24 eth0`. */
  readonly held: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
  readonly heldBack: string | null;
}

/** Everything that an engine leaves to the next. */
export interface Inheritance {
  /** When the last one of them was sure to advertise, `monotonicMs()`. */
  readonly pausedAtMs: number;
  /** To be put back when nobody needs them any more. */
  readonly parameters: readonly ChangedParameter[];
  readonly routers: readonly SavedRouter[];
  readonly groups: readonly SavedGroup[];
}

/** The interval that is announced during a pause, centiseconds. */
export function pauseInterval(
  { version, advertisementInterval }: Pick<VirtualRouter, "version" | "advertisementInterval">,
): number {
  return version === 3 ? Math.max(advertisementInterval, PAUSE_INTERVAL) : advertisementInterval;
}

/** The lease during a pause, milliseconds; 0 = for ever. */
export function pauseLeaseMs(leaseMs: number): number {
  return leaseMs === 0 ? 0 : Math.max(leaseMs, PAUSE_LEASE_MS);
}

/** What must end before a pause may begin; null when nothing is under way. */
export function unsettled({ name, state, leaving }: Instance): string | null {
  if (leaving || (state.name === "active" && state.handover !== null)) return `${name} is handing over`;
  // Who is ready and waits for its sync group may do so for long.
  const takesOver = state.name === "backup" && state.ready === null &&
    (state.takeover !== null || state.probe !== undefined);
  return takesOver ? `${name} is taking over` : null;
}

export function saveRouter(instance: Instance): SavedRouter {
  const { name, config, since, reason, addresses, counters, heldBack, state } = instance;
  const held = addresses.filter((managed) => managed.held).map(placeOf);
  return { name, config, state: saveState(state), since, reason, held, counters, heldBack };
}

/** `192.0.2.100/24 eth0` */
export function placeOf(
  { address, prefix, interface: name }: Pick<
    Instance["addresses"][number],
    "address" | "prefix" | "interface"
  >,
): string {
  return `${formatAddress(address)}/${prefix} ${name}`;
}

function saveState(state: State): SavedState {
  switch (state.name) {
    case "initialize":
      return { name: state.name, waiting: state.waiting, readyAtMs: state.readyAtMs };
    case "fault":
      return { name: state.name, faults: state.faults };
    case "backup": {
      const { name, activeAdverInterval, activeDownAtMs, heard } = state;
      const preemptAtMs = state.preemptAtMs === Infinity ? null : state.preemptAtMs;
      const active = heard && { source: formatAddress(heard.source), priority: heard.priority };
      return { name, activeAdverInterval, activeDownAtMs, preemptAtMs, heard: active };
    }
    case "active": {
      const { name, sentAtMs, announcedAtMs, announceAtMs, conflict } = state;
      return { name, sentAtMs, announcedAtMs, announceAtMs, conflict };
    }
  }
}

/**
 * The state in which the router goes on; null when it was active and the peers have had to take it for dead
 * meanwhile.
 */
export function restoreState(
  router: VirtualRouter,
  priority: number,
  saved: SavedState,
  pausedAtMs: number,
  nowMs: number,
): State | null {
  switch (saved.name) {
    case "initialize":
      return { ...saved, priority, resumeUntilMs: 0 };
    case "fault":
      return { ...saved, priority };
    case "backup": {
      const { name, activeAdverInterval, heard } = saved;
      const patienceMs = activeDownIntervalMs(router.version, priority, activeAdverInterval);
      const activeDownAtMs = Math.max(
        saved.activeDownAtMs,
        nowMs + Math.max(patienceMs, FIRST_PATIENCE_MS),
      );
      const source = heard && parseAddress(heard.source);
      return {
        name,
        priority,
        activeAdverInterval,
        activeDownAtMs,
        preemptAtMs: Math.max(saved.preemptAtMs ?? Infinity, nowMs),
        heard: heard && source && { source, priority: heard.priority },
        takeover: null,
        ready: null,
        reminder: null,
      };
    }
    case "active": {
      const patienceMs = activeDownIntervalMs(router.version, OWNER_PRIORITY, pauseInterval(router));
      if (nowMs >= pausedAtMs + patienceMs) return null;
      // Whatever is not owed from before, `reconfigured` sets anew.
      return {
        ...saved,
        priority,
        // What came due in the pause is not late.
        announceAtMs: saved.announceAtMs.map((atMs) => Math.max(atMs, nowMs)),
        adverAtMs: nowMs,
        refreshAtMs: Infinity,
        renewAtMs: router.renewMs > 0 ? nowMs : Infinity,
        predecessor: null,
        handover: null,
      };
    }
  }
}
