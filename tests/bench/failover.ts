/** Everything that takes a service away from a node or brings it back: the table of the main events. */
import { sleep, waitFor } from "../e2e/lab.ts";
import type { Record } from "./samples.ts";
import type { Client } from "./client.ts";
import { type Event, heldBy, measure, nodeOf, now, type Scene, servedBy } from "./scene.ts";
import { activeDownMs, skewMs, type Timing } from "./timings.ts";

export const PRIORITIES = { n1: 110, n2: 100 } as const;
/** One lost probe: two of its steps, and what the prober may be late. */
const ONE_PROBE_MS = 3;
/** A silent host is missed after so many times the protocol's limit at the latest. */
const SILENCE_FACTOR = 1.02;
/** A lease is six intervals, three seconds at least; the kernel looks once a second. */
const LEASE_MIN_MS = 3_000;
/** An address that a dead daemon left behind for so long is left for ever. */
const LEFT_PATIENCE_MS = 8_000;
const LONG_CUT_MS = 10_000;
const SHORT_CUT_MS = 500;

const skewLimit = (timing: Timing): number => skewMs(timing, PRIORITIES.n2);
const silenceLimit = (timing: Timing): number => activeDownMs(timing, PRIORITIES.n2);
const silenceGoal = (timing: Timing): number => SILENCE_FACTOR * silenceLimit(timing) + ONE_PROBE_MS;

/** Everything is served and answered by this node. */
export function settledOn(node: string): Event["over"] {
  return (scene, client) => servedBy(scene, node) && client.isAnsweredBy(node);
}

const answeredBy = (node: string) => (_: Scene, client: Client): boolean => client.isAnsweredBy(node);

export const ORDERLY_STOP: Event = {
  name: "orderly stop",
  act: (scene) => nodeOf(scene, "n1").stop(),
  over: settledOn("n2"),
  limitMs: skewLimit,
  goalMs: () => 5,
};

export const PREEMPT: Event = {
  name: "better node starts (preempt)",
  act: (scene) => nodeOf(scene, "n1").start(),
  over: settledOn("n1"),
  limitMs: () => 0,
  goalMs: () => ONE_PROBE_MS,
};

export const CUT: Event = {
  name: "host cut off",
  act: ({ lab }) => lab.cut(lab.node("n1")),
  over: answeredBy("n2"),
  isSilence: true,
  limitMs: silenceLimit,
  goalMs: silenceGoal,
};

export const HEAL: Event = {
  name: "cut-off host returns (heal)",
  act: ({ lab }) => lab.heal(lab.node("n1")),
  over: settledOn("n1"),
  limitMs: () => 0,
  goalMs: () => 20,
};

export const HOST_DEATH: Event = {
  name: "host dies: kill -9, addresses gone",
  async act(scene): Promise<void> {
    const station = nodeOf(scene, "n1");
    await Promise.all([station.kill(), station.removeAddresses()]);
  },
  over: settledOn("n2"),
  limitMs: silenceLimit,
  goalMs: silenceGoal,
};

export const HOST_RETURN: Event = { ...PREEMPT, name: "dead host returns" };

const RESTART: Event = {
  name: "stop and start (systemctl restart)",
  async act(scene): Promise<void> {
    await nodeOf(scene, "n1").stop();
    await nodeOf(scene, "n1").start();
  },
  over: settledOn("n1"),
  limitMs: skewLimit,
  goalMs: () => 5,
};

const UPGRADE: Event = {
  name: "program replaced (vipd upgrade; keepalived stops and starts)",
  act: (scene) => nodeOf(scene, "n1").upgrade(),
  over: settledOn("n1"),
  limitMs: skewLimit,
  goalMs: () => 5,
};

const CABLE_EVENTS: readonly Event[] = [
  {
    name: "cable pulled at the switch",
    act: ({ lab }) => lab.pullCable(lab.node("n1")),
    over: answeredBy("n2"),
    limitMs: silenceLimit,
    goalMs: silenceGoal,
  },
  {
    name: "cable plugged in at the switch",
    act: ({ lab }) => lab.plugCable(lab.node("n1")),
    over: settledOn("n1"),
    limitMs: () => 0,
    goalMs: () => 20,
  },
  {
    name: "interface of the node goes down",
    act: ({ lab }) => lab.node("n1").ip("link", "set", "eth0", "down").then(() => {}),
    over: answeredBy("n2"),
    limitMs: silenceLimit,
    goalMs: silenceGoal,
  },
  {
    name: "interface of the node comes up",
    act: ({ lab }) => lab.node("n1").ip("link", "set", "eth0", "up").then(() => {}),
    over: settledOn("n1"),
    limitMs: () => 0,
    goalMs: () => 20,
  },
];

const CRASH_EVENTS: readonly Event[] = [
  {
    name: "kill -9, started again at once",
    async act(scene): Promise<void> {
      await nodeOf(scene, "n1").kill();
      await nodeOf(scene, "n1").start();
      // Until then n1 may answer for either life of its daemon.
      await sleep(5_000);
    },
    over: settledOn("n1"),
    limitMs: () => 0,
    goalMs: () => 10,
  },
  {
    name: "VRRP process killed, started again after 1 s",
    async act(scene): Promise<void> {
      await nodeOf(scene, "n1").crash();
      await sleep(5_000);
    },
    over: settledOn("n1"),
    limitMs: () => 0,
    goalMs: () => 10,
  },
  HOST_DEATH,
  HOST_RETURN,
];

/** Cut off for so long, and healed: how dark it is from then on. */
function cutFor(ms: number): Event {
  return {
    name: `cut off for ${ms / 1000} s, then heal`,
    async act({ lab }): Promise<number> {
      await lab.cut(lab.node("n1"));
      await sleep(ms);
      const healedMs = now();
      await lab.heal(lab.node("n1"));
      return healedMs;
    },
    over: settledOn("n1"),
    limitMs: () => 0,
    goalMs: () => 20,
  };
}

export const MAIN_EVENTS: readonly Event[] = [ORDERLY_STOP, PREEMPT, CUT, HEAL, HOST_DEATH, HOST_RETURN];

/** With keepalived on one side nobody may be worse off than with keepalived on both. */
export const MIXED_EVENTS: readonly Event[] = MAIN_EVENTS.map((event) =>
  event === ORDERLY_STOP ? { ...event, goalMs: (timing) => skewLimit(timing) + ONE_PROBE_MS } : event
);

/** Each begins with n1 serving, or undoes what the one before it did. */
export const FAILOVER_EVENTS: readonly Event[] = [
  ORDERLY_STOP,
  PREEMPT,
  RESTART,
  UPGRADE,
  CUT,
  HEAL,
  ...CABLE_EVENTS,
  ...CRASH_EVENTS,
  cutFor(SHORT_CUT_MS),
  cutFor(LONG_CUT_MS),
];

/** How long the address stays on a node whose daemon was killed; the last event of a scene. */
export async function measureLeft(scene: Scene, record: Record): Promise<void> {
  const { holders, targets } = scene;
  let killedMs = Infinity;
  const killed: Event = {
    name: "kill -9, addresses left",
    async act(): Promise<void> {
      killedMs = now();
      await nodeOf(scene, "n1").kill();
    },
    over: () => heldBy(scene, "n2"),
    limitMs: () => 0,
    goalMs: () => ONE_PROBE_MS,
  };
  await measure(scene, killed, record);
  const gone = (): boolean => targets.every(({ address }) => !holders.of(address).includes("n1"));
  await waitFor("the addresses to leave", gone, LEFT_PATIENCE_MS).catch(() => false);
  targets.forEach(({ timing, address }) => {
    const move = holders.moves.findLast((move) =>
      move.node === "n1" && move.address === address && !move.held && move.atMs > killedMs
    );
    const leaseMs = Math.max(LEASE_MIN_MS, 6 * timing.intervalMs);
    record({
      event: "kill -9: address left on the dead node for",
      timing: timing.name,
      value: move === undefined ? Infinity : move.atMs - killedMs,
      goal: leaseMs + 1_000,
    });
  });
}
