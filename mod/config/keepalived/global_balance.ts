/** Virtual servers in global_defs of keepalived.conf: `[balance]`. */
import { formatDuration } from "../../../checks/duration.ts";
import { addressAt, wholeNumberAt, wordAt } from "./arguments.ts";
import { type Conversion, routerName } from "./conversion.ts";
import { set, tableAt, type Value } from "./draft.ts";
import type { Tell } from "./report.ts";
import { type Keywords, rows } from "./table.ts";
import type { Statement } from "./tree.ts";

export const BALANCE_GLOBALS: Keywords<Conversion> = [
  {
    keyword: "lvs_timeouts",
    outcome: "converted",
    why: "balance.timeouts",
    convert: (statement, { draft }, tell) => {
      const timeouts: Record<string, Value> = {};
      for (const [i, { text }] of statement.args.entries()) {
        if (i % 2 === 1) continue;
        if (!["tcp", "tcpfin", "udp"].includes(text)) {
          return tell.refuse(`expected tcp, tcpfin or udp, got "${text}"`);
        }
        const seconds = wholeNumberAt(statement, i + 1, [1, 2_678_400], tell);
        if (seconds !== undefined) timeouts[text] = formatDuration(seconds * 1000);
      }
      if (Object.keys(timeouts).length > 0) set(tableAt(draft, ["balance"]), "timeouts", timeouts);
    },
  },
  {
    keyword: "lvs_flush",
    outcome: "converted",
    why: "balance.flush",
    convert: (_statement, { draft }) => set(tableAt(draft, ["balance"]), "flush", true),
  },
  ...["lvs_flush_on_stop", "lvs_flush_onstop"].map((keyword): Keywords<Conversion>[number] => ({
    keyword,
    outcome: keyword === "lvs_flush_on_stop" ? "converted" : "obsolete",
    why: "balance.flush_on_stop: vipd removes its services when it stops, by default",
    convert: (_statement, { draft }, tell) => {
      set(tableAt(draft, ["balance"]), "flush_on_stop", true);
      if (keyword === "lvs_flush_onstop") tell.obsolete("lvs_flush_on_stop; here balance.flush_on_stop");
    },
  })),
  {
    keyword: "lvs_sync_daemon",
    outcome: "converted",
    why: "balance.sync",
    convert: convertSync,
  },
  ...rows("nothing to do", 'the engine of a virtual server chooses: engine = "ipvs" or "nftables"', [
    "nftables_ipvs",
    "nftables_ipvs_priority",
    "nftables_ipvs_start_fwmark",
    "nftables_counters",
  ]),
  ...rows("nothing to do", "the first result of a check is told as well", ["rs_init_notifies"]),
  ...rows("nothing to do", "every failure is counted, and the last one shown by `vipd status`", [
    "checker_log_all_failures",
  ]),
];

const OPTIONS: Readonly<Record<string, readonly [key: string, min: number, max: number]>> = {
  id: ["id", 0, 255],
  maxlen: ["max_length", 1, 65_507],
  port: ["port", 1, 65_535],
  ttl: ["ttl", 1, 255],
};

/** `lvs_sync_daemon INTERFACE [inst] VI_1 [id 1] [maxlen N] [port N] [ttl N] [group ADDRESS]` */
function convertSync(statement: Statement, conversion: Conversion, tell: Tell): void {
  const sync: Record<string, Value> = {};
  const name = wordAt(statement, 0, tell);
  if (name === undefined) return;
  sync["interface"] = name.text;
  const { args } = statement;
  for (let i = 1; i < args.length; i++) {
    const option = args[i]!.text;
    const known = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined;
    if (known !== undefined) {
      const value = wholeNumberAt(statement, ++i, [known[1], known[2]], tell);
      if (value !== undefined) sync[known[0]] = value;
    } else if (option === "group") {
      const group = addressAt(statement, ++i, tell);
      if (group !== undefined) sync["group"] = group;
    } else if (option === "inst") {
      const instance = wordAt(statement, ++i, tell);
      if (instance !== undefined) sync["virtual_router"] = routerName(conversion, instance.text);
    } else if (i === 1) sync["virtual_router"] = routerName(conversion, option);
    else if (i === 2 && /^\d+$/.test(option)) sync["id"] = Number(option);
    else return tell.refuse(`unknown: "${option}"`);
  }
  if (sync["virtual_router"] === undefined) {
    return tell.refuse(
      "name the vrrp_instance that it follows: inst NAME; vipd runs no sync daemon without one",
    );
  }
  set(tableAt(conversion.draft, ["balance"], statement.keyword.at), "sync", sync, {
    at: statement.keyword.at,
  });
}
