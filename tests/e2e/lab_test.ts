/** The lab itself: with keepalived on both nodes the client sees the outages that are known of keepalived. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Lab, waitFor } from "./lab.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { excuse, replayed } from "./lab/meter.ts";
import { startNginx } from "./lab/nginx.ts";
import { longestOutage, probeHttp, probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter } from "./lab/routers.ts";
import { inLab } from "./lab/scenario.ts";

const VIP = "192.168.121.120";
const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};

async function cutOff(lab: Lab): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const spec = { name: "VI_1", vrid: 51, version: 2, intervalMs: 1000, addresses: [VIP] } as const;
  await Promise.all([n1, n2].map((node) => Promise.all([startNginx(node), startEcho(node)])));
  await startKeepalived(n1, keepalivedRouter({ ...spec, priority: 110 }));
  const second = await startKeepalived(n2, keepalivedRouter({ ...spec, priority: 100 }));
  await waitFor("n1 to be active", () => n1.holds(VIP));

  const udp = await probeUdp(lab.client, VIP);
  const http = await probeHttp(lab.client, VIP);
  await udp.answeredBy("n1");
  await http.answeredBy("n1");
  await lab.cut(n1);
  await udp.answeredBy("n2");
  await http.answeredBy("n2");
  await lab.heal(n1);
  await waitFor("n2 to step back", async () => !(await n2.holds(VIP)));
  const cut = await udp.stop();
  const cutHttp = await http.stop();
  // 3 x 1 s + (256 - 100) / 256 s = 3.609 s after the last advertisement, which was up to 1 s ago; and what a
  // busy machine makes of it.
  assert(longestOutage(cut) > 2000 && longestOutage(cut) < 5000, `cut: ${JSON.stringify(cut)}`);
  assert(Math.abs(longestOutage(cut) - longestOutage(cutHttp)) < 600, `HTTP: ${JSON.stringify(cutHttp)}`);

  await second.stop();
  assertEquals(await n2.holds(VIP), false);
}

async function orderlyStop(lab: Lab): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const spec = { name: "VI_1", vrid: 51, version: 2, intervalMs: 1000, addresses: [VIP] } as const;
  await Promise.all([startEcho(n1), startEcho(n2)]);
  const first = await startKeepalived(n1, keepalivedRouter({ ...spec, priority: 110 }));
  await startKeepalived(n2, keepalivedRouter({ ...spec, priority: 100 }));
  await waitFor("n1 to be active", () => n1.holds(VIP));
  const udp = await probeUdp(lab.client, VIP);
  await udp.answeredBy("n1");
  await first.stop();
  await udp.answeredBy("n2");
  const result = await udp.stop();
  const outage = longestOutage(result);
  // 609 ms.
  assert(outage > 450 && outage < 1500, JSON.stringify(result));
  assertEquals(udp.nodes, ["n1", "n2"]);
}

Deno.test("the lab measures keepalived with a cut-off host as the protocol has it", () =>
  inLab(OPTIONS, cutOff));

Deno.test("the lab measures keepalived's orderly stop as the skew time", () => inLab(OPTIONS, orderlyStop));

Deno.test("the lab excuses a failure only where the machine had no time", () => {
  assertEquals(excuse({ machine_ms: 19, ordinary_ms: 99 }), null);
  assertEquals(excuse({ machine_ms: 140, ordinary_ms: 150 }), "the machine itself stood still for 140 ms");
  assertEquals(excuse({ machine_ms: 2, ordinary_ms: 150 }), "an ordinary process had to wait for 150 ms");
});

Deno.test("the lab plays once what succeeds, and what goes on failing fails", async () => {
  let played = 0;
  await replayed(() => Promise.resolve(void played++));
  assertEquals(played, 1);
  const failing = (): Promise<void> => Promise.reject(new Error(`attempt ${++played}`));
  await assertRejects(() => replayed(failing), Error, "attempt");
  assert(played <= 4, `${played}`);
});
