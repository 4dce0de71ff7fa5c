/** Sync groups of several hosts side by side: virtual routers that move together here must do so there. */
import type { Member, Node, NodeFinding } from "./compare.ts";
import { routerPath, tableOf } from "./dual_stack.ts";

/** A virtual router, its sync group there, and how its table is called. */
interface Place {
  readonly member: Member;
  readonly group: string | null;
}

/** `counterparts`: virtual routers of several hosts that are one on the wire. */
export function compareGroups(
  nodes: readonly Node[],
  counterparts: readonly (readonly Member[])[],
): NodeFinding[] {
  const findings: NodeFinding[] = [];
  const warn = ({ node }: Member, path: readonly (string | number)[], message: string): void => {
    findings.push({ node, finding: { path, message } });
  };
  for (
    const [first, ...others] of counterparts.map((members) => members.map((member) => placeOf(nodes, member)))
  ) {
    for (const other of others) {
      if (first === undefined || (first.group === null) === (other.group === null)) continue;
      const [grouped, alone] = first.group === null ? [other, first] : [first, other];
      warn(
        alone.member,
        routerPath(alone.member.name),
        `is in no sync group, but in ${grouped.group} in ${grouped.member.file}: there it moves with others, here alone`,
      );
    }
  }
  for (const members of counterparts) compareMates(nodes, members, counterparts, warn);
  return findings;
}

function placeOf(nodes: readonly Node[], member: Member): Place {
  const groups = Object.entries(nodes[member.node]!.config.sync_group);
  return { member, group: groups.find(([, { members }]) => members.includes(member.name))?.[0] ?? null };
}

type Warn = (member: Member, path: readonly (string | number)[], message: string) => void;

/** Told once for each group, at its first member: who is in it there but not here, or in another order. */
function compareMates(
  nodes: readonly Node[],
  [first, ...others]: readonly Member[],
  counterparts: readonly (readonly Member[])[],
  warn: Warn,
): void {
  if (first === undefined) return;
  const here = matesOf(nodes, first, counterparts);
  for (const other of others) {
    const there = matesOf(nodes, other, counterparts);
    const group = placeOf(nodes, other).group;
    const isFirst = there[0] === counterparts.findIndex((members) => members.includes(other));
    if (here.length === 0 || group === null || !isFirst) continue;
    const path = tableOf(other.name) === group ? routerPath(other.name) : ["sync_group", group, "members"];
    const missing = here.filter((mate) => !there.includes(mate)).map((mate) => counterparts[mate]![0]!.name);
    if (missing.length > 0) {
      warn(other, path, `without ${missing.join(", ")}, which moves with them in ${first.file}`);
    } else if (here.join() !== there.filter((mate) => here.includes(mate)).join()) {
      warn(
        other,
        path,
        `in another order than in ${first.file}: where priorities cross, the first member decides`,
      );
    }
  }
}

/** The members of its group that other hosts have as well, as indexes of `counterparts`, in their order. */
function matesOf(
  nodes: readonly Node[],
  { node, name }: Member,
  counterparts: readonly (readonly Member[])[],
): number[] {
  const group = Object.values(nodes[node]!.config.sync_group).find(({ members }) => members.includes(name));
  return (group?.members ?? [])
    .map((mate) =>
      counterparts.findIndex((members) => members.some((one) => one.node === node && one.name === mate))
    )
    .filter((index) => index >= 0);
}
