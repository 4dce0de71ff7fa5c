/**
 * Stories written by hand: a quiet LAN, equal clocks, routers that differ only in what the story is about.
 */
import type { Action, RouterSpec, Story } from "./story.ts";

const ROUTER: RouterSpec = {
  kind: "vipd",
  priority: 100,
  preempt: true,
  preemptDelayMs: 0,
  handover: true,
  handoverTimeoutMs: 1000,
  leaseMs: 3000,
  clockRate: 1,
  startMs: 0,
  latenessMs: 0.05,
};

export interface Plain {
  readonly version?: 2 | 3;
  readonly unicast?: boolean;
  /** Centiseconds. */
  readonly advertisementInterval: number;
  readonly routers: readonly Partial<RouterSpec>[];
  readonly actions: readonly Action[];
  readonly calmMs: number;
  readonly lengthMs: number;
  readonly refreshMs?: number;
}

export function plainStory(
  {
    version = 3,
    unicast = false,
    advertisementInterval,
    routers,
    actions,
    calmMs,
    lengthMs,
    refreshMs = 60_000,
  }: Plain,
): Story {
  return {
    seed: 0,
    version,
    family: 4,
    unicast,
    advertisementInterval,
    announce: { delayMs: 5000, refreshMs },
    routers: routers.map((router) => ({ ...ROUTER, ...router })),
    network: { delayMs: 0.2, jitterMs: 0, loss: 0, duplication: 0, reordering: 0, corruption: 0 },
    actions,
    calmMs,
    lengthMs,
  };
}

/** Every subset of these, the empty one first. */
export function subsets<T>(things: readonly T[]): T[][] {
  return things.reduce<T[][]>((all, thing) => [...all, ...all.map((some) => [...some, thing])], [[]]);
}

/** Every order of these. */
export function orders<T>(things: readonly T[]): T[][] {
  if (things.length === 0) return [[]];
  return things.flatMap((first, i) => orders(things.toSpliced(i, 1)).map((rest) => [first, ...rest]));
}
