/** Checks that follow others, in a monitor: at once, level by level, with a recovery, after a reload. */
import { assertEquals } from "@std/assert";
import { followingOf } from "../../checks/members.ts";
import { checkType } from "../../checks/mod.ts";
import type { MonitoredCheck, MonitorOptions } from "../../mod/health/monitor.ts";
import { exists } from "../e2e/lab/files.ts";
import { sleep } from "../../mod/sleep.ts";
import { config, Recorder, until } from "./recorder.ts";
import { Script } from "./script.ts";

/** Never due again: what changes has been pushed. */
const seldom = { interval: 3_600_000 };

function follows(
  type: string,
  checks: string[],
  { need, ...rest }: Partial<MonitoredCheck> & { need?: number } = {},
): MonitoredCheck {
  const options = need === undefined ? { checks } : { checks, need };
  return config(type, options, { interval: 0, follows: followingOf(type, options, checks), ...rest });
}

/** A monitor with scripted checks of the type by their name, and checks that follow them. */
function lab(
  answers: Record<string, string>,
  composites: Record<string, MonitoredCheck>,
  options: Partial<MonitorOptions> = {},
): [Record<string, Script>, Recorder, Record<string, MonitoredCheck>] {
  const scripts = Object.fromEntries(Object.keys(answers).map((name) => [name, new Script()]));
  for (const [name, script] of Object.entries(scripts)) script.answers = answers[name] ?? "+";
  const recorder = new Recorder({
    checkType: (type) => scripts[type]?.type ?? checkType(type),
    random: () => 0.5,
    ...options,
  });
  const members = Object.fromEntries(Object.keys(answers).map((name) => [name, config(name, {}, seldom)]));
  const checks = { ...composites, ...members };
  recorder.monitor.configure(checks);
  recorder.monitor.start();
  return [scripts, recorder, checks];
}

function stateOf(recorder: Recorder, name: string): string {
  const status = recorder.monitor.status().find((check) => check.name === name);
  return `${status?.state}: ${status?.reason}`;
}

function turn(scripts: Record<string, Script>, name: string, answer: "+" | "-"): void {
  const script = scripts[name];
  if (script === undefined) throw new Error(name);
  script.answers = answer;
  script.report(answer === "+");
}

Deno.test("composite: follows its members at once, level by level, each change told after its cause", async () => {
  const [scripts, recorder] = lab({ a: "+", b: "+", c: "+" }, {
    top: follows("any_of", ["pair", "c"]),
    pair: follows("all_of", ["a", "b"]),
    two: follows("quorum", ["a", "b", "c"], { need: 2 }),
  });
  await using _ = recorder;
  await until(() => recorder.changes.length === 6, "not all decided");
  assertEquals(stateOf(recorder, "top"), "up: 2 of 2 up");
  await sleep(20);
  recorder.changes.length = 0;
  turn(scripts, "a", "-");
  await until(() => recorder.changes.length === 2, "nobody follows");
  assertEquals(recorder.changes.map(({ name, to, reason }) => [name, to, reason]), [
    ["a", "down", "scripted failure"],
    ["pair", "down", "1 of 2 up, 2 needed: a: scripted failure"],
  ]);
  assertEquals(stateOf(recorder, "two"), "up: 2 of 3 up, not a");
  turn(scripts, "c", "-");
  await until(() => recorder.changes.length === 5, "nobody follows");
  assertEquals(recorder.changes.slice(2).map(({ name, to }) => [name, to]), [
    ["c", "down"],
    ["top", "down"],
    ["two", "down"],
  ]);
  turn(scripts, "c", "+");
  await until(() => recorder.changes.length === 8, "nobody comes back");
  // Nothing is asked again and again.
  const { runs } = recorder.monitor.status().find(({ name }) => name === "top") ?? { runs: -1 };
  await sleep(300);
  assertEquals(recorder.monitor.status().find(({ name }) => name === "top")?.runs, runs);
});

Deno.test("composite: waits at the start for what is unknown, and says for whom", async () => {
  const [, recorder] = lab({ a: "+", b: "." }, {
    both: follows("all_of", ["a", "b"]),
    one: follows("any_of", ["a", "b"]),
  });
  await using _ = recorder;
  await until(() => recorder.changes.length === 2, "nothing decided");
  assertEquals(recorder.changes.map(({ name, to }) => [name, to]), [["a", "up"], ["one", "up"]]);
  await until(() => stateOf(recorder, "both") === "unknown: waits for b", stateOf(recorder, "both"));
});

Deno.test("composite: after a reload it keeps its state until a new member decides", async () => {
  const [, recorder, checks] = lab({ a: "+", b: "." }, { it: follows("all_of", ["a"]) });
  await using _ = recorder;
  await until(() => recorder.changes.length === 2, "nothing decided");
  recorder.monitor.configure({ ...checks, it: follows("all_of", ["a", "b"]) });
  await sleep(50);
  assertEquals(stateOf(recorder, "it"), "up: waits for b");
  assertEquals(recorder.changes.length, 2);
  recorder.monitor.configure({ ...checks, b: config("a", {}, seldom), it: follows("all_of", ["a", "b"]) });
  await until(() => stateOf(recorder, "it") === "up: 2 of 2 up", stateOf(recorder, "it"));
});

Deno.test("composite: a recovery is tried before it fails, and what happens meanwhile counts", async () => {
  const mark = Deno.makeTempFileSync();
  const [scripts, recorder] = lab({ a: "+", b: "+" }, {
    it: follows("all_of", ["a", "b"], { recover: ["rm", mark], recover_timeout: 10_000 }),
  });
  await using _ = recorder;
  await until(() => recorder.changes.length === 3, "not all decided");
  await sleep(20);
  recorder.changes.length = 0;
  turn(scripts, "a", "-");
  // The service is back once the command has run.
  await until(() => recorder.changes.length === 1, "a has not failed");
  await until(() => !exists(mark), "no recovery");
  turn(scripts, "a", "+");
  await until(() => recorder.notes.some((note) => note.includes("recovered by rm")), `${recorder.notes}`);
  assertEquals(recorder.changes.map(({ name, to }) => [name, to]), [["a", "down"], ["a", "up"]]);
  assertEquals(stateOf(recorder, "it"), "up: 2 of 2 up");
});
