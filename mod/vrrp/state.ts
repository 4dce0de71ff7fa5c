/** The values of the virtual router state machine: configuration, states, events, effects (RFC 9568 §6). */

/** Says that the active router leaves (RFC 9568 §5.2.4). */
export const RESIGNATION = 0;
/** Never changed by trackers: the router owns the addresses (RFC 9568 §6.1). */
export const OWNER_PRIORITY = 255;

/** The configured part of a virtual router, as far as decisions need it. */
export interface VirtualRouter {
  readonly version: 2 | 3;
  readonly vrid: number;
  /** Centiseconds, for both versions. */
  readonly advertisementInterval: number;
  /** The address that advertisements come from; decides between equal priorities. */
  readonly primaryAddress: Uint8Array;
  /** Advertisements go to each peer, not to the group. */
  readonly unicast: boolean;
  readonly preemptMode: boolean;
  /** It has been told to leave: it does not take over from who serves well, whatever `preemptMode` says. */
  readonly heldBack?: boolean;
  /** The operator wants it to be the active one: it need not wait for a worse one to fall silent. */
  readonly preferred?: boolean;
  /** It is in a sync group: it takes over and leaves when the group says so (`group.ts`). */
  readonly isGrouped?: boolean;
  /** Another member of its group decides: this one stays although a better router is active. */
  readonly standsFirm?: boolean;
  readonly preemptDelayMs: number;
  readonly handover: { readonly enabled: boolean; readonly timeoutMs: number };
  /** When announcements are repeated: once after `delayMs`, then every `refreshMs`; 0 = never. */
  readonly announce: { readonly delayMs: number; readonly refreshMs: number };
  /** How often the kernel lifetime of the addresses is renewed; 0 = they have none. */
  readonly renewMs: number;
  /**
   * Before the addresses are bound it is asked whether somebody else has them. `waitMs`: so long an answer is
   * waited for, and who answers is given way to; 0: nobody waits. Absent: nobody is asked.
   */
  readonly probe?: { readonly waitMs: number };
}

/** `priority` is the effective one: the configured one and what the trackers add. */
export type State = Initialize | Fault | Backup | Active;

export interface Initialize {
  readonly name: "initialize";
  readonly priority: number;
  readonly waiting: readonly string[];
  /** Start-up delay: nothing begins before. */
  readonly readyAtMs: number;
  /**
   * The addresses of the run before are still here, under their lease: until this moment the router may go on
   * as active where that one ended, unless somebody else has taken over. 0: they are not.
   */
  readonly resumeUntilMs: number;
}

export interface Fault {
  readonly name: "fault";
  readonly priority: number;
  readonly faults: readonly string[];
}

export interface Backup {
  readonly name: "backup";
  readonly priority: number;
  /** Centiseconds; in version 3 adopted from the active router. */
  readonly activeAdverInterval: number;
  readonly activeDownAtMs: number;
  /** When a lower active router is preempted at last; Infinity when no preempt delay runs. */
  readonly preemptAtMs: number;
  /** The active router as last heard, whether its advertisement re-armed the timer or not. */
  readonly heard: { readonly source: Uint8Array; readonly priority: number } | null;
  /** Set when `activeDownAtMs` is the short wait after the active router fell below this one, and why. */
  readonly takeover: string | null;
  /** Set when it would be active by now, but waits for its group, and why. */
  readonly ready: string | null;
  /** Set while the router that this one yielded to may not know that there was somebody to heal after. */
  readonly reminder: Reminder | null;
  /**
   * Present while it would be active, but for somebody who may have the addresses: it is until then that an
   * answer is waited for; `reason` is why it takes over.
   */
  readonly probe?: { readonly untilMs: number; readonly reason: string };
}

/** What the loser of a conflict tells the winner, again and again until it is acknowledged. */
export interface Reminder {
  /** The active router as last heard. */
  readonly winner: Uint8Array;
  readonly heardAtMs: number;
  /** It yielded after a pause, to whoever had taken over, be that one worse. */
  readonly isAfterSilence: boolean;
  readonly atMs: number;
  /** So many are left of those that come often, and of the later ones that do not. */
  readonly prompt: number;
  readonly later: number;
}

export interface Active {
  readonly name: "active";
  readonly priority: number;
  readonly sentAtMs: number;
  /** Infinity during a handover: who has resigned advertises no more. */
  readonly adverAtMs: number;
  readonly announcedAtMs: number;
  /** Ascending; the announcements still owed after a promotion or a conflict. */
  readonly announceAtMs: readonly number[];
  readonly conflict: Conflict | null;
  /** The router whose resignation made this one active: what it says until then is that it has let go. */
  readonly predecessor: { readonly source: Uint8Array; readonly untilMs: number } | null;
  readonly refreshAtMs: number;
  readonly renewAtMs: number;
  readonly handover: Handover | null;
}

/** Another router believes that it is active. */
export interface Conflict {
  readonly lastAtMs: number;
  /** Until then the losers' reminders have used up their allowance of prompt announcements. */
  readonly allowanceUsedUntilMs: number;
  /**
   * Announcements made since it began: after the first few they get rarer, so that a flood is not amplified.
   */
  readonly announcements: number;
}

/**
 * It has resigned and serves on. Where it goes once another one has taken over, or at `untilMs`; a release
 * goes only when another one has taken over, and one whose group leaves goes to backup in any case.
 */
export interface Handover {
  /** Only what a condition began can a condition call off. */
  readonly cause: "conditions" | "shutdown" | "release" | "group";
  readonly untilMs: number;
  /** Ascending; when the resignation is said again, because the first one may have been lost. */
  readonly repeatAtMs: readonly number[];
  readonly reason: string;
  readonly next: Stop | { readonly name: "backup" };
}

/** A state without service, and why. */
export interface Stop {
  readonly name: "initialize" | "fault";
  readonly reasons: readonly string[];
}

export interface ReceivedAdvertisement {
  readonly source: Uint8Array;
  readonly priority: number;
  /** Centiseconds. */
  readonly maxAdvertiseInterval: number;
}

export type Event =
  /**
   * What stands in the way: `waiting` = not yet possible, `faults` = broken. `reachable`: the link still
   * carries advertisements.
   */
  | {
    readonly type: "conditions";
    readonly waiting: readonly string[];
    readonly faults: readonly string[];
    readonly reachable: boolean;
  }
  | { readonly type: "priority"; readonly priority: number }
  /**
   * `router` is another one than before, of the same identity on the wire: every deadline that it decides is
   * set anew.
   */
  | { readonly type: "reconfigured" }
  | { readonly type: "advertisement"; readonly advertisement: ReceivedAdvertisement }
  /** `source` was active and has yielded to this router; it says so until it is acknowledged. */
  | { readonly type: "reminder" | "acknowledgement"; readonly source: Uint8Array }
  /** Somebody serves in the place of this router, where this router does not hear it. */
  | { readonly type: "succeeded"; readonly priority: number }
  | { readonly type: "deadline" }
  /** Hand over if somebody takes over in this time, and otherwise stay. */
  | {
    readonly type: "release";
    readonly reason: string;
    readonly next: Handover["next"];
    readonly timeoutMs: number;
  }
  | { readonly type: "shutdown"; readonly reason: string }
  /** The word of its sync group to a member that is ready, or that serves. */
  | { readonly type: "follow"; readonly to: "active" | "backup"; readonly reason: string };

export type Effect =
  | { readonly type: "sendAdvertisement"; readonly priority: number }
  /** For this router alone. */
  | { readonly type: "remind" | "acknowledge"; readonly destination: Uint8Array }
  | { readonly type: "addAddresses" }
  | { readonly type: "renewAddresses" }
  | { readonly type: "removeAddresses" }
  | { readonly type: "announceAddresses" }
  /** Asks whether anybody else has the addresses. */
  | { readonly type: "probeAddresses" }
  | {
    readonly type: "transition";
    readonly from: State["name"];
    readonly to: State["name"];
    readonly reason: string;
  };

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** A router that has just been configured: nothing is known yet, nothing begins before `readyAtMs`. */
export function initialState(priority: number, readyAtMs: number, resumeUntilMs = 0): Initialize {
  return { name: "initialize", priority, waiting: ["starting"], readyAtMs, resumeUntilMs };
}

/**
 * The next moment at which `step` wants a `deadline` event; Infinity when only events can change anything.
 */
export function deadlineMs(state: State): number {
  switch (state.name) {
    case "initialize":
      return Math.min(
        state.waiting.length === 0 ? state.readyAtMs : Infinity,
        state.resumeUntilMs > 0 ? state.resumeUntilMs : Infinity,
      );
    case "fault":
      return Infinity;
    case "backup": {
      const takesOverAtMs = state.probe?.untilMs ?? Math.min(state.activeDownAtMs, state.preemptAtMs);
      return Math.min(state.ready === null ? takesOverAtMs : Infinity, state.reminder?.atMs ?? Infinity);
    }
    case "active": {
      const { adverAtMs, announceAtMs, refreshAtMs, renewAtMs, handover } = state;
      // Who has resigned announces nothing: clients would come back to it.
      return handover === null
        ? Math.min(adverAtMs, announceAtMs[0] ?? Infinity, refreshAtMs, renewAtMs)
        : Math.min(renewAtMs, handover.repeatAtMs[0] ?? Infinity, handover.untilMs);
    }
  }
}
