/** Hooks of virtual servers: one after the other for each, whatever they do. */
import { assert, assertEquals } from "@std/assert";
import type { Command, CommandResult, Host } from "../../checks/check.ts";
import { CheckFailed } from "../../checks/check.ts";
import { type Hook, Hooks } from "../../mod/daemon/balancing/hooks.ts";
import { waitFor } from "../e2e/lab/wait.ts";

/** Commands run until they are told to end; the test sees what runs. */
class Runner {
  readonly running: { command: Command; end(code: number): void }[] = [];
  readonly commands: Command[] = [];

  readonly host = {
    run: (command: Command, signal: AbortSignal): Promise<CommandResult> => {
      this.commands.push(command);
      const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
      const run = {
        command,
        end: (code: number) => this.#end(run, () => resolve({ code, signal: null, output: "" })),
      };
      this.running.push(run);
      signal.addEventListener("abort", () => this.#end(run, () => reject(signal.reason)));
      return promise;
    },
  } as unknown as Host;

  #end(run: Runner["running"][number], settle: () => void): void {
    this.running.splice(this.running.indexOf(run), 1);
    settle();
  }
}

function notify(hooks: Hooks, virtualServer: string, hook: Hook, timeout = 10_000, reason = "because"): void {
  const config = { timeout, up: ["/bin/true", virtualServer], down: ["/bin/true"], quorum_up: ["/no/such"] };
  hooks.notify({ virtualServer, hook, realServer: "rs1", reason, config });
}

Deno.test("hooks of one virtual server run one after the other, those of two beside each other", async () => {
  const runner = new Runner();
  const hooks = new Hooks(runner.host);
  notify(hooks, "web", "up");
  notify(hooks, "web", "down");
  notify(hooks, "dns", "up");
  const events = (): string[] =>
    runner.running.map(({ command: { env = {} } }) => `${env["VIPD_VIRTUAL_SERVER"]} ${env["VIPD_EVENT"]}`);
  assertEquals(events(), ["web up", "dns up"]);
  assertEquals(hooks.busy, "web");
  assertEquals(runner.running[0]!.command, {
    argv: ["/bin/true", "web"],
    env: {
      VIPD_VIRTUAL_SERVER: "web",
      VIPD_EVENT: "up",
      VIPD_REASON: "because",
      VIPD_REAL_SERVER: "rs1",
    },
  });
  runner.running[0]!.end(1); // A failure does not keep the next from running.
  await waitFor("the next", () => events().includes("web down"), 10_000);
  for (const { end } of [...runner.running]) end(0);
  await hooks.idle();
  assertEquals(hooks.busy, undefined);
  notify(hooks, "web", "up");
  runner.running[0]!.end(0);
  await hooks.idle();
  assertEquals(runner.commands.length, 4);
});

Deno.test("a hook that takes too long is ended, one that is not asked for is not run", async () => {
  const runner = new Runner();
  const hooks = new Hooks(runner.host);
  notify(hooks, "web", "up", 20);
  notify(hooks, "web", "quorum_down");
  await hooks.idle();
  assertEquals([runner.commands.length, runner.running.length], [1, 0]);
});

Deno.test("a program that cannot be started is told and forgotten", async () => {
  const host = { run: () => Promise.reject(new CheckFailed("there is no user nobody")) } as unknown as Host;
  const hooks = new Hooks(host);
  notify(hooks, "web", "up");
  await hooks.idle();
  assertEquals(hooks.busy, undefined);
});

Deno.test("changes that come faster than their hooks run do not fill the memory, and the last are told", async () => {
  const runner = new Runner();
  const hooks = new Hooks(runner.host);
  for (let change = 0; change < 100; change++) notify(hooks, "web", "down", 10_000, String(change));
  const reasons: (string | undefined)[] = [];
  const end = (): void => {
    const [run] = runner.running;
    if (run === undefined) return;
    reasons.push(run.command.env?.["VIPD_REASON"]);
    run.end(0);
  };
  await waitFor("all of them", () => (end(), hooks.busy === undefined), 10_000, 1);
  assert(reasons.length < 50, `${reasons.length} of 100 ran`);
  assertEquals([reasons[0], reasons.at(-1)], ["0", "99"]);
});
