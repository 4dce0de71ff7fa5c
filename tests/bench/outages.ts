/**
 * Client-visible outages: one round breaks and mends things one after another and measures each from the
 * client's side.
 */
import { type Host, type Lab, sleep, waitFor } from "../e2e/lab.ts";
import { type Nginx, startNginx } from "../e2e/lab/nginx.ts";
import { longestOutage, type Probe, probeHttp, probeUdp } from "../e2e/lab/probe.ts";
import type { BenchRouter, Daemon, Running } from "./daemons.ts";

/** Advertisement settings under which a round runs. */
export interface Profile {
  readonly name: string;
  readonly version: 2 | 3;
  readonly intervalMs: number;
}

/** The address whose router loses priority when nginx dies, and the one whose router faults. */
const WEIGHED_VIP = "192.168.121.120";
const FAULTING_VIP = "192.168.121.121";
const PRIORITIES = { n1: 110, n2: 100 } as const;
/** No outage is watched for longer than this; the result then says so. */
const PATIENCE_MS = 12_000;
/** An address that a dead daemon left behind for so long is left for ever. */
const LEFT_PATIENCE_MS = 8_000;

export const EVENTS = [
  "orderly stop",
  "preempt (better node starts)",
  "nginx dies, weight -20 (HTTP)",
  "nginx dies, no weight (HTTP)",
  "nginx returns (HTTP)",
  "host cut off",
  "heal",
  "kill -9 and restarted at once",
  "kill -9",
  "kill -9: address left on the dead node",
] as const;
export type EventName = typeof EVENTS[number];

export type Outages = Readonly<Record<EventName, number>>;

/** Shortest outage in ms that the protocol allows a router that only follows the RFC. */
export function protocolLimitMs(event: EventName, { version, intervalMs }: Profile): number {
  const skewUnitMs = version === 2 ? 1000 : intervalMs;
  const skewMs = (256 - PRIORITIES.n2) / 256 * skewUnitMs;
  if (event === "orderly stop" || event.startsWith("nginx dies")) return skewMs;
  return event === "host cut off" ? 3 * intervalMs + skewMs : 0;
}

/** One round of every event with this daemon on both nodes; nginx and echo servers run already. */
export async function measureRound(
  lab: Lab,
  daemon: Daemon,
  profile: Profile,
  nginx: Nginx,
): Promise<Outages> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const start = (node: Host): Promise<Running> => daemon.start(node, routers(node, profile));
  const state: { first: Running; nginx: Nginx } = { first: await start(n1), nginx };
  const second = await start(n2);
  const restart = async (): Promise<void> => {
    state.first = await start(n1);
  };
  await activeOn(n1);

  const stop = await udpOutage(lab, "n2", () => state.first.stop());
  const preempt = await udpOutage(lab, "n1", restart);
  const nginxDeath = await httpOutages(lab, "n2", () => state.nginx.kill());
  const nginxReturn = await httpOutages(lab, "n1", async () => {
    state.nginx = await startNginx(n1);
  });
  const cut = await udpOutage(lab, "n2", () => lab.cut(n1));
  const heal = await udpOutage(lab, "n1", () => lab.heal(n1));
  const restarted = await udpOutage(lab, "n1", async () => {
    await state.first.kill();
    await restart();
    // Until then n1 may answer for either life of its daemon.
    await sleep(4 * profile.intervalMs + 1000);
  });
  const left: { ms: number } = { ms: 0 };
  const kill = await udpOutage(lab, "n2", async () => {
    const killedMs = performance.now();
    await state.first.kill();
    const watched = waitFor(
      "the address to leave",
      async () => !(await n1.holds(WEIGHED_VIP)),
      LEFT_PATIENCE_MS,
    );
    left.ms = await watched.then(() => performance.now() - killedMs, () => Infinity);
  });

  await second.stop();
  for (const vip of [WEIGHED_VIP, FAULTING_VIP]) await removeLeft(n1, vip);
  return {
    "orderly stop": stop,
    "preempt (better node starts)": preempt,
    "nginx dies, weight -20 (HTTP)": nginxDeath[0],
    "nginx dies, no weight (HTTP)": nginxDeath[1],
    "nginx returns (HTTP)": Math.max(...nginxReturn),
    "host cut off": cut,
    heal,
    "kill -9 and restarted at once": restarted,
    "kill -9": kill,
    "kill -9: address left on the dead node": left.ms,
  };
}

function routers(node: Host, { version, intervalMs }: Profile): BenchRouter[] {
  const priority = node.name === "n1" ? PRIORITIES.n1 : PRIORITIES.n2;
  const pidFile = `${node.directory}/nginx/nginx.pid`;
  const common = { version, intervalMs, priority } as const;
  return [
    { ...common, name: "weighed", vrid: 51, addresses: [WEIGHED_VIP], nginx: { pidFile, weight: -20 } },
    { ...common, name: "faulting", vrid: 52, addresses: [FAULTING_VIP], nginx: { pidFile } },
  ];
}

async function udpOutage(lab: Lab, then: string, event: () => Promise<void>): Promise<number> {
  const probe = await probeUdp(lab.client, WEIGHED_VIP);
  const [outage] = await outages(lab, [probe], then, event);
  return outage ?? NaN;
}

async function httpOutages(lab: Lab, then: string, event: () => Promise<void>): Promise<[number, number]> {
  const probes = await Promise.all([WEIGHED_VIP, FAULTING_VIP].map((vip) => probeHttp(lab.client, vip)));
  const [weighed, faulting] = await outages(lab, probes, then, event);
  return [weighed ?? NaN, faulting ?? NaN];
}

/**
 * Runs the event at a random phase of the advertisement interval and watches until `then` answers, and a
 * little longer.
 */
async function outages(
  lab: Lab,
  probes: Probe[],
  then: string,
  event: () => Promise<void>,
): Promise<number[]> {
  await waitFor(
    "the probes' first answers",
    () => probes.every(({ node }) => node !== undefined),
    PATIENCE_MS,
    5,
  );
  await sleep(200 + Math.random() * 1000);
  await event();
  // A probe that is never answered by the other node has its outage, open or none, in the result.
  await Promise.allSettled(probes.map((probe) => probe.answeredBy(then, PATIENCE_MS)));
  await activeOn(lab.node(then));
  await sleep(1500);
  return (await Promise.all(probes.map((probe) => probe.stop()))).map(longestOutage);
}

async function activeOn(node: Host): Promise<void> {
  await waitFor(`${node.name} to be active`, async () => {
    const held = await node.addresses();
    return held.includes(WEIGHED_VIP) && held.includes(FAULTING_VIP);
  }, PATIENCE_MS);
}

async function removeLeft(node: Host, vip: string): Promise<void> {
  if (await node.holds(vip)) await node.ip("address", "delete", `${vip}/32`, "dev", node.iface);
}
