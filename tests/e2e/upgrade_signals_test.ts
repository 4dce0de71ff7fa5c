/** Signals at every moment of an upgrade: a stop is a handover all the same, a reload ends nothing. */
import { assertEquals } from "@std/assert";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { startVipd, status, type Vipd } from "./lab/vipd.ts";
import { type Host, sleep, waitFor } from "./lab.ts";
import { PATIENCE_MS } from "./lab/wait.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};
const VIP = "192.168.121.120";
/** Around the moment in which the program is replaced. */
const SPREAD_MS = [0, 5, 10, 20, 40, 80, 160] as const;

interface Pair {
  readonly n1: Host;
  readonly n2: Host;
  readonly first: Vipd;
  readonly second: Vipd;
}

function withPair(body: (pair: Pair) => Promise<void>): Promise<void> {
  const config = (priority: number): string =>
    vipdRouter({ name: "VI_1", vrid: 51, version: 3, priority, intervalMs: 100, addresses: [VIP] });
  return inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const first = await startVipd(n1, config(150));
    const second = await startVipd(n2, config(100));
    await settled("VI_1", first, [second]);
    await body({ n1, n2, first, second });
  });
}

/** Resolves when the old image has said that it makes way. */
async function upgrading({ child }: Vipd): Promise<void> {
  child.signal("SIGUSR2");
  await waitFor("the upgrade to begin", () => child.output.includes('"event":"upgrading"'), PATIENCE_MS, 1);
}

function stopped(delayMs: number): Promise<void> {
  return withPair(async ({ n1, n2, first }) => {
    await upgrading(first);
    await sleep(delayMs);
    first.child.signal("SIGTERM");
    await waitFor("the orderly end", () => !first.child.running, PATIENCE_MS);
    const { code, signal } = await first.child.exited;
    assertEquals([code, signal], [0, null]);
    assertEquals([await n1.holds(VIP), await n2.holds(VIP)], [false, true]);
  });
}

function reloaded(delayMs: number): Promise<void> {
  return withPair(async ({ first, second }) => {
    await upgrading(first);
    await sleep(delayMs);
    first.child.signal("SIGHUP");
    await waitFor("the other image", () => first.child.output.includes('"event":"upgraded"'), PATIENCE_MS);
    await sleep(500);
    assertEquals([first.child.running, (await status(first)).node.engine], [true, "running"]);
    await settled("VI_1", first, [second]);
  });
}

testTogether(
  "signals in an upgrade",
  SPREAD_MS.flatMap((delayMs) => [
    { name: `SIGTERM ${delayMs} ms after it began is a handover`, body: () => stopped(delayMs) },
    { name: `SIGHUP ${delayMs} ms after it began ends nothing`, body: () => reloaded(delayMs) },
  ]),
);
