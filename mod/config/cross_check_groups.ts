/** What no single key can tell about sync groups, and about virtual routers of both families. */
import { type Finding, formatPath, type Path } from "./document.ts";
import { nameOfPart } from "./dual_stack.ts";
import { didYouMean } from "./suggest.ts";
import type { SyncGroupFields } from "./sync_group.ts";
import type { RouterFields } from "./virtual_router.ts";

export interface GroupsPartially {
  readonly virtual_router: Readonly<Record<string, Partial<RouterFields>>>;
  readonly sync_group: Readonly<Record<string, Partial<SyncGroupFields>>>;
  readonly checkNames: readonly string[];
}

type Report = (path: Path, message: string, other?: Path) => void;

export function crossCheckGroups(config: GroupsPartially, report: Report): void {
  const routers = Object.keys(config.virtual_router);
  const grouped = new Map<string, Path>();
  for (const [name, { members, track }] of Object.entries(config.sync_group)) {
    const path = ["sync_group", name];
    if (routers.includes(name)) {
      report(path, "a virtual router has this name: name the group otherwise", ["virtual_router", name]);
    }
    members?.forEach((member, i) => {
      const at = [...path, "members", i];
      const first = grouped.get(member);
      if (!routers.includes(member)) {
        report(at, `there is no [virtual_router.${formatPath([member])}]${didYouMean(member, routers)}`);
      } else if (first !== undefined) {
        report(
          at,
          first[1] === name ? "listed twice, first" : "a virtual router is in one group only, first",
          first,
        );
      }
      grouped.set(member, first ?? at);
    });
    checkTracks([...path, "track"], track ?? [], config.checkNames, report);
  }
}

/** Each check once, and only those that there are. */
export function checkTracks(
  path: Path,
  tracks: NonNullable<SyncGroupFields["track"]>,
  checkNames: readonly string[],
  report: Report,
): void {
  const seen = new Map<string, Path>();
  tracks.forEach(({ check }, i) => {
    const at = [...path, i];
    const first = seen.get(check);
    if (first !== undefined) report(at, "tracked twice, first", first);
    seen.set(check, first ?? at);
    if (!checkNames.includes(check)) {
      report(at, `there is no [check.${formatPath([check])}]${didYouMean(check, checkNames)}`);
    }
  });
}

/** What one virtual router can have and two cannot share. */
export function checkDualStack(path: Path, router: Partial<RouterFields>, report: Report): void {
  const { virtual_mac: mac, unicast_peers: peers } = router;
  const name = String(path[1]);
  const both = `${nameOfPart(name, 4)} and ${nameOfPart(name, 6)}`;
  if (typeof mac === "object" && mac.interface !== undefined) {
    report([...path, "virtual_mac", "interface"], `${both} need one each: leave it out`);
  }
  if (peers === undefined) return;
  for (const family of [4, 6] as const) {
    const isThere = peers.some((peer) => peer.includes(":") === (family === 6));
    if (!isThere) report([...path, "unicast_peers"], `expected peers of both families, for ${both}`);
  }
}

/** Two families of one table may have the same to say. */
export function unique(findings: readonly Finding[]): Finding[] {
  const texts = findings.map((finding) => JSON.stringify(finding));
  return findings.filter((_, i) => texts.indexOf(texts[i]!) === i);
}
