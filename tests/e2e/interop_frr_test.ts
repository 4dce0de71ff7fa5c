/** vipd and FRR's vrrpd (VRRPv3, virtual MAC) as one pair, each in turn the better router. */
import { assert, assertEquals } from "@std/assert";
import { startFrrVrrp } from "./lab/frr.ts";
import { probeUdp, startEcho } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, testTogether } from "./lab/scenario.ts";
import { router, startVipd, type Vipd, waitForState } from "./lab/vipd.ts";
import type { Peer } from "../../mod/snapshot.ts";
import { type Host, type Lab, waitFor } from "./lab.ts";

const VIPS = { 4: ["192.168.121.120"], 6: ["fd00:121::120"] } as const;
const INTERVAL_MS = 200;

function startOurs(node: Host, family: 4 | 6, priority: number): Promise<Vipd> {
  const addresses = VIPS[family];
  return startVipd(
    node,
    vipdRouter({ name: "VI_1", vrid: 51, version: 3, priority, intervalMs: INTERVAL_MS, addresses }),
  );
}

async function startTheirs(node: Host, family: 4 | 6, priority: number): Promise<void> {
  const addresses = VIPS[family].map((address) => `${address}/${family === 4 ? 24 : 64}`);
  await startFrrVrrp(node, { vrid: 51, priority, intervalMs: INTERVAL_MS, addresses });
}

/**
 * n1 is the better node. A cut-off host stands for a failure: FRR leaves its macvlan behind when it is
 * stopped.
 */
async function electFailOverFailBack(lab: Lab, family: 4 | 6, better: "vipd" | "frr"): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  await Promise.all([startEcho(n1), startEcho(n2)]);
  const [ours, theirs] = better === "vipd" ? [n1, n2] : [n2, n1];
  await startTheirs(theirs, family, theirs === n1 ? 150 : 100);
  const vipd = await startOurs(ours, family, ours === n1 ? 150 : 100);
  await waitForState(vipd, "VI_1", better === "vipd" ? "ACTIVE" : "BACKUP");
  const probe = await probeUdp(lab.client, VIPS[family][0]);
  await probe.answeredBy("n1");
  if (better === "frr") {
    const heard = async (): Promise<Peer | undefined> => (await router(vipd, "VI_1")).peers[0];
    const peer = await waitFor("FRR to be heard", heard);
    assertEquals([peer.version, peer.priority, peer.checksum], [3, 150, "pseudo_header"]);
    assert(peer.addresses_match, JSON.stringify(peer));
  }

  await lab.cut(n1);
  await probe.answeredBy("n2");
  await lab.heal(n1);
  await waitForState(vipd, "VI_1", better === "vipd" ? "ACTIVE" : "BACKUP");
  // FRR does not announce again when a rival gives way: without this its clients wait for their ARP entries
  // to expire.
  if (better === "frr") await lab.client.ip("neighbour", "flush", "all");
  await probe.answeredBy("n1");
  const after = await waitForState(vipd, "VI_1", better === "vipd" ? "ACTIVE" : "BACKUP");
  assertEquals(after.rejected, []);
  if (better === "vipd") {
    await vipd.child.stop();
    await probe.answeredBy("n2");
  }
  await probe.stop();
}

testTogether(
  "vipd and FRR elect, fail over and fail back",
  ([4, 6] as const).flatMap((family) =>
    (["vipd", "frr"] as const).map((better) => ({
      name: `IPv${family}, the better router is ${better}`,
      body: () =>
        inLab({
          nodes: {
            n1: ["192.168.121.129/24", "fd00:121::129/64"],
            n2: ["192.168.121.128/24", "fd00:121::128/64"],
          },
          client: ["192.168.121.10/24", "fd00:121::10/64"],
        }, (lab) => electFailOverFailBack(lab, family, better)),
    }))
  ),
);
