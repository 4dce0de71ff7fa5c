/** Three nodes: whether the best backup takes over, and whether the third stays out of it. */
import { CUT, HEAL, ORDERLY_STOP, PREEMPT } from "./failover.ts";
import { NGINX_EVENTS } from "./nginx.ts";
import type { Record } from "./samples.ts";
import { measure, now, type Scene } from "./scene.ts";

export async function measureThree(scene: Scene, record: Record): Promise<void> {
  for (const event of [ORDERLY_STOP, PREEMPT, CUT, HEAL, ...NGINX_EVENTS]) {
    const fromMs = now();
    await measure(scene, event, record);
    for (const { timing, address } of scene.targets) {
      const value = scene.holders.count("n3", address, fromMs);
      record({
        event: `${event.name}: moves of the worst node`,
        timing: timing.name,
        value,
        limit: 0,
        goal: 0,
      });
    }
  }
}
