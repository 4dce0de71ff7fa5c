/** FIFOs, webhooks and mail over reloads and upgrades: nothing that waits is lost. */
import { assertEquals } from "@std/assert";
import type { Config } from "../../mod/config/schema.ts";
import { type ChannelMemory, Channels } from "../../mod/notify/channels.ts";
import type { Mail } from "../../mod/notify/mail.ts";
import { libc } from "../../ffi/libc.ts";
import { load } from "../config/fixture.ts";
import { sleep, waitFor } from "../e2e/lab/wait.ts";
import { ScriptedHost } from "./scripted_host.ts";

// Loaded once and for good: not a leak of the test that happens to come first.
libc();

interface Lab {
  readonly channels: Channels;
  readonly posted: string[];
  readonly mails: Mail[];
  readonly host: ScriptedHost;
  isBroken: boolean;
}

function lab(inherited?: ChannelMemory): Lab {
  const [posted, mails]: [string[], Mail[]] = [[], []];
  const host = new ScriptedHost();
  const random = (): number => 0;
  const channels = new Channels({
    host,
    webhook: {
      fetch: (url, { body }) => {
        if (one.isBroken) return Promise.reject(new Error("unreachable"));
        posted.push(`${url} ${body}`);
        return Promise.resolve(new Response(null, { status: 204 }));
      },
      random,
      version: "1",
    },
    mail: {
      now: () => 0,
      random,
      send: (_, mail) => {
        if (one.isBroken) return Promise.reject(new Error("unreachable"));
        mails.push(mail);
        return Promise.resolve();
      },
    },
  }, inherited);
  const one: Lab = { channels, posted, mails, host, isBroken: false };
  return one;
}

function config(directory: string, more = ""): Promise<Config> {
  return load(`
[notify]
fifos = [{ path = "${directory}/all" }, { path = "${directory}/vs", events = "virtual_server", command = ["/bin/cat"] }]
webhooks = [{ url = "http://a/", events = ["check"] }]
[mail]
to = ["root@localhost"]
[virtual_router.VI_1]
interface = "lo"
vrid = 51
notify = { webhook = "http://b/" }
${more}`);
}

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  await work(directory);
  await Deno.remove(directory, { recursive: true });
}

Deno.test("everybody hears what it wants to hear", () =>
  withDirectory(async (directory) => {
    const { channels, posted } = lab();
    channels.configure(await config(directory));
    channels.line("virtual_router", "1");
    channels.line("virtual_server", "2");
    channels.post("check", undefined, () => Promise.resolve("checked"));
    channels.post("virtual_router", "http://b/", () => Promise.resolve("moved"));
    channels.post("config", undefined, () => Promise.reject(new Error("nobody asks for it")));
    await waitFor("both", () => posted.length === 2, 10_000);
    assertEquals(posted.sort(), ["http://a/ checked", "http://b/ moved"]);
    assertEquals(channels.status().fifos.map(({ lines }) => lines), [2, 1]);
    await channels.stop();
  }));

Deno.test("a reload leaves alone what it does not change", () =>
  withDirectory(async (directory) => {
    const { channels, host } = lab();
    channels.configure(await config(directory));
    await waitFor("its reader", () => host.now.length === 1, 10_000);
    channels.line("virtual_router", "1");
    channels.configure(await config(directory, "[virtual_router.VI_2]\ninterface = 'lo'\nvrid = 52"));
    assertEquals(channels.status().fifos.map(({ lines }) => lines), [1, 0]);
    assertEquals(host.commands.length, 1);
    channels.configure(await load(""));
    assertEquals(channels.status(), { fifos: [], webhooks: [], mail: null });
    await waitFor("its end", () => host.now.length === 0, 10_000);
    const pipes = async (): Promise<number> => (await Array.fromAsync(Deno.readDir(directory))).length;
    await waitFor("the end of its pipes", async () => await pipes() === 0, 10_000);
  }));

Deno.test("what was not delivered before an upgrade is delivered after it, in order", () =>
  withDirectory(async (directory) => {
    const before = lab();
    before.isBroken = true;
    before.channels.configure(await config(directory));
    for (const body of ["1", "2"]) before.channels.post("check", undefined, () => Promise.resolve(body));
    before.channels.mail({ subject: "s", body: "b" });
    await waitFor("a failure", () => before.channels.status().mail?.last_problem === "unreachable", 10_000);
    await before.channels.suspend();
    const after = lab(JSON.parse(JSON.stringify(before.channels.memory())));
    after.channels.configure(await config(directory));
    await waitFor("all", () => after.posted.length === 2 && after.mails.length === 1, 10_000);
    assertEquals(after.posted, ["http://a/ 1", "http://a/ 2"]);
    await after.channels.stop();
    // Or, when it comes to nothing, by the same program.
    before.isBroken = false;
    before.channels.resume();
    await waitFor("all", () => before.posted.length === 2 && before.mails.length === 1, 10_000);
    await before.channels.stop();
  }));

Deno.test("what comes while all is suspended is not lost either, and no pipe stays open twice", () =>
  withDirectory(async (directory) => {
    const { channels, posted, mails } = lab();
    channels.configure(await config(directory));
    const pipes = (): number => openOf(`${directory}/all`);
    assertEquals(pipes(), 1);
    await channels.suspend();
    channels.post("check", undefined, () => Promise.resolve("1"));
    channels.mail({ subject: "s", body: "b" });
    await waitFor("its text", () => Object.values(channels.memory().webhooks).flat().length === 1, 10_000);
    assertEquals(channels.memory().mail.length, 1);
    // As often as a pipe is looked for again, and a little more.
    await sleep(1_100);
    channels.line("virtual_router", "1");
    assertEquals([pipes(), posted, mails], [1, [], []]);
    channels.resume();
    await waitFor("all", () => posted.length === 1 && mails.length === 1, 10_000);
    assertEquals(pipes(), 1);
    await channels.stop();
  }));

function openOf(path: string): number {
  const targets = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => targetOf(`/proc/self/fd/${name}`));
  return targets.filter((target) => target === path).length;
}

/** The descriptor of the list itself is gone by then. */
function targetOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
