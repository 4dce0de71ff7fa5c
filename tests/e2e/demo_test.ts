/** `vipd demo` with no other program within reach: it measures, and leaves nothing behind however it ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { inNamespace } from "../../ffi/process.ts";
import { openMonitor, receiveNotifications } from "../../ffi/rtnetlink.ts";
import { type Namespace, namespace } from "../ffi/namespace.ts";
import { sleep, waitFor } from "./lab/wait.ts";
import { replayed } from "./lab/meter.ts";
import { vipdCommand } from "./lab/vipd.ts";

/** It takes a quarter of a minute; every scenario has a limit of its own. */
const DEMO_MS_MAX = 150_000;
const GONE_MS_MAX = 15_000;
/** The demo starts five processes: two daemons, two web servers, a client. */
const PROCESSES = 5;

interface Event {
  readonly scenario: string;
  readonly phase: string;
  readonly outage_ms: number;
  readonly limit_ms: number;
  readonly probes: number;
  readonly paused_ms: number;
  readonly served_by: string;
  readonly held_by: readonly string[];
  readonly released_after_ms: number | null;
  readonly reason: string;
  readonly problems: readonly string[];
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A demo that runs in a network namespace of its own, so that what it does to "the host" can be told. */
class Run implements AsyncDisposable {
  readonly host: Namespace = namespace();
  readonly directory = Deno.makeTempDirSync({ prefix: "vipd-e2e-demo-" });
  readonly ended: Promise<Ended>;
  readonly #process: Deno.ChildProcess;

  constructor(...args: string[]) {
    const [program = "", ...before] = vipdCommand();
    const command = new Deno.Command(program, {
      args: [...before, "demo", ...args],
      clearEnv: true,
      env: { PATH: "/nonexistent", TMPDIR: this.directory },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    this.#process = inNamespace(this.host.fd, () => command.spawn());
    this.ended = this.#process.output().then(({ code, stdout, stderr }) => ({
      code,
      stdout: new TextDecoder().decode(stdout),
      stderr: new TextDecoder().decode(stderr),
    }));
  }

  /** Pids of the demo itself and of all that it started: they have inherited its environment. */
  pids(): number[] {
    return pids().filter((pid) => readProc(`${pid}/environ`).includes(`TMPDIR=${this.directory}`));
  }

  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Resolves when all of its processes run, in three namespaces that are neither ours nor the host's. */
  async running(): Promise<void> {
    const home = inNamespace(this.host.fd, () => namespaceOf("thread-self"));
    const inside = (): string[] =>
      this.pids().map(namespaceOf).filter((name) => name !== home && name !== "");
    await waitFor("the demo's processes", () => inside().length >= PROCESSES);
    const namespaces = new Set(inside());
    assertEquals(namespaces.size, 3);
    assert(!namespaces.has(namespaceOf("self")));
  }

  /** No process, no file, no mount: nothing holds a namespace any more, so those are gone too. */
  async gone(): Promise<void> {
    const left = (): string[] => [
      ...this.pids().map((pid) => `process ${pid}: ${readProc(`${pid}/cmdline`)}`),
      ...[...Deno.readDirSync(this.directory)].map(({ name }) => `file ${name}`),
    ];
    const endMs = performance.now() + GONE_MS_MAX;
    while (left().length > 0 && performance.now() < endMs) await sleep(20);
    assertEquals(left(), []);
    assert(!Deno.readTextFileSync("/proc/self/mountinfo").includes(this.directory));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const killing = setTimeout(() => this.signal("SIGKILL"), 0);
    await this.ended;
    clearTimeout(killing);
    // Only after a failure is there anything left.
    for (const pid of this.pids()) Deno.kill(pid, "SIGKILL");
    this.host[Symbol.dispose]();
    await Deno.remove(this.directory, { recursive: true });
  }
}

function pids(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Number.isInteger);
}

function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${path}`).replaceAll("\0", " ");
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
}

/** `net:[4026531840]`, or nothing when the process has ended. */
function namespaceOf(pid: number | string): string {
  try {
    return Deno.readLinkSync(`/proc/${pid}/ns/net`);
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
}

/** ESRCH when it ended just now; a permission may be missing for what is not the demo's. */
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Error && error.message.includes("os error 3");
}

Deno.test("vipd demo --json measures every scenario within its limit and leaves nothing behind", () =>
  replayed(measured));

async function measured(): Promise<void> {
  await using run = new Run("--json");
  using monitor = inNamespace(run.host.fd, openMonitor);
  await run.running();
  const startedMs = performance.now();
  const { code, stdout, stderr } = await run.ended;
  assert(performance.now() - startedMs < DEMO_MS_MAX);
  assertEquals([code, stderr], [0, ""], stdout);
  await run.gone();
  assertEquals(receiveNotifications(monitor), [], "the host's own network was touched");

  const { ok, events } = JSON.parse(stdout) as { ok: boolean; events: Event[] };
  assertEquals(ok, true);
  assertEquals(
    events.map(({ scenario, phase, served_by }) => `${scenario} ${phase} ${served_by}`),
    ["service_dies", "vipd_stopped", "vipd_killed", "cable_pulled", "host_cut_off"].flatMap((scenario) => [
      `${scenario} break node2`,
      `${scenario} mend node1`,
    ]),
  );
  for (const event of events) {
    assertEquals(event.problems, [], JSON.stringify(event));
    assert(
      event.outage_ms <= event.limit_ms && event.probes > 50 && event.reason !== "",
      JSON.stringify(event),
    );
    const isPartition = event.scenario === "host_cut_off" && event.phase === "break";
    assertEquals(event.held_by, isPartition ? ["node1", "node2"] : [event.served_by]);
  }
  const [killed] = events.filter(({ scenario, phase }) => scenario === "vipd_killed" && phase === "break");
  // The lease is 3 s, and was renewed at most one interval before: not at once, and not never.
  const releasedMs = killed?.released_after_ms ?? 0;
  assert(releasedMs > 1000 && releasedMs < 10_000, `the lease ended after ${releasedMs} ms`);
  const silent = events.filter(({ scenario, phase }) => /cable|cut_off/.test(scenario) && phase === "break");
  // Nothing would mean that the client did not notice, and that nothing was broken.
  for (const { outage_ms, paused_ms } of silent) assert(outage_ms + paused_ms > 50, `${outage_ms} ms`);
}

for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGKILL", 137]] as const) {
  Deno.test(`vipd demo leaves nothing behind when ${signal} ends it in the middle`, async () => {
    await using run = new Run();
    await run.running();
    // In the middle of the first scenarios.
    await sleep(3000);
    run.signal(signal);
    const { code, stdout, stderr } = await run.ended;
    assertEquals([code, stderr], [exitCode, ""]);
    assertMatch(stdout, /^node1 \(priority 110\) and node2 \(priority 100\) share 192\.0\.2\.10.*\n/);
    // deno-lint-ignore no-control-regex -- no escape codes in a pipe
    assert(!/[\x00-\x09\x0b-\x1f]/.test(stdout));
    await run.gone();
  });
}

Deno.test("vipd demo fails with a reason, and cleans up, when a part of it is killed", async () => {
  await using run = new Run("--json");
  await run.running();
  const client = run.pids().find((pid) => readProc(`${pid}/cmdline`).includes("--role probe"));
  Deno.kill(client ?? -1, "SIGKILL");
  const { code, stdout, stderr } = await run.ended;
  assertEquals([code, stdout, stderr], [1, "", "vipd demo: the client ended before the demo did\n"]);
  await run.gone();
});

Deno.test("vipd demo without a place for its files is one clear line", async () => {
  await using run = new Run();
  await Deno.writeTextFile(`${run.directory}/file`, "");
  const [program = ""] = vipdCommand();
  const env = { TMPDIR: `${run.directory}/file` };
  const { code, stderr } = await new Deno.Command(program, { args: ["demo"], env }).output();
  assertEquals(code, 1);
  assertMatch(new TextDecoder().decode(stderr), /^vipd demo: cannot make a temporary directory: .*\n$/);
});

Deno.test("vipd demo says what is wrong with a pace that it cannot go", async () => {
  await using run = new Run("--interval", "15ms");
  const { code, stderr } = await run.ended;
  assertEquals(code, 2);
  assertMatch(stderr, /^vipd demo: --interval expects 10ms to 1s in steps of 10 ms, got "15ms"\n/);
});

Deno.test("vipd demo without root is one clear line", async () => {
  const directory = await Deno.makeTempDir({ dir: "/tmp", prefix: "vipd-e2e-demo-" });
  try {
    const [program = ""] = vipdCommand();
    const copy = `${directory}/vipd`;
    await Deno.copyFile(program, copy);
    await Deno.chmod(directory, 0o755);
    const nobody = { uid: 65534, gid: 65534 };
    const { code, stdout, stderr } = await new Deno.Command(copy, { args: ["demo"], ...nobody }).output();
    assertEquals([code, stdout.length], [1, 0]);
    assertEquals(
      new TextDecoder().decode(stderr),
      "vipd demo: cannot make a network of its own: unshare: EPERM: Operation not permitted " +
        "(it needs root; in a container also CAP_SYS_ADMIN and CAP_NET_ADMIN)\n",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
