/** Makes a story out of a number: the same number, the same story. */
import { Random } from "./random.ts";
import type { Action, Happening, NetworkSpec, Reload, RouterSpec, Story } from "./story.ts";

/** What a cluster looks like; longer intervals make cheaper hours. */
export interface Kind {
  readonly version: 2 | 3;
  /** Centiseconds. */
  readonly advertisementInterval: number;
  /** How long the troubles last, in intervals. */
  readonly intervals: number;
}

/** Interval, version and how many stories of a hundred. */
const KINDS: readonly (Kind & { readonly share: number })[] = [
  { version: 3, advertisementInterval: 1, intervals: 600, share: 20 },
  { version: 3, advertisementInterval: 10, intervals: 600, share: 20 },
  { version: 3, advertisementInterval: 100, intervals: 1800, share: 30 },
  { version: 2, advertisementInterval: 100, intervals: 1800, share: 30 },
];

export function makeStory(seed: number): Story {
  const random = new Random(seed);
  const kind = pickKind(random);
  const intervalMs = kind.advertisementInterval * 10;
  const calmMs = intervalMs * kind.intervals;
  const routers = makeRouters(random, kind);
  const network = makeNetwork(random, intervalMs);
  const preemptDelayMs = Math.max(...routers.map((router) => router.preemptDelayMs));
  const downMs = 3 * intervalMs + (kind.version === 2 ? 1000 : intervalMs);
  const story = {
    seed,
    version: kind.version,
    family: kind.version === 3 && random.chance(0.3) ? 6 : 4,
    unicast: random.chance(0.15),
    advertisementInterval: kind.advertisementInterval,
    announce: { delayMs: random.pick([0, 5000, 5000]), refreshMs: random.pick([0, 5000, 60_000, 60_000]) },
    routers,
    network,
    calmMs,
    lengthMs: calmMs + 5 * downMs + 2 * preemptDelayMs + 500,
  } as const;
  return { ...story, actions: makeActions(random, story, intervalMs) };
}

function pickKind(random: Random): Kind {
  let ticket = random.next() * 100;
  for (const kind of KINDS) {
    ticket -= kind.share;
    if (ticket < 0) return kind;
  }
  return KINDS[0]!;
}

function makeRouters(random: Random, { advertisementInterval }: Kind): RouterSpec[] {
  const count = random.pick([2, 2, 2, 3, 3, 4, 5]);
  const intervalMs = advertisementInterval * 10;
  const isMixed = random.chance(0.2);
  const isEqual = random.chance(0.15);
  const isClose = random.chance(0.3);
  return Array.from({ length: count }, (_, i): RouterSpec => {
    const isKeepalived = isMixed && i > 0 && random.chance(0.5);
    const priority = isEqual ? 100 : isClose ? 100 + random.integer(0, 3) : random.integer(2, 254);
    return {
      kind: isKeepalived ? "keepalived" : "vipd",
      priority: !isMixed && i === 0 && random.chance(0.05) ? 255 : priority,
      preempt: random.chance(0.75),
      preemptDelayMs: !isKeepalived && random.chance(0.15) ? intervalMs * random.integer(5, 30) : 0,
      handover: !isKeepalived && random.chance(0.9),
      handoverTimeoutMs: 1000,
      leaseMs: isKeepalived || random.chance(0.1) ? 0 : Math.max(3000, 3 * intervalMs),
      clockRate: 1 + random.pick([0, 0, 1e-5, -1e-5, 2e-4, -2e-4, 1e-3]),
      startMs: random.chance(0.3) ? 0 : random.next() * intervalMs * 8,
      latenessMs: random.pick([0.02, 0.05, 0.1, 0.3]),
    };
  });
}

function makeNetwork(random: Random, intervalMs: number): NetworkSpec {
  const delayMs = random.pick([0.05, 0.1, 0.3, 1, Math.min(10, intervalMs / 10)]);
  const quiet = { loss: 0, duplication: 0, reordering: 0, corruption: 0 };
  const jitterMs = random.chance(0.5) ? 0 : random.next() * Math.min(3, intervalMs / 5);
  if (random.chance(0.65)) return { delayMs, jitterMs, ...quiet };
  return {
    delayMs,
    jitterMs,
    loss: random.pick([0, 0.001, 0.01, 0.1, 0.3]),
    duplication: random.pick([0, 0.01, 0.1]),
    reordering: random.pick([0, 0.01, 0.2]),
    corruption: random.pick([0, 0, 0.01]),
  };
}

type Draft = Omit<Story, "actions">;

function makeActions(random: Random, story: Draft, intervalMs: number): Action[] {
  const actions: Action[] = [];
  // Every seventh story is a storm: all troubles at once.
  const isStorm = random.chance(0.15);
  const count = isStorm ? random.integer(10, 60) : random.integer(1, 12);
  const windowMs = isStorm ? Math.min(story.calmMs, 60 * intervalMs) : story.calmMs;
  for (let i = 0; i < count; i++) {
    const atMs = random.next() * windowMs;
    // Now and then close to the one before: races are where the errors are.
    const previous = actions.at(-1)?.atMs ?? atMs;
    const close = random.chance(0.35)
      ? Math.min(story.calmMs, previous + random.next() * intervalMs * random.pick([0.01, 0.1, 1, 4]))
      : atMs;
    actions.push(...makeTrouble(random, story, close, intervalMs));
  }
  return actions.filter(({ atMs }) => atMs < story.calmMs).sort((a, b) => a.atMs - b.atMs);
}

/** One trouble and mostly its end. */
function makeTrouble(random: Random, story: Draft, atMs: number, intervalMs: number): Action[] {
  const router = random.integer(0, story.routers.length - 1);
  const [begin, end] = random.pick(TROUBLES)(random, router, story);
  const lastsMs = intervalMs * random.pick([0.1, 1, 3, 4, 10, 40, 200]) * random.next();
  if (end === null || random.chance(0.1)) return [{ atMs, ...begin }];
  return [{ atMs, ...begin }, { atMs: atMs + lastsMs, ...end }];
}

type Trouble = (random: Random, router: number, story: Draft) => [Happening, Happening | null];

const TROUBLES: readonly Trouble[] = [
  (_, router) => [{ type: "linkDown", router }, { type: "linkUp", router }],
  (_, router) => [{ type: "kill", router }, { type: "start", router }],
  (_, router) => [{ type: "powerOff", router }, { type: "start", router }],
  (_, router) => [{ type: "stop", router }, { type: "start", router }],
  (_, router) => [{ type: "stop", router }, { type: "start", router }],
  (_, router) => [{ type: "pause", router }, { type: "resume", router }],
  (_, router) => [{ type: "checkFails", router }, { type: "checkPasses", router }],
  (_, router) => [{ type: "checkFails", router }, { type: "checkPasses", router }],
  (_, router) => [{ type: "mustWait", router }, { type: "needNotWait", router }],
  (
    random,
    router,
  ) => [{ type: "weight", router, change: -random.integer(1, 120) }, { type: "weight", router, change: 0 }],
  (
    random,
    router,
  ) => [{ type: "weight", router, change: random.integer(1, 120) }, { type: "weight", router, change: 0 }],
  (random, router, story) => [{ type: "reload", router, to: makeReload(random, story) }, null],
  (random, _, story) => [cutOne(random, story), { type: "mendAll" }],
  (random, _, story) => [splitSome(random, story), { type: "mendAll" }],
  (random, _, story) => [splitSome(random, story), { type: "mendAll" }],
  (random) => [{ type: "loss", probability: random.pick([0.05, 0.5, 1]) }, { type: "loss", probability: 0 }],
];

function cutOne(random: Random, { routers: { length } }: Draft): Happening {
  const from = random.integer(0, length);
  const to = (from + random.integer(1, length)) % (length + 1);
  return { type: "cut", from, to };
}

function splitSome(random: Random, { routers: { length } }: Draft): Happening {
  const side = Array.from({ length: length + 1 }, (_, station) => station).filter(() => random.chance(0.5));
  return { type: "split", side };
}

/** An interval may change in version 3 only: in version 2 routers with different ones refuse each other. */
function makeReload(random: Random, { version, advertisementInterval, routers }: Draft): Reload {
  const choices: Reload[] = [
    { priority: random.integer(2, 254) },
    { preempt: random.chance(0.5) },
    { preemptDelayMs: random.pick([0, advertisementInterval * 100]) },
    { leaseMs: random.pick([0, 5000]) },
  ];
  const canChange = version === 3 && routers.every(({ kind }) => kind === "vipd");
  if (canChange) choices.push({ advertisementInterval: advertisementInterval * random.pick([1, 2, 5]) });
  return random.pick(choices);
}
