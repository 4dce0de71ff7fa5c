/**
 * VRRP over IPv6: link-local and global virtual addresses, usable at once, moving without a gap and leaving
 * no trace.
 */
import { assert, assertEquals } from "@std/assert";
import { startNginx } from "./lab/nginx.ts";
import { longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, page, settled } from "./lab/scenario.ts";
import { startVipd } from "./lab/vipd.ts";
import { type Host, sleep, waitFor } from "./lab.ts";

const VIPS = ["fe80::121:120", "fd00:121::120/64"];
const VIP = "fd00:121::120";
const OPTIONS = {
  nodes: { n1: ["fd00:121::129/64"], n2: ["fd00:121::128/64"] },
  client: ["fd00:121::10/64"],
};

function config(priority: number): string {
  return vipdRouter({ name: "VI_6", vrid: 61, version: 3, priority, intervalMs: 200, addresses: VIPS });
}

interface AddressInfo {
  readonly local?: string;
  readonly tentative?: boolean;
  readonly dadfailed?: boolean;
}

async function flagged(node: Host): Promise<AddressInfo[]> {
  const links = JSON.parse(await node.ip("-json", "-6", "address", "show", "dev", node.iface)) as {
    addr_info: AddressInfo[];
  }[];
  return links.flatMap(({ addr_info }) => addr_info).filter(({ tentative, dadfailed }) =>
    tentative === true || dadfailed === true
  );
}

Deno.test("IPv6: elect, orderly stop, cut-off host, heal, kill -9", async () => {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    // Duplicate address detection as on a real host: a VIP must not wait for it.
    for (const node of [n1, n2]) {
      await node.exec(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_dad"]);
    }
    await Promise.all([startEcho(n1), startEcho(n2), startNginx(n1), startNginx(n2)]);
    const first = await startVipd(n1, config(150));
    const second = await startVipd(n2, config(100));
    await settled("VI_6", first, [second]);
    assertEquals([await n1.holds("fe80::121:120"), await n1.holds(VIP)], [true, true]);
    assertEquals(await flagged(n1), []);
    assertEquals(await page(lab, VIP), "n1");

    const stop = await probeUdp(lab.client, VIP);
    await stop.answeredBy("n1", 1000);
    await first.child.stop();
    await stop.answeredBy("n2", 2000);
    await sleep(300);
    const stopped = await stop.stop();
    assert(longestOutage(stopped) <= 50, `orderly stop: ${JSON.stringify(stopped)}`);
    assertEquals([await n1.holds("fe80::121:120"), await n1.holds(VIP)], [false, false]);
    assertEquals(await flagged(n2), []);

    const again = await startVipd(n1, config(150));
    await settled("VI_6", again, [second]);
    const cut = await probeUdp(lab.client, VIP);
    await cut.answeredBy("n1", 1000);
    await lab.cut(n1);
    await cut.answeredBy("n2", 2000);
    await lab.heal(n1);
    await settled("VI_6", again, [second]);
    await cut.answeredBy("n1", 2000);
    await sleep(500);
    const [down, ...later] = (await cut.stop()).outages;
    assert(down !== undefined && down.length_ms <= 722 * 1.02 + 50, JSON.stringify(down));
    assert(later.every(({ length_ms }) => length_ms <= 100), `heal: ${JSON.stringify(later)}`);
    assertEquals(await flagged(n1), []);

    again.child.signal("SIGKILL");
    await settled("VI_6", second, []);
    await waitFor(
      "the VIPs to leave the dead node",
      async () => !(await n1.holds(VIP)) && !(await n1.holds("fe80::121:120")),
      6000,
    );
    assertEquals(await page(lab, VIP), "n2");
  });
});
