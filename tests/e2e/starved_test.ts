/**
 * An active router that got no time on the processor for longer than its peers wait: what it does when it
 * goes on. SIGSTOP is the hardest form of it.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { router, startVipd, waitForState } from "./lab/vipd.ts";
import { sleep, waitFor } from "./lab.ts";

const VIP = "192.168.121.120";
const INTERVAL_MS = 100;
/** Longer than the peer waits (361 ms), shorter than the lease (30 s): the address is still there. */
const STARVED_MS = 1_500;
const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};
const STEPPED_BACK = /^own advertisements were \d{4} ms late and another router took over$/;

function starved(preempt: boolean): Promise<void> {
  return inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const config = (priority: number): string =>
      vipdRouter({
        name: "VI_1",
        vrid: 51,
        version: 3,
        priority,
        intervalMs: INTERVAL_MS,
        addresses: [VIP],
        preempt,
        vipdExtra: 'lease = "30s"',
      });
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const first = await startVipd(n1, config(150));
    await waitForState(first, "VI_1", "ACTIVE");
    const second = await startVipd(n2, config(100));
    await settled("VI_1", first, [second]);

    first.child.signal("SIGSTOP");
    await sleep(STARVED_MS);
    await waitForState(second, "VI_1", "ACTIVE");
    const probe = await probeUdp(lab.client, VIP);
    await probe.answeredBy("n2");
    assert(await n1.holds(VIP), "the lease is not over yet");
    first.child.signal("SIGCONT");
    await waitFor("n1 to step back", () => first.child.output.includes("ACTIVE -> BACKUP"));
    const { reason, state } = await router(first, "VI_1");
    if (preempt) {
      // It comes back in good order: after it has listened for as long as the peers wait.
      await settled("VI_1", first, [second]);
      assertEquals((await router(second, "VI_1")).counters["became_active"], 1);
    } else {
      assertMatch(reason, STEPPED_BACK);
      assertEquals(state, "BACKUP");
      await sleep(1_000);
      await settled("VI_1", second, [first]);
      assertEquals(await n1.holds(VIP), false);
    }
    assertEquals((await router(first, "VI_1")).counters["became_active"], preempt ? 2 : 1);
    const result = await probe.stop();
    assert(longestOutage(result) <= HITLESS_MS, `after SIGCONT: ${JSON.stringify(result)}`);
  });
}

testTogether("starved for longer than the peers wait", [
  { name: "without preemption: steps back and stays", body: () => starved(false) },
  { name: "with preemption: steps back, and takes over in good order", body: () => starved(true) },
]);
