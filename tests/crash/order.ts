/**
 * What "in order" means: one holder for every address, the right one, and daemons whose own account agrees
 * with the kernel and who have lost and leaked nothing.
 */
import type { VirtualRouterStatus } from "../../mod/snapshot.ts";
import { sleep } from "../e2e/lab.ts";
import type { Actor, Belongings, LogLine } from "./actor.ts";
import type { Finding } from "./judge.ts";
import { addressesOf, type Plan } from "./plan.ts";
import type { Cast } from "./round.ts";
import { nowMs } from "./stage.ts";

/** Connections to the API and threads of the runtime's pool come and go; so long they may take to go. */
const LEAK_PATIENCE_MS = 15_000;
/** Threads that the runtime keeps for file system work for a while. */
const POOL_THREADS = 6;
/** The sockets for announcements are opened by the first one of each family. */
const LAZY_FDS = 2;
const ERROR_LEVELS = ["error", "fatal", ""];

/** Every address is on exactly one host; with preemption on the one with the highest priority. */
export function isSettled(cast: Cast): boolean {
  return cast.actors.every((actor) => actor.isReady) && strayAddresses(cast) === "";
}

/** What is wrong with the addresses, "" when nothing is. */
export function strayAddresses({ plan, stage, actors }: Pick<Cast, "plan" | "stage" | "actors">): string {
  const problems: string[] = [];
  for (let router = 0; router < plan.routers; router++) {
    const best = bestOf(actors, router);
    for (const address of addressesOf(plan, router)) {
      const holders = actors.filter(({ name }) => stage.isHeld(name, address)).map(({ name }) => name);
      if (holders.length === 1 && (!plan.preempt || holders[0] === best.name)) continue;
      const should = plan.preempt ? ` (${best.name} should)` : "";
      problems.push(`${address} is on ${holders.join(" and ") || "nobody"}${should}`);
    }
  }
  return problems.slice(0, 5).join(", ");
}

function bestOf(actors: readonly Actor[], router: number): Actor {
  return actors.reduce((best, actor) => actor.priorities[router]! > best.priorities[router]! ? actor : best);
}

/** Once all is settled: every daemon is asked, and compared with its kernel and with what it was before. */
export async function inspect(cast: Cast, before: ReadonlyMap<Actor, Belongings>): Promise<Finding[]> {
  const vipds = cast.actors.filter(({ kind }) => kind === "vipd");
  const parts = await Promise.all(vipds.map(async (actor) => [
    ...await accountProblems(cast, actor),
    ...await leakProblems(actor, before.get(actor)),
    ...actor.lines.filter((line) => isTrouble(line, cast.plan)).map(({ atMs, message }) => ({
      atMs,
      what: `${actor.name} said: ${message}`,
    })),
  ]));
  return parts.flat();
}

/** A daemon whose memory was refused may cry out; one whose thread stood still says that it gives up. */
function isTrouble({ level, message }: LogLine, { fault, phase }: Plan): boolean {
  if (!ERROR_LEVELS.includes(level) || fault.kind === "memory refused") return false;
  const mayStall = ["stall vrrp", "stuck call"].includes(fault.kind);
  if (mayStall && message.startsWith("engine_failed no heartbeat")) return false;
  // An upgrade that finds the VRRP thread standing still says so, and everything stays as it was.
  if (phase === "upgrade" && message.startsWith("upgrade_refused")) return false;
  // Who stands still in its start or its end is late with everything.
  return !(phase === "shutdown" && level === "" && message === "");
}

async function accountProblems({ stage, plan }: Cast, actor: Actor): Promise<Finding[]> {
  // An account that was taken in the middle of something is asked for again.
  let problems: string[] = [];
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      const { node, virtual_routers } = await actor.status();
      const kernel = await stage.virtualAddresses(actor.node);
      problems = [
        ...(node.engine === "running" ? [] : [`the engine is ${node.engine}`]),
        ...(virtual_routers.length === plan.routers ? [] : [`${virtual_routers.length} virtual routers`]),
        ...virtual_routers.flatMap((router) => routerProblems(router, kernel)),
      ];
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problems = [`does not tell its status: ${error.message}`];
    }
    if (problems.length === 0) return [];
    await sleep(100);
  }
  return problems.slice(0, 5).map((what) => ({ atMs: nowMs(), what: `${actor.name}: ${what}` }));
}

function routerProblems(router: VirtualRouterStatus, kernel: readonly string[]): string[] {
  const { name, state, addresses, counters } = router;
  const held = addresses.filter(({ present }) => present).length;
  const there = addresses.filter(({ address }) => kernel.includes(address.split("/")[0]!)).length;
  const count = (key: string): number => counters[key] ?? 0;
  const expected = state === "ACTIVE" ? addresses.length : 0;
  const terms = count("became_active") - count("released_active");
  return [
    ...(["ACTIVE", "BACKUP"].includes(state) ? [] : [`${name} is ${state}: ${router.reason}`]),
    ...(held === expected ? [] : [`${name} is ${state} and says that it has ${held} addresses`]),
    ...(there === expected ? [] : [`${name} is ${state} and its kernel has ${there} of its addresses`]),
    ...(terms === (state === "ACTIVE" ? 1 : 0) ? [] : [`${name} is ${state} after ${terms} unended terms`]),
    ...["address_errors", "checksum_errors", "packet_length_errors", "address_list_mismatches"]
      .filter((key) => count(key) > 0).map((key) => `${name} has counted ${key} ${count(key)}`),
  ];
}

async function leakProblems(actor: Actor, before: Belongings | undefined): Promise<Finding[]> {
  if (before === undefined) return [];
  const untilMs = nowMs() + LEAK_PATIENCE_MS;
  for (;;) {
    const now = await actor.belongings();
    const isSound = now.fds <= before.fds + LAZY_FDS && now.threads <= before.threads + POOL_THREADS &&
      now.zombies === 0;
    if (isSound) return [];
    if (nowMs() > untilMs) {
      const what = `${actor.name} has ${JSON.stringify(now)}, before the fault ${JSON.stringify(before)}`;
      return [{ atMs: nowMs(), what }];
    }
    await sleep(100);
  }
}
