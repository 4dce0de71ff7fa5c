/**
 * What one round of the crash test does, drawn from its seed and nothing else: who takes part, what breaks,
 * and at which moment.
 */
import { pauseInterval, pauseLeaseMs } from "../../mod/vrrp/saved.ts";
import { Random } from "../sim/random.ts";

export interface Profile {
  readonly name: string;
  readonly version: 2 | 3;
  readonly intervalMs: number;
}

const PROFILES: readonly Profile[] = [
  { name: "v2 1 s", version: 2, intervalMs: 1000 },
  { name: "v3 100 ms", version: 3, intervalMs: 100 },
  { name: "v3 10 ms", version: 3, intervalMs: 10 },
];

/** What the daemon was doing when it was hit; the moment within that is drawn as well. */
const PHASES = {
  "steady": 5,
  "renewal": 2,
  "start-up": 2,
  "recovery": 1,
  "promotion": 2,
  "handover": 2,
  "reload": 2,
  "shutdown": 2,
  "upgrade": 2,
} as const;
export type Phase = keyof typeof PHASES;

/** What breaks -> how often, in parts of all. */
const FAULTS = {
  /** SIGKILL: the process is gone, the kernel serves on until the lease ends. */
  "kill": 24,
  /** The process is killed and its cable cut in the same moment: nothing serves on. */
  "host dies": 8,
  /** SIGSTOP, later SIGCONT. */
  "freeze": 18,
  "freeze, kill": 7,
  /** The VRRP thread alone stands still. */
  "stall vrrp": 10,
  /** The main thread alone: the event loop that serves the API and feeds the watchdog. */
  "stall main": 8,
  /** A kernel call of the VRRP thread that does not return. */
  "stuck call": 9,
  /** The kernel's OOM killer chooses the daemon. */
  "out of memory": 8,
  /** The daemon asks for memory and does not get it. */
  "memory refused": 4,
} as const;
export type FaultKind = keyof typeof FAULTS;

export interface Fault {
  readonly kind: FaultKind;
  /** How long a thread or the process stands still. */
  readonly forMs: number;
  /** How long a dead daemon stays away. */
  readonly restartMs: number;
  /** The kernel call: on which sockets, and the how-manyth. */
  readonly socket: "netlink" | "any";
  readonly call: number;
}

/** What the reload of the phase "reload" makes of the lease. */
export const RELOADED_LEASE_MS = 5000;

export type DaemonKind = "vipd" | "keepalived";

export interface Plan {
  readonly seed: number;
  readonly profile: Profile;
  readonly family: 4 | 6;
  readonly routers: number;
  /** The one whose address the client asks for. */
  readonly watched: number;
  /** Of n1, n2 (and n3). */
  readonly daemons: readonly DaemonKind[];
  /** Always vipd. */
  readonly victim: number;
  /** Whether every node is the best one for some virtual routers, or n1 for all. */
  readonly isSpread: boolean;
  readonly preempt: boolean;
  readonly phase: Phase;
  /** 0 <= x < 1: where in the phase the fault comes. */
  readonly moment: number;
  /** In "promotion": the peer that has to go first dies, or is stopped in good order. */
  readonly peerDies: boolean;
  readonly fault: Fault;
}

export function makePlan(seed: number, only: Partial<Pick<Plan, "phase">> & { kind?: FaultKind } = {}): Plan {
  const random = new Random(seed);
  const profile = random.pick(PROFILES);
  const nodes = random.chance(0.4) ? 3 : 2;
  const routers = random.chance(0.3) ? 1 : random.integer(1, 20);
  const victim = random.chance(0.5) ? 0 : random.integer(0, nodes - 1);
  // keepalived keeps 10 ms for a few; on a busy machine it is then too late for its peers, again and again.
  const isTight = profile.intervalMs < 100 && routers > 3;
  const daemons = Array.from(
    { length: nodes },
    (_, i): DaemonKind => i !== victim && random.chance(0.3) && !isTight ? "keepalived" : "vipd",
  );
  return {
    seed,
    profile,
    // RFC 3768 knows IPv4 only.
    family: random.chance(0.4) && profile.version === 3 ? 6 : 4,
    routers,
    watched: random.integer(0, routers - 1),
    daemons,
    victim,
    isSpread: random.chance(0.4),
    preempt: random.chance(0.8),
    phase: only.phase ?? weighted(random, PHASES),
    moment: random.next(),
    peerDies: random.chance(0.5),
    fault: makeFault(random, profile, only.kind),
  };
}

function makeFault(random: Random, profile: Profile, only?: FaultKind): Fault {
  const kind = only ?? weighted(random, FAULTS);
  return {
    kind,
    // A main thread that stands still has no other end than its supervisor, after 10 s.
    forMs: logarithmic(random, 50, kind === "stall main" ? 14_000 : 10_000),
    restartMs: random.pick([0, 200, logarithmic(random, 200, 5000), autoLeaseMs(profile) + 2000]),
    socket: random.chance(0.7) ? "netlink" : "any",
    call: random.integer(1, 4),
  };
}

/** What `lease = "auto"` comes to. */
function autoLeaseMs({ intervalMs }: Profile): number {
  return Math.max(3000, 6 * intervalMs);
}

/** The longest lease that applies in this round. */
export function leaseMs({ profile, phase }: Plan): number {
  if (phase === "upgrade") return pauseLeaseMs(autoLeaseMs(profile));
  return phase === "reload" ? Math.max(RELOADED_LEASE_MS, autoLeaseMs(profile)) : autoLeaseMs(profile);
}

/** The longest that a backup of this priority may wait in this round: an upgrade asks for more patience. */
export function patienceMs({ profile, phase }: Plan, priority: number): number {
  const { version, intervalMs } = profile;
  if (phase !== "upgrade") return activeDownMs(profile, priority);
  const pauseMs = pauseInterval({ version, advertisementInterval: intervalMs / 10 }) * 10;
  return activeDownMs({ ...profile, intervalMs: pauseMs }, priority);
}

/** The priority of a node for a virtual router. */
export function priorityOf({ isSpread, daemons }: Plan, node: number, router: number): number {
  return [200, 150, 100][isSpread ? (node + router) % daemons.length : node]!;
}

/** In "handover" the victim's priorities change sides: by how much a router is worth being active there. */
export function swapped(priority: number): number {
  return 252 - priority;
}

/** The lowest priority that the node has for the virtual router in the course of the round. */
export function lowestPriorityOf(plan: Plan, node: number, router: number): number {
  const priority = priorityOf(plan, node, router);
  return plan.phase === "handover" && node === plan.victim ? Math.min(priority, swapped(priority)) : priority;
}

/** The longest that a backup of this priority waits for a silent active router. */
export function activeDownMs({ version, intervalMs }: Profile, priority: number): number {
  return 3 * intervalMs + (256 - priority) * (version === 2 ? 1000 : intervalMs) / 256;
}

/** The virtual addresses of a router; a link-local one goes first. */
export function addressesOf({ family }: Plan, router: number): string[] {
  const number = 100 + router;
  return family === 4 ? [`192.168.121.${number}`] : [`fe80::121:${number}`, `fd00:121::${number}`];
}

export function nameOf(node: number): string {
  return `n${node + 1}`;
}

export function describePlan(plan: Plan): string {
  const { profile, family, routers, daemons, victim, isSpread, preempt, phase, moment, fault } = plan;
  const { kind, forMs, restartMs, socket, call } = fault;
  const still = ["freeze", "freeze, kill", "stall vrrp", "stall main", "stuck call"].includes(kind)
    ? ` for ${forMs.toFixed(0)} ms`
    : "";
  const which = kind === "stuck call" ? ` (${socket}, call ${call})` : "";
  const back = ["kill", "host dies", "freeze, kill", "out of memory"].includes(kind)
    ? `, back after ${restartMs.toFixed(0)} ms`
    : "";
  return `${profile.name}, IPv${family}, ${routers} router(s)${isSpread ? " spread" : ""}` +
    `${preempt ? "" : " without preemption"} on ${daemons.join(" ")}: ${nameOf(victim)} in ${phase} at ` +
    `${moment.toFixed(2)}${phase === "promotion" ? (plan.peerDies ? " of a death" : " of a stop") : ""}: ` +
    `${kind}${which}${still}${back}`;
}

function logarithmic(random: Random, low: number, high: number): number {
  return Math.exp(random.between(Math.log(low), Math.log(high)));
}

function weighted<Key extends string>(random: Random, parts: Readonly<Record<Key, number>>): Key {
  const entries = Object.entries(parts) as [Key, number][];
  let left = random.next() * entries.reduce((sum, [, part]) => sum + part, 0);
  for (const [key, part] of entries) {
    left -= part;
    if (left < 0) return key;
  }
  return entries.at(-1)![0];
}
