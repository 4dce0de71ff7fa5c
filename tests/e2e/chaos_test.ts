/** What goes wrong around the daemon: pauses, interfaces that forget, clients that never end. */
import { assert, assertEquals } from "@std/assert";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { router, startVipd, status, type Vipd } from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";
import { PATIENCE_MS } from "./lab/wait.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};
/** Long enough for several active-down intervals of 322 ms. */
const PAUSE_MS = 1500;

interface Pair {
  readonly lab: Lab;
  readonly n2: Host;
  readonly first: Vipd;
  readonly second: Vipd;
}

function withPair(addresses: readonly string[], body: (pair: Pair) => Promise<void>): Promise<void> {
  return inLab(OPTIONS, async (lab) => {
    const config = (priority: number): string =>
      vipdRouter({ name: "VI_1", vrid: 51, version: 3, priority, intervalMs: 100, addresses });
    const first = await startVipd(lab.node("n1"), config(200));
    const second = await startVipd(lab.node("n2"), config(100));
    await settled("VI_1", first, [second]);
    await body({ lab, n2: lab.node("n2"), first, second });
  });
}

/** The signal that ends the pause also ends the wait for packets: what came meanwhile counts all the same. */
async function frozenBackup({ first, second }: Pair): Promise<void> {
  second.child.signal("SIGSTOP");
  await sleep(PAUSE_MS);
  second.child.signal("SIGCONT");
  await sleep(500);
  await settled("VI_1", first, [second]);
  assertEquals((await router(second, "VI_1")).counters["became_active"], 0);
}

/** IPv6 goes from an interface whose MTU is below 1280, and its multicast groups with it. */
async function smallMtu({ n2, first, second }: Pair): Promise<void> {
  const heard = async (): Promise<number> =>
    (await router(second, "VI_1")).counters["advertisements_received"] ?? 0;
  await n2.ip("link", "set", n2.iface, "mtu", "1279");
  await waitFor(
    "n2 to wait for an address",
    async () => (await router(second, "VI_1")).state === "INIT",
    PATIENCE_MS,
  );
  await n2.ip("link", "set", n2.iface, "mtu", "1500");
  const before = await heard();
  await waitFor("n2 to hear n1 again", async () => await heard() > before + 3, PATIENCE_MS);
  await settled("VI_1", first, [second]);
  assertEquals((await router(second, "VI_1")).counters["became_active"], 0);
}

async function endlessRequest({ first }: Pair): Promise<void> {
  using client = await Deno.connect({ transport: "unix", path: first.socket });
  await client.write(new TextEncoder().encode("GET /status HT"));
  await sleep(50);
  const startMs = performance.now();
  first.child.signal("SIGTERM");
  assertEquals((await first.child.exited).code, 0);
  const stopMs = performance.now() - startMs;
  assert(stopMs < PATIENCE_MS / 2, `the stop took ${stopMs} ms`);
}

/** Thousands of changes while the daemon sleeps: more than its socket holds. */
async function lostNotifications({ n2, first, second }: Pair): Promise<void> {
  const batch = (action: string): string =>
    Array.from({ length: 6000 }, (_, i) => `address ${action} 10.${i >> 8}.${i & 255}.1/32 dev lo`).join(
      "\n",
    );
  second.child.signal("SIGSTOP");
  for (const action of ["add", "del", "add"]) await n2.exec(["ip", "-batch", "-"], { stdin: batch(action) });
  await n2.ip("link", "set", n2.iface, "address", "02:00:00:00:00:99");
  second.child.signal("SIGCONT");
  await waitFor(
    "n2 to read all anew",
    () => second.child.output.includes("notifications were lost"),
    PATIENCE_MS,
  );
  await settled("VI_1", first, [second]);
  assertEquals((await status(second)).node.engine, "running");
}

testTogether("chaos", [
  {
    name: "a backup that was frozen does not take over when it thaws",
    body: () => withPair(["192.168.121.120"], frozenBackup),
  },
  {
    name: "an MTU too small for IPv6, and back: the backup still hears",
    body: () => withPair(["fe80::51", "fd00:121::120"], smallMtu),
  },
  {
    name: "a client that does not end its request does not hold up the stop",
    body: () => withPair(["192.168.121.120"], endlessRequest),
  },
  {
    name: "netlink notifications are lost: everything is read anew",
    body: () => withPair(["192.168.121.120"], lostNotifications),
  },
]);
