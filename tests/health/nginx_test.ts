/** The nginx check against a real nginx: death, restart, reload, binary upgrade, page. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CheckFailed } from "../../checks/check.ts";
import { nginx } from "../../checks/nginx.ts";
import { LinuxHost } from "../../mod/health/host.ts";
import { NginxLab } from "./nginx_lab.ts";
import { sleep } from "../../mod/sleep.ts";
import { config, Recorder, until } from "./recorder.ts";

/** A long interval, so that only pushes can explain what is seen in time. */
const slow = { interval: 60_000 };

Deno.test("nginx: kill -9 of the master is seen within milliseconds, its restart soon", async () => {
  await using lab = new NginxLab();
  await using recorder = new Recorder();
  let master = await lab.start();
  recorder.monitor.configure({ nginx: config("nginx", { pid_file: lab.pidFile }, slow) });
  recorder.monitor.start();
  const up = await recorder.next();
  assertEquals([up.from, up.to, up.reason], ["unknown", "up", `master process ${master}`]);
  const latencies: number[] = [];
  const births: number[] = [];
  for (let round = 0; round < 9; round++) {
    // Longer than the shortest distance of two looks, which would be part of the latency.
    await sleep(30);
    const killedMs = performance.now();
    lab.kill(master);
    const down = await recorder.next();
    assertEquals([down.to, down.reason], ["down", `no nginx master process in ${lab.pidFile}`]);
    latencies.push(down.monotonicMs - killedMs);
    await sleep(20);
    const startMs = performance.now();
    master = await lab.start();
    assertEquals((await recorder.next()).to, "up");
    births.push(performance.now() - startMs);
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;
  // A few milliseconds each where nothing else runs.
  assert(median(latencies) < 500, `median latency ${median(latencies)} ms`);
  assert(median(births) < 5000, `median time to up ${median(births)} ms`);
});

Deno.test("nginx: a reload keeps the master and is no failure", async () => {
  await using lab = new NginxLab();
  await using recorder = new Recorder();
  const master = await lab.start();
  recorder.monitor.configure({
    nginx: config("nginx", { pid_file: lab.pidFile, url: lab.url }, { interval: 50 }),
  });
  recorder.monitor.start();
  await recorder.next();
  lab.write("reloaded");
  Deno.kill(master, "SIGHUP");
  await until(() => bodyOf(lab.url).then((body) => body === "reloaded"), "not reloaded");
  await sleep(200);
  assertEquals(recorder.changes.length, 1);
  const [status] = recorder.monitor.status();
  assertEquals([status?.state, status?.failures, status?.reason], [
    "up",
    0,
    `master process ${master}, status 200`,
  ]);
});

Deno.test("nginx: a binary upgrade (USR2, QUIT) hands over to the new master and is no failure", async () => {
  await using lab = new NginxLab();
  await using recorder = new Recorder();
  const old = await lab.start();
  recorder.monitor.configure({ nginx: config("nginx", { pid_file: lab.pidFile }, { interval: 5 }) });
  recorder.monitor.start();
  await recorder.next();
  Deno.kill(old, "SIGUSR2");
  await until(() => lab.pid() !== old && lab.pid() !== undefined, "no new master");
  const young = await lab.master();
  Deno.kill(old, "SIGQUIT");
  await until(() => lab.pid(".oldbin") === undefined, "the old master stays");
  await sleep(200);
  assertEquals(recorder.changes.length, 1);
  const [status] = recorder.monitor.status();
  assertEquals([status?.state, status?.failures, status?.reason], ["up", 0, `master process ${young}`]);
  lab.kill(young);
  assertEquals((await recorder.next()).to, "down");
});

Deno.test("nginx: the page decides while the master lives", async () => {
  await using lab = new NginxLab();
  await using recorder = new Recorder();
  await lab.start();
  const options = { pid_file: lab.pidFile, url: lab.url, expect: { body: "hello" } };
  recorder.monitor.configure({ nginx: config("nginx", options, { interval: 50 }) });
  recorder.monitor.start();
  assertEquals((await recorder.next()).to, "up");
  lab.write("broken");
  Deno.kill(await lab.master(), "SIGHUP");
  const down = await recorder.next();
  assertEquals([down.to, down.reason], ["down", 'the body does not contain "hello"']);
});

Deno.test("nginx: among several masters config, match and pid_file choose; without them any passes", async () => {
  await using one = new NginxLab();
  await using other = new NginxLab();
  const host = new LinuxHost();
  const pids = { one: await one.start(), other: await other.start() };
  const probe = async (options: Record<string, unknown>): Promise<unknown> =>
    await nginx.probe({ name: "nginx", host }, nginx.options.parse(options), new AbortController().signal);
  assertEquals(await probe({ config: one.configFile }), `master process ${pids.one}`);
  assertEquals(await probe({ config: other.configFile }), `master process ${pids.other}`);
  assertEquals(await probe({ match: other.directory }), `master process ${pids.other}`);
  assertEquals(await probe({ pid_file: one.pidFile }), `master process ${pids.one}`);
  assertStringIncludes(String(await probe({})), "master process ");
  await assertRejects(
    () => probe({ config: "/no.conf" }),
    CheckFailed,
    "no nginx master process with /no.conf",
  );
  // Its workers have the same name.
  await assertRejects(() => probe({ match: "worker process" }), CheckFailed);
  // A pid file that is out of date names a process that is none of nginx's.
  Deno.writeTextFileSync(`${one.directory}/stale.pid`, `${Deno.pid}\n`);
  await assertRejects(() => probe({ pid_file: `${one.directory}/stale.pid` }), CheckFailed);
});

Deno.test("nginx: without a pid file death and birth are found in /proc", async () => {
  await using lab = new NginxLab();
  await using recorder = new Recorder();
  const master = await lab.start();
  recorder.monitor.configure({ nginx: config("nginx", { config: lab.configFile }, slow) });
  recorder.monitor.start();
  assertEquals((await recorder.next()).to, "up");
  await sleep(30);
  lab.kill(master);
  assertEquals((await recorder.next()).to, "down");
  await lab.start();
  assertEquals((await recorder.next()).to, "up");
});

Deno.test("nginx: recover starts it again before the check fails", async () => {
  await using lab = new NginxLab();
  await using recorder = new Recorder();
  const master = await lab.start();
  const recover = { recover: lab.command, recover_timeout: 5000 };
  recorder.monitor.configure({ nginx: config("nginx", { pid_file: lab.pidFile }, { ...slow, ...recover }) });
  recorder.monitor.start();
  await recorder.next();
  lab.kill(master);
  await until(() => recorder.monitor.status()[0]?.recoveries === 1, "no recovery");
  await until(() => recorder.notes.length === 2, "the recovery did not help");
  const again = await lab.master();
  assertEquals(recorder.changes.length, 1);
  assertEquals(recorder.monitor.status()[0]?.reason, `master process ${again}`);
  // The second death comes too soon for a second recovery.
  lab.kill(again);
  const down = await recorder.next();
  assertEquals(down.to, "down");
  assertStringIncludes(down.reason, "recovered too recently");
});

async function bodyOf(url: string): Promise<string> {
  const response = await fetch(url);
  return await response.text();
}
