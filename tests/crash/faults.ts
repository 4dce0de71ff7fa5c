/**
 * The faults, one function each: what is done to the victim, noted with its time. Each returns when the fault
 * itself is over; a supervisor brings back what has died.
 */
import { type Lab, sleep, waitFor } from "../e2e/lab.ts";
import { run } from "../e2e/lab/command.ts";
import { helperProgram } from "../e2e/lab/compile.ts";
import { type Actor, within } from "./actor.ts";
import type { Happening } from "./facts.ts";
import type { Fault, FaultKind } from "./plan.ts";
import { nowMs } from "./stage.ts";

const MIB = 1024 * 1024;
/** What the daemon still gets before there is no more. */
const HEADROOM_BYTES = 4 * MIB;
const HOG_MIB = 64;
/** So long the daemon is asked to do what needs memory. */
const POKE_MS = 3000;
const KILL_TIMEOUT_MS = 20_000;
const THREAD_GONE_MS = 1000;
/** A stalled VRRP thread is asked about after so long, and the answer takes at most so long. */
const ASK_AFTER_MS = 500;
const ANSWER_MS = 3000;

interface Scene {
  readonly victim: Actor;
  readonly fault: Fault;
  readonly lab: Lab;
  /** Nothing else happens meanwhile. */
  readonly isCalm: boolean;
  /** The program is being replaced by an upgrade. */
  readonly isReplacing: boolean;
}

type Strike = (scene: Scene) => Promise<void>;

const STRIKES: Readonly<Record<FaultKind, Strike>> = {
  "kill": ({ victim, fault }) => Promise.resolve(victim.kill(fault.restartMs)),
  "host dies": hostDies,
  "freeze": async ({ victim, fault }) => {
    freeze(victim);
    await sleep(fault.forMs);
    thaw(victim);
  },
  "freeze, kill": async ({ victim, fault }) => {
    freeze(victim);
    await sleep(fault.forMs);
    victim.kill(fault.restartMs);
  },
  "stall vrrp": async ({ victim, fault, isCalm }) => {
    const thread = await victim.vrrpThread();
    if (thread === null) return;
    const asking = isCalm ? askWhileStalled(victim, fault) : null;
    await hold(victim, ["hold", String(thread), fault.forMs.toFixed(0)], "held", "released");
    await asking;
  },
  "stall main": async ({ victim, fault, isReplacing }) => {
    const argv = ["hold", String(victim.pid), fault.forMs.toFixed(0)];
    // A program that takes another's place begins with its main thread: without it there is no VRRP thread.
    if (isReplacing) await hold(victim, argv, "held", "released");
    else await hold(victim, argv, "main held", "main released");
  },
  "stuck call": async ({ victim, fault }) => {
    const thread = await victim.vrrpThread();
    if (thread === null) return;
    const argv = ["call", String(thread), fault.forMs.toFixed(0), fault.socket, String(fault.call)];
    await hold(victim, argv, "held", "released");
  },
  "out of memory": outOfMemory,
  "memory refused": memoryRefused,
};

/** Nothing happens to a daemon that has just ended by itself. */
export async function strike(scene: Scene): Promise<void> {
  if (scene.victim.running) await STRIKES[scene.fault.kind](scene);
}

function freeze(victim: Actor): void {
  victim.mark("stopped");
  victim.signal("SIGSTOP");
}

function thaw(victim: Actor): void {
  victim.mark("continued");
  victim.signal("SIGCONT");
}

/** Killed and cut off at once; the host comes back without the address, as after a boot. */
async function hostDies({ victim, fault, lab }: Scene): Promise<void> {
  victim.mark("cut");
  const cutting = lab.cut(victim.node);
  victim.kill(null);
  await cutting;
  await sleep(fault.restartMs);
  await removeVirtual(victim);
  await lab.heal(victim.node);
  victim.mark("joined");
  await victim.succeeded();
  if (!victim.running) await victim.launch();
}

async function removeVirtual({ stage, node }: Actor): Promise<void> {
  const commands = (await stage.virtualAddresses(node)).map((address) =>
    `address delete ${address}/${address.includes(":") ? 128 : 32} dev ${node.iface}`
  );
  await run(["ip", "-n", node.namespace, "-force", "-batch", "-"], {
    stdin: commands.join("\n"),
    mayFail: true,
  });
}

/** One thread is held by its tracer; what the tracer says becomes the marks. */
async function hold(
  victim: Actor,
  argv: readonly string[],
  held: Happening,
  released: Happening,
): Promise<void> {
  const { pid } = victim;
  let isGone = false;
  const child = victim.node.spawn("trouble", [await helperProgram("trouble"), ...argv]);
  child.onLine((line) => {
    const { event, at_ms } = JSON.parse(line) as { event: string; at_ms: number };
    if (event === "held") victim.mark(held, at_ms);
    if (event === "released") victim.mark(released, at_ms);
    isGone ||= event === "gone";
  });
  await child.exited;
  await child.drained;
  if (!isGone) return;
  // With its process, as a rule; or in an upgrade, which replaces all threads by new ones.
  const untilMs = nowMs() + THREAD_GONE_MS;
  while (nowMs() < untilMs && victim.running && victim.pid === pid) await sleep(5);
  if (victim.running && victim.pid === pid) victim.mark(released);
}

/** The main thread still answers, and says what is wrong. */
async function askWhileStalled(victim: Actor, { forMs }: Fault): Promise<void> {
  if (!victim.isReady || forMs < ASK_AFTER_MS + ANSWER_MS) return;
  await sleep(ASK_AFTER_MS);
  const askedMs = nowMs();
  try {
    const { node } = await victim.status();
    const tookMs = nowMs() - askedMs;
    if (node.engine === "stalled" && tookMs < ANSWER_MS) return;
    const what = `${victim.name} called its stalled engine ${node.engine} after ${tookMs.toFixed(0)} ms`;
    victim.complaints.push({ atMs: askedMs, what });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const what = `${victim.name} did not answer while its engine was stalled: ${error.message}`;
    victim.complaints.push({ atMs: askedMs, what });
  }
}

async function outOfMemory({ victim, fault }: Scene): Promise<void> {
  const group = victim.stage.memory(victim.node);
  if (group === undefined) return victim.kill(fault.restartMs);
  victim.doom(fault.restartMs);
  const { pid } = victim;
  await group.limit(await group.usage() + HEADROOM_BYTES);
  const hog = victim.node.spawn(
    "trouble",
    within(group, [await helperProgram("trouble"), "hog", String(HOG_MIB)]),
  );
  await endOf(victim, pid);
  hog.signal("SIGKILL");
  await hog.exited;
  await group.limit(null);
}

async function endOf(victim: Actor, pid: number): Promise<void> {
  const isOver = (): boolean => victim.pid !== pid || !victim.running;
  await waitFor(`the process ${pid} of ${victim.name} to end`, isOver, KILL_TIMEOUT_MS, 5);
}

/** RLIMIT_DATA at what it has: the next page that V8 or libc asks for is refused. */
async function memoryRefused({ victim, fault }: Scene): Promise<void> {
  const { pid } = victim;
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  const kib = /^VmData:\s+(\d+)/m.exec(status)?.[1];
  if (kib === undefined) return;
  victim.doom(fault.restartMs);
  await run(["prlimit", "--pid", String(pid), `--data=${Number(kib) * 1024}:unlimited`], { mayFail: true });
  const untilMs = nowMs() + POKE_MS;
  while (nowMs() < untilMs && victim.running && victim.pid === pid) await victim.poke();
  if (!victim.running || victim.pid !== pid) return;
  victim.pardon();
  await run(["prlimit", "--pid", String(pid), "--data=unlimited"], { mayFail: true });
}
