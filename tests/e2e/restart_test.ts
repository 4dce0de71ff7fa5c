/** A daemon that was killed and is started again: in time it goes on, too late it disturbs nobody. */
import { assert, assertEquals } from "@std/assert";
import { HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { router, startVipd, type Vipd, waitForState } from "./lab/vipd.ts";
import { type Host, waitFor } from "./lab.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};
const VIP = "192.168.121.120";

interface Setting {
  readonly intervalMs: number;
  readonly preempt: boolean;
}

interface Scene {
  readonly n1: Host;
  readonly first: Vipd;
  readonly second: Vipd;
  readonly client: Host;
  restart(): Promise<Vipd>;
}

function withPair({ intervalMs, preempt }: Setting, body: (scene: Scene) => Promise<void>): Promise<void> {
  const config = (priority: number): string =>
    vipdRouter({
      name: "VI_1",
      vrid: 51,
      version: 3,
      priority,
      intervalMs,
      addresses: [VIP],
      preempt,
      vipdExtra: 'lease = "30s"',
    });
  return inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const first = await startVipd(n1, config(150));
    await waitForState(first, "VI_1", "ACTIVE");
    const second = await startVipd(n2, config(100));
    await settled("VI_1", first, [second]);
    await body({ n1, first, second, client: lab.client, restart: () => startVipd(n1, config(150)) });
  });
}

async function inTime({ n1, first, second, client, restart }: Scene): Promise<void> {
  const before = await router(second, "VI_1");
  const probe = await probeUdp(client, VIP);
  await probe.answeredBy("n1");
  first.child.signal("SIGKILL");
  const again = await restart();
  await waitForState(again, "VI_1", "ACTIVE");
  const resumed = await router(again, "VI_1");
  assertEquals(resumed.reason, "goes on where the run before ended");
  assertEquals(resumed.counters["leftovers_removed"], 0);
  await settled("VI_1", again, [second]);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
  assertEquals(Object.keys(result.by_node), ["n1"]);
  assertEquals((await router(second, "VI_1")).since, before.since, "the peer has not noticed");
  assert(await n1.holds(VIP));
}

async function tooLate({ n1, first, second, restart }: Scene): Promise<void> {
  first.child.signal("SIGKILL");
  await waitForState(second, "VI_1", "ACTIVE");
  assert(await n1.holds(VIP), "the lease still runs");
  const active = await router(second, "VI_1");
  const again = await restart();
  await waitFor("the address to go", async () => !(await n1.holds(VIP)));
  await waitForState(again, "VI_1", "BACKUP");
  const after = await router(second, "VI_1");
  assertEquals(
    [after.state, after.since],
    ["ACTIVE", active.since],
    "without preemption it stays with the peer",
  );
}

testTogether("restart after kill -9", [
  {
    name: "in time: goes on as ACTIVE, neither client nor peer notice",
    body: () => withPair({ intervalMs: 2000, preempt: true }, inTime),
  },
  {
    name: "in time, without preemption: the same, after it has listened",
    body: () => withPair({ intervalMs: 2000, preempt: false }, inTime),
  },
  {
    name: "too late, without preemption: lets go of what is left and stays in BACKUP",
    body: () => withPair({ intervalMs: 200, preempt: false }, tooLate),
  },
]);
