/** `vipd prefer`, `vipd priority`, `--persist` with real peers: the address goes where the operator says. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startKeepalived } from "./lab/keepalived.ts";
import { HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import {
  launchVipd,
  request,
  router,
  startVipd,
  status,
  type Vipd,
  vipdCommand,
  waitForState,
} from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};
const VIP = "192.168.121.120";
/** keepalived advertises before it has the address; see the tests of handing over. */
const KEEPALIVED_MS = 500;
const PATIENCE_MS = 60_000;

function spec(priority: number, more: Partial<RouterSpec> = {}): RouterSpec {
  return { name: "VI_1", vrid: 51, version: 3, priority, intervalMs: 100, addresses: [VIP], ...more };
}

/** What the command says, all of it, and whether it succeeded. */
async function say({ node, socket }: Vipd, ...args: string[]): Promise<{ ok: boolean; words: string }> {
  const command = [...vipdCommand(), ...args, "--socket", socket].join(" ");
  const words = await node.exec(["sh", "-c", `${command} 2>&1 || echo FAILED`]);
  return { ok: !words.includes("FAILED"), words };
}

async function does(vipd: Vipd, ...args: string[]): Promise<string> {
  const { ok, words } = await say(vipd, ...args);
  assert(ok, `vipd ${args.join(" ")}: ${words}`);
  return words;
}

/** n1 has the address, with the higher priority; n2 could take it. */
async function pair(
  body: (lab: Lab, first: Vipd, second: Vipd) => Promise<void>,
  tomlOf: (node: Host) => string = () => vipdRouter(spec(100)),
): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const first = await startVipd(n1, vipdRouter(spec(150)));
    await waitForState(first, "VI_1", "ACTIVE");
    const second = await startVipd(n2, tomlOf(n2));
    await settled("VI_1", first, [second]);
    await body(lab, first, second);
  });
}

/** The address comes without a loss, stays over an upgrade and a reload, and goes back in its time. */
async function preferForATime(lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  const events = second.node.spawn("events", [
    "curl",
    "-sN",
    "--unix-socket",
    second.socket,
    "http://v/events",
  ]);
  await waitFor("the stream to open", () => events.output.includes(": connected"));
  const words = await does(second, "prefer", "VI_1");
  assertMatch(words, /^VI_1 is preferred here until it is taken back: ACTIVE after \d+ ms/);
  await settled("VI_1", second, [first]);
  await probe.answeredBy("n2");
  const { override, effective_priority, base_priority } = await router(second, "VI_1");
  assertEquals([override?.by, override?.suspended, effective_priority, base_priority], [
    "prefer",
    null,
    254,
    100,
  ]);
  assertStringIncludes(await does(second, "status"), "OVERRIDE VI_1 preferred here (");
  const metrics = await (await request(second.socket, "/metrics")).text();
  assertMatch(metrics, /\nvipd_virtual_router_overridden\{name="VI_1".*\} 1\n/);
  await waitFor("the event", () => events.output.includes('"from":"configured","to":"preferred"'));
  await does(second, "upgrade");
  await does(second, "reload");
  assertEquals((await router(second, "VI_1")).override, override);
  await settled("VI_1", second, [first]);
  const limited = await does(second, "prefer", "VI_1", "--for", "2s");
  assertMatch(limited, /^VI_1 is preferred here until 20.*Z: ACTIVE after \d+ ms/);
  await settled("VI_1", first, [second], PATIENCE_MS);
  await probe.answeredBy("n1");
  assertEquals((await router(second, "VI_1")).override, null);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
}

/** Whatever preempt says here; and a failing check gives the address back while it fails. */
async function preferWhileHealthy(lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  await does(second, "prefer", "VI_1");
  await settled("VI_1", second, [first]);
  await Deno.writeTextFile(unhealthy(second.node), "");
  await settled("VI_1", first, [second]);
  await waitFor(
    "the preference to say why",
    async () => (await router(second, "VI_1")).override?.suspended === "healthy failing",
  );
  await probe.answeredBy("n1");
  await Deno.remove(unhealthy(second.node));
  await settled("VI_1", second, [first]);
  assertStringIncludes(
    await does(second, "prefer", "VI_1", "--off"),
    "has its configured priority 100 again",
  );
  await settled("VI_1", first, [second]);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
}

/** A lower base priority lets the address go, the configured one brings it back. */
async function priorities(lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  const probe = await probeUdp(lab.client, VIP);
  await probe.answeredBy("n1");
  const words = await does(first, "priority", "VI_1", "50", "--for", "10m");
  assertMatch(words, /^VI_1 has base priority 50 \(configured: 150\), effective 50, until 20/);
  await settled("VI_1", second, [first]);
  await does(first, "upgrade");
  assertEquals((await router(first, "VI_1")).effective_priority, 50);
  await does(first, "priority", "VI_1", "auto");
  await settled("VI_1", first, [second]);
  assertEquals((await say(first, "priority", "VI_1", "auto")).ok, false);
  const result = await probe.stop();
  assert(longestOutage(result) <= HITLESS_MS, JSON.stringify(result));
}

/** Kept over kill -9 and over an orderly restart, with its end; gone when it is taken back. */
async function persist(_lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  const toml = vipdRouter(spec(100));
  await does(second, "prefer", "VI_1", "--persist", "--for", "1h");
  await settled("VI_1", second, [first]);
  const { override } = await router(second, "VI_1");
  second.child.signal("SIGKILL");
  await second.child.exited;
  const again = await startVipd(second.node, toml);
  await settled("VI_1", again, [first]);
  assertEquals((await router(again, "VI_1")).override, { ...override, persisted: true });
  await again.child.stop("SIGTERM");
  const third = await startVipd(second.node, toml);
  await settled("VI_1", third, [first]);
  await does(third, "prefer", "VI_1", "--off");
  await settled("VI_1", first, [third]);
  await third.child.stop("SIGTERM");
  const fourth = await startVipd(second.node, toml);
  assertEquals((await router(fourth, "VI_1")).override, null);
}

/** A node in maintenance that is to be kept stays out from its first moment on. */
async function persistMaintenance(_lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  const toml = vipdRouter(spec(150));
  await does(first, "maintenance", "on", "--persist");
  await waitForState(second, "VI_1", "ACTIVE");
  await first.child.stop("SIGTERM");
  const again = await launchVipd(first.node, toml);
  await waitFor("it to run", async () => (await status(again)).node.engine === "running");
  const { node, virtual_routers } = await status(again);
  assertEquals([node.maintenance?.persisted, virtual_routers[0]?.state], [true, "INIT"]);
  await sleep(2_000);
  // It has heard the lower one all that time, and has never been anything else.
  assertEquals((await router(again, "VI_1")).state, "INIT");
  assert(!/transition VI_1/.test(again.child.output), again.child.output);
  assertEquals((await router(second, "VI_1")).state, "ACTIVE");
  await does(again, "maintenance", "off");
  await settled("VI_1", again, [second]);
  await again.child.stop("SIGTERM");
  assertEquals((await status(await startVipd(first.node, toml))).node.maintenance, null);
}

/** Who was handed over and is to stay so does not come back after a restart; it serves when it has to. */
async function persistHandover(_lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  await does(first, "handover", "VI_1", "--persist");
  await settled("VI_1", second, [first]);
  await first.child.stop("SIGTERM");
  const again = await startVipd(first.node, vipdRouter(spec(150)));
  await waitForState(again, "VI_1", "BACKUP");
  await sleep(1_500);
  const { state, held_back } = await router(again, "VI_1");
  assertEquals(state, "BACKUP");
  assertMatch(held_back ?? "", /^handed over on demand at 20/);
  second.child.signal("SIGKILL");
  await waitForState(again, "VI_1", "ACTIVE");
  await again.child.stop("SIGTERM");
  const third = await startVipd(first.node, vipdRouter(spec(150)));
  assertEquals((await router(third, "VI_1")).held_back, null);
}

/** A file that cannot be used is said, and nothing else happens. */
async function badFile(_lab: Lab, first: Vipd, second: Vipd): Promise<void> {
  await first.child.stop("SIGTERM");
  await Deno.writeTextFile(`${first.node.directory}/vipd/state.json`, '{"format": 9}');
  const again = await startVipd(first.node, vipdRouter(spec(150)));
  await settled("VI_1", again, [second]);
  assertStringIncludes(await does(again, "status"), "STATE FILE");
  const { ok, words } = await say(again, "maintenance", "on", "--persist");
  assert(!ok);
  assertStringIncludes(words, "nothing is done, as it cannot be kept");
  assertEquals((await router(again, "VI_1")).state, "ACTIVE");
}

/** keepalived gives way to who is preferred, and takes back afterwards. */
async function besideKeepalived(): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const peer = await startKeepalived(n1, keepalivedRouter(spec(150)));
    await waitFor("keepalived in MASTER", () => peer.output.includes("Entering MASTER STATE"));
    const vipd = await startVipd(n2, vipdRouter(spec(100)));
    await waitForState(vipd, "VI_1", "BACKUP");
    await waitFor("keepalived to be heard", async () => (await router(vipd, "VI_1")).active_router !== null);
    const probe = await probeUdp(lab.client, VIP);
    await probe.answeredBy("n1");
    await does(vipd, "prefer", "VI_1");
    await probe.answeredBy("n2");
    await sleep(1_000);
    assertEquals((await router(vipd, "VI_1")).state, "ACTIVE");
    await does(vipd, "prefer", "VI_1", "--off");
    await probe.answeredBy("n1");
    await waitForState(vipd, "VI_1", "BACKUP");
    const result = await probe.stop();
    assert(longestOutage(result) <= KEEPALIVED_MS, JSON.stringify(result));
  });
}

/** Two virtual routers in one sync group: the operator's word about one of them is about both. */
function group(priority: number): string {
  const second = { ...spec(priority), name: "VI_2", vrid: 52, addresses: ["192.168.121.121"] };
  return vipdRouter(spec(priority)) + vipdRouter(second) + '[sync_group.G]\nmembers = ["VI_1", "VI_2"]\n';
}

async function groupGoesAsOne(): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const first = await startVipd(n1, group(150));
    await waitForState(first, "VI_2", "ACTIVE");
    const second = await startVipd(n2, group(100));
    const both = async (active: Vipd, backup: Vipd): Promise<void> => {
      for (const name of ["VI_1", "VI_2"]) await settled(name, active, [backup]);
    };
    await both(first, second);
    const words = await does(second, "prefer", "VI_2", "--persist");
    assertMatch(words, /^VI_1 is preferred here .*\nVI_2 is preferred here /);
    await both(second, first);
    second.child.signal("SIGKILL");
    await second.child.exited;
    const again = await startVipd(n2, group(100));
    await both(again, first);
    await does(again, "handover", "G", "--persist");
    await both(first, again);
    assertEquals((await router(again, "VI_1")).override, null);
    await again.child.stop("SIGTERM");
    const third = await startVipd(n2, group(200));
    await waitForState(third, "VI_2", "BACKUP");
    await sleep(1_500);
    await both(first, third);
  });
}

/** While this file is there, the check fails. */
function unhealthy(node: Host): string {
  return `${node.directory}/unhealthy`;
}

/** It does not preempt by itself, and has a check. */
function fussy(node: Host): string {
  const command = JSON.stringify(["/usr/bin/test", "!", "-e", unhealthy(node)]);
  const track = 'track = [{ check = "healthy", weight = -20 }]';
  return vipdRouter(spec(100, { preempt: false, vipdExtra: track })) +
    `[check.healthy]\ntype = "exec"\ncommand = ${command}\ninterval = "200ms"\ntimeout = "5s"\nrise = 1\nfall = 1\n`;
}

testTogether("what operators order", [
  { name: "prefer: for a time, over an upgrade and a reload", body: () => pair(preferForATime) },
  {
    name: "prefer: while it is healthy, also where it does not preempt",
    body: () => pair(preferWhileHealthy, fussy),
  },
  { name: "priority: down and back, over an upgrade", body: () => pair(priorities) },
  { name: "prefer --persist: over kill -9 and a restart, until it is taken back", body: () => pair(persist) },
  { name: "maintenance --persist: out from the first moment on", body: () => pair(persistMaintenance) },
  { name: "handover --persist: held back after a restart", body: () => pair(persistHandover) },
  { name: "a state file that cannot be used", body: () => pair(badFile) },
  { name: "prefer beside keepalived", body: besideKeepalived },
  { name: "a sync group goes as one", body: groupGoesAsOne },
], 4);
