/** `global_defs` of keepalived.conf: what counts for all virtual routers, scripts and mails. */
import { addressAt, secondsAt, switchAt, wholeNumberAt, wordAt } from "./arguments.ts";
import type { Conversion } from "./conversion.ts";
import { set, tableAt } from "./draft.ts";
import { BALANCE_GLOBALS } from "./global_balance.ts";
import { MAIL_GLOBALS } from "./global_mail.ts";
import { NOTIFY_GLOBALS } from "./global_notify.ts";
import { PROCESS_GLOBALS } from "./global_process.ts";
import { garpKeywords, intervalMsOf } from "./garp.ts";
import type { Tell } from "./report.ts";
import { type Keywords, rows, walk } from "./table.ts";
import type { Statement } from "./tree.ts";

const NODE_GLOBALS: Keywords<Conversion> = [
  {
    keyword: "router_id",
    outcome: "converted",
    why: "node.name",
    convert: (statement, { draft }, tell) => {
      const word = wordAt(statement, 0, tell);
      if (word !== undefined && word.text !== "") {
        set(tableAt(draft, ["node"]), "name", word.text, { at: word.at });
      }
    },
  },
  {
    keyword: "vrrp_startup_delay",
    outcome: "converted",
    why: "node.startup_delay",
    convert: (statement, { draft }, tell) => {
      const ms = secondsAt(statement, 0, [0.001, 3_600], tell);
      if (ms !== undefined) set(tableAt(draft, ["node"]), "startup_delay", `${ms / 1000}s`);
    },
  },
  {
    keyword: "vrrp_delay_after_boot",
    outcome: "refused",
    optional: true,
    why: "node.startup_delay counts from the start of vipd; or order its unit after what it has to wait for",
  },
];

const VRRP_GLOBALS: Keywords<Conversion> = [
  {
    keyword: "vrrp_version",
    outcome: "converted",
    why: "virtual_router.*.version",
    convert: (statement, { globals }, tell) => {
      const version = wholeNumberAt(statement, 0, [2, 3], tell);
      if (version !== undefined) globals.version = version === 2 ? 2 : 3;
    },
  },
  {
    keyword: "vrrp_strict",
    outcome: "converted",
    why:
      "there is no strict mode: what it forbids is left out (password, preempt_delay); but the addresses answer " +
      "(keepalived makes them unreachable for ping and services unless the host owns them)",
    convert: (statement, { globals }, tell) => {
      globals.strict = switchAt(statement, tell) ?? globals.strict;
      if (globals.strict) tell.note(VRRP_GLOBALS[1]!.why);
    },
  },
  ...(["4", "6"] as const).map((family): Keywords<Conversion>[number] => ({
    keyword: `vrrp_mcast_group${family}`,
    outcome: "converted",
    why: "virtual_router.*.multicast_group",
    convert: (statement, { globals }, tell) => {
      const group = addressAt(statement, 0, tell);
      if (group !== undefined) globals[`multicast${family}`] = group;
    },
  })),
  ...garpKeywords<Conversion>("vrrp_", ({ globals }) => globals.garp),
  {
    keyword: "vrrp_min_garp",
    outcome: "converted",
    why: "virtual_router.*.garp: repeat = 1, no second burst",
    convert: (statement, { globals: { garp } }, tell) => {
      if (switchAt(statement, tell) !== true) return;
      if (garp.repeat === 5) garp.repeat = 1;
      if (garp.delayMs === 5_000) garp.delayMs = 0;
    },
  },
  {
    keyword: "vrrp_garp_interval",
    outcome: "converted",
    why: "virtual_router.*.garp.interval",
    convert: (statement, { globals }, tell) => {
      globals.garpIntervalMs = intervalMsOf(statement, tell) ?? globals.garpIntervalMs;
    },
  },
  {
    keyword: "vrrp_gna_interval",
    outcome: "converted",
    why: "virtual_router.*.garp.interval of IPv6",
    convert: (statement, { globals }, tell) => {
      globals.gnaIntervalMs = intervalMsOf(statement, tell) ?? globals.gnaIntervalMs;
    },
  },
  {
    keyword: "vmac_prefix",
    outcome: "converted",
    why: "virtual_router.*.virtual_mac.interface",
    convert: (statement, { globals }, tell) => {
      globals.vmacPrefix = wordAt(statement, 0, tell)?.text ?? globals.vmacPrefix;
    },
  },
  {
    keyword: "v3_checksum_as_v2",
    outcome: "converted",
    why: 'virtual_router.*.ipv4_checksum = "rfc9568"',
    convert: (_statement, { globals }) => {
      globals.checksumAsV2 = true;
    },
  },
  ...rows("nothing to do", "an interface that is not there yet is waited for, always", [
    "dynamic_interfaces",
  ]),
  ...rows("nothing to do", "only unicast_peers are heard, always", ["vrrp_check_unicast_src"]),
  ...rows("nothing to do", "another list of addresses is accepted, and shown in the status", [
    "vrrp_skip_check_adv_addr",
  ]),
  ...rows(
    "nothing to do",
    "who hears a lower priority while ACTIVE answers at once, and who yields reminds the winner",
    [
      "vrrp_lower_prio_no_advert",
      "vrrp_higher_prio_send_advert",
    ],
  ),
  ...rows("nothing to do", "advertisements of unknown VRIDs are counted and shown by `vipd status`", [
    "log_unknown_vrids",
  ]),
  ...rows("nothing to do", "the default interface is for static addresses only", ["default_interface"]),
  {
    keyword: "vrrp_down_timer_adverts",
    outcome: "converted",
    why: "3, as the RFC says; another number is refused",
    convert: (statement, _context, tell) => downTimer(statement, tell),
  },
  ...rows(
    "refused",
    "vipd sends no announcements on further interfaces: routers learn from `addresses` alone",
    [
      "vrrp_garp_extra_if",
      "vrrp_vmac_garp_intvl",
    ],
    true,
  ),
  ...rows("refused", "an owner (priority 255) hears other routers here and answers a rogue one at once", [
    "vrrp_owner_ignore_adverts",
  ], true),
  ...rows("refused", "IGMP of the host's own is the kernel's: net.ipv4.igmp_link_local_mcast_reports", [
    "disable_local_igmp",
  ], true),
  ...rows("refused", "name the interface of a virtual MAC address in virtual_mac.interface", [
    "vmac_addr_prefix",
  ], true),
];

/** 3 is what the RFC says and what vipd does. */
export function downTimer(statement: Statement, tell: Tell): void {
  const count = wholeNumberAt(statement, 0, [1, 100], tell);
  if (count === undefined || count === 3) return;
  tell.omit(
    `a backup waits for 3 intervals here, not for ${count}: choose the advertisement_interval so that this fits`,
  );
}

export const GLOBAL_DEFS: Keywords<Conversion> = [
  ...NODE_GLOBALS,
  ...VRRP_GLOBALS,
  ...NOTIFY_GLOBALS,
  ...MAIL_GLOBALS,
  ...BALANCE_GLOBALS,
  ...PROCESS_GLOBALS,
];

export function convertGlobalDefs(statement: Statement, conversion: Conversion): void {
  walk("global_defs", GLOBAL_DEFS, statement.block ?? [], conversion, conversion);
}
