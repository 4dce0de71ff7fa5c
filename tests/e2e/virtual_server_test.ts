/**
 * Virtual servers of the compiled binary on a kernel without IPVS: real servers that die, are drained and
 * come back, sorry server, reload, drift, crash, upgrade, hooks, and a pair of directors.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RealServerStatus, VirtualServerStatus } from "../../mod/snapshot.ts";
import { startNginx } from "./lab/nginx.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { reload, request, startVipd, status, type Vipd, vipdCommand, waitForState } from "./lab/vipd.ts";
import { type Host, type Lab, waitFor } from "./lab.ts";

const VIP = "10.9.0.100";
const GATEWAY = "192.168.121.1";
const RS1 = "192.168.121.11";
const RS2 = "192.168.121.12";
const SORRY = "192.168.121.13";
const SERVERS = { rs1: [`${RS1}/24`], rs2: [`${RS2}/24`], sorry: [`${SORRY}/24`] };
const LIMIT_MS = 15_000;

const CHECK =
  'check = { type = "tcp", interval = "300ms", timeout = "1s", retry_delay = "50ms", warmup = "0s" }';
const BOTH = { rs1: RS1, rs2: RS2 };

/** `[virtual_server.web]` with these real servers; more keys of its own, and of each real server. */
function web(servers: Readonly<Record<string, string>>, keys = "", ofEach = ""): string {
  const tables = Object.entries(servers).map(([name, address]) =>
    `[[virtual_server.web.real_server]]\nname = "${name}"\naddress = "${address}:80"\n${ofEach}`
  );
  return [`[virtual_server.web]\naddress = "${VIP}:80"\n${CHECK}\n${keys}`, ...tables].join("\n");
}

/** A director `lb` between the client's network and that of the real servers, which run nginx. */
async function inScene(body: (lab: Lab, lb: Host) => Promise<void>): Promise<void> {
  const nodes = { lb: ["10.9.0.1/24", `${VIP}/24`, `${GATEWAY}/24`], ...SERVERS };
  await inLab({ nodes, client: ["10.9.0.10/24"] }, async (lab) => {
    await forwards(lab.node("lb"));
    await Promise.all(Object.keys(SERVERS).map((name) => serves(lab.node(name))));
    await body(lab, lab.node("lb"));
  });
}

async function forwards(director: Host): Promise<void> {
  const off = "for f in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 > $f; done";
  await director.exec(["sh", "-c", `echo 1 > /proc/sys/net/ipv4/ip_forward; ${off}`]);
}

async function serves(server: Host): Promise<void> {
  await server.ip("route", "add", "default", "via", GATEWAY);
  await startNginx(server);
}

/** Answers are the name of the server, or "" where there is none. */
async function get(lab: Lab, times = 4): Promise<string[]> {
  const answers: string[] = [];
  for (let n = 0; n < times; n++) {
    const curl = ["curl", "-s", "-m", "2", `http://${VIP}/`];
    answers.push((await lab.client.exec(curl, { mayFail: true })).trim());
  }
  return answers;
}

const answering = async (lab: Lab): Promise<string[]> => [...new Set(await get(lab))].sort();

/** Every request while this happens is answered. */
async function unnoticed(lab: Lab, body: () => Promise<void>): Promise<void> {
  const answers: string[] = [];
  const ended = new AbortController();
  const asking = (async (): Promise<void> => {
    while (!ended.signal.aborted) {
      const curl = ["curl", "-s", "-m", "10", `http://${VIP}/`];
      answers.push((await lab.client.exec(curl, { mayFail: true })).trim());
    }
  })();
  try {
    await body();
  } finally {
    ended.abort();
    await asking;
  }
  assertEquals(answers.filter((answer) => answer === ""), [], `of ${answers.length} answers`);
}

async function webOf(vipd: Vipd): Promise<VirtualServerStatus> {
  return (await status(vipd)).virtual_servers[0]!;
}

async function realServer(vipd: Vipd, name: string): Promise<RealServerStatus> {
  return (await webOf(vipd)).real_servers.find((server) => server.name === name)!;
}

async function becomes(vipd: Vipd, name: string, state: string): Promise<RealServerStatus> {
  return await waitFor(`${name} to be ${state}`, async () => {
    const server = await realServer(vipd, name);
    return server.state === state ? server : undefined;
  }, LIMIT_MS);
}

async function answersOnly(lab: Lab, ...names: string[]): Promise<void> {
  await waitFor(`${names} to answer`, async () => String(await answering(lab)) === String(names), LIMIT_MS);
}

/** `vipd drain` and its like, as an operator calls them. */
async function order({ node, socket }: Vipd, ...args: string[]): Promise<string> {
  return await node.exec([...vipdCommand(), ...args, "--socket", socket]);
}

/** Its port is closed, and open again. */
async function stopsServing(server: Host): Promise<void> {
  const input = "type filter hook input priority 0";
  const reset = "tcp dport 80 reject with tcp reset";
  await server.exec([
    "nft",
    `add table ip off; add chain ip off in { ${input}; }; add rule ip off in ${reset}`,
  ]);
}

async function servesAgain(server: Host): Promise<void> {
  await server.exec(["nft", "delete table ip off"]);
}

/** Without counters. */
const rules = (node: Host): Promise<string> => node.exec(["nft", "-s", "list", "ruleset"]);

async function dieAndReturn(): Promise<void> {
  await inScene(async (lab, lb) => {
    const vipd = await startVipd(lb, web(BOTH, `sorry_server = "${SORRY}:80"`));
    await answersOnly(lab, "rs1", "rs2");
    await stopsServing(lab.node("rs1"));
    const dead = await becomes(vipd, "rs1", "down");
    assertStringIncludes(dead.reason, "refused");
    await answersOnly(lab, "rs2");
    await stopsServing(lab.node("rs2"));
    await answersOnly(lab, "sorry");
    assertEquals((await webOf(vipd)).quorum.up, false);
    await servesAgain(lab.node("rs2"));
    await answersOnly(lab, "rs2");
    await servesAgain(lab.node("rs1"));
    await answersOnly(lab, "rs1", "rs2");
    assertEquals((await webOf(vipd)).sorry_server?.state, "out");

    await lb.exec(["nft", "flush", "ruleset"]);
    await waitFor("the rules to be healed", async () => (await webOf(vipd)).healed > 0, LIMIT_MS);
    await answersOnly(lab, "rs1", "rs2");
    await vipd.child.stop("SIGTERM");
    assertEquals((await rules(lb)).includes("vipd"), false, "what is ours is removed on stop");
  });
}

async function reloads(): Promise<void> {
  await inScene(async (lab, lb) => {
    const vipd = await startVipd(lb, web(BOTH));
    await waitFor("checks", async () => (await realServer(vipd, "rs1")).checks[0]!.runs > 0, LIMIT_MS);
    await order(vipd, "weight", "web", "rs2", "7");
    const before = await realServer(vipd, "rs1");

    await reload(vipd, web({ ...BOTH, third: SORRY }, "", "weight = 3"));
    await answersOnly(lab, "rs1", "rs2", "sorry");
    const after = await webOf(vipd);
    assertEquals(after.real_servers.map(({ weight }) => weight), [3, 7, 3]);
    assertEquals(after.real_servers[0]?.since, before.since, "an unchanged real server keeps its state");
    assert(after.real_servers[0]!.checks[0]!.runs >= before.checks[0]!.runs, "and its check its counters");

    await reload(vipd, web({ rs2: RS2 }));
    await answersOnly(lab, "rs2");
    await Deno.writeTextFile(vipd.configFile, web({ rs2: RS2 }, "quorum = -1"));
    const refused = await request(vipd.socket, "/reload", { method: "POST" });
    assertEquals([refused.status, refused.ok], [422, false], await refused.text());
    await answersOnly(lab, "rs2");
  });
}

async function drains(): Promise<void> {
  await inScene(async (lab, lb) => {
    const toml = web(BOTH, 'slow_start = "5s"', "weight = 100");
    let vipd = await startVipd(lb, toml);
    const client = lab.client.spawn("held", ["socat", "-u", `EXEC:'sleep 60'`, `TCP:${VIP}:80`]);
    const held = await waitFor("a connection", async () => {
      const counts = (await webOf(vipd)).real_servers.map(({ active_connections }) => active_connections);
      return ["rs1", "rs2"][counts.findIndex((count) => count === 1)];
    }, LIMIT_MS);
    const other = held === "rs1" ? "rs2" : "rs1";
    await order(vipd, "drain", "web", held);
    await answersOnly(lab, other);
    const draining = await realServer(vipd, held);
    assertEquals([draining.state, draining.weight], ["draining", 0]);
    await client.stop("SIGKILL");
    assertEquals((await becomes(vipd, held, "drained")).reason, "no connection is left");
    await order(vipd, "undrain", "web", held);
    const back = await realServer(vipd, held);
    assertEquals([back.state, back.full_weight], ["up", 100]);
    assert(back.weight! < 100, "it comes back slowly");
    await waitFor("its weight", async () => (await realServer(vipd, held)).weight === 100, LIMIT_MS);

    await order(vipd, "drain", "web", "rs1", "--persist");
    await order(vipd, "weight", "web", "rs2", "5");
    await becomes(vipd, "rs1", "drained");
    await unnoticed(lab, async () => {
      await order(vipd, "upgrade");
      await waitFor("the next image", async () => (await status(vipd)).node.last_upgrade !== null, LIMIT_MS);
    });
    const upgraded = await webOf(vipd);
    assertEquals(upgraded.real_servers.map(({ state, weight }) => [state, weight]), [["drained", null], [
      "up",
      5,
    ]]);
    assertEquals(await answering(lab), ["rs2"]);

    await vipd.child.stop("SIGTERM");
    vipd = await startVipd(lb, toml);
    const restarted = await webOf(vipd);
    assertEquals(restarted.real_servers.map(({ state, weight }) => [state, weight]), [["drained", null], [
      "up",
      100,
    ]]);
    await order(vipd, "undrain", "web", "rs1", "--persist");
    await answersOnly(lab, "rs1", "rs2");
    const { virtual_servers = {} } = JSON.parse(await Deno.readTextFile(`${lb.directory}/vipd/state.json`));
    assertEquals(virtual_servers, {});
  });
}

async function crashes(): Promise<void> {
  await inScene(async (lab, lb) => {
    const toml = web(BOTH);
    const first = await startVipd(lb, toml);
    await answersOnly(lab, "rs1", "rs2");
    await unnoticed(lab, async () => {
      first.child.signal("SIGKILL");
      await first.child.exited;
      const left = await rules(lb);
      const second = await startVipd(lb, toml);
      assertEquals(await rules(lb), left);
      assertEquals((await webOf(second)).healed, 0);
    });
    await answersOnly(lab, "rs1", "rs2");
  });
}

async function hooks(): Promise<void> {
  await inScene(async (lab, lb) => {
    const log = `${lb.directory}/hooks`;
    const say = ["/bin/sh", "-c", `echo $VIPD_VIRTUAL_SERVER $VIPD_EVENT $VIPD_REAL_SERVER >> ${log}`];
    const names = ["quorum_up", "quorum_down", "up", "down"];
    const notify = `notify = { ${names.map((name) => `${name} = ${JSON.stringify(say)}`).join(", ")} }`;
    const vipd = await startVipd(lb, web({ rs1: RS1 }, `omega = true\n${notify}`));
    const said = async (): Promise<string[]> =>
      (await lb.exec(["cat", log], { mayFail: true })).trim().split("\n");
    const down = ["web down rs1", "web quorum_down"];
    const up = ["web up rs1", "web quorum_up"];
    await stopsServing(lab.node("rs1"));
    await waitFor("the hooks of the failure", async () => (await said()).length === 2, LIMIT_MS);
    await servesAgain(lab.node("rs1"));
    await waitFor("the hooks of the return", async () => (await said()).length === 4, LIMIT_MS);
    await vipd.child.stop("SIGTERM");
    assertEquals(await said(), [...down, ...up, "web quorum_down", "web down rs1"]);
  });
}

async function pair(): Promise<void> {
  const nodes = {
    lb1: ["10.9.0.1/24", "192.168.121.2/24"],
    lb2: ["10.9.0.2/24", "192.168.121.3/24"],
    ...SERVERS,
  };
  await inLab({ nodes, client: ["10.9.0.10/24"] }, async (lab) => {
    const directors = [lab.node("lb1"), lab.node("lb2")];
    await Promise.all([
      ...directors.map(forwards),
      ...Object.keys(SERVERS).map((name) => serves(lab.node(name))),
    ]);
    const router = { name: "VI", vrid: 7, version: 3, intervalMs: 100, addresses: [VIP, GATEWAY] } as const;
    const start = (node: Host, priority: number): Promise<Vipd> => {
      const say = JSON.stringify(["/bin/sh", "-c", `echo $VIPD_EVENT >> ${node.directory}/hooks`]);
      const keys = `virtual_router = "VI"\nomega = true\nnotify = { quorum_down = ${say} }`;
      return startVipd(node, vipdRouter({ ...router, priority }) + web(BOTH, keys));
    };
    const said = (node: Host): Promise<string> =>
      node.exec(["cat", `${node.directory}/hooks`], { mayFail: true });
    const first = await start(directors[0]!, 150);
    const second = await start(directors[1]!, 100);
    await settled("VI", first, [second]);
    await answersOnly(lab, "rs1", "rs2");
    const [here, there] = [await webOf(first), await webOf(second)];
    assertEquals([here.checking, there.checking], [true, false]);
    assertEquals(there.services.map(({ present }) => present), [true], "both directors have the services");
    assertEquals(there.real_servers.map(({ weight, checks }) => [weight, checks[0]!.runs]), [[1, 0], [1, 0]]);

    await stopsServing(lab.node("rs1"));
    await becomes(first, "rs1", "down");
    assertEquals((await realServer(second, "rs1")).state, "up", "who is BACKUP does not look");
    await first.child.stop("SIGTERM");
    assertEquals(await said(directors[0]!), "quorum_down\n");
    await waitForState(second, "VI", "ACTIVE", LIMIT_MS);
    await becomes(second, "rs1", "down");
    await answersOnly(lab, "rs2");
    const third = await start(directors[0]!, 50);
    await settled("VI", second, [third]);
    await third.child.stop("SIGTERM");
    assertEquals(await said(directors[0]!), "quorum_down\n", "who is BACKUP runs no programs");
  });
}

testTogether("a virtual server", [
  { name: "loses real servers and its rules, and gets them back", body: dieAndReturn },
  { name: "is reloaded: what is unchanged is not touched", body: reloads },
  { name: "is drained, upgraded and restarted", body: drains },
  { name: "outlives a crash, and nothing moves when vipd is back", body: crashes },
  { name: "runs hooks one after the other, and on stop", body: hooks },
  { name: "follows the virtual router of a pair of directors", body: pair },
], 3);
