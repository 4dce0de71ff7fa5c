/** A gateway's sync group, inside and outside: ms in which a client does not reach a server through it. */
import { gatewayConfig, gatewayRouters, inGateway, onlyOn, SERVER, setCable } from "../e2e/lab/gateway.ts";
import { killKeepalived, startKeepalived } from "../e2e/lab/keepalived.ts";
import type { Child } from "../e2e/lab/child.ts";
import { keepalivedRouter } from "../e2e/lab/routers.ts";
import { darkTimes, probeUdp, startEcho } from "../e2e/lab/probe.ts";
import { startVipd } from "../e2e/lab/vipd.ts";
import { type Host, type Lab, sleep } from "../e2e/lab.ts";
import type { Daemon } from "./daemons.ts";
import { PRIORITIES } from "./failover.ts";
import type { Record } from "./samples.ts";
import { activeDownMs, skewMs, type Timing } from "./timings.ts";

const TIMING: Timing = { name: "v3, 100 ms", version: 3, intervalMs: 100 };
const GROUP = "vrrp_sync_group gateway {\ngroup {\ninside\noutside\n}\n}\n";
/** A second round of announcements has to show too. */
const AFTERMATH_MS = 500;

interface Gateways {
  readonly lab: Lab;
  readonly daemon: Daemon;
  first: Child;
}

interface GatewayEvent {
  readonly name: string;
  act(gateways: Gateways): Promise<void>;
  readonly to: "n1" | "n2";
  readonly limitMs: number;
  readonly goalMs: number;
}

const SILENCE_MS = activeDownMs(TIMING, PRIORITIES.n2);

const EVENTS: readonly GatewayEvent[] = [
  {
    name: "orderly stop",
    act: async ({ first }) => void await first.stop("SIGTERM"),
    to: "n2",
    limitMs: skewMs(TIMING, PRIORITIES.n2),
    goalMs: 5,
  },
  {
    name: "better gateway starts (preempt)",
    async act(gateways): Promise<void> {
      gateways.first = await startOn(gateways, "n1");
    },
    to: "n1",
    limitMs: 0,
    goalMs: 5,
  },
  {
    name: "cable pulled outside",
    act: ({ lab }) => setCable(lab, lab.node("n1"), "out", false),
    to: "n2",
    limitMs: SILENCE_MS,
    goalMs: 1.02 * SILENCE_MS + 5,
  },
  {
    name: "cable plugged in outside",
    act: ({ lab }) => setCable(lab, lab.node("n1"), "out", true),
    to: "n1",
    limitMs: 0,
    // The other one leaves the inside at once and the outside with the next advertisement.
    goalMs: TIMING.intervalMs,
  },
  {
    name: "host dies: kill -9, addresses gone",
    act: ({ first, lab, daemon }) => dies(first, lab.node("n1"), daemon),
    to: "n2",
    limitMs: SILENCE_MS,
    goalMs: 1.02 * SILENCE_MS + 5,
  },
];

/** One after the other. */
export async function measureGateway(daemon: Daemon, record: Record): Promise<void> {
  await inGateway(async (lab) => {
    await startEcho(lab.node("server"));
    const gateways = { lab, daemon };
    const first = await startOn(gateways, "n1");
    await startOn(gateways, "n2");
    const running: Gateways = { ...gateways, first };
    await onlyOn(lab.node("n1"), lab.node("n2"));
    for (const { name: event, act, to, limitMs: limit, goalMs: goal } of EVENTS) {
      const probe = await probeUdp(lab.client, SERVER);
      await probe.answeredBy("server");
      await sleep(AFTERMATH_MS);
      await act(running);
      await onlyOn(lab.node(to), lab.node(to === "n1" ? "n2" : "n1"));
      await sleep(AFTERMATH_MS);
      const [longest = 0] = darkTimes(await probe.stop());
      record({ event, timing: TIMING.name, value: longest, limit, goal });
    }
  });
}

async function startOn({ lab, daemon }: Pick<Gateways, "lab" | "daemon">, node: "n1" | "n2"): Promise<Child> {
  const routers = gatewayRouters(PRIORITIES[node], { intervalMs: TIMING.intervalMs });
  const host = lab.node(node);
  if (daemon.name === "vipd") return (await startVipd(host, gatewayConfig(routers))).child;
  return await startKeepalived(host, GROUP + routers.map(keepalivedRouter).join("\n"), true);
}

/** What a dead host takes with it, all at once. */
async function dies(child: Child, node: Host, { name }: Daemon): Promise<void> {
  const removed = ["eth0", "eth1"].map((link) => node.ip("link", "set", link, "down"));
  if (name === "vipd") child.signal("SIGKILL");
  else await killKeepalived(node, child);
  await Promise.all(removed);
  for (const link of ["eth0", "eth1"]) await node.ip("address", "flush", "dev", link);
}
