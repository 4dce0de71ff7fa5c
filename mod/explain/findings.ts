/** What is hardly meant about the weights of routers that share addresses, whatever checks say now. PURE. */
import { effectivePriority, onFailure, sayStays } from "../config/weights.ts";
import { OWNER_PRIORITY } from "../vrrp/state.ts";
import { type Party, unwell } from "./party.ts";
import { assumedText } from "./words.ts";

/** More of a kind are only counted: the first ones are seen. */
const MAX_TIES = 4;

export function findingsOf(here: Party, others: readonly Party[]): string[] {
  const [active, ...rest] = [here, ...others].toSorted((a, b) => effectivePriority(b) - effectivePriority(a));
  if (active === undefined || active.priority === OWNER_PRIORITY) return [];
  if (rest.length === 0) return here.track.some(isWeighted) ? [UNKNOWN] : [];
  return [...deaf(here, others), ...immobile(active, rest), ...ties(active, rest), ...unwilling(here)];
}

const UNKNOWN =
  "no other router is known, so nobody can say whether a weight is enough: give the peer's file with --peer";

/** Who do not understand each other are both active, whatever their priorities. */
function deaf(here: Party, others: readonly Party[]): string[] {
  return others.flatMap(({ name, version, intervalMs }) => {
    if (version !== here.version) {
      return [`${name} speaks VRRPv${version}, ${here.name} VRRPv${here.version}: neither hears the other`];
    }
    if (version === 3 || intervalMs === here.intervalMs) return [];
    const intervals = `${intervalMs / 1000} s, ${here.name} every ${here.intervalMs / 1000} s`;
    return [`${name} advertises every ${intervals}: with VRRPv2 neither accepts the other's`];
  });
}

/** Checks of the preferred router whose failing, alone or two together, does not move the addresses. */
function immobile(active: Party, others: readonly Party[]): string[] {
  const weighted = active.track.filter(isWeighted);
  const next = others[0]?.name ?? "";
  const stuck = weighted.flatMap(({ check, weight = 0 }) => {
    const outcome = onFailure(active, others, check);
    return outcome.kind === "moves" ? [] : [{ check, why: sayStays(outcome, weight, next) }];
  });
  const singles = stuck.map(({ check, why }) =>
    `${said(active, check)} alone on ${active.name} can never move the addresses: ${why}`
  );
  const pairs = stuck.flatMap(({ check: first }, i) =>
    stuck.slice(i + 1).map(({ check: second }) => {
      const outcome = onFailure(active, others, first, second);
      const both = `${said(active, first, second)} together on ${active.name}`;
      return outcome.kind === "moves"
        ? `${both} move the addresses, neither alone does`
        : `${both} do not move the addresses either: ${sayStays(outcome, null, next)}`;
    })
  );
  return [...singles, ...pairs];
}

/** Equal priorities, as they are and with one check failing on either side. */
function ties(active: Party, others: readonly Party[]): string[] {
  const found = others.filter(({ knownBy }) => knownBy !== "advertisements").flatMap((other) =>
    ones(active).flatMap((mine) =>
      ones(other).flatMap((theirs) => {
        const priority = effectivePriority(active, ...mine);
        if (priority === 0 || priority !== effectivePriority(other, ...theirs)) return [];
        // A single weight that is too small by one is told above, with its remedy.
        if (mine.length === 1 && theirs.length === 0) return [];
        return [
          `${sideOf(active, mine)} and ${
            sideOf(other, theirs)
          } are both at ${priority}: the ACTIVE one stays`,
        ];
      })
    )
  );
  const more = found.length - MAX_TIES;
  return more > 0 ? [...found.slice(0, MAX_TIES), `and ${more} more ties of this kind`] : found;
}

/** No check failing, or one of those with a weight. */
function ones({ track }: Party): readonly (readonly string[])[] {
  return [[], ...track.filter(isWeighted).map(({ check }) => [check])];
}

function sideOf({ name, track }: Party, failing: readonly string[]): string {
  return failing.length === 0 ? name : `${name} with ${said({ track }, ...failing)}`;
}

function said(party: Pick<Party, "track">, ...checks: readonly string[]): string {
  return assumedText(unwell(party, ...checks));
}

/** As `vipd validate` says it of one file. */
function unwilling(here: Party): string[] {
  if (here.preempt || !here.track.some(isWeighted)) return [];
  return [
    `${here.name} has preempt = false: it never takes over from a living router, so weights alone do not ` +
    `bring the addresses here`,
  ];
}

function isWeighted({ weight = 0 }: Party["track"][number]): boolean {
  return weight !== 0;
}
