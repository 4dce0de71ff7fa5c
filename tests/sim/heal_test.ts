/** Cables cut and mended in every order: whoever remains active is known to the client within 20 ms. */
import { assertEquals } from "@std/assert";
import { orders, plainStory, subsets } from "./plain.ts";
import type { Action, Story } from "./story.ts";
import { tell } from "./hunt.ts";
import { World } from "./world.ts";

/** Two routers and the client, every direction of every cable. */
const DIRECTIONS = [[0, 1], [1, 0], [0, 2], [1, 2], [2, 0], [2, 1]] as const;
/** The client sends nothing that matters here: what it cannot send is not cut. */
const CABLES = DIRECTIONS.filter(([from]) => from !== 2);

const INTERVALS_CS = [1, 10, 100] as const;
/** Between two cables that are mended, in intervals. */
const GAPS = [0.01, 0.7, 5] as const;
/** How long the cut lasts, in intervals: shorter than the active-down interval, just longer, much longer. */
const CUTS = [2, 3.8, 50] as const;

function story(
  interval: number,
  cut: readonly (readonly [number, number])[],
  lasts: number,
  gap: number,
  priority: number,
): Story {
  const intervalMs = interval * 10;
  const beginMs = 20.3 * intervalMs;
  const actions: Action[] = [
    ...cut.map(([from, to]): Action => ({ atMs: beginMs, type: "cut", from, to })),
    ...cut.map(([from, to], i): Action => ({
      atMs: beginMs + (lasts + i * gap) * intervalMs,
      type: "mend",
      from,
      to,
    })),
  ];
  const calmMs = beginMs + (lasts + cut.length * gap) * intervalMs;
  return plainStory({
    advertisementInterval: interval,
    routers: [{ priority: 200 }, { priority }],
    actions,
    calmMs,
    lengthMs: calmMs + 10 * intervalMs + 5200,
    refreshMs: 5000,
  });
}

for (const interval of INTERVALS_CS) {
  for (const priority of [100, 200]) {
    Deno.test(`interval ${interval * 10} ms, priorities 200 and ${priority}: every order of cutting and mending ends well`, () => {
      for (const cut of subsets(CABLES).flatMap(orders)) {
        for (const lasts of CUTS) {
          for (const gap of GAPS) {
            const one = story(interval, cut, lasts, gap, priority);
            const violation = new World(one).run();
            assertEquals(violation?.message ?? "well", "well", violation === null ? "" : tell(one));
          }
        }
      }
    });
  }
}

for (const interval of INTERVALS_CS) {
  Deno.test(`interval ${interval * 10} ms, three routers: every two partitions in a row end well`, () => {
    const sides = subsets([0, 1, 2, 3]).filter((side) => side.length > 0 && side.length < 4);
    for (const first of sides) {
      for (const second of sides) {
        for (const lasts of CUTS) {
          const one = twoPartitions(interval, first, second, lasts);
          const violation = new World(one).run();
          assertEquals(violation?.message ?? "well", "well", violation === null ? "" : tell(one));
        }
      }
    }
  });
}

/** Milliseconds between the two directions; the last ones are beyond a handover, a lease, often reminders. */
const ONE_WAY_MS = [0.1, 5, 30, 100, 250, 500, 3000, 9000, 20_000] as const;

for (const interval of INTERVALS_CS) {
  for (const unicast of [false, true]) {
    const cast = unicast ? "unicast" : "multicast";
    Deno.test(`interval ${interval * 10} ms, ${cast}: one direction is mended later than the other`, () => {
      for (const [first, later] of [[0, 1], [1, 0]] as const) {
        for (const gapMs of ONE_WAY_MS) {
          for (const phase of [0.05, 0.3, 0.55, 0.8]) {
            const one = oneWay(interval, unicast, [first, later], gapMs, phase);
            const darkMs = darkAfter(one, one.calmMs);
            // After ten seconds reminders get rarer.
            const limitMs = gapMs > 10_000 && interval < 1000 ? 102 : 21;
            assertEquals(darkMs <= limitMs, true, `${darkMs} ms dark, ${gapMs} ms apart\n${tell(one)}`);
          }
        }
      }
    });
  }
}

/** Both are active and announce; what `first` says is heard again, what the other one says `gapMs` later. */
function oneWay(
  interval: number,
  unicast: boolean,
  [first, later]: readonly [number, number],
  gapMs: number,
  phase: number,
): Story {
  const intervalMs = interval * 10;
  const mendsMs = (50 + phase) * intervalMs;
  return plainStory({
    advertisementInterval: interval,
    unicast,
    routers: [{ priority: 200 }, { priority: 100 }],
    actions: [
      { atMs: 20.3 * intervalMs, type: "cut", from: 0, to: 1 },
      { atMs: 20.3 * intervalMs, type: "cut", from: 1, to: 0 },
      { atMs: mendsMs, type: "mend", from: first, to: later },
    ],
    calmMs: mendsMs + gapMs,
    lengthMs: mendsMs + gapMs + 4 * intervalMs + 1500,
    refreshMs: 0,
  });
}

/** Milliseconds in which the client sent to nobody who holds the addresses, from that moment on. */
function darkAfter(story: Story, fromMs: number): number {
  const world = new World(story);
  const { watch } = world;
  const before = watch.before.bind(watch);
  let [darkMs, lastMs] = [0, fromMs];
  watch.before = (): void => {
    before();
    if (world.nowMs < fromMs) return;
    // What the event before has left behind has lasted until now.
    if (!(world.hosts[world.view]?.holds ?? false)) darkMs += world.nowMs - lastMs;
    lastMs = world.nowMs;
  };
  assertEquals(world.run()?.message ?? "well", "well", tell(story));
  return darkMs;
}

/** One partition, then another one that replaces it, then none. Station 3 is the client. */
function twoPartitions(
  interval: number,
  first: readonly number[],
  second: readonly number[],
  lasts: number,
): Story {
  const intervalMs = interval * 10;
  const atMs = (intervals: number): number => (20.3 + intervals) * intervalMs;
  return plainStory({
    advertisementInterval: interval,
    routers: [{ priority: 200 }, { priority: 150 }, { priority: 100 }],
    actions: [
      { atMs: atMs(0), type: "split", side: first },
      { atMs: atMs(lasts), type: "mendAll" },
      { atMs: atMs(lasts), type: "split", side: second },
    ],
    calmMs: atMs(2 * lasts),
    lengthMs: atMs(2 * lasts + 10) + 5200,
    refreshMs: 5000,
  });
}

Deno.test("both are active and the client follows the loser: it knows the winner 20 ms after their first exchange", () => {
  for (const interval of INTERVALS_CS) {
    const intervalMs = interval * 10;
    const cut: Action[] = [{ atMs: 30.3 * intervalMs, type: "split", side: [0] }];
    const mend: Action[] = [{ atMs: 60.3 * intervalMs, type: "mendAll" }];
    const world = new World(plainStory({
      advertisementInterval: interval,
      routers: [{ priority: 200 }, { priority: 100 }],
      actions: [...cut, ...mend],
      calmMs: 70 * intervalMs,
      lengthMs: 61.3 * intervalMs + 20,
    }));
    const seen: string[] = [];
    const { watch } = world;
    const before = watch.before.bind(watch);
    watch.before = (): void => {
      const line = `${world.hosts.map(({ isActive }) => isActive ? "A" : "b").join("")} ${world.view}`;
      if (seen.at(-1) !== line) seen.push(line);
      before();
    };
    assertEquals(world.run()?.message ?? "well", "well");
    // The client follows B, which is active beside A; B hears A and leaves; A announces itself.
    assertEquals(
      seen.slice(seen.indexOf("Ab 0")),
      ["Ab 0", "AA 0", "AA 1", "Ab 1", "Ab 0"].slice(0, seen.length),
      seen.join(),
    );
  }
});
