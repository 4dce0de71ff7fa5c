/** Mistakes that the simulator has found once, each as the shortest story that shows it. */
import { assertEquals } from "@std/assert";
import { tell } from "./hunt.ts";
import { type Plain, plainStory } from "./plain.ts";
import { World } from "./world.ts";

type Told = Omit<Plain, "calmMs" | "lengthMs"> & { readonly forMs: number };

const STORIES: Readonly<Record<string, Told>> = {
  "a reload switches the lease off: no busy loop": {
    advertisementInterval: 1,
    routers: [{ priority: 101 }, { priority: 100 }],
    actions: [{ atMs: 3529, type: "reload", router: 0, to: { leaseMs: 0 } }],
    forMs: 6000,
  },
  "neighbouring priorities take over together: their announcements cross": {
    advertisementInterval: 1,
    routers: [{ priority: 101 }, { priority: 100 }],
    actions: [],
    forMs: 1000,
  },
  "a short partition right after a refresh": {
    advertisementInterval: 1,
    routers: [{ priority: 200 }, { priority: 100 }],
    actions: [{ atMs: 5_045, type: "split", side: [0] }, { atMs: 5_095, type: "mendAll" }],
    refreshMs: 5000,
    forMs: 6000,
  },
  "three were active: two winners contest the same loser": {
    advertisementInterval: 10,
    routers: [{ priority: 233, startMs: 37 }, { priority: 95, startMs: 11 }, { priority: 228 }],
    actions: [{ atMs: 5000, type: "loss", probability: 1 }, { atMs: 9000, type: "loss", probability: 0 }],
    forMs: 12_000,
  },
  "the loser of a partition resigns as it ends": {
    advertisementInterval: 10,
    routers: [{ priority: 200 }, { priority: 100, handover: false }],
    actions: [
      { atMs: 2000, type: "split", side: [0] },
      { atMs: 3000, type: "mendAll" },
      { atMs: 3000.01, type: "stop", router: 1 },
    ],
    forMs: 5000,
  },
  "what is missing comes back during its own handover": {
    advertisementInterval: 10,
    routers: [{ priority: 200 }],
    actions: [{ atMs: 1000, type: "mustWait", router: 0 }, { atMs: 1010, type: "needNotWait", router: 0 }],
    forMs: 4000,
  },
  "a check fails and recovers during an orderly stop": {
    advertisementInterval: 10,
    routers: [{ priority: 200 }],
    actions: [
      { atMs: 1000, type: "stop", router: 0 },
      { atMs: 1010, type: "checkFails", router: 0 },
      { atMs: 1020, type: "checkPasses", router: 0 },
    ],
    forMs: 4000,
  },
  "a pause longer than the lease": {
    advertisementInterval: 100,
    routers: [{ priority: 200 }, { priority: 100 }],
    actions: [{ atMs: 10_500, type: "pause", router: 0 }, { atMs: 19_200, type: "resume", router: 0 }],
    forMs: 30_000,
  },
  "a reload while a takeover is owed": {
    advertisementInterval: 1,
    routers: [{ priority: 112, preempt: false, startMs: 50 }, { priority: 10 }],
    actions: [
      { atMs: 2419, type: "stop", router: 1 },
      { atMs: 2421, type: "reload", router: 0, to: { preemptDelayMs: 100 } },
    ],
    forMs: 5000,
  },
  "a reload of a backup that has adopted a longer interval": {
    advertisementInterval: 10,
    routers: [{ priority: 200 }, { priority: 100 }],
    actions: [
      { atMs: 2000, type: "reload", router: 0, to: { advertisementInterval: 100 } },
      { atMs: 5100, type: "reload", router: 1, to: { priority: 90 } },
    ],
    forMs: 20_000,
  },
  "a shorter interval counts at once": {
    advertisementInterval: 500,
    routers: [{ priority: 200 }],
    actions: [{ atMs: 30_000, type: "reload", router: 0, to: { advertisementInterval: 10 } }],
    forMs: 40_000,
  },
  "a refresh falls into a handover that the old router does not see end": {
    advertisementInterval: 10,
    routers: [{ priority: 100 }, { priority: 101 }],
    actions: [
      { atMs: 4400, type: "cut", from: 0, to: 1 },
      { atMs: 4900, type: "checkFails", router: 1 },
    ],
    refreshMs: 5000,
    forMs: 9000,
  },
  "a handover ends after a partition: the one that was active all the time has to know": {
    advertisementInterval: 10,
    routers: [{ priority: 200 }, { priority: 100 }],
    actions: [
      { atMs: 2000, type: "split", side: [0] },
      { atMs: 4000, type: "checkFails", router: 1 },
      { atMs: 4040, type: "mendAll" },
    ],
    forMs: 6000,
  },
  "the better one's priority falls as it preempts: nobody yields to a ghost for long": {
    advertisementInterval: 100,
    routers: [{ priority: 100 }, { priority: 118, startMs: 8000 }],
    actions: [{ atMs: 11538.61, type: "weight", router: 1, change: -18 }],
    forMs: 30_000,
  },
  "routers of different intervals: a loser's last advertisement is not the last word": {
    advertisementInterval: 10,
    routers: [{ priority: 103, preemptDelayMs: 3000, startMs: 723.753 }, { priority: 102 }, {
      priority: 102,
    }],
    actions: [{ atMs: 2329, type: "reload", router: 0, to: { advertisementInterval: 50 } }],
    forMs: 60_000,
  },
};

for (const [name, { forMs, ...plain }] of Object.entries(STORIES)) {
  Deno.test(name, () => {
    const story = plainStory({ ...plain, calmMs: forMs, lengthMs: forMs });
    const violation = new World(story).run();
    assertEquals(violation?.message ?? "well", "well", violation === null ? "" : tell(story));
  });
}
