/**
 * Whether what an active router heard is another active router of lower priority, for those who want to do
 * something about it: programs that move an address elsewhere take it back. PURE.
 */
import { compareAddresses, formatAddress } from "../wire/address.ts";
import { isReminder } from "./reminding.ts";
import { type Event, RESIGNATION, type State, type VirtualRouter } from "./state.ts";
import { activeDownIntervalMs } from "./timers.ts";

/** Another router believes, or (`hasYielded`) has just ceased to believe, that it is the active one. */
export interface Rival {
  readonly source: string;
  /** Null: it says only that it has yielded. */
  readonly priority: number | null;
  readonly hasYielded: boolean;
}

/** Whom this router took over from, knowing of it: what that one still says is no split brain. */
export interface Forerunner {
  readonly source: Uint8Array;
  readonly untilMs: number;
}

/** To be remembered when a backup becomes active. */
export function forerunnerOf(
  { version, advertisementInterval }: VirtualRouter,
  before: State,
  nowMs: number,
): Forerunner | null {
  if (before.name !== "backup" || before.heard === null) return null;
  const untilMs = nowMs + activeDownIntervalMs(version, before.priority, advertisementInterval);
  return { source: before.heard.source, untilMs };
}

/** Null: what happened tells of no rival. */
export function rivalOf(
  router: VirtualRouter,
  forerunner: Forerunner | null,
  { before, event, after, nowMs }: {
    readonly before: State;
    readonly event: Event;
    readonly after: State;
    readonly nowMs: number;
  },
): Rival | null {
  if (before.name !== "active" || after.name !== "active") return null;
  if (before.handover !== null || after.conflict === before.conflict) return null;
  const isOld = (source: Uint8Array): boolean =>
    forerunner !== null && nowMs < forerunner.untilMs && compareAddresses(source, forerunner.source) === 0;
  if (event.type === "reminder") {
    const { source } = event;
    return isOld(source) ? null : { source: formatAddress(source), priority: null, hasYielded: true };
  }
  if (event.type !== "advertisement" || event.advertisement.priority === RESIGNATION) return null;
  const { source, priority } = event.advertisement;
  if (isOld(source)) return null;
  const hasYielded = isReminder(router, event.advertisement);
  return { source: formatAddress(source), priority: hasYielded ? null : priority, hasYielded };
}
