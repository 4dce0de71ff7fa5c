/** Gratuitous ARP: the keywords that global_defs and vrrp_instance have in common, and garp_group. */
import { secondsAt, wholeNumberAt, wordAt } from "./arguments.ts";
import type { Conversion } from "./conversion.ts";
import type { Garp, Globals } from "./globals.ts";
import type { Tell } from "./report.ts";
import { type Keywords, walk } from "./table.ts";
import type { Statement } from "./tree.ts";

/** vipd announces at most so often in one burst. */
const REPEAT_MAX = 100;
const HOUR_S = 3_600;
const INTERVAL_MAX_MS = 1_000;

type Convert<Context> = (statement: Statement, context: Context, tell: Tell) => void;

/** `prefix` is `vrrp_` in global_defs. */
export function garpKeywords<Context>(prefix: string, garpOf: (context: Context) => Garp): Keywords<Context> {
  const seconds = (max: number, put: (garp: Garp, ms: number) => void): Convert<Context> => {
    return (statement, context, tell) => {
      const ms = secondsAt(statement, 0, [0, max], tell);
      if (ms !== undefined) put(garpOf(context), ms);
    };
  };
  const repeat =
    (put: (garp: Garp, count: number) => void): Convert<Context> => (statement, context, tell) => {
      const count = wholeNumberAt(statement, 0, [0, 0xffff_ffff], tell);
      if (count === undefined) return;
      if (count === 0) tell.note("0: keepalived takes 1");
      if (count > REPEAT_MAX) tell.note(`at most ${REPEAT_MAX} here`);
      put(garpOf(context), Math.min(REPEAT_MAX, Math.max(1, count)));
    };
  const key = "virtual_router.*.garp";
  return [
    {
      keyword: `${prefix}garp_master_delay`,
      outcome: "converted",
      why: `${key}.delay`,
      convert: seconds(HOUR_S, (garp, ms) => garp.delayMs = ms),
    },
    {
      keyword: `${prefix}garp_master_repeat`,
      outcome: "converted",
      why: `${key}.repeat`,
      convert: repeat((garp, count) => garp.repeat = count),
    },
    {
      keyword: `${prefix}garp_master_refresh`,
      outcome: "converted",
      why: `${key}.refresh`,
      convert: seconds(24 * HOUR_S, (garp, ms) => garp.refreshMs = ms),
    },
    {
      keyword: `${prefix}garp_master_refresh_repeat`,
      outcome: "converted",
      why: "nothing: a refresh is one announcement of each address",
      convert: repeat((garp, count) => garp.refreshRepeat = count),
    },
    ...[`${prefix}garp_lower_prio_delay`, `${prefix}garp_lower_prio_repeat`].map((keyword) => ({
      keyword,
      outcome: "nothing to do" as const,
      why: "after a split brain the addresses are announced with a whole burst, as after becoming ACTIVE",
    })),
  ];
}

/** Pauses between announcements; 1s is the longest here. */
export function intervalMsOf(statement: Statement, tell: Tell): number | undefined {
  const ms = secondsAt(statement, 0, [0, HOUR_S], tell);
  if (ms !== undefined && ms > INTERVAL_MAX_MS) tell.note("1s is the longest here");
  return ms === undefined ? undefined : Math.min(INTERVAL_MAX_MS, ms);
}

interface Group {
  garp?: number;
  gna?: number;
  readonly interfaces: string[];
}

export const GARP_GROUP: Keywords<Group> = [
  {
    keyword: "garp_interval",
    outcome: "converted",
    why: "virtual_router.*.garp.interval of IPv4 virtual routers on these interfaces",
    convert: (statement, group, tell) => {
      const ms = intervalMsOf(statement, tell);
      if (ms !== undefined) group.garp = ms;
    },
  },
  {
    keyword: "gna_interval",
    outcome: "converted",
    why: "virtual_router.*.garp.interval of IPv6 virtual routers on these interfaces",
    convert: (statement, group, tell) => {
      const ms = intervalMsOf(statement, tell);
      if (ms !== undefined) group.gna = ms;
    },
  },
  {
    keyword: "interface",
    outcome: "converted",
    why: "virtual_router.*.garp.interval",
    convert: (statement, group, tell) => {
      const word = wordAt(statement, 0, tell);
      if (word !== undefined) group.interfaces.push(word.text);
    },
  },
  {
    keyword: "interfaces",
    outcome: "converted",
    why: "virtual_router.*.garp.interval",
    convert: ({ raw }, group) => void group.interfaces.push(...(raw ?? []).flat().map(({ text }) => text)),
  },
];

export function convertGarpGroup(statement: Statement, conversion: Conversion, tell: Tell): void {
  const group: Group = { interfaces: [] };
  walk("garp_group", GARP_GROUP, statement.block ?? [], group, conversion);
  const { interfaces, ...intervals } = group;
  for (const name of interfaces) conversion.globals.intervalsMs.set(name, intervals);
  if (interfaces.length > 1) {
    tell.note(
      "each virtual router keeps the pause by itself: what the interfaces share is not counted together",
    );
  }
}

/** The pause of a virtual router of this family on this interface. */
export function garpIntervalMs(
  { intervalsMs, garpIntervalMs, gnaIntervalMs }: Globals,
  family: 4 | 6,
  name: string,
): number {
  const group = intervalsMs.get(name);
  return family === 4 ? group?.garp ?? garpIntervalMs : group?.gna ?? gnaIntervalMs;
}
