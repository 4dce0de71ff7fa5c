/**
 * A director with one interface, whose clients and real servers are on one Ethernet, would tell both of a
 * shorter way past itself (ICMP redirect), and translation needs every packet to come by. PURE.
 */
import type { Service } from "../model.ts";
import type { Chain } from "./objects.ts";
import { anyOf, ct, DADDR, IS_REDIRECTED, type Json, match, type Rule } from "./statements.ts";

export function detourChain(services: readonly Service[]): Chain[] {
  const rules = [
    ...towards(4, { payload: { protocol: "icmp", field: "type" } }, "redirect", services),
    ...towards(6, { payload: { protocol: "icmpv6", field: "type" } }, "nd-redirect", services),
  ];
  if (rules.length === 0) return [];
  const hook = { type: "filter", hook: "output", prio: 0 } as const;
  return [{ kind: "chain", family: "inet", name: "no-redirects", owner: null, hook, rules }];
}

/** A redirect to a client belongs to the connection that it is about; IPv6 has none that is tracked. */
function towards(family: 4 | 6, type: Json, redirect: string, services: readonly Service[]): Rule[] {
  const ours = services.filter(({ match: { family: theirs } }) => theirs === family);
  const servers = new Set(ours.flatMap(({ destinations }) => destinations.map(({ address }) => address)));
  const virtual = new Set(ours.flatMap(({ match }) => match.kind === "address" ? [match.address] : []));
  const is = match(type, redirect);
  return [
    ...servers.size === 0 ? [] : [[is, match(DADDR[family], anyOf(...servers)), { drop: null }]],
    ...virtual.size === 0 || family === 6
      ? []
      : [[is, IS_REDIRECTED, match(ct("ip daddr", "original"), anyOf(...virtual)), { drop: null }]],
  ];
}
