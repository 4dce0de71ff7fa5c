/** The monitor with checks of real servers: attempts, warmup, weights, pauses, a new address. */
import { assert, assertEquals } from "@std/assert";
import type { CheckContext, CheckType, Target } from "../../checks/check.ts";
import { sleep } from "../../mod/sleep.ts";
import { config, Recorder, until } from "./recorder.ts";
import { lab, only, Script } from "./script.ts";

const target: Target = { address: "192.0.2.21", port: 80 };
const retried = { target, interval: 60_000, attempts: 3, attempt_delay: 20 };

Deno.test("real server: a probe gets its address and port", async () => {
  const contexts: CheckContext[] = [];
  const script = new Script();
  const probe: CheckType["probe"] = (context) => {
    contexts.push(context);
    return "seen";
  };
  const [, recorder] = lab("+", { target }, { checkType: () => ({ ...script.type, probe }) });
  await using _ = recorder;
  await recorder.next();
  assertEquals(contexts.map(({ name, target }) => [name, target]), [["it", target]]);
});

Deno.test("real server: never looked at, one look decides, whatever the state to begin with", async () => {
  for (const initial of ["up", "unknown"] as const) {
    const [script, recorder] = lab("-++", { ...retried, initial });
    await using _ = recorder;
    assertEquals([(await recorder.next()).to, script.startsMs.length], ["down", 1]);
  }
});

Deno.test("real server: while it is down one look decides", async () => {
  const [script, recorder] = lab("--+", { ...retried, interval: 500, attempt_delay: 5, initial: "down" });
  await using _ = recorder;
  await until(() => only(recorder).failures === 2, "no second look");
  assertEquals(script.startsMs.length, 2);
  assertEquals([(await recorder.next()).to, script.startsMs.length], ["up", 3]);
});

Deno.test("real server: while it is up a failure is tried again before it counts", async () => {
  const [script, recorder] = lab("+---", { ...retried, interval: 50 });
  await using _ = recorder;
  assertEquals([(await recorder.next()).to, script.startsMs.length], ["up", 1]);
  assertEquals([(await recorder.next()).to, script.startsMs.length], ["down", 4]);
  const { successes, failures } = only(recorder);
  assertEquals([successes, failures], [1, 1]);
});

Deno.test("real server: the first look comes after a part of the warmup; at once when it is down", async () => {
  const warmup = { target, interval: 60_000, warmup: 2000, initial: "up" } as const;
  const startMs = performance.now();
  const [script, recorder] = lab("-", warmup, { random: () => 0.2 });
  await using _ = recorder;
  const change = await recorder.next();
  assert(change.monotonicMs - startMs >= 399, `${change.monotonicMs - startMs}`);
  assertEquals(script.startsMs.length, 1);
  const [, down] = lab("+", { ...warmup, warmup: 600_000, initial: "down" });
  await using __ = down;
  assertEquals((await down.next()).to, "up");
});

Deno.test("real server: a weight is told when it changes, before the state; a pass without one ends it", async () => {
  const order: string[] = [];
  const [, recorder] = lab("7733-+", { target, interval: 20 }, {
    onChange: ({ to }) => order.push(to),
    onWeight: (_name, weight) => order.push(String(weight)),
  });
  await using _ = recorder;
  await until(() => order.length === 6, "not all told");
  assertEquals(order, ["7", "up", "3", "down", "undefined", "up"]);
  assertEquals(only(recorder).weight, undefined);
});

Deno.test("real server: the weight is part of the status and of what is handed on", async () => {
  const [, recorder] = lab("5", { target, interval: 60_000 });
  await using _ = recorder;
  await recorder.next();
  assertEquals([only(recorder).weight, recorder.weights], [5, [5]]);
  const memories = JSON.parse(JSON.stringify(recorder.monitor.memories()));
  const [, next] = lab("5", { target, interval: 60_000 }, { inherited: memories });
  await using __ = next;
  assertEquals([only(next).state, only(next).weight], ["up", 5]);
  await until(() => only(next).successes === 2, "no look");
  assertEquals(next.weights, []);
});

Deno.test("real server: at another address nothing is known of it", async () => {
  const [script, recorder] = lab("+", { target, interval: 60_000 });
  await using _ = recorder;
  await recorder.next();
  script.answers = ".";
  recorder.monitor.configure({ it: config("script", {}, { target, interval: 50_000 }) });
  assertEquals(only(recorder).state, "up");
  recorder.monitor.configure({ it: config("script", {}, { target: { ...target, port: 81 } }) });
  assertEquals([only(recorder).state, only(recorder).runs], ["unknown", 0]);
});

Deno.test("real server: paused it is not looked at and keeps its state; resumed it is, soon", async () => {
  const [script, recorder] = lab("+-", { target, interval: 20 }, { random: () => 0.1 });
  await using _ = recorder;
  await recorder.next();
  recorder.monitor.pauseOnly(["it", "no such check"]);
  const looks = script.startsMs.length;
  await sleep(200);
  script.report(false);
  assertEquals([script.startsMs.length, recorder.changes.length], [looks, 1]);
  recorder.monitor.pauseOnly([]);
  assertEquals((await recorder.next()).to, "down");
});

Deno.test("real server: paused before the start, and through a new configuration", async () => {
  const script = new Script();
  await using recorder = new Recorder({ checkType: () => script.type, random: () => 0 });
  recorder.monitor.pauseOnly(["a"]);
  recorder.monitor.configure({ a: config("script", {}, { target }), b: config("script", {}, { target }) });
  recorder.monitor.start();
  assertEquals((await recorder.next()).name, "b");
  recorder.monitor.configure({ a: config("script", {}, { target, fall: 2 }) });
  await sleep(100);
  assertEquals(recorder.changes.length, 1);
  recorder.monitor.pauseOnly([]);
  assertEquals((await recorder.next()).name, "a");
});
