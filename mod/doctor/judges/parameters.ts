/** Kernel parameters that keep packets or answers from where they belong. PURE. */
import { addressesOf, effective, type Facts, type RouterFacts, routersOf } from "../facts.ts";
import { type Finding, problem, warning } from "../finding.ts";

export function judgeParameters(facts: Facts): Finding[] {
  return [
    ...routersOf(facts).flatMap((router) => [
      ...judgeVirtualMac(facts, router),
      ...judgeAnswers(facts, router),
      ...judgeSecondaries(facts, router),
      ...judgeIpv6(facts, router),
    ]),
    ...judgeReversePath(facts),
    ...judgeServers(facts),
  ].filter(({ about, message }, at, every) =>
    every.findIndex((other) => other.about === about && other.message === message) === at
  );
}

function set(name: string, key: string, value: number, family = 4): string {
  return `sysctl -w net.ipv${family}.conf.${name.replaceAll(".", "/")}.${key}=${value}`;
}

/** What vipd sets itself while it uses a macvlan: somebody may have set it back. */
function judgeVirtualMac(facts: Facts, { name, config, status }: RouterFacts): Finding[] {
  if (config.virtual_mac === null || status === null || config.family === 6) return [];
  if (!facts.links.some((link) => link.name === config.virtual_mac?.interface)) return [];
  const base = config.interface;
  const own = config.virtual_mac.interface;
  const least = [
    [base, "arp_ignore", 1, "neighbours learn its own MAC address for the virtual addresses"],
    [base, "arp_announce", 2, "it asks with virtual addresses and its own MAC address"],
  ] as const;
  const low = least.flatMap(([link, key, value, consequence]) => {
    const now = effective(facts, link, key);
    if (now === null || now >= value) return [];
    return [problem(name, `${key} of ${link} is ${now}: ${consequence}`, [], [set(link, key, value)])];
  });
  if (effective(facts, own, "rp_filter") !== 1) return low;
  const message =
    `rp_filter of ${own} is 1 (strict): what comes in there is dropped, as the way back is ${base}`;
  return [...low, problem(name, message, [], [set(own, "rp_filter", 2)])];
}

/** Whether this host answers ARP for the addresses at all. */
function judgeAnswers(facts: Facts, router: RouterFacts): Finding[] {
  const names = new Set(
    addressesOf(router).filter(({ address }) => !address.includes(":")).map((one) => one.interface),
  );
  return [...names].flatMap((name) => {
    const ignore = effective(facts, name, "arp_ignore") ?? 0;
    if (ignore !== 8) return [];
    const message = "arp_ignore is 8: this host answers no ARP question, for the virtual addresses neither";
    return [problem(name, message, [], [set(name, "arp_ignore", 0), set("all", "arp_ignore", 0)])];
  });
}

/** An address that becomes the first of its subnet takes the others along when it goes. */
function judgeSecondaries(facts: Facts, { status, ...router }: RouterFacts): Finding[] {
  if (status?.state !== "ACTIVE") return [];
  return addressesOf({ ...router, status }).flatMap(({ address, prefix, interface: name }) => {
    if (address.includes(":") || prefix === 32 || router.config.virtual_mac !== null) return [];
    if (effective(facts, name, "promote_secondaries") !== 0) return [];
    const message =
      "promote_secondaries is 0: removing the first address of a subnet removes the others with it";
    return [warning(name, message, [], [set(name, "promote_secondaries", 1)])];
  });
}

function judgeIpv6(facts: Facts, { config }: RouterFacts): Finding[] {
  if (config.family !== 6) return [];
  const name = config.interface;
  const off = ["all", name].find((key) => facts.parameters.get(`net/ipv6/conf/${key}/disable_ipv6`) === "1");
  const present = facts.parameters.has(`net/ipv6/conf/${name}/disable_ipv6`);
  if (!present && facts.links.some((link) => link.name === name)) {
    const fix = ["# without ipv6.disable=1 in /proc/cmdline, with an MTU of at least 1280"];
    return [problem(name, "the kernel has no IPv6 on it", [], fix)];
  }
  if (off === undefined || facts.parameters.get(`net/ipv6/conf/${name}/disable_ipv6`) !== "1") return [];
  return [problem(name, "IPv6 is off on it (disable_ipv6 = 1)", [], [set(name, "disable_ipv6", 0, 6)])];
}

/** Two interfaces in one subnet: the way back is through one of them, whichever a packet came in on. */
function judgeReversePath(facts: Facts): Finding[] {
  const used = new Set(
    routersOf(facts).filter(({ config }) => config.family === 4).map(({ config }) => config.interface),
  );
  return [...used].flatMap((name) => {
    if (effective(facts, name, "rp_filter") !== 1) return [];
    const subnets = (link: string): string[] =>
      facts.links.filter((one) => one.name === link).flatMap(({ addresses }) =>
        addresses.filter(({ address, prefix }) => !address.includes(":") && prefix < 32)
          .map(({ address, prefix }) => subnetOf(address, prefix))
      );
    const others = facts.links.filter((one) =>
      one.name !== name && one.up && one.kind !== "macvlan" &&
      subnets(one.name).some((net) => subnets(name).includes(net))
    );
    if (others.length === 0) return [];
    const message = `rp_filter is 1 (strict), and ${others[0]!.name} is in the same subnet: ` +
      "advertisements may be dropped as coming from the wrong side";
    return [warning(name, message, [], [set(name, "rp_filter", 2), set("all", "rp_filter", 0)])];
  });
}

function subnetOf(address: string, prefix: number): string {
  const bits = address.split(".").map((octet) => Number(octet).toString(2).padStart(8, "0")).join("");
  return `${bits.slice(0, prefix)}/${prefix}`;
}

/** What directors need; a running daemon says it itself, of each virtual server. */
function judgeServers({ config, status, parameters }: Facts): Finding[] {
  const servers = Object.entries(config?.virtual_server ?? {});
  if (status !== null || servers.length === 0 || config?.balance.tune_kernel === true) return [];
  const forwards = servers.some(([, { real_server: reals }]) =>
    reals.some(({ forward }) => forward.method === "nat")
  );
  if (!forwards || parameters.get("net/ipv4/ip_forward") !== "0") return [];
  const message = 'ip_forward is 0: packets of virtual servers with forward = "nat" stay here';
  return [
    warning("virtual servers", message, [], [
      "sysctl -w net.ipv4.ip_forward=1",
      "# or tune_kernel = true in [balance]",
    ]),
  ];
}
