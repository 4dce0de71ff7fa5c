/** The other routers: who is heard and who is not, whose packets do not count, and who disagrees. PURE. */
import { REASONS } from "../../vrrp/discard.ts";
import { type Facts, type HeardFacts, type RouterFacts, routersOf } from "../facts.ts";
import { type Finding, note, problem, warning } from "../finding.ts";

/** What was rejected is over after so long. */
const RECENT_MS = 300_000;
const CLOUDS = /amazon|google|microsoft corporation|openstack|digitalocean|hetzner|oracle/i;

/** By the reason's name: what to change. A reason that is not here is explained only. */
const FIXES: Readonly<Record<string, readonly string[]>> = {
  checksum_errors: [
    "# if the peer is keepalived with version 3 and a firewall or NIC rewrites packets: ethtool -K IFACE tx off rx off",
    "# NAT between unicast peers breaks the pseudo header: take it away",
  ],
  ip_ttl_errors: [
    "# the same link for all, or unicast_peers; ttl_security = false only where a router between them is wanted",
  ],
  interval_errors: ["# the same advertisement_interval here and there (keepalived: advert_int)"],
  authentication_failures: [
    "# the same password here and there (keepalived: auth_pass, of which it uses 8 characters)",
  ],
  authentication_type_mismatch: [
    "# password on all routers of the group or on none (keepalived: authentication { auth_type PASS })",
  ],
  invalid_authentication_type: ["# keepalived: auth_type PASS or none, never AH"],
  version_errors: ["# version = 2 or 3, the same everywhere (keepalived: vrrp_version, by default 2)"],
  address_list_errors: ["# the same addresses here and there"],
  unicast_mismatch: ["# unicast_peers on all routers of the group or on none"],
  unknown_source: ["# add the sender to unicast_peers, if it belongs to the group"],
  owner_conflict: ["# priority = 255 on one router only"],
  own_address: ["# find the host with the same address: arping -D -I IFACE ADDRESS"],
  packet_length_errors: ["# tcpdump -vvni IFACE 'proto 112' shows what arrives"],
};

export function judgeGroup(facts: Facts): Finding[] {
  return [
    ...routersOf(facts).flatMap((router) => [
      ...judgeRivals(facts, router),
      ...judgeRejected(facts, router),
      ...judgePeers(facts, router),
      ...judgeWire(facts, router),
      ...judgeSilence(facts, router),
    ]),
    ...judgeForeign(facts),
  ];
}

function heardFor({ heard }: Facts, { config }: RouterFacts): HeardFacts[] {
  return (heard ?? []).filter(({ vrid, interface: name, family }) =>
    vrid === config.vrid && name === config.interface && family === config.family
  );
}

/** Two at a time. */
function judgeRivals(facts: Facts, router: RouterFacts): Finding[] {
  const { name, status } = router;
  if (status?.state !== "ACTIVE" || status.handover) return [];
  const rivals = heardFor(facts, router).filter(({ priority }) => priority > 0);
  const sources = [
    ...new Set(rivals.map(({ source, mac, priority }) => `${source} (${mac}), priority ${priority}`)),
  ];
  if (sources.length === 0) return [];
  const message = "another router is ACTIVE as well: both have the addresses";
  return [problem(name, message, [`heard within ${facts.listenedMs} ms: ${sources.join("; ")}`], [
    `tcpdump -vvni ${router.config.interface} 'ip proto 112 or ip6 proto 112'`,
    "# what this router does not accept of the other one is told below, or by vipd doctor there",
  ])];
}

function judgeRejected(facts: Facts, { name, config, status }: RouterFacts): Finding[] {
  const recent = (status?.rejected ?? []).filter(({ at }) => facts.ageMs(at) < RECENT_MS);
  return [...Map.groupBy(recent, ({ reason }) => reason)].map(([reason, packets]) => {
    const { source, detail } = packets.at(-1)!;
    const explained = reason in REASONS ? REASONS[reason as keyof typeof REASONS].explanation : reason;
    const senders = [...new Set(packets.map((packet) => packet.source))].join(", ");
    const fix = (FIXES[reason] ?? []).map((line) =>
      line.replaceAll("IFACE", config.interface).replaceAll("ADDRESS", source)
    );
    const evidence = [
      `${status!.counters[reason] ?? packets.length} of them (${reason}), lately from ${senders}: ${detail}`,
      explained,
    ];
    return problem(name, `advertisements from ${senders} are rejected: ${reason}`, evidence, fix);
  });
}

/** What counts, but differs. */
function judgePeers(facts: Facts, { name, config, status }: RouterFacts): Finding[] {
  const recent = (status?.peers ?? []).filter(({ last_seen }) => facts.ageMs(last_seen) < RECENT_MS);
  return recent.flatMap((peer) => {
    const findings: Finding[] = [];
    if (!peer.addresses_match) {
      const own = config.addresses.map(({ address }) => address).join(", ");
      const evidence = [`here: ${own}`, `there: ${peer.addresses.join(", ")}`];
      findings.push(problem(name, `${peer.address} advertises other addresses`, evidence, [
        "# the same addresses in vipd.toml on all routers of the group (excluded_addresses for what is not advertised)",
      ]));
    }
    if (peer.priority > 0 && peer.version === 3 && status?.state === "BACKUP") {
      findings.push(
        ...judgeInterval(name, config.advertisement_interval, peer.address, peer.advertisement_interval_ms),
      );
    }
    const other = peer.checksum !== config.ipv4_checksum && peer.checksum !== "rfc3768";
    if (config.version === 3 && config.family === 4 && other) {
      const evidence = [
        `here: ${config.ipv4_checksum}`,
        `there: ${peer.checksum}; vipd accepts both, others may not`,
      ];
      const message = `${peer.address} computes another checksum than this router`;
      findings.push(note(name, message, evidence, [`# ipv4_checksum = "${peer.checksum}" in vipd.toml`]));
    }
    return findings;
  });
}

function judgeInterval(name: string, own: number, address: string, there: number): Finding[] {
  // A router that is about to be replaced in place announces a long one.
  if (own === there || there >= 5_000) return [];
  const message = `${address} advertises every ${there} ms, this router would every ${own} ms`;
  return [
    warning(name, message, [], [
      "# the same advertisement_interval everywhere, or a failover takes longer than expected",
    ]),
  ];
}

/** What is on the wire and what the daemon makes of it: in between is this host. */
function judgeWire(facts: Facts, router: RouterFacts): Finding[] {
  const { name, config, status } = router;
  const heard = heardFor(facts, router).filter(({ priority }) => priority > 0);
  if (heard.length === 0) return [];
  const sources = [...new Set(heard.map(({ source }) => source))];
  if (status === null) return judgeStrangers(router, heard);
  const known = [
    ...status.peers.map(({ address }) => address),
    ...status.rejected.map(({ source }) => source),
  ];
  const lost = sources.filter((source) => !known.includes(source));
  if (lost.length === 0 || status.state === "INIT" || status.state === "FAULT") return [];
  const message = `advertisements of ${lost.join(", ")} arrive on ${config.interface}, but do not reach vipd`;
  return [problem(name, message, [`${heard.length} came within ${facts.listenedMs} ms`], [
    "# between the interface and vipd is the packet filter of this host, or rp_filter:",
    "nft list ruleset",
    "nstat -az TcpExtIPReversePathFilter",
  ])];
}

/** Before the first start: who has this VRID already. */
function judgeStrangers({ name, config }: RouterFacts, heard: readonly HeardFacts[]): Finding[] {
  const own = config.addresses.map(({ address }) => address).toSorted().join(", ");
  return heard.filter((one, at) => heard.findIndex(({ source }) => source === one.source) === at).flatMap(
    (one) => {
      const there = one.addresses.toSorted().join(", ");
      if (there !== own) {
        const evidence = [`here: ${own}`, `there: ${there}, priority ${one.priority}, from ${one.source}`];
        const message = `VRID ${config.vrid} is in use on ${config.interface} with other addresses`;
        return [
          problem(name, message, evidence, ["# another vrid, or the same addresses if it is the same group"]),
        ];
      }
      return one.version === config.version ? [] : [
        problem(
          name,
          `${one.source} advertises with VRRP version ${one.version}, this router would with ${config.version}`,
          [],
          [
            `# version = ${one.version} in vipd.toml`,
          ],
        ),
      ];
    },
  );
}

/** ACTIVE, and alone as far as it knows: as it must be, or the others are not heard. */
function judgeSilence(facts: Facts, router: RouterFacts): Finding[] {
  const { name, config, status } = router;
  if (status?.state !== "ACTIVE" || status.peers.length > 0 || status.rejected.length > 0) return [];
  if (heardFor(facts, router).length > 0) return [];
  const other = activeElsewhere(facts, router);
  const unicast = config.unicast_peers !== undefined;
  const cloud = CLOUDS.test(facts.vendor);
  const fix = [
    "# firewall here: told above; firewall there: vipd doctor on the other node",
    ...(unicast ? [`ping -c 3 -I ${config.interface} ${config.unicast_peers![0]}`] : [
      "# a switch that snoops multicast without a querier forgets groups: turn snooping off, or have a querier",
      "# a network without multicast (most clouds): unicast_peers in vipd.toml, on all nodes",
    ]),
    `tcpdump -vvni ${config.interface} 'ip proto 112 or ip6 proto 112'`,
  ];
  if (other !== null) {
    return [problem(name, `ACTIVE here and on ${other}: they do not hear each other`, [], fix)];
  }
  // The next image of an upgrade knows the counters, and no peer yet.
  if ((status.counters["advertisements_received"] ?? 0) > 0) return [];
  const evidence = [`ACTIVE since ${status.since}; a router that has been BACKUP all the time is silent`];
  if (!unicast && cloud) {
    const message = `never heard a peer, and this cloud may carry no multicast (${facts.vendor})`;
    return [warning(name, message, evidence, fix)];
  }
  return [
    note(
      name,
      "ACTIVE and never heard a peer: right if there is none, or if it was never ACTIVE",
      evidence,
      fix,
    ),
  ];
}

function activeElsewhere({ peers }: Facts, { config }: RouterFacts): string | null {
  const active = peers.find(({ status }) =>
    status?.virtual_routers.some(({ vrid, family, state }) =>
      vrid === config.vrid && (family === "ipv4") === (config.family === 4) && state === "ACTIVE"
    )
  );
  return active?.name ?? null;
}

/** Others on the link: no harm, as long as nobody takes their VRID. */
function judgeForeign(facts: Facts): Finding[] {
  const ours = routersOf(facts);
  const seen = [
    ...(facts.heard ?? []).map(({ interface: name, vrid, source }) => ({ name, vrid, source })),
    ...(facts.status?.foreign_routers ?? []).map(({ interface: name, vrid, address: source }) => ({
      name,
      vrid,
      source,
    })),
  ].filter(({ name, vrid }) => !ours.some(({ config }) => config.interface === name && config.vrid === vrid));
  return [...Map.groupBy(seen, ({ name }) => name)].map(([name, routers]) => {
    const foreign = [...new Set(routers.map(({ vrid }) => vrid))].toSorted((a, b) => a - b);
    const taken = [...foreign, ...ours.map(({ config }) => config.vrid)];
    const free = Array.from({ length: 255 }, (_, i) => i + 1).filter((vrid) => !taken.includes(vrid)).slice(
      0,
      5,
    );
    const evidence = [...new Set(routers.map(({ vrid, source }) => `VRID ${vrid} from ${source}`))];
    return note(name, `other groups are on this link: VRID ${foreign.join(", ")}`, evidence, [
      `# free here, for a new virtual router: ${free.join(", ")}`,
    ]);
  });
}
