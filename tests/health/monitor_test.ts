/** The monitor with scripted checks: scheduling, timeouts, attempts, pushes, recovery, reconfiguration. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import * as z from "zod";
import type { CheckType } from "../../checks/check.ts";
import { sleep } from "../../mod/sleep.ts";
import { config, Recorder, until } from "./recorder.ts";
import { lab, only, Script } from "./script.ts";

Deno.test("monitor: the first run is at once, and its change is told whole", async () => {
  const [, recorder] = lab("+", { interval: 60_000 }, { now: () => 0 });
  await using _ = recorder;
  const { monotonicMs: _when, ...change } = await recorder.next();
  assertEquals(change, {
    name: "it",
    from: "unknown",
    to: "up",
    reason: "scripted",
    at: "1970-01-01T00:00:00.000Z",
  });
  assertEquals({ ...only(recorder), duration_ms: 0, last_run: null }, {
    name: "it",
    type: "script",
    state: "up",
    since: "1970-01-01T00:00:00.000Z",
    reason: "scripted",
    last_run: null,
    duration_ms: 0,
    interval_ms: 60_000,
    rise: 1,
    fall: 1,
    successes: 1,
    failures: 0,
    runs: 1,
    recoveries: 0,
    recoveries_failed: 0,
    last_recovery: null,
  });
});

Deno.test("monitor: while undecided it looks every 250 ms, so that rise is reached soon", async () => {
  const [script, recorder] = lab("+", { interval: 60_000, rise: 3 });
  await using _ = recorder;
  await until(() => only(recorder).runs > 0, "no run");
  assertMatch(only(recorder).reason, /^scripted \([12] of 3 passes\)$/);
  assertEquals((await recorder.next()).to, "up");
  const [first = 0, , third = 0] = script.startsMs;
  assert(third - first > 480, `${third - first}`);
});

Deno.test("monitor: runs keep the interval, counted from their starts", async () => {
  const [script, recorder] = lab("s", { interval: 60 });
  await using _ = recorder;
  await until(() => script.startsMs.length === 12, "twelve runs");
  const gaps = script.startsMs.slice(2).map((start, index) => start - (script.startsMs[index + 1] ?? 0))
    .sort((a, b) => a - b);
  // Some may come late on a busy host; counted from the end they would all be 90 ms apart.
  assert((gaps[2] ?? 0) < 80, gaps.join());
  assert(gaps.reduce((sum, gap) => sum + gap, 0) > 5 * 60, gaps.join());
});

Deno.test("monitor: a run longer than the interval skips slots and never runs twice at a time", async () => {
  const [script, recorder] = lab(".", { interval: 40, timeout: 100 });
  await using _ = recorder;
  await until(() => script.startsMs.length === 9, "nine runs");
  const gaps = script.startsMs.slice(1).map((start, index) => start - (script.startsMs[index] ?? 0));
  // The first gap is one of the fast looks before the decision or the spread; then every third slot, or a
  // later one on a busy host. Counted from their ends they would be 100 ms apart.
  const ordered = gaps.slice(1).toSorted((a, b) => a - b);
  assert((ordered[3] ?? 0) > 110, gaps.join());
  assert(script.running <= 1);
});

Deno.test("monitor: checks that start together spread over the interval", async () => {
  const scripts = [0.1, 0.9].map((random) => lab("+", { interval: 4000 }, { random: () => random }));
  const starts = (): number[] => scripts.map(([script]) => script.startsMs.length);
  await until(() => starts()[0] === 2, "no second run");
  assertEquals(starts(), [2, 1]);
  for (const [, recorder] of scripts) await recorder[Symbol.asyncDispose]();
});

Deno.test("monitor: a timeout aborts the probe and fails the check", async () => {
  const [script, recorder] = lab(".", { interval: 60_000, timeout: 30 });
  await using _ = recorder;
  assertEquals((await recorder.next()).reason, "no answer within 30 ms");
  assertEquals([script.running, script.aborts], [0, 1]);
});

Deno.test("monitor: a probe that cannot be ended goes on failing its check, and holds no stop up", async () => {
  const [script, recorder] = lab("+!", { interval: 30, timeout: 20, fall: 3 });
  await recorder.next();
  const down = await recorder.next();
  assertEquals([down.reason, script.startsMs.length], ["the run before does not end", 2]);
  const startMs = performance.now();
  await recorder[Symbol.asyncDispose]();
  assert(performance.now() - startMs < 4000);
  script.release();
});

Deno.test("monitor: fall failures in a row are needed, a pass resets them", async () => {
  const [, recorder] = lab("+--+---", { interval: 10, fall: 3 });
  await using _ = recorder;
  assertEquals((await recorder.next()).to, "up");
  assertEquals((await recorder.next()).to, "down");
  const { successes, failures } = only(recorder);
  assertEquals([successes, failures], [2, 5]);
});

Deno.test("monitor: attempts are made before a run fails", async () => {
  const [script, recorder] = lab("--+", { interval: 60_000, attempts: 3, attempt_delay: 20 });
  await using _ = recorder;
  assertEquals((await recorder.next()).to, "up");
  const { runs, failures } = only(recorder);
  assertEquals([script.startsMs.length, runs, failures], [3, 1, 0]);
  const [passing, other] = lab("+", { interval: 60_000, attempts: 3, attempt_delay: 20 });
  await using __ = other;
  await other.next();
  await sleep(100);
  assertEquals(passing.startsMs.length, 1);
});

Deno.test("monitor: initial is the state until fall or rise say otherwise", async () => {
  const [script, recorder] = lab("-", { interval: 30, fall: 2, initial: "up" });
  await using _ = recorder;
  assertEquals(only(recorder).state, "up");
  const change = await recorder.next();
  assertEquals([change.from, change.to, script.startsMs.length], ["up", "down", 2]);
});

Deno.test("monitor: a check that breaks is a failure, never a pass", async () => {
  const [script, recorder] = lab("+", { interval: 60_000 }, {
    checkType: () => ({
      type: "broken",
      summary: "",
      options: z.strictObject({}),
      probe: () => JSON.parse("{"),
    }),
  });
  await using _ = recorder;
  const change = await recorder.next();
  assertEquals([change.to, script.startsMs.length], ["down", 0]);
  assertStringIncludes(change.reason, "cannot run: ");
});

Deno.test("monitor: a push is a result ahead of schedule; the next ones keep the interval", async () => {
  const [script, recorder] = lab("+-", { interval: 1500, fall: 2 });
  await using _ = recorder;
  await recorder.next();
  await sleep(20);
  const pushedMs = performance.now();
  script.report(false);
  await until(
    () => only(recorder).reason === "scripted failure (1 of 2 failures)",
    "no look at the push",
  );
  assertEquals(only(recorder).state, "up");
  // Saying it again is no news.
  script.report(false);
  const down = await recorder.next();
  assert(down.monotonicMs - pushedMs > 1400, `${down.monotonicMs - pushedMs}`);
});

Deno.test("monitor: a push ends a probe that is under way, whose answer is about the past", async () => {
  const [script, recorder] = lab("+.-", { interval: 1000 });
  await using _ = recorder;
  await recorder.next();
  await until(() => script.running === 1, "no second run");
  await sleep(15);
  script.report(false);
  const down = await recorder.next();
  assertEquals([down.to, down.reason, script.aborts, only(recorder).runs], [
    "down",
    "scripted failure",
    1,
    2,
  ]);
});

Deno.test("monitor: a push and the run that it meets count as one failure", async () => {
  const [script, recorder] = lab("+f", { interval: 60_000, fall: 2 }, { random: () => 0.0005 });
  await using _ = recorder;
  await recorder.next();
  await until(() => script.startsMs.length === 2, "no second run");
  script.report(false);
  await sleep(5);
  script.fail();
  await until(() => only(recorder).reason === "slow failure (1 of 2 failures)", "the failure is not told");
  await sleep(100);
  assertEquals([script.startsMs.length, only(recorder).reason], [2, "slow failure (1 of 2 failures)"]);
});

Deno.test("monitor: recover runs before the check goes down, and keeps it up when it helps", async () => {
  const [, recorder] = lab("+--+", { interval: 20, fall: 2, recover: ["true"] });
  await using _ = recorder;
  await recorder.next();
  await until(() => recorder.notes.length === 2, "no recovery");
  assertEquals(recorder.notes, [
    "it: scripted failure; recovering by true",
    "it: recovered by true: scripted",
  ]);
  const { state, recoveries, recoveries_failed, failures, last_recovery } = only(recorder);
  assertEquals([recorder.changes.length, state, recoveries, failures], [1, "up", 1, 2]);
  const { at: _at, ...rest } = last_recovery ?? { at: "" };
  assertEquals(rest, { helped: true, exit_code: 0, output: "", problem: null });
  assertEquals(recoveries_failed, 0);
});

Deno.test("monitor: a recovery that fails or runs too long lets the check go down, once", async () => {
  const [script, recorder] = lab("+-", { interval: 20, recover: ["false"] });
  await using _ = recorder;
  await recorder.next();
  assertEquals((await recorder.next()).reason, "scripted failure; false did not help: exit code 1");
  await until(() => script.startsMs.length > 3, "no more runs");
  const { recoveries, recoveries_failed, last_recovery } = only(recorder);
  assertEquals([recorder.changes.length, recoveries, recoveries_failed], [2, 1, 1]);
  const { at: _at, ...rest } = last_recovery ?? { at: "" };
  assertEquals(rest, { helped: false, exit_code: 1, output: "", problem: "exit code 1" });

  const [, slow] = lab("+-", { interval: 20, recover: ["sleep", "60"], recover_timeout: 50 });
  await using __ = slow;
  await slow.next();
  assertEquals((await slow.next()).reason, "scripted failure; sleep did not help: not done within 50 ms");
});

Deno.test("monitor: a recovery tells what it wrote, is run as its own user, and not beyond the limit", async () => {
  const recover = ["sh", "-c", "echo $(id -un) cannot; exit 4"];
  const [, recorder] = lab("+-", { interval: 20, recover, recover_user: "nobody", recover_limit: 1 });
  await using _ = recorder;
  await recorder.next();
  assertEquals(
    (await recorder.next()).reason,
    "scripted failure; sh did not help: exit code 4: nobody cannot",
  );
  assertEquals(only(recorder).last_recovery?.output, "nobody cannot");

  const [again, limited] = lab("+-", {
    interval: 20,
    recover: ["true"],
    recover_timeout: 30,
    recover_limit: 1,
  });
  await using __ = limited;
  await limited.next();
  await limited.next();
  again.answers = "+";
  assertEquals((await limited.next()).to, "up");
  again.answers = "-";
  assertEquals(
    (await limited.next()).reason,
    "scripted failure; recovered once within an hour, which is all that is tried",
  );
  assertEquals(only(limited).recoveries, 1);
});

Deno.test("monitor: what is down already is not recovered", async () => {
  const [script, recorder] = lab("-", { interval: 10, initial: "down", recover: ["true"] });
  await using _ = recorder;
  await until(() => script.startsMs.length > 3, "no runs");
  assertEquals([only(recorder).recoveries, recorder.notes], [0, []]);
});

Deno.test("monitor: a recovery that succeeds has recover_timeout to show", async () => {
  const [, recorder] = lab("+-", { interval: 20, recover: ["true"], recover_timeout: 200 });
  await using _ = recorder;
  const up = await recorder.next();
  const down = await recorder.next();
  assertEquals(down.reason, "scripted failure; true did not help");
  assert(down.monotonicMs - up.monotonicMs > 200);
});

Deno.test("monitor: configure keeps the unchanged, hands on the state of the changed, ends the removed", async () => {
  const script = new Script();
  await using recorder = new Recorder({ checkType: () => script.type, random: () => 1 });
  const { monitor } = recorder;
  const same = config("script", { pattern: /a/ }, { interval: 60_000 });
  const changing = config("script", { pattern: /a/ }, { interval: 60_000 });
  monitor.configure({ same, changing, removed: same });
  monitor.start();
  await until(() => recorder.changes.length === 3, "not all up");
  assertEquals(script.startsMs.length, 3);

  script.answers = "-";
  monitor.configure({
    added: same,
    same: { ...same, options: { pattern: /a/ } },
    changing: { ...changing, fall: 2 },
  });
  await until(() => recorder.changes.length === 4, "the new check has not decided");
  const states = monitor.status().map(({ name, state, runs, reason }) => [name, state, runs, reason]);
  assertEquals(states, [
    ["added", "down", 1, "scripted failure"],
    ["same", "up", 1, "scripted"],
    ["changing", "up", 2, "scripted failure (1 of 2 failures)"],
  ]);

  monitor.configure({ same: { ...same, options: { pattern: /b/ } } });
  assertEquals((await recorder.next()).to, "up");
  await until(() => recorder.changes.length === 5, "other options are no change");
});

Deno.test("monitor: stop ends everything at once", async () => {
  const [script, recorder] = lab(".", { interval: 60_000, timeout: 60_000 });
  await sleep(20);
  const startMs = performance.now();
  await recorder[Symbol.asyncDispose]();
  assert(performance.now() - startMs < 5000);
  assertEquals([script.running, recorder.changes.length], [0, 0]);
});

Deno.test("monitor: a watch that breaks is told once, and polling goes on", async () => {
  const script = new Script();
  const type: CheckType = { ...script.type, watch: () => Promise.reject(new Error("no netlink")) };
  await using recorder = new Recorder({ checkType: () => type });
  recorder.monitor.configure({ it: config("script", {}, { interval: 20 }) });
  recorder.monitor.start();
  await sleep(1300);
  await until(() => script.startsMs.length > 10, "no polling");
  assertEquals(recorder.notes, ["it: cannot watch, polling only: no netlink"]);
});
