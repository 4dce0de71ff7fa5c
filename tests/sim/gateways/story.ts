/**
 * A story of gateways: hosts whose virtual routers on several LANs are one sync group, and what happens to
 * them. Plain data; a number makes one.
 */
import { Random } from "../random.ts";

export interface NodeSpec {
  /** By LAN. */
  readonly priorities: readonly number[];
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  readonly handover: boolean;
  /** Not grouped: its routers go alone, as another vendor's would. */
  readonly isAlone?: boolean;
  readonly startMs: number;
}

export interface Story {
  readonly seed: number;
  readonly lans: number;
  /** By LAN, centiseconds. */
  readonly intervals: readonly number[];
  /** Every second LAN numbers the hosts the other way round: equal priorities cross. */
  readonly isMirrored: boolean;
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly nodes: readonly NodeSpec[];
  readonly actions: readonly Action[];
  /** After this nothing disturbs any more; a LAN may stay without connection between the hosts. */
  readonly calmMs: number;
  readonly cutLan: number | null;
  readonly lengthMs: number;
}

export type Happening =
  /** Nothing gets from one host to the other on this LAN. */
  | { readonly type: "cut" | "mend"; readonly lan: number; readonly from: number; readonly to: number }
  /** Between all hosts of this LAN. */
  | { readonly type: "split" | "join"; readonly lan: number }
  | { readonly type: "linkDown" | "linkUp"; readonly node: number; readonly lan: number }
  | { readonly type: "checkFails" | "checkPasses"; readonly node: number }
  /** Weighted checks of all members change their priorities by this; or of the first alone. */
  | { readonly type: "weight"; readonly node: number; readonly change: number; readonly each: boolean }
  | { readonly type: "kill" | "stop" | "start" | "pause" | "resume"; readonly node: number }
  | { readonly type: "handover" | "giveBack"; readonly node: number }
  | { readonly type: "loss"; readonly probability: number };

export type Action = { readonly atMs: number } & Happening;

export function makeStory(seed: number): Story {
  const random = new Random(seed);
  const lans = random.pick([2, 2, 2, 3]);
  const shared = random.pick([1, 10, 10, 100]);
  const intervals = Array.from({ length: lans }, () => random.chance(0.15) ? shared * 2 : shared);
  const intervalMs = Math.max(...intervals) * 10;
  const nodes = makeNodes(random, lans, intervalMs);
  const calmMs = intervalMs * random.pick([40, 100, 300]);
  const actions = makeActions(random, { nodes, lans, calmMs }, intervalMs);
  return {
    seed,
    lans,
    intervals,
    isMirrored: random.chance(0.3),
    delayMs: random.pick([0.1, 0.3, 1]),
    // Without any jitter and with equal clocks whatever is symmetrical stays so for ever.
    jitterMs: random.chance(0.5) ? 0 : random.next() * Math.min(2, intervalMs / 10),
    nodes,
    actions,
    calmMs,
    cutLan: random.chance(0.25) ? random.integer(0, lans - 1) : null,
    lengthMs: calmMs + 2 * settlingMs({ intervals, nodes }),
  };
}

/** By then the last disturbance is forgotten. */
export function settlingMs({ intervals, nodes }: Pick<Story, "intervals" | "nodes">): number {
  const intervalMs = Math.max(...intervals) * 10;
  const delayMs = Math.max(...nodes.map(({ preemptDelayMs }) => preemptDelayMs));
  return 5 * 4 * intervalMs + 2 * delayMs + 4_000;
}

function makeNodes(random: Random, lans: number, intervalMs: number): NodeSpec[] {
  const count = random.pick([2, 2, 2, 3]);
  const kind = random.pick(["uniform", "uniform", "crossed", "equal", "chance"] as const);
  const preempt = random.chance(0.7);
  const isTogether = random.chance(0.5);
  return Array.from({ length: count }, (_, i): NodeSpec => ({
    priorities: Array.from({ length: lans }, (_, lan) => {
      if (kind === "uniform") return 200 - 50 * i;
      if (kind === "equal") return 100;
      if (kind === "crossed") return (i + lan) % 2 === 0 ? 200 : 100;
      return random.integer(2, 254);
    }),
    preempt,
    preemptDelayMs: preempt && random.chance(0.15) ? intervalMs * random.integer(3, 12) : 0,
    handover: random.chance(0.85),
    startMs: isTogether ? 0 : random.next() * intervalMs * 8,
  }));
}

type Draft = Pick<Story, "nodes" | "lans" | "calmMs">;

function makeActions(random: Random, story: Draft, intervalMs: number): Action[] {
  const actions: Action[] = [];
  const count = random.integer(0, 14);
  for (let i = 0; i < count; i++) {
    const previous = actions.at(-1)?.atMs ?? 0;
    const atMs = random.chance(0.4)
      ? previous + random.next() * intervalMs * random.pick([0.01, 0.1, 1, 4])
      : random.next() * story.calmMs;
    const lastsMs = intervalMs * random.pick([0.1, 1, 3, 4, 10, 40]) * random.next();
    const [begin, end] = random.pick(TROUBLES)(random, story);
    actions.push({ atMs, ...begin });
    if (!random.chance(0.1)) actions.push({ atMs: atMs + lastsMs, ...end });
  }
  return actions.filter(({ atMs }) => atMs < story.calmMs).sort((a, b) => a.atMs - b.atMs);
}

type Trouble = (random: Random, story: Draft) => [Happening, Happening];

function anyNode(random: Random, { nodes }: Draft): number {
  return random.integer(0, nodes.length - 1);
}

function anyLan(random: Random, { lans }: Draft): number {
  return random.integer(0, lans - 1);
}

const TROUBLES: readonly Trouble[] = [
  (random, story) => {
    const place = { node: anyNode(random, story), lan: anyLan(random, story) };
    return [{ type: "linkDown", ...place }, { type: "linkUp", ...place }];
  },
  (random, story) => {
    const lan = anyLan(random, story);
    return [{ type: "split", lan }, { type: "join", lan }];
  },
  (random, story) => {
    const from = anyNode(random, story);
    const to = (from + 1) % story.nodes.length;
    const way = { lan: anyLan(random, story), from, to };
    return [{ type: "cut", ...way }, { type: "mend", ...way }];
  },
  (random, story) => {
    const node = anyNode(random, story);
    return [{ type: "checkFails", node }, { type: "checkPasses", node }];
  },
  (random, story) => {
    const node = anyNode(random, story);
    const change = random.integer(-120, 120);
    const each = random.chance(0.3);
    return [{ type: "weight", node, change, each }, { type: "weight", node, change: 0, each }];
  },
  (random, story) => {
    const node = anyNode(random, story);
    return [{ type: random.pick(["kill", "stop"] as const), node }, { type: "start", node }];
  },
  (random, story) => {
    const node = anyNode(random, story);
    return [{ type: "pause", node }, { type: "resume", node }];
  },
  (random, story) => {
    const node = anyNode(random, story);
    return [{ type: "handover", node }, { type: "giveBack", node }];
  },
  (random) => [{ type: "loss", probability: random.pick([0.05, 0.3, 1]) }, { type: "loss", probability: 0 }],
];
