/** Keywords that virtual_server and real_server have in common. */
import { wordAt } from "../arguments.ts";
import type { Value } from "../draft.ts";
import type { Keywords } from "../table.ts";
import { forwardOf } from "./forwarding.ts";

/** `why` is the key that it becomes. */
export function forwardKeywords(why: string): Keywords<{ readonly keys: Record<string, Value> }> {
  return ["lb_kind", "lvs_method"].map((keyword) => ({
    keyword,
    outcome: "converted",
    why,
    convert: (statement, { keys }, tell) => {
      const forward = forwardOf(statement, tell);
      if (forward !== undefined) keys["forward"] = forward;
    },
  }));
}

export const NAMES: Keywords<{ virtualHost?: string }> = [
  {
    keyword: "virtualhost",
    outcome: "converted",
    why: "virtual_host of its http checks",
    convert: (statement, server, tell) => {
      const host = wordAt(statement, 0, tell);
      if (host !== undefined) server.virtualHost = host.text;
    },
  },
  {
    keyword: "snmp_name",
    outcome: "nothing to do",
    why: "there is no SNMP: the API and /metrics have its name",
  },
];
