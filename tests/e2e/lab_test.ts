/** The lab itself: with keepalived on both nodes the client sees the outages that are known of keepalived. */
import { assert, assertEquals } from "@std/assert";
import { createLab, waitFor } from "./lab.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { startNginx } from "./lab/nginx.ts";
import { longestOutage, probeHttp, probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter } from "./lab/routers.ts";

const VIP = "192.168.121.120";

Deno.test("the lab measures keepalived's orderly stop and a cut-off host as the protocol has them", async () => {
  await using lab = await createLab({
    nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
    client: ["192.168.121.10/24"],
  });
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const spec = { name: "VI_1", vrid: 51, version: 2, intervalMs: 1000, addresses: [VIP] } as const;
  await Promise.all([n1, n2].map((node) => Promise.all([startNginx(node), startEcho(node)])));
  await startKeepalived(n1, keepalivedRouter({ ...spec, priority: 110 }));
  const second = await startKeepalived(n2, keepalivedRouter({ ...spec, priority: 100 }));
  await waitFor("n1 to be active", () => n1.holds(VIP), 8000);

  const udp = await probeUdp(lab.client, VIP);
  const http = await probeHttp(lab.client, VIP);
  await udp.answeredBy("n1", 2000);
  await http.answeredBy("n1", 2000);
  await lab.cut(n1);
  await udp.answeredBy("n2", 6000);
  await http.answeredBy("n2", 2000);
  await lab.heal(n1);
  await waitFor("n2 to step back", async () => !(await n2.holds(VIP)), 5000);
  const cut = await udp.stop();
  const cutHttp = await http.stop();
  // 3 x 1 s + (256 - 100) / 256 s = 3.609 s after the last advertisement, which was up to 1 s ago.
  assert(longestOutage(cut) > 2550 && longestOutage(cut) < 3900, `cut: ${JSON.stringify(cut)}`);
  assert(Math.abs(longestOutage(cut) - longestOutage(cutHttp)) < 150, `HTTP: ${JSON.stringify(cutHttp)}`);

  await second.stop();
  assertEquals(await n2.holds(VIP), false);
});

Deno.test("the lab measures keepalived's orderly stop as the skew time", async () => {
  await using lab = await createLab({
    nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
    client: ["192.168.121.10/24"],
  });
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const spec = { name: "VI_1", vrid: 51, version: 2, intervalMs: 1000, addresses: [VIP] } as const;
  await Promise.all([startEcho(n1), startEcho(n2)]);
  const first = await startKeepalived(n1, keepalivedRouter({ ...spec, priority: 110 }));
  await startKeepalived(n2, keepalivedRouter({ ...spec, priority: 100 }));
  await waitFor("n1 to be active", () => n1.holds(VIP), 8000);
  const udp = await probeUdp(lab.client, VIP);
  await udp.answeredBy("n1", 2000);
  await first.stop();
  await udp.answeredBy("n2", 3000);
  const result = await udp.stop();
  const outage = longestOutage(result);
  assert(outage > 605 && outage < 700, JSON.stringify(result));
  assertEquals(udp.nodes, ["n1", "n2"]);
});
