/** Connections whose client a real server does not see: it answers to this host by any route. PURE. */
import type { Destination, Service } from "../model.ts";
import type { Chain, Table, Thing } from "./objects.ts";
import { concat, ct, IS_REDIRECTED, L4PROTO, MARK, match, type Rule } from "./statements.ts";
import { connectionOf, type Group, groups, pairKey } from "./traffic.ts";

/** Before other tables' source translation: the first one that decides does. */
const BEFORE_SNAT = 90;

export function masqueradeThings(services: readonly Service[]): Thing[] {
  const all = groups(services, isMasqueraded);
  const rules = [
    ...all.map((group): Rule => [
      IS_REDIRECTED,
      match(L4PROTO, group.protocol),
      match(concat(...connectionOf(group)), `@${setName(group)}`),
      { masquerade: null },
    ]),
    ...services.flatMap(markedRules),
  ];
  if (rules.length === 0) return [];
  const hook = { type: "nat", hook: "postrouting", prio: BEFORE_SNAT } as const;
  const chain: Chain = { kind: "chain", family: "inet", name: "postrouting", owner: null, hook, rules };
  return [...all.map(pairs), chain];
}

function isMasqueraded({ forward }: Destination): boolean {
  return forward.method === "nat" && forward.masquerade === true;
}

function setName({ name }: Group): string {
  return `masquerade-${name}`;
}

function pairs(group: Group): Table {
  const address = group.family === 4 ? "ipv4_addr" : "ipv6_addr";
  const elements = group.pairs.map((pair) => {
    const element = concat(...pairKey(group, pair));
    return [JSON.stringify(element), element] as const;
  });
  const type = group.hasPort ? [address, "inet_service", address, "inet_service"] : [address, address];
  return {
    kind: "table",
    family: "inet",
    name: setName(group),
    owner: null,
    type,
    elements: new Map(elements),
  };
}

/** A marked packet is still marked when it leaves, unless somebody has changed that. */
function markedRules({ match: service, destinations }: Service): Rule[] {
  if (service.kind !== "fwmark") return [];
  const from = ct(`${service.family === 4 ? "ip" : "ip6"} saddr`, "reply");
  return destinations.filter(isMasqueraded).map(({ address }) => [
    IS_REDIRECTED,
    match(MARK, service.fwmark),
    match(from, address),
    { masquerade: null },
  ]);
}
