/**
 * A reload applies what changed and nothing else: unchanged routers and checks keep their state, addresses
 * move as a diff.
 */
import { assert, assertEquals } from "@std/assert";
import { HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled } from "./lab/scenario.ts";
import { check, reload, router, startVipd, status, waitForState } from "./lab/vipd.ts";
import { waitFor } from "./lab.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};
const A = "192.168.121.120";
const [B1, B2, B3, C] = ["192.168.121.121", "192.168.121.122", "192.168.121.123", "192.168.121.124"] as const;

function table(name: string, vrid: number, priority: number, addresses: readonly string[]): string {
  return vipdRouter({ name, vrid, version: 3, priority, intervalMs: 200, addresses });
}

const CHECK = '[check.always]\ntype = "exec"\ncommand = ["/bin/true"]\ninterval = "200ms"\nrise = 1\n';
const TRACKED = 'track = [{ check = "always", weight = -10 }]\n';

Deno.test("reload: a VIP list changes without leaving ACTIVE, the other routers and the check do not notice", async () => {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const routerA = table("A", 51, 150, [A]) + TRACKED;
    const first = await startVipd(n1, CHECK + routerA + table("B", 52, 150, [B1, B2]));
    const second = await startVipd(n2, table("A", 51, 100, [A]) + table("B", 52, 100, [B1, B2]));
    for (const name of ["A", "B"]) await settled(name, first, [second]);
    await waitFor("the check to pass", async () => (await check(first, "always")).state === "up");
    const probes = await Promise.all([A, B1].map((vip) => probeUdp(lab.client, vip)));
    await Promise.all(probes.map((probe) => probe.answeredBy("n1")));
    const before = {
      a: await router(first, "A"),
      b: await router(first, "B"),
      check: await check(first, "always"),
    };

    await reload(first, CHECK + routerA + table("B", 52, 150, [B1, B3]) + table("C", 53, 150, [C]));
    await waitFor("the new VIP", () => n1.holds(B3));
    await waitFor("the old VIP to go", async () => !(await n1.holds(B2)));
    await waitForState(first, "C", "ACTIVE");
    const after = {
      a: await router(first, "A"),
      b: await router(first, "B"),
      check: await check(first, "always"),
    };
    assertEquals([after.a.state, after.a.since], ["ACTIVE", before.a.since]);
    assertEquals([after.b.state, after.b.since], ["ACTIVE", before.b.since]);
    assertEquals(after.b.addresses.map(({ address }) => address.split("/")[0]), [B1, B3]);
    assertEquals(after.check.since, before.check.since);
    assertEquals(after.check.runs > before.check.runs, true, "an unchanged check keeps its counters");
    assertEquals(await n2.holds(B1), false, "a differing VIP list is no reason for two actives");

    await reload(second, table("A", 51, 100, [A]) + table("B", 52, 100, [B1, B3]));
    await reload(first, CHECK + routerA + table("B", 52, 150, [B1, B3]));
    await waitFor(
      "the removed router to go",
      async () => (await status(first)).virtual_routers.length === 2,
    );
    // It leaves as on a stop: it offers a handover first, and nobody takes it.
    await waitFor("its address to go", async () => !(await n1.holds(C)));
    assertEquals((await router(first, "B")).since, before.b.since);
    for (const probe of probes) {
      const result = await probe.stop();
      assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
      assertEquals(Object.keys(result.by_node), ["n1"]);
    }
  });
});

Deno.test("reload: a lower priority hands over, a higher one takes back", async () => {
  await inLab(OPTIONS, async (lab) => {
    const first = await startVipd(lab.node("n1"), table("A", 51, 150, [A]));
    const second = await startVipd(lab.node("n2"), table("A", 51, 100, [A]));
    await settled("A", first, [second]);
    await reload(first, table("A", 51, 50, [A]));
    await settled("A", second, [first]);
    await reload(first, table("A", 51, 200, [A]));
    await settled("A", first, [second]);
  });
});
