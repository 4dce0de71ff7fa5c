/**
 * The engine with the real haproxy on loopback: health without a reload, reloads without a loss, death,
 * takeover.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { libc } from "../../../ffi/libc.ts";
import { findProgram, workersAccount } from "../../../mod/balance/haproxy/program.ts";
import type { Applied, ServiceReport } from "../../../mod/balance/model.ts";
import { sleep, waitFor } from "../../e2e/lab/wait.ts";
import { virtualServer } from "./fixture.ts";
import { Backend, type Stand, stand } from "./stand.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const FINE: Applied = { drift: [], problems: [] };

async function answers(stand: Stand, count: number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = await stand.get();
    seen[name] = (seen[name] ?? 0) + 1;
  }
  return seen;
}

async function pid({ directory }: Stand): Promise<number> {
  return Number(await Deno.readTextFile(`${directory}/haproxy.pid`));
}

async function worker(stand: Stand): Promise<string> {
  return /^Pid: (\d+)$/m.exec(await stand.tell("show info"))![1]!;
}

function active(reports: readonly ServiceReport[], { server }: Backend): number | null | undefined {
  return reports[0]?.destinations.find(({ port }) => port === server.port)?.activeConnections;
}

Deno.test("servers fail, drain, weigh and return without a reload, and without a failed request", async () => {
  await using one = new Backend("one");
  await using two = new Backend("two");
  await using web = await stand();
  const config = virtualServer([["127.0.0.1", web.port]], [one.server, two.server], { mode: "http" });
  assertEquals(await web.apply(config), FINE);
  const first = await worker(web);
  assertEquals(await answers(web, 6), { one: 3, two: 3 });
  assertEquals(await web.apply(config, {}, ["one"]), FINE);
  assertEquals(await answers(web, 4), { two: 4 });
  assertEquals(await web.apply(config, { one: 3 }), FINE);
  assertEquals(await answers(web, 8), { one: 6, two: 2 });

  const slow = web.get("/slow");
  // If something else fails first, that is what shall be told.
  slow.catch(() => undefined);
  await waitFor("a request under way", async () => {
    const reports = await web.engine.read();
    return (active(reports, one) ?? 0) + (active(reports, two) ?? 0) === 1;
  }, 10_000);
  const busy = active(await web.engine.read(), one) === 1 ? one : two;
  const other = busy === one ? "two" : "one";
  assertEquals(await web.apply(config, { [busy.name]: 0 }), FINE);
  assertEquals(await answers(web, 4), { [other]: 4 });
  assertEquals(active(await web.engine.read(), busy), 1);
  busy.release();
  assertEquals(await slow, busy.name);
  await waitFor("no connection", async () => active(await web.engine.read(), busy) === 0, 10_000);
  const [report] = await web.engine.read();
  assertEquals([report?.key, report?.traffic?.connections], [`tcp 127.0.0.1:${web.port}`, 6 + 4 + 8 + 1 + 4]);
  assertEquals(await worker(web), first);
});

Deno.test("another set of servers comes by a reload that loses nothing, a bad configuration not at all", async () => {
  await using one = new Backend("one");
  await using two = new Backend("two");
  await using web = await stand();
  const alone = virtualServer([["127.0.0.1", web.port]], [one.server], { mode: "http" });
  const config = { ...alone, real_server: [one.server, two.server] };
  assertEquals(await web.apply(alone), FINE);
  const slow = web.get("/slow");
  // If something else fails first, that is what shall be told.
  slow.catch(() => undefined);
  await waitFor("the slow request", () => one.asked > 0, 10_000);

  let isOver = false;
  const load = (async (): Promise<{ count: number; failures: string[] }> => {
    const failures: string[] = [];
    let count = 0;
    for (; !isOver; count++) await web.get().catch((error) => failures.push(String(error)));
    return { count, failures };
  })();
  const applied: Applied[] = [];
  for (const next of [config, alone, config]) applied.push(await web.apply(next));
  isOver = true;
  const { count, failures } = await load;
  const said = await Deno.readTextFile(`${web.directory}/haproxy.log`);
  assertEquals([applied, failures], [[FINE, FINE, FINE], []], said);
  assert(count > 0);
  assertEquals(await answers(web, 4), { one: 2, two: 2 });
  // In a worker that has been replaced twice, and still counted.
  assertEquals(active(await web.engine.read(), one), 1);

  const serving = await worker(web);
  const bad = await web.apply({ ...config, options: { frontend: ["nonsense yes"] } });
  assertMatch(bad.problems.join(), /before goes on: "nonsense yes": unknown keyword 'nonsense'/);
  assertEquals(await answers(web, 2), { one: 1, two: 1 });
  // What holds for the configuration that goes on is still done.
  await web.apply({ ...config, options: { frontend: ["nonsense yes"] } }, {}, ["one"]);
  assertEquals([await answers(web, 2), await worker(web)], [{ two: 2 }, serving]);
  assertEquals(await web.apply(config), FINE);
  one.release();
  assertEquals(await slow, "one");
});

Deno.test("a port that another program has keeps only its own virtual server from serving", async () => {
  await using one = new Backend("one");
  await using web = await stand();
  const config = virtualServer([["127.0.0.1", web.port], ["127.0.0.1", one.server.port]], [one.server]);
  const { problems } = await web.apply(config);
  assertEquals(problems.length, 1);
  const { port } = one.server;
  assertMatch(
    problems[0]!,
    new RegExp(`^tcp 127.0.0.1:${port}: .* \\(pid ${Deno.pid}\\) listens on port ${port} `),
  );
  assertEquals(await web.get(), "one");
});

Deno.test("what somebody does to haproxy is undone and told; killed, it is there again", async () => {
  await using one = new Backend("one");
  await using two = new Backend("two");
  await using web = await stand();
  const config = virtualServer([["127.0.0.1", web.port]], [one.server, two.server], { mode: "http" });
  assertEquals(await web.apply(config), FINE);
  await web.tell("set server web/one state maint; set server web/two weight 7");
  const { drift, problems } = await web.apply(config);
  assertEquals([drift.map(({ what }) => what), problems], [[
    "server one was set to maint, not ready",
    "server two had weight 7 instead of 1",
  ], []]);
  // A turn that was put off by the weight of 7 comes later.
  assertEquals(Object.keys(await answers(web, 20)).sort(), ["one", "two"]);
  const before = await pid(web);
  Deno.kill(before, "SIGKILL");
  await waitFor(
    "haproxy to be back",
    async () => await pid(web) !== before && await web.get() !== "",
    15_000,
  );
  await waitFor("both notes", () => web.notes.length === 2, 15_000);
  assertEquals(web.notes, [
    "error: haproxy has ended by itself: it was killed",
    "warn: haproxy was gone: started anew",
  ]);
  assertEquals(await web.apply(config), FINE);
});

// The first engine's child is buried by the second, as it would be in another vipd: the runtime does not
// notice.
Deno.test({
  name: "the next vipd takes over what runs; persistence outlives a reload; a stop ends it",
  sanitizeResources: false,
  fn: takeover,
});

async function takeover(): Promise<void> {
  await using one = new Backend("one");
  await using two = new Backend("two");
  await using web = await stand();
  const persistence = { seconds: 60, prefix: 32, engine: null };
  const config = virtualServer([["127.0.0.1", web.port]], [one.server, two.server], { persistence });
  assertEquals(await web.apply(config), FINE);
  const stays = await web.get();
  let attempt = 0;
  const running = await pid(web);
  await web.engine.stop(true);
  web.engine = web.newEngine();
  assertEquals(await web.apply(config), FINE);
  assertEquals([await pid(web), web.notes], [running, [
    `info: haproxy (pid ${running}) runs already: taken over`,
  ]]);
  assertEquals(Object.keys(await answers(web, 4)), [stays]);
  // haproxy's peers protocol: a worker tells the next one what it knows if it is older than five seconds,
  // and one that nobody told anything if it is older than ten.
  await sleep(6_000);
  await waitFor(
    "a reload that keeps the table",
    async () => {
      await web.get();
      const limited = config.real_server.map((server) => ({ ...server, upper_threshold: 100 + attempt++ }));
      assertEquals(await web.apply({ ...config, real_server: limited }), FINE);
      const kept = async (): Promise<boolean> => (await web.tell("show table web")).includes("used:1");
      return await waitFor("the old worker to tell", kept, 1_000).catch(() => false);
    },
    30_000,
    6_000,
  );
  await web.engine.stop(false);
  assertEquals(await Deno.stat(`/proc/${running}`).then(() => "runs", () => "ended"), "ended");
  web.engine = web.newEngine();
}

Deno.test("a host without haproxy is told so; its workers are not root", () => {
  assertEquals(findProgram("/nowhere/haproxy"), { missing: "/nowhere/haproxy is not an executable file" });
  assertEquals("path" in findProgram(), true);
  const status = (uid: number, effective: string): string => `Uid:\t${uid}\t0\t0\t0\nCapEff:\t${effective}\n`;
  const passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
  const all = "000001ffffffffff";
  assertEquals(workersAccount(status(0, all), passwd), { uid: 65534, gid: 65534 });
  assertEquals(workersAccount(status(0, all), `${passwd}haproxy:x:105:115::/:/bin/false\n`), {
    uid: 105,
    gid: 115,
  });
  assertEquals(workersAccount(status(0, all), ""), null);
  assertEquals(workersAccount(status(7, all), passwd), null);
  // What docs/vipd.service leaves.
  assertEquals(workersAccount(status(0, "0000000000807400"), passwd), null);
});
