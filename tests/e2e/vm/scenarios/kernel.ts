/** The guest itself: a kernel with IPVS, hosts in network namespaces, and vipd at home in it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../lab/command.ts";
import { vipdRouter } from "../../lab/routers.ts";
import { inLab, settled } from "../../lab/scenario.ts";
import { startVipd } from "../../lab/vipd.ts";
import type { Steps } from "../scenarios.ts";
import { waitFor } from "../../lab/wait.ts";

const VIP = "192.168.179.199";

export const kernel: Steps = {
  "IPVS comes when it is asked for": async () => {
    assertEquals(await run(["lsmod"]).then((text) => /^ip_vs /m.test(text)), false, "not loaded yet");
    assertStringIncludes(await run(["ipvsadm", "-Ln"]), "IP Virtual Server version");
    assert(/^ip_vs /m.test(await run(["lsmod"])));
  },

  "the VIP moves between two hosts of the guest": async () => {
    const options = {
      nodes: { n1: ["192.168.179.102/24"], n2: ["192.168.179.103/24"] },
      client: ["192.168.179.10/24"],
    };
    await inLab(options, async (lab) => {
      const [a, b] = [lab.node("n1"), lab.node("n2")];
      const spec = { name: "VI_1", vrid: 51, version: 2, intervalMs: 1000, addresses: [VIP] } as const;
      const first = await startVipd(a, vipdRouter({ ...spec, priority: 100 }));
      const second = await startVipd(b, vipdRouter({ ...spec, priority: 50 }));
      await settled("VI_1", first, [second], 20_000);
      await lab.client.exec(["ping", "-c", "1", "-W", "5", VIP]);
      await first.child.stop();
      await waitFor("b to hold the VIP", () => b.holds(VIP), 20_000);
      await lab.client.exec(["ping", "-c", "1", "-W", "5", VIP]);
    });
  },
};
