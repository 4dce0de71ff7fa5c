/**
 * VRRP over IPv6: link-local and global virtual addresses, usable at once, moving without a gap and leaving
 * no trace.
 */
import { assert, assertEquals } from "@std/assert";
import { startNginx } from "./lab/nginx.ts";
import { darkTimes, HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, page, settled, testTogether } from "./lab/scenario.ts";
import { startVipd } from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

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
    await stop.answeredBy("n1");
    await first.child.stop();
    await stop.answeredBy("n2");
    await sleep(300);
    const stopped = await stop.stop();
    assert(longestOutage(stopped) <= HITLESS_MS, `orderly stop: ${JSON.stringify(stopped)}`);
    assertEquals([await n1.holds("fe80::121:120"), await n1.holds(VIP)], [false, false]);
    assertEquals(await flagged(n2), []);

    const again = await startVipd(n1, config(150));
    await settled("VI_6", again, [second]);
    const cut = await probeUdp(lab.client, VIP);
    await cut.answeredBy("n1");
    await lab.cut(n1);
    await cut.answeredBy("n2");
    await lab.heal(n1);
    await settled("VI_6", again, [second]);
    await cut.answeredBy("n1");
    await sleep(500);
    const result = await cut.stop();
    const [down = Infinity, later = 0] = darkTimes(result);
    assert(down <= 722 + 500, JSON.stringify(result));
    assert(later <= HITLESS_MS, `heal: ${JSON.stringify(result)}`);
    assertEquals(await flagged(n1), []);

    again.child.signal("SIGKILL");
    await settled("VI_6", second, []);
    await waitFor(
      "the VIPs to leave the dead node",
      async () => !(await n1.holds(VIP)) && !(await n1.holds("fe80::121:120")),
    );
    assertEquals(await page(lab, VIP), "n2");
  });
});

/** Virtual addresses that the host may not use, although it has them. */
async function unusable(node: Host): Promise<string[]> {
  const virtual = VIPS.map((vip) => vip.split("/")[0]);
  return (await flagged(node)).flatMap(({ local = "" }) => virtual.includes(local) ? [local] : []);
}

async function rivals(lab: Lab, acceptDad: number): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  for (const host of [n1, n2, lab.client]) {
    const set = (name: string): string => `echo ${acceptDad} > /proc/sys/net/ipv6/conf/${name}/accept_dad`;
    await host.exec(["sh", "-c", ["all", "eth0"].map(set).join("; ")]);
  }
  const first = await startVipd(n1, config(150));
  const second = await startVipd(n2, config(100));
  await settled("VI_6", first, [second]);
  assertEquals(await unusable(n1), []);

  // Who asks first is told that the address is taken; without detection nobody asks.
  await lab.client.ip("address", "add", `${VIP}/64`, "dev", "eth0");
  const isRefused = async (): Promise<boolean> => (await unusable(lab.client)).includes(VIP);
  if (acceptDad > 0) await waitFor("the rival to be refused", isRefused);
  await lab.client.ip("address", "delete", `${VIP}/64`, "dev", "eth0");
  await lab.client.ip("address", "add", `${VIP}/64`, "dev", "eth0", "nodad");

  await lab.cut(n1);
  await waitFor("n2 to take over", () => n2.holds(VIP));
  assertEquals(await unusable(n2), []);
  await lab.heal(n1);
  await settled("VI_6", first, [second]);
  assertEquals([await unusable(n1), await unusable(n2)], [[], []]);

  await lab.pullCable(n1);
  await settled("VI_6", second, []);
  await lab.plugCable(n1);
  await settled("VI_6", first, [second]);
  assertEquals([await n1.holds(VIP), await unusable(n1)], [true, []]);
}

testTogether(
  "IPv6: no rival makes a virtual address tentative, and ours are defended",
  [0, 1, 2].map((acceptDad) => ({
    name: `accept_dad=${acceptDad}`,
    body: () => inLab(OPTIONS, (lab) => rivals(lab, acceptDad)),
  })),
);
