/** What the daemon makes of events for programs, FIFOs and receivers. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Config } from "../../mod/config/schema.ts";
import { Notifying, type NotifyingEstate } from "../../mod/daemon/notifying.ts";
import type { RouterState, Transition } from "../../mod/snapshot.ts";
import { libc } from "../../ffi/libc.ts";
import { router, snapshot } from "../api/fixture.ts";
import { load } from "../config/fixture.ts";
import { waitFor } from "../e2e/lab/wait.ts";
import { ScriptedHost } from "../notify/scripted_host.ts";

// Loaded once and for good: not a leak of the test that happens to come first.
libc();

const ROUTER = `[virtual_router.VI_1]
interface = "lo"
vrid = 51
notify = { active = ["/a"], backup = ["/b"], fault = ["/f"], stop = ["/s"], deleted = ["/d"], any = ["/n"], lower_priority = ["/l"] }
`;

interface Lab {
  readonly notifying: Notifying;
  readonly host: ScriptedHost;
  readonly fifo: string;
  config(text: string): Promise<Config>;
  move(from: RouterState, to: RouterState, changes?: Partial<Transition>): void;
  /** Programs with their arguments, once all have run. */
  ran(): Promise<string[]>;
}

async function withLab(
  work: (lab: Lab) => Promise<void>,
  inherited: NotifyingEstate | null = null,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const fifo = `${directory}/fifo`;
  const host = new ScriptedHost();
  const current = snapshot({ virtual_routers: [router({ name: "VI_1" })] });
  const notifying = new Notifying({ host, inherited, snapshot: () => Promise.resolve(current) });
  const move: Lab["move"] = (from, to, changes = {}) =>
    notifying.hear({
      at: "2026-11-20T12:00:00.000Z",
      kind: "virtual_router",
      name: "VI_1",
      from,
      to,
      reason: "because",
      priority: 100,
      ...changes,
    });
  const ran = async (): Promise<string[]> => {
    for (; notifying.hooks.busy !== undefined; await new Promise((resolve) => setTimeout(resolve, 0))) {
      host.running[0]?.end(0);
    }
    return host.commands.splice(0).map(({ argv }) => argv.join(" "));
  };
  const config = (text: string): Promise<Config> =>
    load(`[notify]\npriority_changes = true\nfifos = [{ path = "${fifo}" }]\n${text}`);
  try {
    await work({ notifying, host, fifo, config, move, ran });
  } finally {
    await notifying.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

async function linesOf(path: string): Promise<string[]> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(100_000);
  return new TextDecoder().decode(bytes.subarray(0, await file.read(bytes) ?? 0)).trimEnd().split("\n");
}

Deno.test("each state is told to its program, to `any` and to the FIFO, with the snapshot on stdin", () =>
  withLab(async ({ notifying, host, fifo, config, move, ran }) => {
    notifying.configure(await config(ROUTER));
    move("INIT", "BACKUP");
    assertEquals(await ran(), ["/b", "/n INSTANCE VI_1 BACKUP 100"]);
    move("BACKUP", "ACTIVE");
    const { node, transition, virtual_router } = JSON.parse(String(await host.running[0]!.command.stdin));
    assertEquals([typeof node, transition.to, virtual_router.name], ["string", "ACTIVE", "VI_1"]);
    assertEquals(await ran(), ["/a", "/n INSTANCE VI_1 MASTER 100"]);
    move("ACTIVE", "FAULT", { priority: 80 });
    move("FAULT", "INIT");
    await ran();
    assertEquals(await linesOf(fifo), [
      'INSTANCE "VI_1" BACKUP 100',
      'INSTANCE "VI_1" MASTER 100',
      'INSTANCE "VI_1" FAULT 80',
      'INSTANCE "VI_1" STOP 100',
    ]);
  }));

Deno.test("who is removed by a reload is told so once it has left, or at once", () =>
  withLab(async ({ notifying, fifo, config, move, ran }) => {
    notifying.configure(await config(ROUTER));
    move("BACKUP", "ACTIVE");
    await ran();
    notifying.configure(await config(ROUTER.replaceAll("VI_1", "VI_2")));
    assertEquals(await ran(), []);
    move("ACTIVE", "INIT");
    assertEquals(await ran(), ["/d", "/n INSTANCE VI_1 DELETED 100"]);
    // VI_2 has never taken part.
    notifying.configure(await config(""));
    assertEquals(await ran(), ["/d", "/n INSTANCE VI_2 DELETED 0"]);
    assertEquals((await linesOf(fifo)).slice(1), [
      'INSTANCE "VI_1" DELETED 100',
      'INSTANCE "VI_2" DELETED 0',
    ]);
  }));

Deno.test("what a reload has replaced under the same name is told to nobody", () =>
  withLab(async ({ notifying, config, move, ran }) => {
    notifying.configure(await config(ROUTER));
    move("ACTIVE", "INIT", { name: "VI_1 (replaced)" });
    assertEquals(await ran(), []);
  }));

Deno.test("a rival is told when it is heard first; when it is gone the active programs run again", () =>
  withLab(async ({ notifying, host, fifo, config, move, ran }) => {
    notifying.configure(await config(ROUTER));
    move("BACKUP", "ACTIVE");
    await ran();
    const rival = (hasYielded: boolean): void =>
      notifying.hearEngine({
        type: "rival",
        name: "VI_1",
        priority: 100,
        rival: { source: "192.0.2.2", priority: 50, hasYielded },
        silenceMs: 60_000,
      });
    rival(false);
    rival(false);
    assertEquals(
      host.running[0]!.command.env!["VIPD_REASON"],
      "192.0.2.2 (priority 50) was active too, with a lower priority than 100",
    );
    assertEquals(await ran(), ["/l"]);
    rival(true);
    const [healed] = host.running;
    assertEquals(healed!.command.env!["VIPD_EVENT"], "healed");
    assertEquals(await ran(), ["/a", "/n INSTANCE VI_1 MASTER 100"]);
    assertEquals(await linesOf(fifo), [
      'INSTANCE "VI_1" MASTER 100',
      'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 100',
    ]);
    move("ACTIVE", "BACKUP");
    await ran();
    rival(false);
    assertEquals(await ran(), []);
  }));

Deno.test("changed priorities go to the FIFO, when it is asked for", () =>
  withLab(async ({ notifying, fifo, config }) => {
    notifying.configure(await config(ROUTER));
    notifying.hearEngine({ type: "priority", name: "VI_1", state: "ACTIVE", priority: 80 });
    notifying.hearEngine({ type: "priority", name: "VI_1", state: "BACKUP", priority: 90 });
    assertEquals(await linesOf(fifo), [
      'INSTANCE "VI_1" MASTER_PRIORITY 80',
      'INSTANCE "VI_1" BACKUP_PRIORITY 90',
    ]);
  }));

Deno.test("virtual servers and real servers: one program each, keepalived's lines", () =>
  withLab(async ({ notifying, host, fifo, config, ran }) => {
    const loaded = await config(`
[virtual_server.web]
address = "192.0.2.10:80"
notify = { up = ["/u"], down = ["/d"], quorum_up = ["/q"] }
[[virtual_server.web.real_server]]
name = "rs1"
address = "192.0.2.21:8080"
`);
    notifying.configure(loaded);
    const server = { name: "web", config: loaded.virtual_server["web"]! };
    notifying.hearServer({ server, realServer: "rs1", isUp: false, reason: "refused" });
    assertEquals(host.running[0]!.command.env, {
      VIPD_NODE: loaded.node.name,
      VIPD_VIRTUAL_SERVER: "web",
      VIPD_EVENT: "down",
      VIPD_REASON: "refused",
      VIPD_REAL_SERVER: "rs1",
    });
    notifying.hearServer({ server, isUp: false, reason: "none is left" });
    notifying.hearServer({ server, isUp: true, reason: "one is back" });
    assertEquals(await ran(), ["/d", "/q"]);
    assertEquals(await linesOf(fifo), [
      "RS [192.0.2.21]:tcp:8080 [192.0.2.10]:tcp:80 DOWN",
      "VS [192.0.2.10]:tcp:80 DOWN",
      "VS [192.0.2.10]:tcp:80 UP",
    ]);
  }));

Deno.test("startup and shutdown run once, and are waited for", () =>
  withLab(async ({ notifying, host, config }) => {
    notifying.configure(await config(`startup = ["/up", "now"]\nshutdown = ["/down"]\nuser = "nobody"\n`));
    const started = notifying.startup();
    assertEquals([host.now, host.commands[0]!.user], [["/up now"], "nobody"]);
    host.running[0]!.end(3, "no network");
    await started;
    const [startup] = notifying.status().hooks;
    assertEquals([startup?.hook, startup?.last?.problem], ["startup", "exit code 3: no network"]);
    const ended = notifying.shutdown();
    assertEquals(host.now, ["/down"]);
    host.running[0]!.end(0);
    await ended;
  }));

Deno.test("an upgrade takes what is known along, and nothing is told twice", async () => {
  let estate: NotifyingEstate | null = null;
  await withLab(async ({ notifying, host, config, move, ran }) => {
    notifying.configure(await config(ROUTER));
    move("BACKUP", "ACTIVE");
    assertEquals(notifying.busy, "a hook of virtual_router/VI_1 is running");
    host.running[0]!.end(1);
    await ran();
    assertEquals(notifying.busy, undefined);
    await notifying.suspend();
    estate = JSON.parse(JSON.stringify(notifying.estate()));
  });
  await withLab(async ({ notifying, config, ran }) => {
    notifying.configure(await config(ROUTER));
    assertEquals(await ran(), []);
    const [active] = notifying.hooksOf("virtual_router", "VI_1");
    assertEquals([active!.runs, active!.failures], [1, 1]);
    notifying.configure(await config(""));
    // It is still ACTIVE, and leaves first.
    assertEquals(await ran(), []);
  }, estate);
});

Deno.test("receivers get what programs read; without a snapshot they get the rest", () =>
  withLab(async ({ notifying, config, move }) => {
    const heard: string[] = [];
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      async (request) => {
        heard.push(await request.text());
        return new Response(null, { status: 204 });
      },
    );
    const { port } = server.addr;
    notifying.configure(
      await config(`webhooks = [{ url = "http://127.0.0.1:${port}/", events = ["check"] }]
${ROUTER.replace("notify = {", `notify = { webhook = "http://127.0.0.1:${port}/own",`)}`),
    );
    move("BACKUP", "FAULT");
    move("unknown" as RouterState, "INIT", { kind: "check", name: "nginx" });
    move("unknown" as RouterState, "INIT", { kind: "config", name: "vipd.toml" });
    await waitFor("both", () => heard.length === 2, 10_000);
    const documents = heard.map((text) => JSON.parse(text)).sort((a, b) =>
      b.transition.kind.localeCompare(a.transition.kind)
    );
    assertEquals(documents.map(({ transition, virtual_router }) => [transition.kind, virtual_router?.name]), [
      ["virtual_router", "VI_1"],
      ["check", undefined],
    ]);
    assertMatch(documents[0]!.node, /./);
    await notifying.stop();
    await server.shutdown();
  }));
