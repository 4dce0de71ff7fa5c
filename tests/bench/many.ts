/** All 255 virtual routers of a node at once: how dark each single address gets. */
import { settledOn } from "./failover.ts";
import type { Record } from "./samples.ts";
import {
  darknessOf,
  type Event,
  killServer,
  nodeOf,
  type Scene,
  type Target,
  trackedNginx,
  watch,
} from "./scene.ts";
import type { BenchRouter } from "./daemons.ts";
import type { Host } from "../e2e/lab.ts";
import { quantile } from "./statistics.ts";
import type { Timing } from "./timings.ts";

const COUNT = 255;
const GOAL_MS = 50;

/** The UDP service and nginx die together, so that its darkness begins with that of nginx. */
const SERVICE_DIES: Event = {
  name: "nginx dies",
  async act(scene): Promise<number> {
    scene.echoes["n1"]?.signal("SIGKILL");
    return await killServer(scene, "n1");
  },
  over: settledOn("n2"),
  client: "sweep",
};

const EVENTS: readonly Event[] = [
  {
    name: "orderly stop",
    act: (scene) => nodeOf(scene, "n1").stop(),
    over: settledOn("n2"),
    client: "sweep",
  },
  {
    name: "better node starts (preempt)",
    act: (scene) => nodeOf(scene, "n1").start(),
    over: settledOn("n1"),
    client: "sweep",
  },
  SERVICE_DIES,
];

export function manyTargets(timing: Timing): Target[] {
  return Array.from({ length: COUNT }, (_, index) => ({ timing, address: `192.168.130.${index + 1}` }));
}

export function faultingRouter(basic: BenchRouter, _: Target, node: Host): BenchRouter {
  return { ...basic, nginx: trackedNginx(node) };
}

export async function measureMany(scene: Scene, record: Record): Promise<void> {
  const timing = scene.targets[0]?.timing.name ?? "";
  for (const event of EVENTS) {
    const dark = darknessOf(await watch(scene, event));
    const rows = [["median", 0.5], ["99 %", 0.99], ["worst", 1]] as const;
    for (const [name, part] of rows) {
      record({ event: `${event.name}, ${name} of 255`, timing, value: quantile(dark, part), goal: GOAL_MS });
    }
  }
}
