/** The systemd check against a stand-in for systemctl that prints what systemctl prints. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseUnit, systemd } from "../../checks/systemd.ts";
import { LinuxHost } from "../../mod/health/host.ts";
import { verdict } from "./verdict.ts";

/** `systemctl show` of systemd 252, with these properties and arguments. */
function saying(lines: string): string[] {
  return ["sh", "-c", `printf '%s\\n' '${lines.replaceAll(" ", "\n")}'`];
}

const active = "LoadState=loaded ActiveState=active SubState=running Result=success MainPID=0";

const rows: [name: string, lines: string, options: Record<string, unknown>, verdict: string][] = [
  ["active", active, {}, "pass: app is active (running)"],
  ["reloading", active.replace("active", "reloading"), {}, "pass: app is reloading (running)"],
  [
    "failed",
    "LoadState=loaded ActiveState=failed SubState=failed Result=exit-code MainPID=0",
    {},
    "app is failed (failed): exit-code",
  ],
  [
    "being started again",
    "LoadState=loaded ActiveState=activating SubState=auto-restart Result=signal MainPID=0",
    {},
    "app is activating (auto-restart): signal",
  ],
  ["no such unit", "LoadState=not-found ActiveState=inactive SubState=dead", {}, "there is no unit app"],
  ["exited, but running is wanted", active.replace("running", "exited"), {
    sub_states: ["running"],
  }, "app is active (exited), expected running"],
  ["another state is wanted", active, { states: ["inactive"] }, "app is active (running)"],
  ["nonsense", "hello", {}, "systemctl does not tell the unit's state"],
  // Hidden from us, or a mistake: systemd is believed after half a second.
  ["an unknown process", active.replace("PID=0", "PID=4194305"), {}, "pass: app is active (running)"],
];

for (const [name, lines, options, expected] of rows) {
  Deno.test(`systemd: ${name}`, async () => {
    assertEquals(await verdict(systemd, { unit: "app", systemctl: saying(lines), ...options }), expected);
  });
}

Deno.test("systemd: what systemctl is asked, and what it says when there is no systemd", async () => {
  const systemctl = ["sh", "-c", 'echo "$0 $*"; echo "Failed to connect to bus" >&2; exit 1'];
  assertEquals(
    await verdict(systemd, { unit: "app@1.service", systemctl }),
    "systemctl: exit code 1: Failed to connect to bus",
  );
  const echo = ["sh", "-c", 'echo "ActiveState=active"; echo "SubState=$0 $*"'];
  assertEquals(
    await verdict(systemd, { unit: "app@1.service", systemctl: echo }),
    "pass: app@1.service is active (show --no-pager " +
      "--property=LoadState,ActiveState,SubState,Result,MainPID app@1.service)",
  );
});

Deno.test("systemd: a name that would be an option is refused", () => {
  for (const unit of ["--all", "-x", "a b", "a;b", ""]) {
    assert(!systemd.options.safeParse({ unit }).success, unit);
  }
  for (const unit of ["nginx", "getty@tty1.service", "dev-disk-by\\x2dlabel.swap"]) {
    assert(systemd.options.safeParse({ unit }).success, unit);
  }
});

Deno.test("systemd: the last word of a property counts; a state is needed", () => {
  assertEquals(parseUnit("ActiveState=active\nMainPID=12\nMainPID=-3\n").mainPid, 0);
  assertThrows(() => parseUnit("LoadState=loaded"));
});

Deno.test("systemd: the death of the main process is reported at once", async () => {
  await using child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const host = new LinuxHost();
  const context = { name: "app", host };
  const options = systemd.options.parse({
    unit: "app",
    systemctl: saying(active.replace("PID=0", `PID=${child.pid}`)),
  });
  const abort = new AbortController();
  const { promise: reported, resolve } = Promise.withResolvers<boolean | undefined>();
  const watch = systemd.watch?.(context, options, abort.signal, resolve);
  assertEquals(await systemd.probe(context, options, abort.signal), "app is active (running)");
  child.kill("SIGKILL");
  // The runner then looks at once: only systemd knows what has become of the unit.
  assertEquals(await reported, undefined);
  abort.abort();
  await watch;
  await host.idle();
  await child.status;
});

Deno.test("systemd: a unit that is started again and again leaves nothing behind", async () => {
  const abort = new AbortController();
  const listeners = countListeners(abort.signal);
  const output = active.replace("PID=0", "PID=7").replaceAll(" ", "\n");
  let reported = Promise.withResolvers<void>();
  const host = {
    run: () => Promise.resolve({ code: 0, signal: null, output }),
    process: (pid: number) => ({ pid, startTime: 1, name: "app" }),
    processExit: () => Promise.resolve(),
  } as unknown as LinuxHost;
  const options = systemd.options.parse({ unit: "app" });
  const watch = systemd.watch?.({ name: "app", host }, options, abort.signal, () => reported.resolve());
  for (let lives = 0; lives < 5; lives++) {
    reported = Promise.withResolvers<void>();
    await systemd.probe({ name: "app", host }, options, abort.signal);
    await reported.promise;
  }
  assert(listeners() <= 1, `${listeners()} listeners`);
  abort.abort();
  await watch;
});

/** How many it has that were not taken away again. */
function countListeners(signal: AbortSignal): () => number {
  let count = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count--;
    remove(...args);
  };
  return () => count;
}
