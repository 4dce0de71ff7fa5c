/**
 * vipd and keepalived as one pair, each in turn the better router: elect, fail over, fail back, cut off,
 * heal.
 */
import { assert, assertEquals } from "@std/assert";
import { capture, field, type Packet } from "./lab/capture.ts";
import type { Child } from "./lab/child.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "./lab/routers.ts";
import { inLab, testTogether } from "./lab/scenario.ts";
import { startVipd } from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

interface Row {
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  readonly cast: "multicast" | "unicast";
  readonly better: "vipd" | "keepalived";
}

const ROWS: readonly Row[] = ([
  { version: 2, family: 4 },
  { version: 3, family: 4 },
  { version: 3, family: 6 },
] as const).flatMap((protocol) =>
  (["multicast", "unicast"] as const).flatMap((cast) =>
    (["vipd", "keepalived"] as const).map((better) => ({ ...protocol, cast, better }))
  )
);

const SOURCES = {
  4: { n1: "192.168.121.129", n2: "192.168.121.128" },
  6: { n1: "fd00:121::129", n2: "fd00:121::128" },
} as const;
const VIPS = { 4: ["192.168.121.120"], 6: ["fe80::121:120", "fd00:121::120"] } as const;
/** A change of the active router takes one exchange of packets, or a few on a busy machine. */
const OVERLAP_MAX_MS = 500;
const PRIORITIES = { n1: 150, n2: 100 } as const;

/** n1 is always the better node; which daemon runs there is the row's. */
async function startOn(node: Host, row: Row): Promise<Child> {
  const [own, other] = node.name === "n1" ? (["n1", "n2"] as const) : (["n2", "n1"] as const);
  const sources = SOURCES[row.family];
  const spec: RouterSpec = {
    name: "VI_1",
    vrid: 51,
    version: row.version,
    priority: PRIORITIES[own],
    intervalMs: row.version === 2 ? 1000 : 200,
    addresses: VIPS[row.family],
    ...(row.version === 2 ? { password: "1111" } : {}),
    ...(row.cast === "unicast" ? { unicast: { source: sources[own], peers: [sources[other]] } } : {}),
  };
  const daemon = (own === "n1") === (row.better === "vipd") ? "vipd" : "keepalived";
  if (daemon === "keepalived") return await startKeepalived(node, keepalivedRouter(spec));
  return (await startVipd(node, vipdRouter(spec))).child;
}

async function electFailOverFailBack(lab: Lab, row: Row): Promise<void> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const vip = VIPS[row.family].at(-1) ?? "";
  const intervalMs = row.version === 2 ? 1000 : 200;
  const onlyOn = (node: Host): Promise<boolean> =>
    waitFor(`${vip} only on ${node.name}`, async () => {
      const [on1, on2] = [await n1.holds(vip), await n2.holds(vip)];
      return on1 === (node === n1) && on2 === (node === n2);
    });

  await Promise.all([startEcho(n1), startEcho(n2)]);
  const wire = await capture(lab.bridge, "n2", "ip proto 112 or ip6 proto 112");
  await startOn(n2, row);
  const better = await startOn(n1, row);
  await onlyOn(n1);

  const probe = await probeUdp(lab.client, vip);
  await probe.answeredBy("n1");
  // What n2 has said before n1 took over and what it says after must not look like one reign.
  await sleep(3 * intervalMs);
  await better.stop("SIGTERM");
  await probe.answeredBy("n2");
  await onlyOn(n2);

  await startOn(n1, row);
  await probe.answeredBy("n1");
  await onlyOn(n1);
  await sleep(3 * intervalMs);
  assertOneAtATime(await wire.stop(), intervalMs);

  await lab.cut(n1);
  await probe.answeredBy("n2");
  await lab.heal(n1);
  await onlyOn(n1);
  const { by_node } = await probe.stop();
  assertEquals(Object.keys(by_node).toSorted(), ["n1", "n2"]);
}

/**
 * A stretch of time in which one router advertised that it serves, without the pause that it makes for
 * another one, who may advertise only twice before the story goes on.
 */
interface Reign {
  readonly source: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

function reigns(packets: readonly Packet[], intervalMs: number): Reign[] {
  const found: Reign[] = [];
  for (const packet of packets) {
    // 0 resigns, and 1 is what a router that has yielded reminds a single peer with.
    if (["0", "1"].includes(field(packet, "vrrp.prio"))) continue;
    const source = field(packet, "ip.src") || field(packet, "ipv6.src");
    const last = found.findLastIndex((reign) => reign.source === source);
    const running = found[last];
    if (running !== undefined && packet.timeMs - running.untilMs < 1.3 * intervalMs) {
      found[last] = { ...running, untilMs: packet.timeMs };
    } else found.push({ source, fromMs: packet.timeMs, untilMs: packet.timeMs });
  }
  return found;
}

/** Two routers may advertise at the same time only for the moment in which one of them takes over. */
function assertOneAtATime(packets: readonly Packet[], intervalMs: number): void {
  const all = reigns(packets, intervalMs);
  assert(all.length >= 3, `the captured story is too short: ${JSON.stringify(all)}`);
  for (const [i, one] of all.entries()) {
    for (const other of all.slice(i + 1).filter(({ source }) => source !== one.source)) {
      const overlapMs = Math.min(one.untilMs, other.untilMs) - Math.max(one.fromMs, other.fromMs);
      assert(overlapMs <= OVERLAP_MAX_MS, `two actives for ${overlapMs} ms: ${JSON.stringify(all)}`);
    }
  }
}

testTogether(
  "vipd and keepalived elect, fail over, fail back and heal",
  ROWS.map((row) => ({
    name: `VRRPv${row.version} IPv${row.family} ${row.cast}, the better router is ${row.better}`,
    body: () =>
      inLab({
        nodes: {
          n1: [`${SOURCES[4].n1}/24`, `${SOURCES[6].n1}/64`],
          n2: [`${SOURCES[4].n2}/24`, `${SOURCES[6].n2}/64`],
        },
        client: ["192.168.121.10/24", "fd00:121::10/64"],
      }, (lab) => electFailOverFailBack(lab, row)),
  })),
  4,
);
