/** `vrrp_instance` of keepalived.conf: its keywords; router_draft.ts makes a virtual router of them. */
import { secondsAt, switchAt, wholeNumberAt, wordAt } from "./arguments.ts";
import { AUTHENTICATION } from "./authentication.ts";
import { type Conversion, routerName } from "./conversion.ts";
import { set, tableAt } from "./draft.ts";
import { downTimer } from "./global_defs.ts";
import { hookKeywords, newHooks } from "./hooks.ts";
import type { VrrpInstance } from "./instance.ts";
import { ADDRESSES, INTERFACES, TRANSPORT } from "./instance_network.ts";
import type { Tell } from "./report.ts";
import { writeRouter } from "./router_draft.ts";
import { type Keywords, rows, walk } from "./table.ts";
import { trackKeywords } from "./tracking.ts";
import type { Statement } from "./tree.ts";

type Rows = Keywords<VrrpInstance>;

const IDENTITY: Rows = [
  {
    keyword: "state",
    outcome: "converted",
    why:
      "no key: every router starts as BACKUP and the highest priority becomes ACTIVE, in keepalived as well " +
      "(unless it is 255)",
    convert: (statement, instance, tell) => {
      const word = wordAt(statement, 0, tell);
      if (word === undefined) return;
      if (word.text !== "MASTER" && word.text !== "BACKUP") {
        return tell.refuse(
          `expected MASTER or BACKUP in capital letters, got "${word.text}"; keepalived takes BACKUP`,
        );
      }
      instance.state = instance.state === "MASTER" ? "MASTER" : word.text;
    },
  },
  {
    keyword: "interface",
    outcome: "converted",
    why: "virtual_router.*.interface",
    convert: (statement, instance, tell) => {
      const word = wordAt(statement, 0, tell);
      if (word !== undefined) instance.interface = word.text;
    },
  },
  {
    keyword: "virtual_router_id",
    outcome: "converted",
    why: "virtual_router.*.vrid",
    convert: (statement, instance, tell) => {
      const vrid = wholeNumberAt(statement, 0, [1, 255], tell);
      if (vrid !== undefined) instance.vrid = vrid;
    },
  },
  {
    keyword: "priority",
    outcome: "converted",
    why: "virtual_router.*.priority",
    convert: (statement, instance, tell) => {
      const priority = wholeNumberAt(statement, 0, [1, 255], tell);
      if (priority !== undefined) instance.priority = priority;
    },
  },
  {
    keyword: "advert_int",
    outcome: "converted",
    why: "virtual_router.*.advertisement_interval",
    convert: (statement, instance, tell) => {
      const ms = secondsAt(statement, 0, [0.01, 255], tell);
      if (ms !== undefined) instance.intervalMs = ms;
    },
  },
  {
    keyword: "version",
    outcome: "converted",
    why: "virtual_router.*.version",
    convert: (statement, instance, tell) => {
      const version = wholeNumberAt(statement, 0, [2, 3], tell);
      if (version !== undefined) instance.version = version === 2 ? 2 : 3;
    },
  },
  {
    keyword: "native_ipv6",
    outcome: "obsolete",
    why: "the family follows from the addresses",
    convert: (_statement, instance, tell) => {
      instance.version = 3;
      tell.obsolete("the family follows from the addresses");
    },
  },
  {
    keyword: "strict_mode",
    outcome: "converted",
    why: "as vrrp_strict",
    convert: (statement, instance, tell) => {
      const strict = switchAt(statement, tell);
      if (strict !== undefined) instance.strict = strict;
    },
  },
];

const ELECTION: Rows = [
  {
    keyword: "nopreempt",
    outcome: "converted",
    why: "virtual_router.*.preempt = false",
    convert: (_statement, instance) => {
      instance.noPreempt = true;
    },
  },
  {
    keyword: "preempt",
    outcome: "nothing to do",
    why: "the default",
    convert: (_statement, instance, tell) => {
      instance.noPreempt = false;
      tell.nothing("the default");
    },
  },
  {
    keyword: "preempt_delay",
    outcome: "converted",
    why: "virtual_router.*.preempt_delay",
    convert: (statement, instance, tell) => {
      instance.preemptDelayMs = secondsAt(statement, 0, [0, 1_000], tell) ?? 0;
    },
  },
  {
    keyword: "down_timer_adverts",
    outcome: "converted",
    why: "3, as the RFC says; another number is refused",
    convert: (statement, _instance, tell) => downTimer(statement, tell),
  },
  ...rows(
    "nothing to do",
    "who hears a lower priority while ACTIVE answers at once, and who yields reminds the winner",
    [
      "lower_prio_no_advert",
      "higher_prio_send_advert",
    ],
  ),
  ...rows("refused", "an owner (priority 255) hears other routers here and answers a rogue one at once", [
    "owner_ignore_adverts",
  ], true),
  ...rows(
    "nothing to do",
    "own late advertisements are measured and shown, and a peer's takeover is noticed at once",
    [
      "timer_expired_backup",
    ],
  ),
  ...rows("obsolete", "timer_expired_backup; here nothing", ["thread_timer_expired"]),
];

const OTHERS: Rows = [
  ...trackKeywords<VrrpInstance>(),
  ...hookKeywords<VrrpInstance>(false),
  {
    keyword: "lvs_sync_daemon_interface",
    outcome: "obsolete",
    why: "lvs_sync_daemon in global_defs; balance.sync here",
    convert: (statement, { name, conversion }, tell) => {
      const word = wordAt(statement, 0, tell);
      if (word === undefined) return;
      const virtual_router = routerName(conversion, name);
      const balance = tableAt(conversion.draft, ["balance"], statement.keyword.at);
      if (balance.entries.has("sync")) return tell.nothing("there is an lvs_sync_daemon already");
      set(balance, "sync", { virtual_router, interface: word.text });
      tell.obsolete("lvs_sync_daemon in global_defs; converted to balance.sync");
    },
  },
  ...rows("nothing to do", 'log.level = "debug" says more', ["debug"]),
];

export const VRRP_INSTANCE: Rows = [
  ...IDENTITY,
  ...ELECTION,
  ...ADDRESSES,
  ...TRANSPORT,
  ...INTERFACES,
  ...AUTHENTICATION,
  ...OTHERS,
];

export function convertVrrpInstance(
  statement: Statement,
  conversion: Conversion,
  tell: Tell,
): void {
  const name = wordAt(statement, 0, tell);
  if (name === undefined) return;
  if (conversion.instances.has(name.text)) {
    return tell.refuse("there is a vrrp_instance of this name already: keepalived passes over this one");
  }
  const instance: VrrpInstance = {
    ...{ name: name.text, at: statement.keyword.at, conversion, addresses: [], excluded: [], tracks: [] },
    ...{ noPreempt: false, preemptDelayMs: 0, wantsUnicast: false, faultWithoutPeers: false },
    ...{ advertiseFromBase: false, garp: {}, hooks: newHooks() },
  };
  conversion.instances.set(name.text, instance);
  walk(`vrrp_instance ${name.text}`, VRRP_INSTANCE, statement.block ?? [], instance, conversion);
  conversion.later.push(() => writeRouter(instance));
}
