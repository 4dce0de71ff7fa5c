/**
 * A unicast pair that does not preempt: the address moves when it must and stays where it is when it need not
 * move.
 */
import { assert, assertEquals } from "@std/assert";
import { capture, field } from "./lab/capture.ts";
import { startNginx } from "./lab/nginx.ts";
import { HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, page, settled } from "./lab/scenario.ts";
import { router, startVipd } from "./lab/vipd.ts";
import { type Lab, sleep, waitFor } from "./lab.ts";

const VIP = "172.25.254.130";
const ADDRESSES = { n1: "172.25.254.131", n2: "172.25.254.132" } as const;
const OPTIONS = {
  interface: "ens33",
  nodes: { n1: [`${ADDRESSES.n1}/24`], n2: [`${ADDRESSES.n2}/24`] },
  client: ["172.25.254.10/24"],
};

function config(lab: Lab, name: "n1" | "n2", priority: number, track: string): string {
  const peer = name === "n1" ? ADDRESSES.n2 : ADDRESSES.n1;
  const pidFile = `${lab.node(name).directory}/nginx/nginx.pid`;
  const nginx = `[check.nginx]\ntype = "nginx"\npid_file = "${pidFile}"\ninterval = "2s"\nrise = 1\n`;
  return nginx + vipdRouter({
    name: "VI_1",
    interface: "ens33",
    vrid: 62,
    version: 2,
    priority,
    intervalMs: 1000,
    password: "1111",
    preempt: false,
    unicast: { source: ADDRESSES[name], peers: [peer] },
    addresses: [VIP],
    vipdExtra: `track = [${track}]`,
  });
}

Deno.test("unicast, nopreempt, weight 50: priorities 201/200 on the wire, a stop moves the VIP, a return does not", async () => {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startNginx(n1), startNginx(n2), startEcho(n1), startEcho(n2)]);
    const wire = await capture(lab.bridge, "n1", "ip proto 112");
    const weighed = '{ check = "nginx", weight = 50 }';
    const first = await startVipd(n1, config(lab, "n1", 151, weighed));
    await settled("VI_1", first, []);
    const second = await startVipd(n2, config(lab, "n2", 150, weighed));
    await settled("VI_1", first, [second]);
    await waitFor("n2 to hear n1", async () => (await router(second, "VI_1")).peers.length === 1);
    const priorities = [await router(first, "VI_1"), await router(second, "VI_1")];
    assertEquals(priorities.map((status) => status.effective_priority), [201, 200]);
    assertEquals(await page(lab, VIP), "n1");

    const probe = await probeUdp(lab.client, VIP);
    await probe.answeredBy("n1");
    await first.child.stop();
    await probe.answeredBy("n2");
    const again = await startVipd(n1, config(lab, "n1", 151, weighed));
    await settled("VI_1", second, [again]);
    await sleep(4500); // longer than its active-down interval
    assertEquals((await router(again, "VI_1")).state, "BACKUP");
    const result = await probe.stop();
    assertEquals(probe.nodes, ["n1", "n2"]);
    assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));

    const packets = await wire.stop();
    const destinations = new Set(packets.map((packet) => field(packet, "ip.dst")));
    assertEquals([...destinations].toSorted(), [ADDRESSES.n1, ADDRESSES.n2]);
    assert(packets.some((packet) => field(packet, "vrrp.prio") === "201"));
  });
});

Deno.test("unicast, nopreempt, nginx tracked without weight: its death moves the VIP, its return does not", async () => {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const [nginx] = await Promise.all([startNginx(n1), startNginx(n2)]);
    const first = await startVipd(n1, config(lab, "n1", 151, '"nginx"'));
    await settled("VI_1", first, []);
    const second = await startVipd(n2, config(lab, "n2", 150, '"nginx"'));
    await settled("VI_1", first, [second]);
    await nginx.kill();
    await settled("VI_1", second, []);
    assertEquals(await page(lab, VIP), "n2");
    await startNginx(n1);
    await settled("VI_1", second, [first]);
    await sleep(4500);
    assertEquals([(await router(first, "VI_1")).state, await page(lab, VIP)], ["BACKUP", "n2"]);
  });
});
