/** `vrrp_sync_group` of keepalived.conf: virtual routers that are ACTIVE together. */
import { hintOf, wordAt } from "./arguments.ts";
import { type Conversion, nameFor, routerName } from "./conversion.ts";
import { set, tableAt } from "./draft.ts";
import { hookKeywords, type Hooks, newHooks, writeHooks } from "./hooks.ts";
import { type Tell, teller } from "./report.ts";
import { type Keywords, walk } from "./table.ts";
import { trackKeywords, type TrackLine, writeTracks } from "./tracking.ts";
import type { Statement, Word } from "./tree.ts";

interface SyncGroup {
  members?: readonly Word[];
  memberWeights: "each" | "ignore";
  readonly hooks: Hooks;
  readonly tracks: TrackLine[];
}

export const SYNC_GROUP: Keywords<SyncGroup> = [
  {
    keyword: "group",
    outcome: "converted",
    why: "sync_group.*.members",
    convert: ({ raw }, group, tell) => {
      if (raw === null) return tell.refuse("expected { and names of vrrp_instances");
      if (group.members !== undefined) return tell.nothing("keepalived takes the first group block only");
      group.members = raw.flat();
    },
  },
  {
    keyword: "sync_group_tracking_weight",
    outcome: "converted",
    why: 'sync_group.*.member_weights = "each"',
    convert: (_statement, group) => {
      group.memberWeights = "each";
    },
  },
  {
    keyword: "global_tracking",
    outcome: "obsolete",
    why: 'sync_group_tracking_weight; here sync_group.*.member_weights = "each"',
    convert: (_statement, group, tell) => {
      group.memberWeights = "each";
      tell.obsolete('sync_group_tracking_weight; converted to member_weights = "each"');
    },
  },
  ...trackKeywords<SyncGroup>(),
  ...hookKeywords<SyncGroup>(true),
];

export function convertSyncGroup(statement: Statement, conversion: Conversion, tell: Tell): void {
  const name = wordAt(statement, 0, tell);
  if (name === undefined) return;
  const group: SyncGroup = { memberWeights: "ignore", hooks: newHooks(), tracks: [] };
  walk(`vrrp_sync_group ${name.text}`, SYNC_GROUP, statement.block ?? [], group, conversion);
  conversion.later.push(() => write(name.text, statement, group, conversion));
}

function write(name: string, statement: Statement, group: SyncGroup, conversion: Conversion): void {
  const { draft, rows, instances } = conversion;
  const { at } = statement.keyword;
  const tell = teller(rows, at, "vrrp_sync_group");
  const members = (group.members ?? []).filter((word) => {
    if (instances.has(word.text)) return true;
    const hint = hintOf(word.text, [...instances.keys()]);
    teller(rows, word.at, word.text).refuse(
      `no vrrp_instance of this name${hint}; keepalived passes over it`,
    );
    return false;
  });
  if (members.length === 0) return tell.refuse("it has no members");
  if (members.length === 1) tell.note("a group of one member: nothing that would have to follow it");
  const table = tableAt(
    draft,
    ["sync_group", nameFor(conversion, "sync_group", "vrrp_sync_group", name)],
    at,
  );
  set(table, "members", members.map(({ text }) => routerName(conversion, text)));
  const ignores = group.memberWeights === "ignore";
  set(
    table,
    "member_weights",
    group.memberWeights,
    ignores ? { comment: "keepalived's default; vipd's is \"all\"" } : {},
  );
  writeTracks(table, group.tracks, undefined, conversion);
  writeHooks(table, group.hooks, conversion.globals.scriptAccount, tell);
}
