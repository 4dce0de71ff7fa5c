/**
 * Three nodes: whenever the active one goes, the best of those that are left takes over, and the others never
 * try. With vipd alone, and with keepalived as the worst of them.
 */
import { assert, assertEquals } from "@std/assert";
import { startKeepalived } from "./lab/keepalived.ts";
import { longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { router, startVipd, type Vipd } from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

const VIP = "192.168.121.120";
const PRIORITIES: Readonly<Record<string, number>> = { n1: 110, n2: 100, n3: 90 };
const OPTIONS = {
  nodes: { n1: ["192.168.121.131/24"], n2: ["192.168.121.132/24"], n3: ["192.168.121.133/24"] },
  client: ["192.168.121.10/24"],
};
/** Probes every millisecond on a machine that runs other tests as well. */
const HITLESS_MS = 100;

function spec(node: Host): RouterSpec {
  return {
    name: "VI_1",
    vrid: 51,
    version: 3,
    priority: PRIORITIES[node.name] ?? 1,
    intervalMs: 100,
    addresses: [VIP],
  };
}

function start(node: Host): Promise<Vipd> {
  return startVipd(node, vipdRouter(spec(node)));
}

async function timesActive(vipd: Vipd): Promise<number> {
  return (await router(vipd, "VI_1")).counters["became_active"] ?? NaN;
}

/** The probe moves from the node that answers now to `then` without a gap to speak of. */
async function moves(lab: Lab, then: string, event: () => Promise<unknown>): Promise<void> {
  const probe = await probeUdp(lab.client, VIP);
  await waitFor("the first answer", () => probe.node !== undefined, 3000, 5);
  await event();
  await probe.answeredBy(then, 5000);
  await sleep(300);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, `to ${then}: ${JSON.stringify(result)}`);
}

async function vipdAlone(lab: Lab): Promise<void> {
  const [n1, n2, n3] = [lab.node("n1"), lab.node("n2"), lab.node("n3")];
  await Promise.all([n1, n2, n3].map((node) => startEcho(node)));
  const first = await start(n1);
  const second = await start(n2);
  const third = await start(n3);
  await settled("VI_1", first, [second, third]);

  await moves(lab, "n2", () => first.child.stop());
  await settled("VI_1", second, [third]);
  const again: { vipd?: Vipd } = {};
  await moves(lab, "n1", async () => {
    again.vipd = await start(n1);
  });
  await settled("VI_1", again.vipd!, [second, third]);
  assertEquals(await timesActive(third), 0, "the worst one has never tried");

  // A silent death: the best backup's timer ends first.
  await lab.cut(n1);
  await settled("VI_1", second, [third]);
  await lab.heal(n1);
  await settled("VI_1", again.vipd!, [second, third]);
  assertEquals(await timesActive(third), 0, "nor when the active router fell silent");

  await again.vipd!.child.stop();
  await moves(lab, "n3", () => second.child.stop());
  assertEquals([await n1.holds(VIP), await n2.holds(VIP), await n3.holds(VIP)], [false, false, true]);
}

async function keepalivedWorst(lab: Lab): Promise<void> {
  const [n1, n2, n3] = [lab.node("n1"), lab.node("n2"), lab.node("n3")];
  await Promise.all([n1, n2, n3].map((node) => startEcho(node)));
  const first = await start(n1);
  const second = await start(n2);
  await startKeepalived(n3, keepalivedRouter(spec(n3)));
  await settled("VI_1", first, [second]);
  await moves(lab, "n2", () => first.child.stop());
  await settled("VI_1", second, []);
  assertEquals(await n3.holds(VIP), false);
  // keepalived waits its skew, and the one that leaves serves until then.
  await moves(lab, "n3", () => second.child.stop());
  assertEquals(await n2.holds(VIP), false);
}

testTogether("three nodes", [
  { name: "vipd alone", body: () => inLab(OPTIONS, vipdAlone) },
  { name: "keepalived as the worst of them", body: () => inLab(OPTIONS, keepalivedWorst) },
]);
