/** Scripts and FIFOs in global_defs of keepalived.conf: `[notify]`. */
import { formatDuration } from "../../../checks/duration.ts";
import { switchAt, wholeNumberAt, wordAt } from "./arguments.ts";
import type { Conversion } from "./conversion.ts";
import { type Draft, set, tableAt, type Value } from "./draft.ts";
import type { FifoEvents, Globals } from "./globals.ts";
import type { Tell } from "./report.ts";
import { scriptOf } from "./scripts.ts";
import { type Keywords, rows } from "./table.ts";

const FIFOS: readonly (readonly [prefix: string, events: FifoEvents])[] = [
  ["", "all"],
  ["vrrp_", "virtual_router"],
  ["lvs_", "virtual_server"],
];

export const NOTIFY_GLOBALS: Keywords<Conversion> = [
  ...(["startup", "shutdown"] as const).flatMap((when): Keywords<Conversion> => [
    {
      keyword: `${when}_script`,
      outcome: "converted",
      why: `notify.${when}`,
      convert: (statement, { draft, globals }, tell) => {
        const script = scriptOf(statement, true, tell);
        if (script === undefined) return;
        if (script.user !== undefined && script.user !== globals.scriptAccount?.user) {
          tell.refuse(`its user ${script.user} would have to be that of all hooks: [notify] user`);
        }
        set(tableAt(draft, ["notify"]), when, script.argv);
      },
    },
    {
      keyword: `${when}_script_timeout`,
      outcome: "converted",
      why: `notify.${when}_timeout`,
      convert: (statement, { draft }, tell) => {
        const seconds = wholeNumberAt(statement, 0, [1, 600], tell);
        if (seconds === undefined) return;
        set(tableAt(draft, ["notify"]), `${when}_timeout`, formatDuration(seconds * 1000));
      },
    },
  ]),
  ...FIFOS.flatMap(([prefix, events]): Keywords<Conversion> => [
    {
      keyword: `${prefix}notify_fifo`,
      outcome: "converted",
      why: `notify.fifos, events = "${events}"`,
      convert: (statement, { globals: { fifos } }, tell) => {
        const path = wordAt(statement, 0, tell)?.text;
        if (path === undefined) return;
        if (!path.startsWith("/")) return tell.refuse(`expected an absolute path, got "${path}"`);
        fifos.set(events, { ...fifos.get(events), path });
        if (statement.args.length > 1) tell.note("vipd owns the FIFO: give its reader the right to open it");
      },
    },
    {
      keyword: `${prefix}notify_fifo_script`,
      outcome: "converted",
      why: "notify.fifos, command",
      convert: (statement, { globals: { fifos } }, tell) => {
        const script = scriptOf(statement, true, tell);
        if (script === undefined) return;
        const { argv: command, user, group } = script;
        const account = user === undefined
          ? {}
          : { account: { user, ...(group === undefined ? {} : { group }) } };
        fifos.set(events, { path: "", ...fifos.get(events), command, ...account });
      },
    },
  ]),
  {
    keyword: "script_user",
    outcome: "converted",
    why: "notify.user and notify.group, and those of checks that run a program",
    convert: (statement, { globals }, tell) => {
      const user = wordAt(statement, 0, tell)?.text;
      const group = statement.args[1]?.text;
      if (user !== undefined) globals.scriptAccount = { user, ...(group === undefined ? {} : { group }) };
    },
  },
  {
    keyword: "vrrp_notify_priority_changes",
    outcome: "converted",
    why: "notify.priority_changes",
    convert: (statement, { draft }, tell) => {
      const on = switchAt(statement, tell);
      if (on === true) set(tableAt(draft, ["notify"]), "priority_changes", true);
    },
  },
  ...rows("nothing to do", "always so: a program that others could change is never run", [
    "enable_script_security",
  ]),
  ...rows("nothing to do", "a script's path is looked at component by component, symbolic links too", [
    "use_symlink_paths",
  ]),
  ...rows("nothing to do", "a program gets its user's groups", ["set_supplementary_groups"]),
  ...rows("nothing to do", "after a reload only what changes is told: `vipd status --json` has the states", [
    "fifo_write_vrrp_states_on_reload",
  ]),
];

/** `[notify]` of what the globals gathered. */
export function writeNotify(draft: Draft, { fifos, scriptAccount }: Globals, tell: Tell): void {
  const written = [...fifos].flatMap(([events, { path, command, account }]): Value[] => {
    if (path === "") {
      tell.nothing("a notify_fifo_script without notify_fifo reads nothing");
      return [];
    }
    return [{ path, events, ...(command === undefined ? {} : { command }), ...account }];
  });
  if (written.length > 0) set(tableAt(draft, ["notify"]), "fifos", written);
  const usesPrograms = draft.some(({ path, entries }) => path[0] === "notify" || entries.has("notify"));
  if (scriptAccount === undefined || !usesPrograms) return;
  set(tableAt(draft, ["notify"]), "user", scriptAccount.user);
  set(tableAt(draft, ["notify"]), "group", scriptAccount.group);
}
