/** Whether this host's packet filters let advertisements in and out. PURE. */
import { type Fate, fateOf } from "../firewall/evaluate.ts";
import type { Packet } from "../firewall/ruleset.ts";
import { type Facts, type PeerFacts, type RouterFacts, routersOf } from "../facts.ts";
import { type Finding, note, problem, warning } from "../finding.ts";

/** Firewalls that write the rules themselves: what is inserted by hand is gone with their next reload. */
const MANAGERS: Readonly<Record<string, readonly string[]>> = {
  firewalld: ["firewall-cmd --permanent --add-protocol=vrrp", "firewall-cmd --reload"],
  ufw: [
    "# in /etc/ufw/before.rules (IPv6: before6.rules, ufw6-before-input), above the line COMMIT:",
    "#   -A ufw-before-input -p 112 -j ACCEPT",
    "#   -A ufw-before-output -p 112 -j ACCEPT",
    "ufw reload",
  ],
};

export function judgeFirewall(facts: Facts): Finding[] {
  const fates = new Map<string, Fate>();
  // Virtual routers of one link send and hear the same packets.
  const fate = (packet: Packet): Fate => {
    const key = JSON.stringify(packet);
    const known = fates.get(key) ?? fateOf(facts.firewalls, packet);
    fates.set(key, known);
    return known;
  };
  const findings = routersOf(facts).flatMap((router) =>
    (["in", "out"] as const).flatMap((direction) => judgeOne(facts, router, direction, fate))
  );
  // One rule stops all virtual routers of a link: it is told once.
  const told = new Set<string>();
  return findings.filter(({ message, evidence }) => {
    const key = `${message} ${evidence.join()}`;
    return told.has(key) ? false : told.add(key);
  });
}

function judgeOne(
  facts: Facts,
  router: RouterFacts,
  direction: "in" | "out",
  fateFor: (packet: Packet) => Fate,
): Finding[] {
  // Frames from the virtual router MAC address are sent below the packet filter.
  if (direction === "out" && router.config.virtual_mac?.advertise_from === "virtual") return [];
  return packetsOf(facts, router, direction).flatMap((packet) => {
    const fate = fateFor(packet);
    return fate.fate === "passes" ? [] : [found(facts, router, packet, fate)];
  });
}

function found(facts: Facts, { config }: RouterFacts, packet: Packet, fate: Fate): Finding {
  const { direction, destination, source } = packet;
  const what = direction === "in"
    ? `advertisements that come in on ${config.interface}`
    : `this host's advertisements to ${destination}`;
  const from = direction === "in" && source !== null ? ` from ${source}` : "";
  const message = fate.fate === "drops"
    ? `the firewall drops ${what}${from}`
    : `the firewall may drop ${what}${from}: it depends on ${
      source === null ? "who sends them, and nobody was heard" : "what cannot be seen here"
    }`;
  const unsure = direction === "in" && source === null ? note : warning;
  const tell = fate.fate === "drops" ? problem : unsure;
  return tell(config.interface, message, [`${fate.place}: ${fate.text}`], fixOf(facts, fate));
}

function fixOf({ services }: Facts, { fix }: Fate): readonly string[] {
  const manager = services.find(({ name }) => name in MANAGERS);
  if (manager !== undefined) return MANAGERS[manager.name]!;
  return [fix, "# and where the rules are kept: /etc/nftables.conf, /etc/iptables/rules.v4, ..."];
}

/** One packet for each way in which advertisements come or go. */
function packetsOf(facts: Facts, { config, status }: RouterFacts, direction: "in" | "out"): Packet[] {
  const own = status?.primary_address ?? config.unicast_source ?? ownAddress(facts, config);
  const base = { direction, family: config.family, interface: config.interface } as const;
  if (config.unicast_peers !== undefined) {
    return config.unicast_peers.flatMap((peer): Packet[] => {
      const [source, destination] = direction === "in" ? [peer, own] : [own, peer];
      return destination === null ? [] : [{ ...base, source, destination, multicast: false }];
    });
  }
  const group = { ...base, destination: config.multicast_group, multicast: true };
  if (direction === "out") return [{ ...group, source: own }];
  const sources = [
    ...(facts.heard ?? []).filter(({ vrid, interface: name, family }) =>
      vrid === config.vrid && name === config.interface && family === config.family
    ).map(({ source }) => source),
    ...(status?.peers ?? []).map(({ address }) => address),
    ...facts.peers.flatMap((peer) => primaryAddresses(peer, config)),
  ];
  const known: readonly (string | null)[] = sources.length > 0 ? [...new Set(sources)] : [null];
  return known.map((source) => ({ ...group, source }));
}

/** Where the peers that the operator has shown send from. */
function primaryAddresses({ status }: PeerFacts, { vrid, family }: RouterFacts["config"]): string[] {
  return (status?.virtual_routers ?? []).flatMap((router) =>
    router.vrid === vrid && (router.family === "ipv4") === (family === 4) && router.primary_address !== null
      ? [router.primary_address]
      : []
  );
}

function ownAddress({ links }: Facts, { interface: name, family }: RouterFacts["config"]): string | null {
  const link = links.find((candidate) => candidate.name === name);
  const isOurs = (address: string): boolean =>
    family === 4 ? !address.includes(":") : address.startsWith("fe80:");
  return link?.addresses.find(({ address }) => isOurs(address))?.address ?? null;
}
