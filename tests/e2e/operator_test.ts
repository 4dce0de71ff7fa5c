/** Operators and the real servers of a running node: drain, weight, and what of it outlives a restart. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { RealServerStatus } from "../../mod/snapshot.ts";
import { startNginx } from "./lab/nginx.ts";
import { inLab } from "./lab/scenario.ts";
import { launchVipd, request, startVipd, status, type Vipd, vipdCommand } from "./lab/vipd.ts";
import { type Host, waitFor } from "./lab.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24", "192.168.121.130/24"] },
  client: ["192.168.121.10/24"],
};

function configuration(): string {
  return `[virtual_server.web]
address = "192.168.121.120:80"
engine = "nftables"
scheduler = "wrr"
quorum = 3
sorry_server = "192.168.121.131:80"
check = { type = "tcp", interval = "200ms", warmup = "0s", retry_delay = "0s" }

[[virtual_server.web.real_server]]
address = "192.168.121.129:80"
weight = 3

[[virtual_server.web.real_server]]
name = "closed"
address = "192.168.121.130:81"
`;
}

async function say(
  node: Host,
  socket: string,
  ...words: string[]
): Promise<{ code: number; output: string }> {
  const child = node.spawn(words.join(" "), [...vipdCommand(), ...words, "--socket", socket]);
  const { code } = await child.exited;
  await child.drained;
  return { code: code ?? -1, output: child.output };
}

async function realServer(vipd: Vipd, name: string): Promise<RealServerStatus> {
  const [server] = (await status(vipd)).virtual_servers;
  const found = server?.real_servers.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no real server ${name}`);
  return found;
}

async function waitForRealServer(vipd: Vipd, name: string, state: RealServerStatus["state"]): Promise<void> {
  await waitFor(`${name} to be ${state}`, async () => (await realServer(vipd, name)).state === state);
}

const OPEN = "192.168.121.129:80";

Deno.test("a real server is drained, stays out over a restart, and comes back; weights change", async () => {
  await inLab(OPTIONS, async (lab) => {
    const n1 = lab.node("n1");
    await startNginx(n1);
    const toml = configuration();
    const vipd = await startVipd(n1, toml);
    const { socket } = vipd;
    await waitForRealServer(vipd, "closed", "down");
    await waitForRealServer(vipd, OPEN, "up");

    const validated = await n1.exec([...vipdCommand(), "validate", vipd.configFile]);
    assertStringIncludes(validated, "virtual server web: tcp 192.168.121.120:80");
    const events = n1.spawn("events", ["curl", "-sN", "--unix-socket", socket, "http://vipd/events"]);
    await waitFor("the stream to open", () => events.output.includes(": connected"));

    const drained = await say(n1, socket, "drain", "web", OPEN, "--timeout", "1s", "--persist");
    assertEquals(drained.code, 0, drained.output);
    assertStringIncludes(drained.output, "gets no new connections");
    await waitForRealServer(vipd, OPEN, "drained");
    await waitFor("the sorry server to be told", async () => {
      const [web] = (await status(vipd)).virtual_servers;
      return web?.quorum.up === false && web.sorry_server?.state === "in";
    });
    await waitFor(
      "the events",
      () => ["real_server", "virtual_server"].every((kind) => events.output.includes(`"kind":"${kind}"`)),
    );
    assertStringIncludes(await (await request(socket, "/metrics")).text(), 'state="drained"} 1');
    assertStringIncludes((await say(n1, socket, "status")).output, "SERVES in place of the real servers");

    await vipd.child.stop("SIGTERM");
    const again = await launchVipd(n1, toml);
    await waitFor(
      "the drain to be remembered",
      async () => (await realServer(again, OPEN)).state === "drained",
    );
    assertEquals((await say(n1, socket, "undrain", "web", OPEN, "--persist")).code, 0);
    await waitForRealServer(again, OPEN, "up");

    assertEquals((await say(n1, socket, "weight", "web", OPEN, "9")).code, 0);
    await waitFor("the weight", async () => (await realServer(again, OPEN)).weight === 9);
    assertEquals((await say(n1, socket, "weight", "web", OPEN, "auto")).code, 0);
    await waitFor("its own weight", async () => (await realServer(again, OPEN)).weight === 3);
    const unknown = await say(n1, socket, "drain", "web", "nobody");
    assertEquals(unknown.code, 1);
    assertStringIncludes(unknown.output, `has no real server nobody, but ${OPEN}, closed`);
  });
});
