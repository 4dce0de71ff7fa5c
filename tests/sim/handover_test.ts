/** Make before break: every way to go in order, against every kind of successor, at every interval. */
import { assertEquals } from "@std/assert";
import { tell } from "./hunt.ts";
import { plainStory } from "./plain.ts";
import type { Action, Happening, RouterSpec, Story } from "./story.ts";
import { World } from "./world.ts";

const GOING: Readonly<Record<string, Happening>> = {
  "an orderly stop": { type: "stop", router: 0 },
  "a failed check without weight": { type: "checkFails", router: 0 },
  "a demotion by weight": { type: "weight", router: 0, change: -150 },
  "a demotion by reload": { type: "reload", router: 0, to: { priority: 50 } },
  "an interface that is missing": { type: "mustWait", router: 0 },
};

const SUCCESSORS: Readonly<Record<string, readonly Partial<RouterSpec>[]>> = {
  "one backup": [{ priority: 100 }],
  "a backup of priority 1": [{ priority: 1 }],
  "two backups of nearly the same priority": [{ priority: 100 }, { priority: 101 }],
  "two equal backups": [{ priority: 100 }, { priority: 100 }],
  "four backups": [{ priority: 60 }, { priority: 70 }, { priority: 80 }, { priority: 90 }],
  "a backup with nopreempt": [{ priority: 100, preempt: false }],
  "a backup with a preempt delay": [{ priority: 100, preemptDelayMs: 5000 }],
  "keepalived": [{ priority: 100, kind: "keepalived", leaseMs: 0 }],
};

interface Outcome {
  readonly violation: string;
  /** Longest time without anybody who holds the addresses, from the moment on when it goes. */
  readonly unservedMs: number;
  /** Longest time in which the client sent to somebody who did not hold them. */
  readonly darkMs: number;
  readonly takenOver: boolean;
}

function play(story: Story, goesAtMs: number): Outcome {
  const world = new World(story);
  const gaps = { unserved: 0, dark: 0 };
  let lastMs = goesAtMs;
  const { watch } = world;
  const before = watch.before.bind(watch);
  watch.before = (): void => {
    before();
    if (world.nowMs < goesAtMs) return;
    const passedMs = world.nowMs - lastMs;
    lastMs = world.nowMs;
    if (!world.hosts.some(({ holds }) => holds)) gaps.unserved += passedMs;
    if (!(world.hosts[world.view]?.holds ?? false)) gaps.dark += passedMs;
  };
  const violation = world.run()?.message ?? "well";
  return {
    violation,
    unservedMs: gaps.unserved,
    darkMs: gaps.dark,
    takenOver: world.hosts.some((host) => host.station > 0 && host.isActive),
  };
}

for (const [going, happening] of Object.entries(GOING)) {
  for (const [name, successors] of Object.entries(SUCCESSORS)) {
    Deno.test(`${going}, ${name}: nobody is left without service for a moment`, () => {
      for (const [version, interval] of [[3, 1], [3, 10], [3, 100], [2, 100]] as const) {
        const goesAtMs = 30.4 * interval * 10;
        const story = plainStory({
          version,
          advertisementInterval: interval,
          routers: [{ priority: 200 }, ...successors],
          actions: [{ atMs: goesAtMs, ...happening } as Action],
          calmMs: goesAtMs + 8 * interval * 10,
          lengthMs: goesAtMs + 16 * interval * 10 + 1500,
        });
        const { violation, unservedMs, darkMs, takenOver } = play(story, goesAtMs);
        const where = `v${version}, ${interval * 10} ms\n${tell(story)}`;
        assertEquals(violation, "well", where);
        assertEquals(unservedMs, 0, where);
        // Successors whose announcements cross need another one; otherwise it is the way of one announcement
        // at most.
        const limitMs = successors.length > 1 ? 21 : 0.5;
        assertEquals(darkMs <= limitMs, true, `${darkMs} ms dark, ${where}`);
        const mustTakeOver = !(going.startsWith("a demotion") && name.includes("nopreempt"));
        assertEquals(
          takenOver,
          mustTakeOver && !(going.startsWith("a demotion") && name.includes("priority 1")),
          where,
        );
      }
    });
  }
}
