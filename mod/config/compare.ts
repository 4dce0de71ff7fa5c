/**
 * The files of several hosts side by side: do their virtual routers understand one another, and does a
 * failing check really move them?
 */
import { compareBalance } from "./compare_balance.ts";
import { compareGroups } from "./compare_groups.ts";
import type { Finding, Path } from "./document.ts";
import { routerPath } from "./dual_stack.ts";
import { formatDuration } from "./duration.ts";
import type { Config, VirtualRouterConfig } from "./schema.ts";
import { effectivePriority, isMultiplied, onFailure, sayStays } from "./weights.ts";

/** One host's configuration under the name that messages give it. */
export interface Node {
  readonly file: string;
  readonly config: Config;
}

/** A finding about the node at this index. */
export interface NodeFinding {
  readonly node: number;
  readonly finding: Finding;
}

/** One host's part in a group of routers with the same VRID. */
export interface Member {
  readonly node: number;
  readonly file: string;
  readonly name: string;
  readonly path: Path;
  readonly router: VirtualRouterConfig;
}

/**
 * Findings about groups of routers that these hosts form together, and about their virtual servers; a router
 * without a counterpart is left alone.
 */
export function compareNodes(nodes: readonly Node[]): NodeFinding[] {
  const findings: NodeFinding[] = [];
  const counterparts = groupsOf(nodes);
  for (const group of counterparts) {
    const warn = (member: Member, key: Path, message: string): void => {
      findings.push({ node: member.node, finding: { path: [...member.path, ...key], message } });
    };
    compareWire(group, warn);
    comparePriorities(group, warn);
    compareWeights(group, nodes, warn);
  }
  return once([...findings, ...compareGroups(nodes, counterparts), ...compareBalance(nodes)]);
}

/** What holds for both families of a virtual router is told once. */
function once(findings: readonly NodeFinding[]): NodeFinding[] {
  return [...new Map(findings.map((one) => [JSON.stringify(one), one])).values()];
}

/** Names of the virtual routers of one node that have a counterpart on another. */
export function withCounterpart(nodes: readonly Node[], node: number): ReadonlySet<string> {
  const members = groupsOf(nodes).flat().filter((member) => member.node === node);
  return new Set(members.map(({ name }) => name));
}

type Warn = (member: Member, key: Path, message: string) => void;

function groupsOf(nodes: readonly Node[]): Member[][] {
  const groups: Member[][] = [];
  for (const [node, { file, config }] of nodes.entries()) {
    for (const [name, router] of Object.entries(config.virtual_router)) {
      const member = { node, file, name, path: routerPath(name), router };
      const group = groups.find((group) => group.every((other) => belongTogether(other, member)));
      if (group === undefined) groups.push([member]);
      else group.push(member);
    }
  }
  return groups.filter((group) => group.length > 1);
}

/** One VRID may serve several links: then a common address or the same name tells who belongs to whom. */
function belongTogether(a: Member, b: Member): boolean {
  if (a.node === b.node || a.router.vrid !== b.router.vrid || a.router.family !== b.router.family) {
    return false;
  }
  const addresses = a.router.addresses.map(({ address }) => address);
  const common = b.router.addresses.some(({ address }) => addresses.includes(address));
  return common || a.name === b.name;
}

/** What must agree, as the first member has it: others are told where they differ. */
const MUST_AGREE: readonly { key: string; show: (router: VirtualRouterConfig) => string; why: string }[] = [
  { key: "version", show: ({ version }) => `${version}`, why: "packets of another version are discarded" },
  {
    key: "advertisement_interval",
    show: ({ advertisement_interval }) => formatDuration(advertisement_interval),
    why: "version 2 discards other intervals, version 3 follows the active router's",
  },
  {
    key: "addresses",
    show: ({ addresses }) => addresses.map(({ address }) => address).sort().join(", ") || "none",
    why: "after a failover some addresses would be missing",
  },
  {
    key: "excluded_addresses",
    show: ({ excluded_addresses }) =>
      excluded_addresses.map(({ address }) => address).sort().join(", ") || "none",
    why: "after a failover some addresses would be missing",
  },
  {
    key: "detect_conflicts",
    show: ({ detect_conflicts: mode, conflict_wait }) =>
      mode === "wait" ? `wait for ${formatDuration(conflict_wait)}` : "no wait",
    why: "whoever waits longer comes too late, however high its priority",
  },
  {
    key: "multicast_group",
    show: ({ unicast_peers, multicast_group }) => unicast_peers === undefined ? multicast_group : "unicast",
    why: "the routers would not hear each other",
  },
];

function compareWire([first, ...others]: readonly Member[], warn: Warn): void {
  if (first === undefined) return;
  for (const other of others) {
    for (const { key, show, why } of MUST_AGREE) {
      const [mine, theirs] = [show(other.router), show(first.router)];
      if (mine !== theirs) warn(other, [key], `${mine}, but ${theirs} in ${first.file}: ${why}`);
    }
    if (first.router.password !== other.router.password) {
      warn(
        other,
        ["password"],
        `differs from the one in ${first.file}: each router would discard the other's packets`,
      );
    }
    comparePeers(first, other, warn);
    comparePeers(other, first, warn);
  }
}

function comparePeers(speaker: Member, hearer: Member, warn: Warn): void {
  const { unicast_source: source } = speaker.router;
  const { unicast_peers: peers } = hearer.router;
  if (source === undefined || peers === undefined || peers.includes(source)) return;
  warn(
    hearer,
    ["unicast_peers"],
    `${source}, the unicast_source in ${speaker.file}, is not among them: its packets are discarded`,
  );
}

function comparePriorities(group: readonly Member[], warn: Warn): void {
  for (const [i, member] of group.entries()) {
    const equal = group.slice(0, i).find(({ router }) => router.priority === member.router.priority);
    if (equal === undefined) continue;
    const consequence = member.router.priority === 255
      ? "only one host can own the addresses"
      : "the higher address wins a tie, and which host is ACTIVE depends on who started first";
    warn(member, ["priority"], `the same as in ${equal.file}: ${consequence}`);
  }
}

/** Lets each weighted check of the preferred router fail, and looks whether another one takes over. */
function compareWeights(group: readonly Member[], nodes: readonly Node[], warn: Warn): void {
  const [active, ...others] = group.toSorted((a, b) =>
    effectivePriority(b.router) - effectivePriority(a.router)
  );
  if (active === undefined || active.router.priority === 255) return;
  const next = others[0]?.file ?? "";
  for (const [i, { check, weight, reverse = false }] of active.router.track.entries()) {
    if (weight === undefined || isMultiplied(nodes[active.node]!.config.check[check])) continue;
    const outcome = onFailure(active.router, others.map(({ router }) => router), check);
    if (outcome.kind === "moves") continue;
    const why = sayStays(outcome, weight, next);
    warn(
      active,
      ["track", i],
      `a ${reverse ? "passing" : "failing"} ${check} does not move the addresses: ${why}`,
    );
  }
}
