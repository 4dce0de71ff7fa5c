/**
 * Sync groups with the compiled daemon: a gateway whose addresses inside and outside move together, beside
 * vipd and beside keepalived's sync group, and one virtual router of both families.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Child } from "./lab/child.ts";
import {
  gatewayConfig,
  gatewayRouters,
  heldBy,
  inGateway,
  onlyOn,
  SERVER,
  setCable,
  waitForGroup,
} from "./lab/gateway.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter } from "./lab/routers.ts";
import { inLab, testTogether } from "./lab/scenario.ts";
import { startVipd, status, type Vipd, vipdCommand } from "./lab/vipd.ts";
import { type Host, type Lab, waitFor } from "./lab.ts";

async function say(vipd: Vipd, ...words: string[]): Promise<string> {
  const { node, socket } = vipd;
  const child = node.spawn(words.join(" "), [...vipdCommand(), ...words, "--socket", socket], {
    NO_COLOR: "1",
  });
  const { code } = await child.exited;
  await child.drained;
  assertEquals(code, 0, child.output);
  return child.output;
}

async function twoVipds(lab: Lab): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  await startEcho(lab.node("server"));
  const first = await startVipd(n1, gatewayConfig(gatewayRouters(150)));
  const second = await startVipd(n2, gatewayConfig(gatewayRouters(100)));
  await onlyOn(n1, n2);
  await waitForGroup(second, "gateway", "BACKUP");

  const probe = await probeUdp(lab.client, SERVER);
  await probe.answeredBy("server");
  const output = await say(first, "handover", "gateway");
  assertStringIncludes(output, "handed over");
  await onlyOn(n2, n1);
  await say(first, "handover", "inside", "--back");
  await onlyOn(n1, n2);
  const moved = await probe.stop();
  assert(longestOutage(moved) <= HITLESS_MS, `handover: ${JSON.stringify(moved)}`);

  for (const side of ["out", "in"] as const) {
    await setCable(lab, n1, side, false);
    await onlyOn(n2, n1);
    await waitForGroup(first, "gateway", "FAULT");
    const { virtual_routers } = await status(first);
    assertEquals(virtual_routers.map(({ state }) => state), ["FAULT", "FAULT"]);
    assert(virtual_routers.every(({ reason }) => reason.includes("has no carrier")));
    await setCable(lab, n1, side, true);
    await onlyOn(n1, n2);
  }
  assertStringIncludes(await say(first, "status"), "gateway  ACTIVE for");
  await restarted(lab, first);
}

/** Killed and started again at once nobody notices; killed for good, everything moves. */
async function restarted(lab: Lab, vipd: Vipd): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const probe = await probeUdp(lab.client, SERVER);
  await probe.answeredBy("server");
  const stopped = await say(vipd, "maintenance", "on");
  assertStringIncludes(stopped, "handed over");
  await onlyOn(n2, n1);
  await say(vipd, "maintenance", "off");
  await onlyOn(n1, n2);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, `maintenance: ${JSON.stringify(result)}`);
  vipd.child.signal("SIGKILL");
  await onlyOn(n2, n1);
}

Deno.test("a gateway: whatever happens on one side, both addresses move", () => inGateway(twoVipds));

const GROUP = "vrrp_sync_group gateway {\n group {\n inside\n outside\n }\n}\n";

/** Priorities by node; what runs there, and how it is ended in order. */
function startGateway(node: Host, daemon: "vipd" | "keepalived", priority: number): Promise<Child> {
  const routers = gatewayRouters(priority);
  return daemon === "keepalived"
    ? startKeepalived(node, GROUP + routers.map(keepalivedRouter).join("\n"))
    : startVipd(node, gatewayConfig(routers)).then(({ child }) => child);
}

async function besideKeepalived(lab: Lab, better: "vipd" | "keepalived"): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const worse = better === "vipd" ? "keepalived" : "vipd";
  await startEcho(lab.node("server"));
  const first = await startGateway(n1, better, 150);
  await onlyOn(n1, n2);
  await startGateway(n2, worse, 100);
  const probe = await probeUdp(lab.client, SERVER);
  await probe.answeredBy("server");
  for (const side of ["out", "in"] as const) {
    await setCable(lab, n1, side, false);
    await onlyOn(n2, n1);
    await setCable(lab, n1, side, true);
    await onlyOn(n1, n2);
  }
  await first.stop("SIGTERM");
  await onlyOn(n2, n1);
  await startGateway(n1, better, 150);
  await onlyOn(n1, n2);
  await lab.cut(n1);
  await waitFor("the cut-off side alone moves nothing", async () => await heldBy(n1) === "both");
  await lab.heal(n1);
  await onlyOn(n1, n2);
  await probe.stop();
}

testTogether(
  "vipd's and keepalived's sync groups as one pair",
  (["vipd", "keepalived"] as const).map((better) => ({
    name: `the better gateway is ${better}`,
    body: () => inGateway((lab) => besideKeepalived(lab, better)),
  })),
);

const DUAL = { 4: "192.168.121.120", 6: "fd00:121::120" } as const;

function dualStack(priority: number): string {
  return `[virtual_router.web]
interface = "eth0"
vrid = 51
priority = ${priority}
advertisement_interval = "200ms"
addresses = ["${DUAL[4]}/24", "${DUAL[6]}/64"]
`;
}

Deno.test("one virtual router of both families: clients of both move together", async () => {
  await inLab({
    nodes: {
      n1: ["192.168.121.129/24", "fd00:121::129/64"],
      n2: ["192.168.121.128/24", "fd00:121::128/64"],
    },
    client: ["192.168.121.10/24", "fd00:121::10/64"],
  }, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const first = await startVipd(n1, dualStack(150));
    const second = await startVipd(n2, dualStack(100));
    await waitForGroup(first, "web", "ACTIVE");
    await waitForGroup(second, "web", "BACKUP");
    assertEquals(
      (await status(first)).virtual_routers.map(({ name, family, state, sync_group }) =>
        `${name} ${family} ${state} ${sync_group}`
      ),
      ["web/ipv4 ipv4 ACTIVE web", "web/ipv6 ipv6 ACTIVE web"],
    );
    const probes = await Promise.all([probeUdp(lab.client, DUAL[4]), probeUdp(lab.client, DUAL[6])]);
    const answeredBy = (node: string): Promise<unknown> =>
      Promise.all(probes.map((probe) => probe.answeredBy(node)));
    await answeredBy("n1");
    await say(first, "handover", "web");
    await answeredBy("n2");
    await say(first, "handover", "web/ipv6", "--back");
    await answeredBy("n1");
    await first.child.stop("SIGTERM");
    await answeredBy("n2");
    for (const result of await Promise.all(probes.map((probe) => probe.stop()))) {
      assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
    }
    await waitForGroup(second, "web", "ACTIVE");
    assertEquals([await n1.holds(DUAL[4]), await n1.holds(DUAL[6])], [false, false]);
  });
});
