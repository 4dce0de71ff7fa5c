/** nginx dies and returns: two virtual routers of every timing, one that loses priority and one in fault. */
import type { Host } from "../e2e/lab.ts";
import type { BenchRouter } from "./daemons.ts";
import { PRIORITIES, settledOn } from "./failover.ts";
import { type Event, killServer, startServer, type Target, targetsOf, trackedNginx } from "./scene.ts";
import { skewMs, type Timing } from "./timings.ts";

const WEIGHT = -20;
const FAST_MS = 10;

const goalMs = ({ intervalMs }: Timing): number => intervalMs <= FAST_MS ? 10 : 30;

export const NGINX_EVENTS: readonly Event[] = [
  {
    name: "nginx dies",
    act: (scene) => killServer(scene, "n1"),
    over: settledOn("n2"),
    client: "browse",
    limitMs: (timing) => skewMs(timing, PRIORITIES.n2),
    goalMs,
  },
  {
    name: "nginx returns",
    act: (scene) => startServer(scene, "n1"),
    over: settledOn("n1"),
    client: "browse",
    limitMs: () => 0,
    goalMs,
  },
];

export function nginxTargets(): Target[] {
  const weighed = targetsOf(4);
  return [
    ...weighed.map((target) => ({ ...target, kind: `weight ${WEIGHT}` })),
    ...weighed.map((target) => ({
      ...target,
      address: target.address.replace(".121.", ".122."),
      kind: "no weight",
    })),
  ];
}

export function trackingNginx(basic: BenchRouter, { kind }: Target, node: Host): BenchRouter {
  const tracked = trackedNginx(node);
  return { ...basic, nginx: kind === "no weight" ? tracked : { ...tracked, weight: WEIGHT } };
}
