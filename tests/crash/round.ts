/** One round: daemons start, one of them is hit at the planned moment, and all must be in order again. */
import { sleep, waitFor } from "../e2e/lab.ts";
import { type Probe, type ProbeResult, probeUdp } from "../e2e/lab/probe.ts";
import { Actor, type Belongings, type LogLine } from "./actor.ts";
import type { Mark } from "./facts.ts";
import { strike } from "./faults.ts";
import { type Facts, type Finding, judge, type Verdict } from "./judge.ts";
import { inspect, isSettled, strayAddresses } from "./order.ts";
import {
  activeDownMs,
  addressesOf,
  leaseMs,
  patienceMs,
  type Phase,
  type Plan,
  RELOADED_LEASE_MS,
  swapped,
} from "./plan.ts";
import { type Notice, nowMs, type Stage } from "./stage.ts";

const PROBE_INTERVAL_US = 2000;
/** Beyond the protocol's own time: a daemon's start, the handovers of a preemption, a busy machine. */
const SETTLE_MS = 12_000;
/** In order for so long is in order. */
const CALM_MS = 400;
/** A crash may lie anywhere in here after the daemon has been started. */
const START_MS = 1200;
const SHUTDOWN_MS = 1200;
const STEADY_MS = 1500;
/** How often the supervisor looks at the watchdogs. */
const SUPERVISE_MS = 250;

export interface Outcome {
  readonly plan: Plan;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** From the end of the last fault until everything was in order. */
  readonly settledMs: number;
  readonly facts: Facts;
  readonly lines: readonly LogLine[];
}

/** Everybody who plays in this round. */
export interface Cast {
  readonly plan: Plan;
  readonly stage: Stage;
  readonly actors: readonly Actor[];
  readonly victim: Actor;
}

export async function playRound(stage: Stage, plan: Plan): Promise<Outcome> {
  stage.holdings = [];
  const actors = plan.daemons.map((_, index) => new Actor(stage, plan, index));
  const cast: Cast = { plan, stage, actors, victim: actors[plan.victim]! };
  const watchdogs: { node: string; atMs: number }[] = [];
  const silence = stage.onNotice((notice) => hearNotice(cast, notice, watchdogs));
  const lateness = watchLateness();
  const supervisor = setInterval(() => actors.forEach((actor) => actor.supervise()), SUPERVISE_MS);
  const findings: Finding[] = [];
  let probe: Probe | null = null;
  try {
    await begin(cast);
    probe = await probeUdp(stage.lab.client, addressesOf(plan, plan.watched).at(-1)!, PROBE_INTERVAL_US);
    await waitFor("the client's first answer", () => probe?.node, 20_000, 5);
    const before = await belongingsOf(cast);
    const fromMs = nowMs();
    await trouble(cast);
    const calmedMs = nowMs();
    const settledMs = await settle(cast, findings) - calmedMs;
    const window = { fromMs, toMs: nowMs() };
    const { node: lastAnswer } = probe;
    const result = await probe.stop();
    probe = null;
    findings.push(...actors.flatMap((actor) => actor.complaints), ...await inspect(cast, before));
    findings.push(...await end(cast));
    const facts = { ...factsOf(cast, window, result, watchdogs), lastAnswer, lateMs: lateness.stop() };
    const verdict = judge(facts);
    const lines = actors.flatMap((actor) => actor.lines);
    const all = [...verdict.findings, ...findings].toSorted((a, b) => a.atMs - b.atMs);
    return { plan, verdict, findings: all, settledMs, facts, lines };
  } finally {
    silence();
    clearInterval(supervisor);
    lateness.stop();
    await probe?.stop();
    await Promise.all(actors.map((actor) => actor.retire()));
  }
}

function hearNotice(
  { actors }: Cast,
  { node, atMs, what }: Notice,
  watchdogs: { node: string; atMs: number }[],
): void {
  const actor = actors.find(({ name }) => name === node);
  if (what === "READY") actor?.hearReady(atMs);
  if (what !== "WATCHDOG") return;
  actor?.hearWatchdog(atMs);
  watchdogs.push({ node, atMs });
}

/** Everybody runs and is in order; the one who is to be hit while starting comes later. */
async function begin(cast: Cast): Promise<void> {
  const { plan, victim } = cast;
  const present = cast.actors.filter((actor) => plan.phase !== "start-up" || actor !== victim);
  await Promise.all(present.map((actor) => actor.launch()));
  await Promise.all(present.map((actor) => actor.ready()));
  const limitMs = activeDownMs(plan.profile, 100) + SETTLE_MS;
  await waitFor("the first election", () => isSettled({ ...cast, actors: present }), limitMs, 10);
  await sleep(CALM_MS);
}

/** What goes before the fault, the fault, and what must come back after it. */
async function trouble(cast: Cast): Promise<void> {
  const { plan, victim, stage } = cast;
  const helper = await PRELUDES[plan.phase](cast);
  const isCalm = plan.phase === "steady" || plan.phase === "renewal";
  const isReplacing = plan.phase === "upgrade";
  await strike({ victim, fault: plan.fault, lab: stage.lab, isCalm, isReplacing });
  await helper?.succeeded();
  for (const actor of cast.actors) {
    await actor.succeeded();
    if (!actor.running) await actor.launch();
    await actor.ready();
  }
}

/** Up to the moment of the fault; returns the other daemon that was ended for it, if any. */
const PRELUDES: Readonly<Record<Phase, (cast: Cast) => Promise<Actor | void>>> = {
  "steady": ({ plan }) => sleep(plan.moment * STEADY_MS),
  "renewal": awaitRenewal,
  "start-up": async ({ victim, plan }) => {
    await victim.launch();
    await sleep(plan.moment * START_MS);
  },
  "recovery": async ({ victim, plan }) => {
    victim.kill(0);
    await victim.succeeded();
    await sleep(plan.moment * START_MS);
  },
  "promotion": endBestPeer,
  "handover": ({ victim, plan }) => moveBy(victim, plan, victim.priorities.map(swapped)),
  "reload": async ({ victim, plan }) => {
    await victim.reconfigure(victim.priorities, `lease = "${RELOADED_LEASE_MS}ms"\ngarp.refresh = "30s"`);
    await sleep(plan.moment * 100);
  },
  "shutdown": async ({ victim, plan }) => {
    victim.terminate(plan.fault.restartMs);
    await sleep(plan.moment * SHUTDOWN_MS);
  },
  "upgrade": async ({ victim, plan }) => {
    victim.signal("SIGUSR2");
    await sleep(plan.moment * START_MS);
  },
};

/** Just before the kernel would be told the next time, or just then; any moment for who holds nothing. */
async function awaitRenewal({ stage, victim, plan }: Cast): Promise<void> {
  const holds = stage.held.some((place) => place.startsWith(`${victim.name} `));
  if (!holds) return await sleep(plan.moment * STEADY_MS);
  const last = stage.renewals.get(victim.name) ?? 0;
  const periodMs = leaseMs(plan) / 3;
  const renewed = (): number | undefined => {
    const at = stage.renewals.get(victim.name) ?? 0;
    return at > last ? at : undefined;
  };
  const seenMs = await waitFor("a renewal", renewed, 2 * periodMs + SETTLE_MS, 2);
  await sleep(Math.max(0, seenMs + periodMs - nowMs() - 10 + plan.moment * 20));
}

/** The victim is hit somewhere between the peer's end and its own time to take over, or a little later. */
async function endBestPeer({ actors, victim, plan }: Cast): Promise<Actor> {
  const [peer] = actors.filter((actor) => actor !== victim)
    .toSorted((a, b) => b.priorities[plan.watched]! - a.priorities[plan.watched]!);
  const backMs = 2 * activeDownMs(plan.profile, 100) + 1000;
  // keepalived's addresses know no lease: a dead one would hold them for ever.
  if (plan.peerDies && peer!.kind === "vipd") peer!.kill(backMs);
  else peer!.terminate(backMs);
  await sleep(plan.moment * (activeDownMs(plan.profile, victim.priorities[plan.watched]!) + 300));
  return peer!;
}

async function moveBy(
  victim: Actor,
  { moment, profile }: Plan,
  priorities: readonly number[],
): Promise<void> {
  await victim.reconfigure(priorities);
  await sleep(moment * (profile.intervalMs + 150));
}

/**
 * Everything in order, and for a while; returns when that began. What is not in the protocol's time is a
 * finding, and the round goes on.
 */
async function settle(cast: Cast, findings: Finding[]): Promise<number> {
  const limitMs = patienceMs(cast.plan, 100) + SETTLE_MS;
  const startMs = nowMs();
  let sinceMs: number | null = null;
  for (;;) {
    const atMs = nowMs();
    sinceMs = isSettled(cast) ? sinceMs ?? atMs : null;
    if (sinceMs !== null && atMs - sinceMs >= CALM_MS) return sinceMs;
    if (atMs - startMs > limitMs && sinceMs === null) {
      findings.push({ atMs, what: `not in order after ${limitMs.toFixed(0)} ms: ${strayAddresses(cast)}` });
      return atMs;
    }
    await sleep(10);
  }
}

async function belongingsOf({ actors }: Cast): Promise<ReadonlyMap<Actor, Belongings>> {
  const vipds = actors.filter((actor) => actor.kind === "vipd" && actor.running);
  return new Map(await Promise.all(vipds.map(async (actor) => [actor, await actor.belongings()] as const)));
}

/** All stop in good order, and nothing is left of them. */
async function end({ actors, stage }: Cast): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const actor of actors) {
    const code = await actor.stop();
    if (code !== 0 && actor.kind === "vipd") {
      findings.push({
        atMs: nowMs(),
        what: `${actor.name}: the orderly stop ended with ${code}`,
      });
    }
  }
  await sleep(50);
  for (const actor of actors) {
    const left = await stage.virtualAddresses(actor.node);
    if (left.length === 0) continue;
    findings.push({
      atMs: nowMs(),
      what: `${actor.name}: still has ${left.join(", ")} after its orderly stop`,
    });
  }
  return findings;
}

function factsOf(
  { plan, stage, actors }: Cast,
  window: Facts["window"],
  { outages }: ProbeResult,
  watchdogs: Facts["watchdogs"],
): Omit<Facts, "lastAnswer" | "lateMs"> {
  const marks: Mark[] = actors.flatMap((actor) => actor.marks).toSorted((a, b) => a.atMs - b.atMs);
  const exits = actors.flatMap((actor) => actor.exits);
  return { plan, window, marks, holdings: stage.holdings, outages, watchdogs, exits };
}

/** How late our own timers are. */
function watchLateness(): { stop(): number } {
  let worst = 0;
  let dueMs = nowMs() + 20;
  const timer = setInterval(() => {
    worst = Math.max(worst, nowMs() - dueMs);
    dueMs = nowMs() + 20;
  }, 20);
  return {
    stop(): number {
      clearInterval(timer);
      return worst;
    },
  };
}
