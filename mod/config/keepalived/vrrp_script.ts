/** `vrrp_script` of keepalived.conf: a program whose exit code counts, as a check. */
import { formatDuration, parseDuration } from "../../../checks/duration.ts";
import { CHECK_TIMEOUT_MAX_MS } from "../check_timeout.ts";
import { secondsAt, wholeNumberAt, wordAt } from "./arguments.ts";
import type { Conversion } from "./conversion.ts";
import { type DraftTable, set, type Value } from "./draft.ts";
import type { Account } from "./globals.ts";
import { type Tell, teller } from "./report.ts";
import { asItIs, type Recognised, recogniseScript } from "./script/recognise.ts";
import { type Script, scriptOf } from "./scripts.ts";
import { type Keywords, walk } from "./table.ts";
import { define, tellUntracked, type Tracker, weightKeyword } from "./trackers.ts";
import type { Place, Statement } from "./tree.ts";

/** Under keepalived's own defaults. */
interface VrrpScript {
  script?: Script;
  /** Of the script. */
  at?: Place;
  intervalMs: number;
  timeoutMs?: number;
  weight: number;
  reverse: boolean;
  rise: number;
  fall: number;
  initFail: boolean;
  user?: string;
  group?: string;
}

export const VRRP_SCRIPT: Keywords<VrrpScript> = [
  {
    keyword: "script",
    outcome: "converted",
    why: 'check of type "exec", or a native one where the program is known; no shell runs it here either',
    convert: (statement, context, tell) => {
      const script = scriptOf(statement, false, tell);
      if (script !== undefined) context.script = script;
      if (script !== undefined) context.at = statement.keyword.at;
    },
  },
  {
    keyword: "interval",
    outcome: "converted",
    why: "check.*.interval",
    convert: (statement, context, tell) => {
      const ms = secondsAt(statement, 0, [0, 86_400], tell);
      if (ms === undefined) return;
      if (ms < 50) tell.note(`${ms === 0 ? "keepalived takes 1s" : "50ms is the shortest here"}`);
      context.intervalMs = ms === 0 ? 1_000 : Math.max(50, ms);
    },
  },
  {
    keyword: "timeout",
    outcome: "converted",
    why: "check.*.timeout",
    convert: (statement, context, tell) => {
      const ms = secondsAt(statement, 0, [0, 3_600], tell);
      if (ms !== undefined) context.timeoutMs = ms === 0 ? 1_000 : Math.max(10, ms);
    },
  },
  weightKeyword("weight of the virtual router's track; 0: failing is FAULT", 253),
  {
    keyword: "rise",
    outcome: "converted",
    why: "check.*.rise",
    convert: (statement, context, tell) => {
      context.rise = wholeNumberAt(statement, 0, [1, 1_000], tell) ?? context.rise;
    },
  },
  {
    keyword: "fall",
    outcome: "converted",
    why: "check.*.fall",
    convert: (statement, context, tell) => {
      context.fall = wholeNumberAt(statement, 0, [1, 1_000], tell) ?? context.fall;
    },
  },
  {
    keyword: "user",
    outcome: "converted",
    why: "check.*.user and check.*.group",
    convert: (statement, context, tell) => {
      const user = wordAt(statement, 0, tell)?.text;
      const group = statement.args[1]?.text;
      if (user !== undefined) context.user = user;
      if (group !== undefined) context.group = group;
    },
  },
  {
    keyword: "init_fail",
    outcome: "converted",
    why: 'check.*.initial = "down"',
    convert: (_statement, context) => {
      context.initFail = true;
    },
  },
];

export function convertVrrpScript(statement: Statement, conversion: Conversion, tell: Tell): void {
  const name = wordAt(statement, 0, tell);
  if (name === undefined) return;
  const { rows } = conversion;
  const context: VrrpScript = {
    ...{ intervalMs: 1_000, weight: 0, reverse: false, rise: 1, fall: 1, initFail: false },
  };
  walk(`vrrp_script ${name.text}`, VRRP_SCRIPT, statement.block ?? [], context, conversion);
  const { script, weight, reverse } = context;
  if (script === undefined) {
    if (!(statement.block ?? []).some(({ keyword }) => keyword.text === "script")) {
      tell.refuse("it has no script: keepalived drops it, and what tracks it counts as passing");
    }
    return;
  }
  const about = teller(rows, context.at ?? statement.keyword.at, "script");
  const found = recogniseScript(script.argv, (path) => textOf(conversion, path));
  if ("refused" in found) about.refuse(found.refused);
  const recognised = "refused" in found ? asItIs(script.argv) : found;
  for (const note of recognised.notes) about.note(note);
  const limitMs = context.timeoutMs ?? context.intervalMs;
  if ((recognised.sleepsMs ?? 0) >= limitMs) {
    about.note(
      `keepalived ended it after ${
        formatDuration(limitMs)
      }, before it was done, and took that for a failure: ` +
        "the check has the time that the script wants",
    );
  }
  if (recognised.stops && weight !== 0) {
    about.note(
      `its weight ${weight} is not what moved the addresses: keepalived was stopped, which is FAULT here`,
    );
  }
  const tracker: Tracker = {
    ...{ kind: "script", name: name.text, at: statement.keyword.at, weight, reverse },
    ...(recognised.stops ? { faults: true } : {}),
    write: (table) => write(table, context, recognised, conversion.globals.scriptAccount),
  };
  if (!define(conversion, tracker)) return tell.refuse("there is a vrrp_script of this name already");
  const untracked = "nothing tracks it: keepalived does not run it, and it is left out";
  tellUntracked(conversion, tracker, tell, untracked);
}

/** A script file, as far as it can be read here. */
function textOf({ files }: Conversion, path: string): string | undefined {
  const file = files.read(path);
  return "text" in file ? file.text : undefined;
}

function write(
  table: DraftTable,
  context: VrrpScript,
  { check, notes }: Recognised,
  account: Account | undefined,
): void {
  const { intervalMs, rise, fall, initFail } = context;
  const { user, group } = context.user === undefined ? { ...account } : context;
  table.comments.push(...notes);
  const { timeout: _own, ...options } = check;
  for (const [key, value] of Object.entries(options)) set(table, key, value);
  set(table, "interval", formatDuration(intervalMs));
  const timeout = timeoutOf(context, check);
  set(table, "timeout", timeout === undefined ? undefined : formatDuration(timeout));
  set(table, "rise", rise);
  set(table, "fall", fall);
  set(table, "initial", initFail ? "down" : undefined);
  const runs = ["exec", "curl"].includes(String(check["type"])) || check["recover"] !== undefined;
  set(table, "user", runs ? user : undefined);
  set(table, "group", runs ? group : undefined);
}

/** keepalived's limit, or the program's own; otherwise vipd's where it is the same. */
function timeoutOf({ intervalMs, timeoutMs }: VrrpScript, check: Recognised["check"]): number | undefined {
  const ms = (value: Value | undefined): number | undefined =>
    typeof value === "string" ? parseDuration(value) : undefined;
  const own = ms(check["timeout"]);
  if (own !== undefined) return Math.min(own, timeoutMs ?? own);
  const connect = ms(check["connect_timeout"]) ?? 0;
  const ours = Math.min(intervalMs, CHECK_TIMEOUT_MAX_MS);
  if (timeoutMs !== undefined) return timeoutMs;
  if (connect > ours) return connect;
  return intervalMs > CHECK_TIMEOUT_MAX_MS ? Math.min(intervalMs, 3_600_000) : undefined;
}
