/**
 * Two hosts, two addresses, crosswise priorities: each host serves one and takes both when the other is gone.
 */
import { assert, assertEquals } from "@std/assert";
import { startNginx } from "./lab/nginx.ts";
import { longestOutage, probeHttp } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, page, settled } from "./lab/scenario.ts";
import { startVipd } from "./lab/vipd.ts";

const VIP_1 = "192.168.2.120";
const VIP_2 = "192.168.2.121";
/** The death of nginx is told, and handed over at once. */
const NOTICED_MS = 700;

/** Both virtual routers of one host, with its nginx watched. */
function config(pidFile: string, priority1: number, priority2: number): string {
  const common = {
    interface: "ens33",
    version: 2,
    intervalMs: 1000,
    password: "1111",
    vipdExtra: 'track = ["nginx"]',
  } as const;
  return [
    `[check.nginx]\ntype = "nginx"\npid_file = "${pidFile}"\nrise = 1`,
    vipdRouter({ ...common, name: "VI_1", vrid: 51, priority: priority1, addresses: [VIP_1] }),
    vipdRouter({ ...common, name: "VI_2", vrid: 52, priority: priority2, addresses: [VIP_2] }),
  ].join("\n");
}

Deno.test("dual active: each host serves its own VIP, one host serves both when the other's nginx or vipd ends", async () => {
  const options = {
    interface: "ens33",
    nodes: { n1: ["192.168.2.128/24"], n2: ["192.168.2.129/24"] },
    client: ["192.168.2.10/24"],
  };
  await inLab(options, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const [nginx1, nginx2] = await Promise.all([startNginx(n1), startNginx(n2)]);
    const first = await startVipd(n1, config(nginx1.pidFile, 100, 80));
    const second = await startVipd(n2, config(nginx2.pidFile, 80, 100));
    const crosswise = async (): Promise<void> => {
      await settled("VI_1", first, [second]);
      await settled("VI_2", second, [first]);
      assertEquals([await page(lab, VIP_1), await page(lab, VIP_2)], ["n1", "n2"]);
    };
    await crosswise();

    const moved = await probeHttp(lab.client, VIP_1);
    const stayed = await probeHttp(lab.client, VIP_2);
    await moved.answeredBy("n1");
    await stayed.answeredBy("n2");
    await nginx1.kill();
    await moved.answeredBy("n2");
    const [movedResult, stayedResult] = [await moved.stop(), await stayed.stop()];
    assert(longestOutage(movedResult) <= NOTICED_MS, JSON.stringify(movedResult));
    assertEquals(stayedResult.by_node, { n2: stayedResult.sent }, "the other VIP does not notice");
    assertEquals([await page(lab, VIP_1), await page(lab, VIP_2)], ["n2", "n2"]);

    await startNginx(n1);
    await crosswise();
    await second.child.stop();
    assertEquals([await page(lab, VIP_1), await page(lab, VIP_2)], ["n1", "n1"]);
    assertEquals([await n2.holds(VIP_1), await n2.holds(VIP_2)], [false, false]);
  });
});
