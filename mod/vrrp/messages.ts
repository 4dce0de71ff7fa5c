/** What the main thread and the VRRP thread say to each other: plain values that survive structured clone. */
import type { VirtualRouterConfig } from "../config/schema.ts";
import type { GroupConfigs } from "./groups.ts";
import type { Override } from "./override.ts";
import type { Rival } from "./rivals.ts";
import type { Inheritance } from "./saved.ts";
import type {
  CheckState,
  ForeignRouter,
  Lateness,
  RouterState,
  SyncGroupStatus,
  VirtualRouterStatus,
} from "../snapshot.ts";

/** The state of one check, as the virtual routers that track it see it. */
export interface TrackerState {
  readonly check: string;
  readonly state: CheckState;
  readonly reason: string;
  /** The number that a check with `multiply` holds. */
  readonly factor?: number | undefined;
}

/** The first message: what the thread needs before it can run. */
export interface EngineStart {
  readonly type: "start";
  /** eventfd(2); its counter is the number of messages posted and not yet taken. */
  readonly mailFd: number;
  /** eventfd(2): the engine turns once more when it is written to. */
  readonly pulseFd: number;
  /** One Int32, counted up whenever the engine turns. */
  readonly heartbeat: SharedArrayBuffer;
  readonly realtime: boolean;
  /** No virtual router begins before; milliseconds from now. */
  readonly startupDelayMs: number;
}

export type Command =
  | {
    readonly type: "configure";
    readonly routers: Readonly<Record<string, VirtualRouterConfig>>;
    readonly groups: GroupConfigs;
  }
  | { readonly type: "trackers"; readonly trackers: readonly TrackerState[] }
  | { readonly type: "report"; readonly id: number }
  /** Another image of the program is about to take this one's place. */
  | { readonly type: "pause"; readonly id: number }
  /** It did not: on as before. */
  | { readonly type: "goOn" }
  /** This is the new one: before the first `configure`. */
  | { readonly type: "inherit"; readonly inheritance: Inheritance }
  /** A virtual router with its sync group shall leave ACTIVE and stay out, or (`back`) may come back. */
  | {
    readonly type: "handover";
    readonly id: number;
    readonly name: string;
    readonly back: boolean;
    /** Why it does not come back. */
    readonly reason: string;
  }
  /** All of them shall stay out for this reason, or (null) take part again. */
  | {
    readonly type: "maintain";
    readonly id: number;
    readonly maintenance: { readonly reason: string; readonly force: boolean } | null;
  }
  /** The operator's word about priorities, all of it, by virtual router. */
  | { readonly type: "override"; readonly overrides: Readonly<Record<string, Override>> }
  /** Why these virtual routers do not take over by themselves: a run before was told so. They are to come. */
  | { readonly type: "holdBack"; readonly reasons: Readonly<Record<string, string>> }
  | { readonly type: "stop"; readonly reason: string };

/** How the release of a virtual router ended; a sentence for the operator. */
export interface Released {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Its programs run in the main thread. */
export type RouterReport = Omit<VirtualRouterStatus, "hooks">;
export type GroupReport = Omit<SyncGroupStatus, "hooks">;

/** What the VRRP thread knows at a moment, in the words of the read model. */
export interface EngineReport {
  readonly lateness: Lateness;
  readonly virtual_routers: readonly RouterReport[];
  readonly sync_groups: readonly GroupReport[];
  readonly foreign_routers: readonly ForeignRouter[];
}

/** To the command of the same type and id. */
export type Answer =
  | { readonly type: "report"; readonly id: number; readonly report: EngineReport }
  /** What to hand on, or a sentence saying what has to end first. */
  | { readonly type: "pause"; readonly id: number; readonly result: Inheritance | string }
  /** Null: there is no such virtual router. */
  | { readonly type: "handover"; readonly id: number; readonly result: Released | null }
  | { readonly type: "maintain"; readonly id: number; readonly result: readonly Released[] };

export type EngineEvent =
  | { readonly type: "running"; readonly realtime: boolean; readonly warnings: readonly string[] }
  | {
    readonly type: "transition";
    readonly at: number;
    readonly name: string;
    readonly from: RouterState;
    readonly to: RouterState;
    readonly priority: number;
    readonly reason: string;
  }
  /** A sync group as a whole. */
  | {
    readonly type: "group";
    readonly at: number;
    readonly name: string;
    readonly from: RouterState;
    readonly to: RouterState;
    readonly reason: string;
  }
  | {
    readonly type: "notice";
    readonly level: "debug" | "info" | "warn" | "error";
    readonly name: string;
    readonly message: string;
  }
  /** It is ACTIVE and has heard another active router of lower priority; told now and then while it does. */
  | {
    readonly type: "rival";
    readonly name: string;
    readonly priority: number;
    readonly rival: Rival;
    /** Without another word of it for so long, the other one is active no more; milliseconds. */
    readonly silenceMs: number;
  }
  /** The checks have given it another priority. */
  | {
    readonly type: "priority";
    readonly name: string;
    readonly state: RouterState;
    readonly priority: number;
  }
  /** Another host has an address of it: its MAC address in `to`, or in `from` when that is over. */
  | {
    readonly type: "conflict";
    readonly at: number;
    readonly name: string;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
  }
  | Answer
  /** The virtual routers that went on where the image of the program before was. */
  | {
    readonly type: "inherited";
    readonly routers: readonly { readonly name: string; readonly state: RouterState }[];
    /** Without advertisements, at most; milliseconds. */
    readonly pauseMs: number;
  }
  | { readonly type: "stopped" }
  /** The kernel refused what the engine cannot do without. Nothing follows. */
  | { readonly type: "failed"; readonly message: string };
