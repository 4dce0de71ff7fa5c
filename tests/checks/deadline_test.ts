/** Limits in time: which reason wins, that nothing is left, and that our own stall fails nobody. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CheckFailed } from "../../checks/check.ts";
import { sleep, within } from "../../checks/deadline.ts";
import { NginxLab } from "../health/nginx_lab.ts";
import { config, Recorder } from "../health/recorder.ts";

const endless = new AbortController().signal;

Deno.test("within: the result, or the error of the work", async () => {
  assertEquals(await within(1000, "late", endless, () => Promise.resolve(7)), 7);
  await assertRejects(
    () => within(1000, "late", endless, () => Promise.reject(new Error("broken"))),
    Error,
    "broken",
  );
});

Deno.test("within: the limit's reason wins over what the work says because of it", async () => {
  const work = async (signal: AbortSignal): Promise<void> => {
    await sleep(1000, signal);
    throw new Error("interrupted");
  };
  const startMs = performance.now();
  await assertRejects(() => within(30, "late", endless, work), CheckFailed, "late");
  assert(performance.now() - startMs < 900);
  const outer = new AbortController();
  const run = within(1000, "late", outer.signal, work);
  outer.abort(new Error("stopped"));
  await assertRejects(() => run, Error, "stopped");
  await assertRejects(() => within(1000, "late", outer.signal, work), Error, "stopped");
});

Deno.test("monitor: a stall of this process is no failure of what it checks", async () => {
  await using lab = new NginxLab();
  await lab.start();
  for (const type of ["http", "tcp"]) {
    await using recorder = new Recorder();
    const options = type === "http" ? { url: lab.url } : { address: `127.0.0.1:${lab.port}` };
    recorder.monitor.configure({ it: config(type, options, { timeout: 500, interval: 60_000 }) });
    recorder.monitor.start();
    const endMs = performance.now() + 1000;
    while (performance.now() < endMs);
    assertEquals((await recorder.next()).to, "up");
  }
});
