/** `[sync_group.*]` of vipd.toml: virtual routers that are ACTIVE together or not at all. */
import * as z from "zod";
import { hooks, type HooksConfig } from "./notify.ts";
import { name } from "./values.ts";
import { type Track, trackList } from "./virtual_router.ts";

/** Keys of a sync group; what its members have to be is in cross_check_groups.ts. */
export const syncGroupFields = z.strictObject({
  members: z.array(name).min(1, { error: "expected at least one member" }).describe(
    "Virtual routers that are ACTIVE together or not at all; where two hosts' priorities cross, the first decides",
  ),
  track: trackList.describe("Checks that count for every member: as `track` of a virtual router"),
  member_weights: z.enum(["all", "each", "ignore"]).default("all").describe(
    'Weights of the members\' own tracks: "all" count for every member, "each" for that member alone, or "ignore"',
  ),
  notify: hooks.prefault({}).describe("As `notify` of a virtual router: run once for all members"),
});

/** A sync group's keys as written, defaults applied. */
export type SyncGroupFields = z.output<typeof syncGroupFields>;

/** A sync group as the engine wants it: members are virtual routers of one family each, in their order. */
export interface SyncGroupConfig {
  readonly members: readonly string[];
  readonly track: readonly Track[];
  readonly member_weights: SyncGroupFields["member_weights"];
  readonly notify: HooksConfig;
}

interface Tracking {
  readonly track: readonly Track[];
}

/**
 * The checks of every member as they count: its own, then those of the group, then what the group has it
 * share with the others. A check counts once.
 */
export function withGroupTracks<Router extends Tracking>(
  routers: Readonly<Record<string, Router>>,
  groups: Readonly<Record<string, SyncGroupConfig>>,
): Record<string, Router> {
  const tracked: Record<string, Router> = { ...routers };
  for (const { members, track, member_weights: weights } of Object.values(groups)) {
    const shared = weights !== "all" ? [] : members.flatMap((member) => routers[member]?.track ?? [])
      .filter(({ weight }) => weight !== undefined);
    for (const member of members) {
      const router = routers[member];
      if (router === undefined) continue;
      const own = router.track.filter(({ weight }) => weights !== "ignore" || weight === undefined);
      tracked[member] = { ...router, track: once([...own, ...track, ...shared]) };
    }
  }
  return tracked;
}

function once(tracks: readonly Track[]): Track[] {
  return tracks.filter(({ check }, i) => tracks.findIndex((track) => track.check === check) === i);
}
