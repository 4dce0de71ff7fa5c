/** Who answers for the virtual addresses, and for this host's own. PURE. */
import { formatMac } from "../../wire/address.ts";
import { virtualRouterMac } from "../../wire/ethernet.ts";
import { addressesOf, type ClaimFacts, type Facts, type RouterFacts, routersOf } from "../facts.ts";
import { type Finding, problem, warning } from "../finding.ts";

export function judgeAddresses(facts: Facts): Finding[] {
  return [
    ...facts.claims.filter(({ what, macs }) => what === "own" && macs.length > 0).map(judgeOwn),
    ...routersOf(facts).flatMap((router) => judgeRouter(facts, router)),
  ];
}

function judgeOwn({ address, interface: name, macs }: ClaimFacts): Finding {
  const message = `${address}, this host's own address, is in use by ${macs.join(", ")} as well`;
  return problem(name, message, ["asked by ARP or neighbour discovery"], [
    `# find it: bridge fdb show, or the switch's table, for ${macs[0]}`,
    `arping -D -c 3 -I ${name} ${address}`,
  ]);
}

function judgeRouter(facts: Facts, router: RouterFacts): Finding[] {
  const { name, status } = router;
  const conflicts = (status?.conflicts ?? []).map(({ address, interface: link, mac }) =>
    problem(
      name,
      `${address} is in use by ${mac}${status?.state === "ACTIVE" ? " as well" : ""}`,
      [`vipd heard it on ${link}`],
      fixOf(mac, facts, address),
    )
  );
  const told = new Set(conflicts.map(({ message }) => message));
  const found = addressesOf(router).flatMap((vip) => {
    const claim = facts.claims.find(({ address, interface: link }) =>
      address === vip.address && link === vip.interface
    );
    return claim === undefined ? [] : judgeClaim(facts, router, claim);
  });
  return [...conflicts, ...found.filter(({ message }) => !told.has(message)), ...judgeMissing(router)];
}

function judgeClaim(
  facts: Facts,
  router: RouterFacts,
  { address, interface: link, macs }: ClaimFacts,
): Finding[] {
  const { name, config, status } = router;
  const shared = formatMac(virtualRouterMac(config.family, config.vrid));
  const others = macs.filter((mac) => mac !== shared);
  if (status?.state === "ACTIVE") {
    if (status.handover) return [];
    return others.map((mac) =>
      problem(
        name,
        `${address} is in use by ${mac} as well`,
        [`it answers on ${link}`],
        fixOf(mac, facts, address),
      )
    );
  }
  if (macs.length > 1) {
    const message = `${macs.length} hosts answer for ${address}`;
    return [
      problem(
        name,
        message,
        macs.map((mac) => `${mac} on ${link}`),
        fixOf(others[0] ?? macs[0]!, facts, address),
      ),
    ];
  }
  // On another link the active router has another MAC address, which nothing tells.
  if (link !== config.interface) return [];
  const active = macsOfActive(facts, router);
  if (others.length === 0 || active.length === 0 && !isSilent(facts, router)) return [];
  if (active.includes(others[0]!)) return [];
  const expected = active.length === 0
    ? "no router of the group is heard"
    : `the active router is ${active.join(", ")}`;
  const tell = status === null ? warning : problem;
  return [
    tell(
      name,
      `${address} is in use by ${others[0]}, which is not the active router`,
      [expected],
      fixOf(others[0]!, facts, address),
    ),
  ];
}

/** MAC addresses that the active router has spoken from: advertised, or answered for its own address. */
function macsOfActive(facts: Facts, { config, status }: RouterFacts): string[] {
  const heard = (facts.heard ?? []).filter(({ vrid, interface: name, family, priority }) =>
    vrid === config.vrid && name === config.interface && family === config.family && priority > 0
  );
  const sources = [...heard.map(({ source }) => source), status?.active_router ?? ""];
  const answered = facts.claims.filter(({ address }) => sources.includes(address)).flatMap(({ macs }) =>
    macs
  );
  return [...new Set([...heard.map(({ mac }) => mac), ...answered])];
}

/** Whether an active router would have been heard. */
function isSilent({ heard, listenedMs, status }: Facts, { config }: RouterFacts): boolean {
  if (heard === null || config.unicast_peers !== undefined && status === null) return false;
  return listenedMs >= 3 * config.advertisement_interval;
}

function fixOf(mac: string, { config }: Facts, address: string): string[] {
  const routed = Object.values(config?.virtual_server ?? {}).some(({ real_server: reals }) =>
    reals.some(({ forward }) => forward.method !== "nat")
  );
  return [
    `# take ${address} away there; find the host by its MAC address: bridge fdb show, or the switch's table, for ${mac}`,
    ...(routed
      ? [
        "# a real server has it on lo: vipd's [direct_routing] there, or sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2",
      ]
      : []),
  ];
}

function judgeMissing({ name, status }: RouterFacts): Finding[] {
  if (status?.state !== "ACTIVE" || status.handover) return [];
  const missing = status.addresses.filter(({ present }) => !present).map(({ address }) => address);
  if (missing.length === 0) return [];
  return [
    problem(name, `ACTIVE, but without ${missing.join(", ")}`, [status.reason], [
      "vipd status",
      "vipd reload",
    ]),
  ];
}
