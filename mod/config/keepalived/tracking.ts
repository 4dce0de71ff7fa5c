/** The track blocks of virtual routers and sync groups: their `track`. */
import { hintOf } from "./arguments.ts";
import type { Conversion } from "./conversion.ts";
import { type DraftTable, set, type Value } from "./draft.ts";
import { teller } from "./report.ts";
import type { Keywords } from "./table.ts";
import {
  boundedWeight,
  checkOf,
  findTracker,
  type Tracker,
  type TrackerKind,
  trackerNames,
  WEIGHT_READ_MAX,
} from "./trackers.ts";
import type { Word } from "./tree.ts";

/** A line of a track block. */
export interface TrackLine {
  readonly kind: TrackerKind;
  readonly words: readonly Word[];
}

const KINDS: readonly TrackerKind[] = ["script", "process", "file", "interface"];

export function trackKeywords<Context extends { readonly tracks: TrackLine[] }>(): Keywords<Context> {
  return [
    ...KINDS.map((kind): Keywords<Context>[number] => ({
      keyword: `track_${kind}`,
      outcome: "converted",
      why: kind === "interface" ? 'track, and a check of type "interface"' : "track",
      convert: ({ raw }, { tracks }, tell) => {
        if (raw === null) return tell.refuse("expected { and names");
        for (const words of raw) tracks.push({ kind, words });
      },
    })),
    {
      keyword: "track_bfd",
      outcome: "refused",
      why:
        "there is no BFD in this version of vipd: version 3 with an advertisement_interval of 100ms sees a dead " +
        'router in 0.4s; a path is watched by a check of type "ping"',
    },
  ];
}

/** Sets `track`. `own`: an interface that is always tracked. */
export function writeTracks(
  table: DraftTable,
  tracks: readonly TrackLine[],
  own: string | undefined,
  conversion: Conversion,
): void {
  const written = new Map<string, Value>();
  let bonus = 0;
  for (const line of tracks) {
    const found = trackOf(line, own, conversion);
    if (found === null) continue;
    bonus += found.bonus;
    if (written.has(found.check)) {
      teller(conversion.rows, line.words[0]!.at, found.check).nothing(
        "tracked twice: keepalived takes the first",
      );
    } else written.set(found.check, found.value);
  }
  if (written.size > 0) set(table, "track", [...written.values()]);
  if (bonus > 0) conversion.later.push(() => raisePriority(table, bonus, conversion));
}

/**
 * A script that stopped keepalived never let a lower priority be seen: while keepalived ran, its weight
 * counted. Where the members' weights are ignored, it did not.
 */
function raisePriority(table: DraftTable, bonus: number, { draft }: Conversion): void {
  const [kind, name] = table.path;
  const entry = table.entries.get("priority");
  if (kind !== "virtual_router" || name === undefined || typeof entry?.value !== "number") return;
  const isIgnored = draft.some(({ path, entries }) => {
    const members = entries.get("members")?.value;
    return path[0] === "sync_group" && entries.get("member_weights")?.value === "ignore" &&
      Array.isArray(members) && members.includes(name);
  });
  if (isIgnored || entry.value === 255) return;
  const priority = Math.min(254, entry.value + bonus);
  const comment = `${entry.value} and the weight ${bonus}, which counted as long as keepalived ran`;
  set(table, "priority", priority, { comment, at: entry.at });
}

function trackOf(
  { kind, words }: TrackLine,
  own: string | undefined,
  conversion: Conversion,
): { check: string; value: Value; bonus: number } | null {
  const [name, ...options] = words;
  if (name === undefined) return null;
  const tell = teller(conversion.rows, name.at, name.text);
  if (kind === "interface" && name.text === own) {
    tell.nothing("the virtual router's own interface is tracked always");
    return null;
  }
  const tracker = kind === "interface"
    ? interfaceTracker(name.text)
    : findTracker(conversion, kind, name.text);
  if (tracker === undefined) {
    const hint = hintOf(name.text, trackerNames(conversion, kind));
    tell.refuse(`no ${blockOf(kind)} of this name${hint}; keepalived passes over it, and nothing is checked`);
    return null;
  }
  const weight = weightOf(options, tracker);
  if (typeof weight === "string") {
    tell.refuse(weight);
    return null;
  }
  const check = checkOf(conversion, tracker);
  if (tracker.faults === true) {
    return { check, value: check, bonus: weight.reverse ? 0 : Math.max(0, weight.weight) };
  }
  if (weight.weight === 0 && !weight.reverse) return { check, value: check, bonus: 0 };
  return {
    ...{ check, bonus: 0 },
    value: {
      check,
      ...(weight.weight === 0 ? {} : { weight: weight.weight }),
      ...(weight.reverse ? { reverse: true } : {}),
    },
  };
}

function blockOf(kind: TrackerKind): string {
  return kind === "script" ? "vrrp_script" : kind === "process" ? "vrrp_track_process" : "track_file";
}

/** `weight N [reverse|noreverse]`, or what is wrong with it. */
function weightOf(options: readonly Word[], tracker: Tracker): { weight: number; reverse: boolean } | string {
  const [keyword, number, direction, ...more] = options.map(({ text }) => text);
  const { weight, reverse } = tracker;
  if (keyword === undefined) return { weight, reverse };
  if (keyword !== "weight") {
    return `expected "weight", got "${keyword}": each name stands on a line of its own`;
  }
  const given = number !== undefined && /^[+-]?\d{1,3}$/.test(number) ? Number(number) : NaN;
  if (!(Math.abs(given) <= WEIGHT_READ_MAX)) return `expected a weight -253..253, got "${number ?? ""}"`;
  if (more.length > 0 || ![undefined, "reverse", "noreverse"].includes(direction)) {
    return `expected "reverse" or "noreverse" after the weight, got "${direction}"`;
  }
  return {
    weight: boundedWeight(given),
    reverse: direction === undefined ? reverse : direction === "reverse",
  };
}

function interfaceTracker(name: string): Tracker {
  return {
    ...{ kind: "interface", name, at: null, weight: 0, reverse: false },
    write: (table) => {
      set(table, "type", "interface");
      set(table, "interface", name);
      set(table, "rise", 1);
    },
  };
}
