/**
 * A virtual address is added on one node only and then on the other, as every rollout does: how often the
 * old address moves, for how long two nodes serve, and what the client sees.
 */
import { sleep } from "../e2e/lab.ts";
import type { BenchRouter } from "./daemons.ts";
import { settledOn } from "./failover.ts";
import type { Record } from "./samples.ts";
import { measure, nodeOf, now, type Scene, type Station } from "./scene.ts";

/** Long enough for a backup that hears nobody any more to take over. */
const ONE_SIDED_MS = 4_500;

export async function measureLists(scene: Scene, record: Record): Promise<void> {
  const { holders, targets } = scene;
  const [n1, n2] = [nodeOf(scene, "n1"), nodeOf(scene, "n2")];
  const fromMs = now();
  await measure(scene, {
    name: "no answer, ms",
    async act(): Promise<void> {
      await n1.running.reload(withOneMore(n1));
      await sleep(ONE_SIDED_MS);
      await n2.running.reload(withOneMore(n2));
    },
    over: settledOn("n1"),
    limitMs: () => 0,
    goalMs: () => 2,
  }, record);
  for (const { timing, address } of targets) {
    const moves = ["n1", "n2"].reduce((sum, node) => sum + holders.count(node, address, fromMs), 0);
    const row = { timing: timing.name, limit: 0, goal: 0 };
    record({ ...row, event: "transitions on both nodes", value: moves });
    record({ ...row, event: "both nodes active, ms", value: holders.sharedMs(address, fromMs) });
  }
}

function withOneMore({ routers }: Station): BenchRouter[] {
  return routers.map((router) => {
    const more = router.addresses.map((address) => address.replace(".121.", ".123."));
    return { ...router, addresses: [...router.addresses, ...more] };
  });
}
