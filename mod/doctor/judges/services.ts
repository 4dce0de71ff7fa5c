/** Virtual servers and their engines, and what checks need of this host. PURE. */
import type { Facts } from "../facts.ts";
import { type Finding, note, problem, warning } from "../finding.ts";

/** The table of connections is full soon. */
const FULL = 0.9;

export function judgeServices(facts: Facts): Finding[] {
  return [
    ...judgeServers(facts),
    ...judgeEngines(facts),
    ...judgeConntrack(facts),
    ...judgeRealServers(facts),
  ];
}

function judgeServers({ status }: Facts): Finding[] {
  return (status?.virtual_servers ?? []).flatMap(({ name, problem: text, warnings, quorum, checking }) => [
    ...(text === null ? [] : [problem(name, text, [], ["vipd status"])]),
    ...warnings.map((one) => warning(name, one, [], ["# or tune_kernel = true in [balance]"])),
    ...(checking && !quorum.up
      ? [warning(name, "too few real servers are healthy", [], ["vipd status"])]
      : []),
  ]);
}

/** Before the first start; a running daemon has said it above. */
function judgeEngines({ config, status, engines }: Facts): Finding[] {
  if (status !== null) return [];
  const wanted = Object.entries(config?.virtual_server ?? {});
  const needs = { nftables: "nft", haproxy: "haproxy", ipvs: "ipvs" } as const;
  const packages = {
    nft: "apt-get install nftables",
    haproxy: "apt-get install haproxy",
    ipvs: "modprobe ip_vs",
  } as const;
  return wanted.flatMap(([name, { engine }]) => {
    const key = engine in needs ? needs[engine as keyof typeof needs] : null;
    if (key === null || engines[key]) return [];
    return [problem(name, `engine = "${engine}", but this host has no ${key}`, [], [packages[key]])];
  });
}

function judgeConntrack({ conntrack }: Facts): Finding[] {
  if (conntrack === null || conntrack.used < conntrack.limit * FULL) return [];
  const evidence = [`${conntrack.used} of ${conntrack.limit} connections`];
  return [
    warning("connection tracking", "its table is nearly full: new connections will be dropped", evidence, [
      `sysctl -w net.netfilter.nf_conntrack_max=${conntrack.limit * 2}`,
    ]),
  ];
}

function judgeRealServers({ status }: Facts): Finding[] {
  return (status?.direct_routing ?? []).flatMap(({ name, problem: text, addresses }) => [
    ...(text === null ? [] : [problem(name, text, [], ["vipd status"])]),
    ...addresses.filter(({ present }) => !present).map(({ address }) =>
      problem(name, `${address} is not there`)
    ),
  ]);
}

export function judgeChecks({ status, unresolved }: Facts): Finding[] {
  const names = unresolved.map(({ name, problem: text }) =>
    warning("checks", `${name} is a name that this host cannot resolve`, [text], [
      `getent hosts ${name}`,
      "# or its address in vipd.toml: a check then does not depend on DNS",
    ])
  );
  const unbound = (status?.checks ?? []).filter(({ state, reason }) =>
    state === "down" && /EADDRNOTAVAIL|cannot assign requested address/i.test(reason)
  ).map(({ name, reason }) =>
    note(name, "a program here cannot bind to an address that this node does not have now", [reason], [
      "sysctl -w net.ipv4.ip_nonlocal_bind=1 net.ipv6.ip_nonlocal_bind=1",
    ])
  );
  return [...names, ...unbound];
}
