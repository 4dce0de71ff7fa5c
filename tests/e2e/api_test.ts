/**
 * The API and the command line of a running node: who may read and write, the events as they happen, exit
 * codes.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startNginx } from "./lab/nginx.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab } from "./lab/scenario.ts";
import { request, startVipd, vipdCommand, waitForState } from "./lab/vipd.ts";
import { type Host, waitFor } from "./lab.ts";

const TOKEN = "correct-horse-battery-staple";
const ROUTER = {
  name: "VI_1",
  vrid: 51,
  version: 3,
  priority: 100,
  intervalMs: 100,
  addresses: ["192.168.121.120"],
} as const;
const OPTIONS = { nodes: { n1: ["192.168.121.129/24"] }, client: ["192.168.121.10/24"] };

interface Answer {
  readonly code: number;
  readonly body: string;
}

/** curl in the host's namespace; code 0 when there is no HTTP answer. */
async function curl(host: Host, ...args: string[]): Promise<Answer> {
  const text = await host.exec(["curl", "-s", "-m", "20", "-w", "\n%{http_code}", ...args], {
    mayFail: true,
  });
  const end = text.lastIndexOf("\n");
  return { code: Number(text.slice(end + 1)), body: text.slice(0, end) };
}

Deno.test("API: open to reads on loopback, writes need the token, nothing listens beyond", async () => {
  await inLab(OPTIONS, async (lab) => {
    const n1 = lab.node("n1");
    const tokenFile = `${lab.site.directory}/token`;
    await Deno.writeTextFile(tokenFile, TOKEN + "\n", { mode: 0o600 });
    const socket = `${n1.directory}/vipd/vipd.sock`;
    const api = `[api]\nlisten = ["127.0.0.1:8112", "unix:${socket}"]\ntoken_file = "${tokenFile}"\n`;
    const vipd = await startVipd(n1, api + vipdRouter(ROUTER));
    await waitForState(vipd, "VI_1", "ACTIVE");
    const base = "http://127.0.0.1:8112";

    for (const path of ["/status", "/healthz", "/readyz", "/metrics", "/openapi.json", "/"]) {
      assertEquals((await curl(n1, `${base}${path}`)).code, 200, path);
    }
    assertEquals((await curl(n1, "-X", "POST", `${base}/reload`)).code, 401);
    assertEquals(
      (await curl(n1, "-X", "POST", "-H", "Authorization: Bearer wrong", `${base}/reload`)).code,
      401,
    );
    assertEquals(
      (await curl(n1, "-X", "POST", "-H", `Authorization: Bearer ${TOKEN}`, `${base}/reload`)).code,
      200,
    );
    assertEquals((await request(socket, "/reload", { method: "POST" })).status, 200);
    assertEquals((await Deno.stat(socket)).mode! & 0o007, 0, "the socket's mode is its lock");
    assertEquals((await curl(lab.client, "http://192.168.121.129:8112/status")).code, 0);
    assertEquals((await curl(n1, `${base}/nowhere`)).code, 404);
    assertStringIncludes((await curl(n1, `${base}/metrics`)).body, 'VI_1"');

    const shown = await n1.exec([...vipdCommand(), "status", "--socket", socket]);
    assertStringIncludes(shown, "VI_1");
    assertStringIncludes(shown, "ACTIVE");
    const json = JSON.parse(await n1.exec([...vipdCommand(), "status", "--json", "--socket", socket]));
    assertEquals(json.virtual_routers[0].state, "ACTIVE");
  });
});

Deno.test("API: /events tells of a check's failure and of the router's fault as they happen", async () => {
  await inLab(OPTIONS, async (lab) => {
    const n1 = lab.node("n1");
    const nginx = await startNginx(n1);
    const check = `[check.nginx]\ntype = "nginx"\npid_file = "${nginx.pidFile}"\nrise = 1\n`;
    const vipd = await startVipd(n1, check + vipdRouter({ ...ROUTER, vipdExtra: 'track = ["nginx"]' }));
    await waitForState(vipd, "VI_1", "ACTIVE");
    const events = n1.spawn("events", ["curl", "-sN", "--unix-socket", vipd.socket, "http://vipd/events"]);
    await waitFor("the stream to open", () => events.output.includes(": connected"));
    await nginx.kill();
    const transitions = await waitFor("both transitions", () => {
      const lines = events.output.split("\n").filter((line) => line.startsWith("data: "));
      const found = lines.map((line) =>
        JSON.parse(line.slice(6)) as { kind: string; name: string; to: string; reason: string }
      );
      return found.some(({ kind }) => kind === "check") && found.some(({ kind }) => kind === "virtual_router")
        ? found
        : undefined;
    });
    const told = transitions.map(({ kind, name, to }) => `${kind} ${name} ${to}`);
    assert(told.includes("check nginx down"), told.join());
    assert(told.includes("virtual_router VI_1 FAULT"), told.join());
    assert(transitions.every(({ reason }) => reason !== ""), "every transition has a reason");
  });
});

Deno.test("command line: a bad configuration is exit code 2 with every problem and its place", async () => {
  await inLab(OPTIONS, async (lab) => {
    const n1 = lab.node("n1");
    const file = `${lab.site.directory}/bad.toml`;
    await Deno.writeTextFile(file, vipdRouter({ ...ROUTER, vrid: 300 }) + 'colour = "red"\n');
    for (const args of [["validate", file], ["run", "--config", file]]) {
      const child = n1.spawn(`vipd ${args[0]}`, [...vipdCommand(), ...args]);
      assertEquals((await child.exited).code, 2, args.join(" "));
      await child.drained;
      assertStringIncludes(child.output, `${file}:3:`);
      assertStringIncludes(child.output, "colour");
    }
    await Deno.writeTextFile(file, '[api]\nlisten = ["0.0.0.0:8112"]\n' + vipdRouter(ROUTER));
    const open = n1.spawn("vipd validate", [...vipdCommand(), "validate", file]);
    assertEquals((await open.exited).code, 2, "an open API without a token");
    const unknown = n1.spawn("vipd frobnicate", [...vipdCommand(), "frobnicate"]);
    assertEquals((await unknown.exited).code, 2);
    assertEquals((await n1.spawn("vipd version", [...vipdCommand(), "version"]).exited).code, 0);
  });
});
