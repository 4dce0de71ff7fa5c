/** What is allowed in a sync group but hardly meant. */
import { type Path } from "./document.ts";
import { routerPath, tableOf } from "./dual_stack.ts";
import type { Config, VirtualRouterConfig } from "./schema.ts";

const OWNER = 255;

type Warn = (path: Path, message: string) => void;
type Member = readonly [name: string, router: VirtualRouterConfig];

export function lintGroups(
  { sync_group, virtual_router }: Config,
  warn: Warn,
  isSet: (path: Path) => boolean,
): void {
  for (const [name, { members: names, member_weights }] of Object.entries(sync_group)) {
    const path = ["sync_group", name];
    const members = names.map((member): Member => [member, virtual_router[member]!]);
    if (names.length === 1) {
      warn([...path, "members"], "a group of one virtual router keeps nothing together");
    }
    lintDifferences(members, warn);
    lintWeights(path, members, member_weights, warn, isSet);
  }
}

/** All members take over together: what one of them waits for, all wait for. */
function lintDifferences([first, ...others]: readonly Member[], warn: Warn): void {
  if (first === undefined) return;
  const [firstName, { preempt, preempt_delay, priority }] = first;
  for (const [name, router] of others) {
    if (tableOf(name) === tableOf(firstName)) continue;
    if (router.preempt !== preempt) {
      warn(
        [...routerPath(name), "preempt"],
        `differs from ${firstName} of the same sync group: the group takes over only when each of them may`,
      );
    } else if (preempt && router.preempt_delay !== preempt_delay) {
      warn(
        [...routerPath(name), "preempt_delay"],
        `differs from ${firstName} of the same sync group: the group waits for the longest`,
      );
    }
    if ((router.priority === OWNER) !== (priority === OWNER)) {
      warn(
        [...routerPath(name), "priority"],
        `only some members of the sync group own their addresses (255): all are where each can be ACTIVE`,
      );
    }
  }
}

function lintWeights(
  path: Path,
  members: readonly Member[],
  weights: "all" | "each" | "ignore",
  warn: Warn,
  isSet: (path: Path) => boolean,
): void {
  if (weights === "ignore") {
    for (const table of new Set(members.map(([name]) => tableOf(name)))) {
      for (let i = 0; isSet([...routerPath(table), "track", i]); i++) {
        if (!isSet([...routerPath(table), "track", i, "weight"])) continue;
        warn(
          [...routerPath(table), "track", i],
          'has no effect: member_weights = "ignore" in its sync group; "all" would make it count for each member',
        );
      }
    }
    return;
  }
  if (weights !== "each") return;
  for (const [name, { track }] of members) {
    for (const { check, weight } of track) {
      const isEverywhere = members.every(([, other]) =>
        other.track.some((one) => one.check === check && one.weight !== undefined)
      );
      if (weight === undefined || isEverywhere) continue;
      warn(
        [...path, "member_weights"],
        `"each": ${check} changes the priority of ${name} alone, which moves no group; "all" counts it for all members`,
      );
    }
  }
}
