/** notify scripts and mail of virtual routers and sync groups: their `notify` table. */
import { switchAt } from "./arguments.ts";
import type { DraftTable, Value } from "./draft.ts";
import { set } from "./draft.ts";
import type { Account } from "./globals.ts";
import type { Tell } from "./report.ts";
import { type Script, scriptOf } from "./scripts.ts";
import type { Keywords } from "./table.ts";

/** Keyword -> key of the `notify` table. */
const HOOKS = {
  notify_master: "active",
  notify_backup: "backup",
  notify_fault: "fault",
  notify_stop: "stop",
  notify_deleted: "deleted",
  notify: "any",
  notify_master_rx_lower_pri: "lower_priority",
} as const;

type Hook = (typeof HOOKS)[keyof typeof HOOKS];

export interface Hooks {
  readonly scripts: Map<Hook, Script>;
  mail?: boolean;
}

export function newHooks(): Hooks {
  return { scripts: new Map() };
}

/** A sync group has fewer of them. */
export function hookKeywords<Context extends { readonly hooks: Hooks }>(isGroup: boolean): Keywords<Context> {
  const keywords = Object.entries(HOOKS).filter(([keyword]) =>
    !isGroup || !["notify_deleted", "notify_master_rx_lower_pri"].includes(keyword)
  );
  return [
    ...keywords.map(([keyword, hook]): Keywords<Context>[number] => ({
      keyword,
      outcome: "converted",
      why: `notify.${hook}`,
      convert: (statement, { hooks: { scripts } }, tell) => {
        if (keyword === "notify_deleted" && statement.args.length === 0) {
          return tell.nothing("a removed virtual router is always told as DELETED");
        }
        if (scripts.has(hook)) return tell.nothing(`keepalived takes the first ${keyword} only`);
        const script = scriptOf(statement, true, tell);
        if (script !== undefined) scripts.set(hook, script);
      },
    })),
    {
      keyword: "smtp_alert",
      outcome: "converted",
      why: "notify.mail",
      convert: (statement, { hooks }, tell) => {
        const on = switchAt(statement, tell);
        if (on !== undefined) hooks.mail = on;
      },
    },
    {
      keyword: "notify_priority_changes",
      outcome: "refused",
      optional: true,
      why: "for all virtual routers or none: notify.priority_changes",
    },
  ];
}

/** The `notify` table of a virtual router or a sync group. `usual`: as whom scripts run that name no user. */
export function writeHooks(
  table: DraftTable,
  { scripts, mail }: Hooks,
  usual: Account | undefined,
  tell: Tell,
): void {
  const notify: Record<string, Value> = {};
  for (const [hook, { argv }] of scripts) notify[hook] = argv;
  const named = [...scripts.values()].map((script) => script.user === undefined ? usual ?? script : script);
  const accounts = new Map(
    named.map(({ user, group }) => [JSON.stringify([user, group]), { user, group }]),
  );
  const [account] = accounts.values();
  const isUsual = account?.user === usual?.user && account?.group === usual?.group;
  if (accounts.size > 1) tell.refuse("its notify scripts have different users: vipd runs all of them as one");
  if (account?.user !== undefined && !isUsual) notify["user"] = account.user;
  if (account?.group !== undefined && !isUsual) notify["group"] = account.group;
  if (mail !== undefined) notify["mail"] = mail;
  if (Object.keys(notify).length > 0) set(table, "notify", notify);
}
