/** Programs that are told: one after the other, what is out of date left out, the last news never. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type HookCall, Hooks, type Occasion } from "../../mod/notify/hooks.ts";
import { waitFor } from "../e2e/lab/wait.ts";
import { ScriptedHost } from "./scripted_host.ts";

const OWNER = "virtual_router/VI_1";

function call(hook: string, timeout = 10_000): HookCall {
  return { hook, argv: ["/bin/true", hook], env: {}, timeout };
}

/** A state: its own program and `any`. */
function state(event: string, owner = OWNER, timeout = 10_000): Occasion {
  const any = { ...call("any", timeout), argv: ["/bin/true", "any", event] };
  return { owner, topic: "state", event, calls: [call(event, timeout), any] };
}

function lab(): { host: ScriptedHost; hooks: Hooks } {
  const host = new ScriptedHost();
  const hooks = new Hooks(host);
  hooks.configure(new Map([[OWNER, {}], ["virtual_router/VI_2", {}]]));
  return { host, hooks };
}

/** Ends whatever runs, until nothing does. */
async function finish(host: ScriptedHost, hooks: Hooks, code = 0): Promise<void> {
  const idle = hooks.idle();
  let isDone = false;
  void idle.then(() => isDone = true);
  while (!isDone) {
    host.running[0]?.end(code);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

Deno.test("programs of one run one after the other, the specific one first; those of two beside each other", async () => {
  const { host, hooks } = lab();
  hooks.tell(state("active"));
  hooks.tell(state("backup", "virtual_router/VI_2"));
  assertEquals(host.now, ["/bin/true active", "/bin/true backup"]);
  assertEquals(hooks.busy, OWNER);
  host.running[0]!.end(0);
  await waitFor("any", () => host.now.includes("/bin/true any active"), 10_000);
  await finish(host, hooks);
  assertEquals(hooks.busy, undefined);
});

Deno.test("of what waits only the newest state runs; what is left out is counted", async () => {
  const { host, hooks } = lab();
  for (const event of ["backup", "active", "backup", "active", "fault"]) hooks.tell(state(event));
  await finish(host, hooks);
  assertEquals(host.all, [
    "/bin/true backup",
    "/bin/true any backup",
    "/bin/true fault",
    "/bin/true any fault",
  ]);
  const counts = hooks.status(OWNER).map(({ hook, runs, coalesced }) => [hook, runs, coalesced]);
  assertEquals(counts, [["active", 0, 2], ["any", 2, 3], ["backup", 1, 1], ["fault", 1, 0]]);
});

Deno.test("a state that has come back while its program ran is told again", async () => {
  const { host, hooks } = lab();
  for (const event of ["active", "backup", "active"]) hooks.tell(state(event));
  await finish(host, hooks);
  assertEquals(host.all.filter((argv) => !argv.includes("any")), ["/bin/true active", "/bin/true active"]);
});

Deno.test("a state takes the place of what else waits of it; other topics wait beside each other", async () => {
  const { host, hooks } = lab();
  const about = (topic: string): Occasion => ({ owner: OWNER, topic, event: topic, calls: [call(topic)] });
  for (const topic of ["rs1", "rs2", "rs1", "rs3"]) hooks.tell(about(topic));
  await finish(host, hooks);
  assertEquals(host.all, ["/bin/true rs1", "/bin/true rs2", "/bin/true rs1", "/bin/true rs3"]);
  for (const topic of ["x", "healed", "lower_priority"]) hooks.tell(about(topic));
  hooks.tell({ ...about("state"), outdates: ["healed", "lower_priority"] });
  await finish(host, hooks);
  assertEquals(host.all.slice(4), ["/bin/true x", "/bin/true state"]);
});

Deno.test("100 states a second: order kept, never two at once, the last one told", async () => {
  const { host, hooks } = lab();
  const events = ["backup", "active", "fault"];
  for (let i = 0; i < 1_000; i++) {
    hooks.tell(state(events[i % 3]!));
    assert(host.running.length <= 1);
    if (i % 7 === 0) host.running[0]?.end(0);
    await Promise.resolve();
  }
  await finish(host, hooks);
  assertEquals(host.all.slice(-2), ["/bin/true backup", "/bin/true any backup"]);
  const status = hooks.status(OWNER);
  const sum = status.filter(({ hook }) => hook !== "any").reduce(
    (n, { runs, coalesced }) => n + runs + coalesced,
    0,
  );
  assertEquals(sum, 1_000);
  assertEquals(status.map(({ state }) => state), status.map(() => "idle"));
});

Deno.test("exit code, output and time of the last run are kept; a failure is counted and stops nobody", async () => {
  const { host, hooks } = lab();
  hooks.tell(state("active"));
  assertEquals(hooks.status(OWNER).map(({ hook, state }) => [hook, state]), []);
  hooks.configure(new Map([[OWNER, { active: ["/bin/true"], any: ["/bin/true"] }]]));
  assertEquals(hooks.status(OWNER).map(({ hook, state }) => [hook, state]), [
    ["active", "running"],
    ["any", "waiting"],
  ]);
  host.running[0]!.end(3, "x".repeat(5_000) + "\nno route\n");
  await finish(host, hooks);
  const [active, any] = hooks.status(OWNER);
  assertEquals([active!.runs, active!.failures, any!.runs, any!.failures], [1, 1, 1, 0]);
  assertEquals([active!.last?.exit_code, active!.last?.problem], [3, "exit code 3: no route"]);
  assertEquals(active!.last?.output.length, 1_024);
  assertEquals([any!.last?.exit_code, any!.last?.problem, any!.last?.event], [0, null, "active"]);
});

Deno.test("a program that takes too long is ended, and the next one runs", async () => {
  const { host, hooks } = lab();
  hooks.tell(state("active", OWNER, 20));
  await waitFor("the next", () => host.now.includes("/bin/true any active"), 10_000);
  await hooks.idle();
  const [active] = hooks.status(OWNER);
  assertEquals(active!.last?.exit_code, null);
  assertEquals(active!.last?.problem, "not done within 20 ms");
});

Deno.test("what it is about is made once, when the first program starts", async () => {
  const { host, hooks } = lab();
  let made = 0;
  const told = (event: string): Occasion => ({
    ...state(event),
    input: () => Promise.resolve(`${event} ${++made}`),
  });
  hooks.tell(told("active"));
  hooks.tell(told("backup"));
  hooks.tell(told("fault"));
  await finish(host, hooks);
  const inputs = await Promise.all(host.commands.map(({ stdin }) => stdin));
  assertEquals(inputs, ["active 1", "active 1", "fault 2", "fault 2"]);
});

Deno.test("at the end what has been running has a moment, then the last news has its turn", async () => {
  const { host, hooks } = lab();
  hooks.tell(state("active"));
  hooks.tell(state("stop"));
  const stopped = hooks.stop(20, 30_000);
  await waitFor("the stop", () => host.now.includes("/bin/true any active"), 10_000);
  await finish(host, hooks);
  await stopped;
  assertEquals(host.all.slice(-2), ["/bin/true stop", "/bin/true any stop"]);
});

Deno.test("the end is bounded, whatever programs do", async () => {
  const { host, hooks } = lab();
  hooks.tell(state("active"));
  hooks.tell(state("stop"));
  await hooks.stop(10_000, 20);
  assertEquals(host.running, []);
  const left = hooks.status(OWNER).map(({ hook, coalesced }) => [hook, coalesced]);
  assertEquals(left, [["any", 2], ["stop", 1], ["active", 0]]);
});

Deno.test("what is known goes to the next program; who is gone from the configuration is forgotten", async () => {
  const { host, hooks } = lab();
  hooks.configure(new Map([[OWNER, { active: ["/bin/true"], any: ["/bin/true"] }]]));
  hooks.tell(state("active"));
  await finish(host, hooks, 1);
  const memory = JSON.parse(JSON.stringify(hooks.memory()));
  const next = new Hooks(host, memory);
  assertEquals(next.status(OWNER), hooks.status(OWNER));
  next.configure(new Map([[OWNER, { any: ["/bin/false"] }]]));
  assertEquals(next.status(OWNER).map(({ hook, argv0, runs }) => [hook, argv0, runs]), [[
    "any",
    "/bin/false",
    1,
  ]]);
  next.configure(new Map());
  assertEquals(next.status(OWNER), []);
});

Deno.test("user and group are those of the call", () => {
  const { host, hooks } = lab();
  const calls = [{ ...call("active"), user: "nobody", group: "adm", env: { A: "b" } }];
  hooks.tell({ owner: OWNER, topic: "state", event: "active", calls });
  const { user, group, env } = host.commands[0]!;
  assertEquals([user, group, env], ["nobody", "adm", { A: "b" }]);
  assertMatch(host.all[0]!, /true active/);
  host.running[0]!.end(0);
});

Deno.test("who has been removed is forgotten after its last words", async () => {
  const { host, hooks } = lab();
  hooks.configure(new Map([[OWNER, { any: ["/bin/true"] }]]));
  hooks.configure(new Map());
  hooks.tell(state("deleted"));
  assertEquals(hooks.busy, OWNER);
  await finish(host, hooks);
  assertEquals([host.all.length, hooks.status(OWNER)], [2, []]);
});
