/**
 * The engine haproxy in the active-active architecture: vipd, haproxy and nginx on two nodes, two addresses,
 * each node ACTIVE for one of them. What dies is left out, what returns serves again, and what an operator
 * does costs nobody a request.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { DOWNLOAD_BYTES, startNginx } from "./lab/nginx.ts";
import { probeHttp, type ProbeResult } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled } from "./lab/scenario.ts";
import { reload, request, startVipd, status, type Vipd, vipdCommand, waitForState } from "./lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

const INTERFACE = "ens33";
const VIPS = ["172.25.254.130", "172.25.254.129"] as const;
const ADDRESSES = { n1: "172.25.254.131", n2: "172.25.254.132", n3: "172.25.254.133" } as const;
const PORT = 8000;
/** 50 fresh connections a second. */
const PROBE_US = 20_000;
/** What is late is not lost. */
const PATIENCE_MS = 5_000;

type Role = keyof typeof ADDRESSES;

function lab(roles: readonly Role[], body: (lab: Lab) => Promise<void>): Promise<void> {
  const nodes = Object.fromEntries(roles.map((role) => [role, [`${ADDRESSES[role]}/24`]]));
  return inLab({ interface: INTERFACE, nodes, client: ["172.25.254.10/24"] }, body);
}

/** Each of the first two nodes is the better one for one of the addresses. */
function config(node: Host, servers: readonly Role[], vips: readonly string[] = VIPS): string {
  const [own, peer] = node.name === "n1" ? [ADDRESSES.n1, ADDRESSES.n2] : [ADDRESSES.n2, ADDRESSES.n1];
  const routers = vips.map((address, i) =>
    vipdRouter({
      name: `VI_${i + 1}`,
      interface: INTERFACE,
      vrid: 62 + i,
      version: 2,
      priority: (i === 0) === (node.name === "n1") ? 151 : 150,
      intervalMs: 1000,
      password: "1111",
      addresses: [address],
      unicast: { source: own, peers: [peer] },
    })
  );
  const timing =
    'interval = "500ms", connect_timeout = "500ms", retries = 1, retry_delay = "100ms", warmup = "0s"';
  const server = [
    "[virtual_server.web]",
    `addresses = ${JSON.stringify(vips.map((address) => `${address}:${PORT}`))}`,
    'engine = "haproxy"',
    'mode = "http"',
    'scheduler = "rr"',
    `check = { type = "http", ${timing} }`,
    ...servers.map((role) =>
      `[[virtual_server.web.real_server]]\nname = "${role}"\naddress = "${ADDRESSES[role]}:80"`
    ),
  ];
  const files = `[haproxy]\ndirectory = "${node.directory}/haproxy"`;
  return [...routers, files, ...server].join("\n");
}

/** Who answers so many requests in a row. */
async function turns({ client }: Lab, address: string, count: number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const url = `http://${address}:${PORT}/`;
    const name = (await client.exec(["curl", "-s", "-m", "2", url], { mayFail: true })).trim();
    seen[name] = (seen[name] ?? 0) + 1;
  }
  return seen;
}

/** Until these nodes, and they alone, have their turns at this address. */
async function servedBy(lab: Lab, address: string, roles: readonly Role[]): Promise<void> {
  const names = async (): Promise<string> => Object.keys(await turns(lab, address, 6)).sort().join();
  await waitFor(`${address} to be served by ${roles}`, async () => await names() === roles.join(), 20_000);
}

async function realServer(
  vipd: Vipd,
  role: Role,
): Promise<{ state: string; active_connections: number | null }> {
  const [web] = (await status(vipd)).virtual_servers;
  return web!.real_servers.find(({ name }) => name === role)!;
}

async function waitForServer(vipd: Vipd, role: Role, state: string): Promise<void> {
  const what = `${role} to be ${state} on ${vipd.node.name}`;
  await waitFor(what, async () => (await realServer(vipd, role)).state === state, 20_000);
}

/** Probes without an answer; those that were under way when the prober was stopped do not count. */
function lost({ outages }: ProbeResult): number {
  return outages.filter(({ to }) => to !== null).reduce((sum, { lost }) => sum + lost, 0);
}

/** A download that takes ten seconds: who serves it, and how much of it has come in the end. */
interface Download {
  readonly servedBy: string;
  readonly bytes: Promise<number>;
}

async function download({ client }: Lab, address: string): Promise<Download> {
  const headers = `${client.directory}-headers-${crypto.randomUUID()}`;
  const url = `http://${address}:${PORT}/download`;
  const child = client.spawn("download", [
    "curl",
    "-s",
    "-D",
    headers,
    "-o",
    "/dev/null",
    "-w",
    "%{size_download}",
    url,
  ]);
  const name = await waitFor("the download to begin", async () => {
    return /^x-node: (\w+)/im.exec(await Deno.readTextFile(headers))?.[1];
  }, 10_000);
  await Deno.remove(headers);
  return { servedBy: name, bytes: child.drained.then(() => Number(child.output)) };
}

async function haproxyPid({ node }: Vipd): Promise<number> {
  return Number(await Deno.readTextFile(`${node.directory}/haproxy/haproxy.pid`));
}

Deno.test("active-active: a web server dies, a node dies, both return", async () => {
  await lab(["n1", "n2"], async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const [, nginx] = await Promise.all([startNginx(n1), startNginx(n2)]);
    const [first, second] = await Promise.all(
      [n1, n2].map((node) => startVipd(node, config(node, ["n1", "n2"]))),
    ) as [Vipd, Vipd];
    await settled("VI_1", first, [second]);
    await settled("VI_2", second, [first]);
    for (const vip of VIPS) {
      await servedBy(lab, vip, ["n1", "n2"]);
      assertEquals(await turns(lab, vip, 10), { n1: 5, n2: 5 });
    }

    const dying = await probeHttp(lab.client, VIPS[0], PROBE_US, PORT, PATIENCE_MS);
    await nginx.kill();
    await Promise.all([first, second].map((vipd) => waitForServer(vipd, "n2", "down")));
    // Attempts that are refused go to the other one: before that, only what was under way is lost.
    const before = await dying.stop();
    assert(lost(before) <= 3 + before.sent / 5, `lost with the web server: ${JSON.stringify(before)}`);
    const probes = await Promise.all(
      VIPS.map((vip) => probeHttp(lab.client, vip, PROBE_US, PORT, PATIENCE_MS)),
    );
    await sleep(1_500);
    for (const probe of probes) {
      const result = await probe.stop();
      assertEquals([lost(result), Object.keys(result.by_node)], [0, ["n1"]], JSON.stringify(result));
    }
    await startNginx(n2);
    for (const vip of VIPS) await servedBy(lab, vip, ["n1", "n2"]);

    await lab.cut(n2);
    await waitForState(first, "VI_2", "ACTIVE", 20_000);
    await waitForServer(first, "n2", "down");
    for (const vip of VIPS) assertEquals(await turns(lab, vip, 4), { n1: 4 });
    await lab.heal(n2);
    await settled("VI_2", second, [first], 20_000);
    for (const vip of VIPS) await servedBy(lab, vip, ["n1", "n2"]);
  });
});

Deno.test("a reload, a drain and an upgrade cost nobody a request; haproxy is kept alive, and ends with vipd", async () => {
  await lab(["n1", "n2", "n3"], async (lab) => {
    const [n1, n2, n3] = [lab.node("n1"), lab.node("n2"), lab.node("n3")];
    await Promise.all([n1, n2, n3].map((node) => startNginx(node)));
    const [vip] = VIPS;
    const vipd = await startVipd(n1, config(n1, ["n1", "n2"], [vip]));
    await waitForState(vipd, "VI_1", "ACTIVE", 20_000);
    await servedBy(lab, vip, ["n1", "n2"]);

    const probe = await probeHttp(lab.client, vip, PROBE_US, PORT, PATIENCE_MS);
    const first = await download(lab, vip);
    await reload(vipd, config(n1, ["n1", "n2", "n3"], [vip]));
    await servedBy(lab, vip, ["n1", "n2", "n3"]);
    await reload(vipd, config(n1, ["n2", "n3"], [vip]));
    await servedBy(lab, vip, ["n2", "n3"]);
    assertEquals(await first.bytes, DOWNLOAD_BYTES, "the download over two reloads");

    const second = await download(lab, vip);
    const drained = second.servedBy as Role;
    const other = drained === "n2" ? "n3" : "n2";
    const path = `/virtual_servers/web/real_servers/${drained}`;
    assertEquals((await request(vipd.socket, `${path}/drain`, { method: "POST" })).status, 200, "drain");
    await waitForServer(vipd, drained, "draining");
    await servedBy(lab, vip, [other]);
    const pid = await haproxyPid(vipd);
    assertMatch(await n1.exec([...vipdCommand(), "upgrade", "--socket", vipd.socket]), /^upgraded /);
    assertEquals(await haproxyPid(vipd), pid, "the same haproxy after the upgrade");
    assertEquals(await second.bytes, DOWNLOAD_BYTES, "the download of a server that is drained");
    await waitForServer(vipd, drained, "drained");
    await request(vipd.socket, `${path}/undrain`, { method: "POST" });
    await servedBy(lab, vip, ["n2", "n3"]);
    const result = await probe.stop();
    assertEquals(lost(result), 0, JSON.stringify(result));
    assert(result.answered > 200);

    Deno.kill(pid, "SIGKILL");
    await waitFor("another haproxy", async () => await haproxyPid(vipd) !== pid, 20_000);
    await servedBy(lab, vip, ["n2", "n3"]);
    const last = await haproxyPid(vipd);
    assertEquals((await vipd.child.stop("SIGTERM")).code, 0);
    assertEquals(await Deno.stat(`/proc/${last}`).then(() => "runs", () => "ended"), "ended");
  });
});
