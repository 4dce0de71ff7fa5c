/** The host's services: commands, processes, pidfd, links. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CheckFailed, type Process } from "../../checks/check.ts";
import { close } from "../../ffi/fd.ts";
import { createNamespace, openNamespace, setns } from "../../ffi/process.ts";
import { addLink, listLinks, openRtnetlink, removeLink, setLink } from "../../ffi/rtnetlink.ts";
import { LinuxHost } from "../../mod/health/host.ts";
import { findAccount } from "../../checks/account.ts";
import { sleep } from "../../mod/sleep.ts";
import { config, Recorder, until } from "./recorder.ts";

const host = new LinuxHost();
const endless = new AbortController().signal;

function alive(pid: number): Process {
  const process = host.process(pid);
  if (process === undefined) throw new Error(`process ${pid} is not alive`);
  return process;
}

function shell(
  script: string,
  user?: string,
): Promise<{ code: number | null; signal: string | null; output: string }> {
  return host.run({ argv: ["/bin/sh", "-c", script], ...(user === undefined ? {} : { user }) }, endless);
}

/** A short command in this thread's network namespace. */
function run(command: string): void {
  const [program = "", ...args] = command.split(" ");
  const { success, stderr } = new Deno.Command(program, { args }).outputSync();
  assert(success, `${command}: ${new TextDecoder().decode(stderr)}`);
}

function networkOf(pid: number): string {
  return Deno.readLinkSync(`/proc/${pid}/ns/net`);
}

Deno.test("host.run: exit code, signal, both outputs", async () => {
  assertEquals(await shell("echo out; exit 3"), { code: 3, signal: null, output: "out\n" });
  assertEquals(await shell("echo err >&2"), { code: 0, signal: null, output: "err\n" });
  assertEquals(await shell("kill -9 $$"), { code: null, signal: "SIGKILL", output: "" });
});

Deno.test("host.run: the environment is clean, stdin empty, the directory /", async () => {
  Deno.env.set("VIPD_TEST_SECRET", "1");
  const { output } = await shell("env | cut -d= -f1 | sort | tr '\\n' ' '; pwd; cat");
  Deno.env.delete("VIPD_TEST_SECRET");
  assertEquals(output, "HOME LANG PATH PWD /\n");
});

Deno.test("host.run: output is the tail of at most 4 KiB", async () => {
  const { output } = await shell("seq 1 100000");
  assertEquals(output.length, 4096);
  assert(output.endsWith("\n99999\n100000\n"));
});

Deno.test("host.run: as another user, by name or uid, without root's groups", async () => {
  const { uid, gid } = findAccount({ user: "nobody" }) ?? { uid: -1, gid: -1 };
  const ids = `${uid} ${gid} ${gid}\n`;
  assertEquals((await shell("echo $(id -u) $(id -g) $(id -G)", "nobody")).output, ids);
  assertEquals((await shell("id -u", "12345")).output, "12345\n");
  await assertRejects(() => shell("id -u", "no-such-user"), CheckFailed, "there is no user no-such-user");
});

Deno.test("host.run: with a group that is given, and with all groups of a user who has several", async () => {
  // In a mount namespace of its own, where the user nobody is a member of two more groups.
  const groups = Deno.makeTempFileSync();
  Deno.writeTextFileSync(groups, "root:x:0:\ndaemon:x:1:root,nobody\nbin:x:2:nobody\naudio:x:29:\n");
  const child = new URL("groups_child.ts", import.meta.url).pathname;
  const script = `mount --bind ${groups} /etc/group && exec ${Deno.execPath()} run -A --no-check ${child}`;
  const { stdout, stderr } = await new Deno.Command("unshare", { args: ["-m", "sh", "-c", script] }).output();
  Deno.removeSync(groups);
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  assertEquals(
    text(stdout).split("\n"),
    ["65534 65534 65534 1 2 nobody", "65534 29 29 1 2 nobody", "65534 1 1 2 nobody", "0 29 29 root", ""],
    text(stderr),
  );
});

Deno.test("host.run: what it is told on its standard input, read or not", async () => {
  const text = `{"name":"ä"}\n`;
  const run = (script: string, stdin: string): Promise<{ output: string }> =>
    host.run({ argv: ["/bin/sh", "-c", script], stdin }, endless);
  assertEquals((await run("cat", text)).output, text);
  assertEquals((await run("cat", "")).output, "");
  const long = "x".repeat(1_000_000);
  assertEquals((await run("wc -c", long)).output.trim(), "1000000");
  assertEquals((await run("echo unread", long)).output, "unread\n");
  assertEquals((await run("exec <&-; sleep 0.05; echo closed", long)).output, "closed\n");
  const abort = new AbortController();
  const stuck = host.run({ argv: ["/bin/sleep", "60"], stdin: long }, abort.signal);
  setTimeout(() => abort.abort(new Error("enough")), 50);
  await assertRejects(() => stuck, Error, "enough");
});

Deno.test("host.run: a program that others could change by now is not run", async () => {
  const directory = Deno.makeTempDirSync({ dir: "/run" });
  Deno.chmodSync(directory, 0o755);
  const script = `${directory}/x`;
  Deno.writeTextFileSync(script, `#!/bin/sh\necho ran\n`, { mode: 0o755 });
  const command = { argv: [script] };
  assertEquals((await host.run(command, endless)).output, "ran\n");
  Deno.chmodSync(script, 0o757);
  await assertRejects(
    () => host.run(command, endless),
    CheckFailed,
    `not run: ${script} is writable by everybody`,
  );
  Deno.chmodSync(script, 0o755);
  Deno.chmodSync(directory, 0o777);
  await assertRejects(() => host.run(command, endless), CheckFailed, `${directory} is writable by everybody`);
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("host.run: a thousand runs, ended in every way, leave no child and no descriptor", async () => {
  const count = (): number => [...Deno.readDirSync("/proc/self/fd")].length;
  const children = (): string => Deno.readTextFileSync("/proc/thread-self/children").trim();
  const before = count();
  const ways = ["exit 0", "exit 3", "kill -9 $$", "sleep 60", "echo out; echo err >&2", "cat >/dev/null"];
  const once = async (i: number): Promise<void> => {
    const way = ways[i % ways.length] ?? "";
    const limit = way === "sleep 60" ? AbortSignal.timeout(20) : endless;
    const stdin = i % 2 === 0 ? { stdin: "something" } : {};
    await host.run({ argv: ["/bin/sh", "-c", `exec ${way}`], ...stdin }, limit).catch(() => undefined);
  };
  for (let i = 0; i < 1000; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => once(i + k)));
  assertEquals(children(), "");
  await until(() => count() <= before, `${count()} descriptors, ${before} before`);
});

Deno.test("host.run: what cannot be started says why", async () => {
  const run = (program: string): Promise<unknown> => host.run({ argv: [program] }, endless);
  await assertRejects(() => run("/no/such"), CheckFailed, "not run: /no does not exist");
  await assertRejects(
    () => run("no-such-program"),
    CheckFailed,
    "no-such-program is not found in /usr/local/sbin:",
  );
});

Deno.test("host.run: each program leads a session and a process group of its own", async () => {
  for (const user of [undefined, "nobody"]) {
    const { output } = await shell("echo $$; cut -d' ' -f5,6 /proc/$$/stat", user);
    const [pid, group, session] = output.trim().split(/\s/);
    assertEquals([group, session], [pid, pid]);
  }
});

Deno.test("host.run: an abort that comes at once ends it as well", async () => {
  for (let i = 0; i < 20; i++) {
    const abort = new AbortController();
    const run = host.run({ argv: ["/bin/sleep", "60"] }, abort.signal);
    abort.abort(new Error("enough"));
    await assertRejects(() => run, Error, "enough");
  }
});

Deno.test("host.run: an abort ends the whole group, also what ignores TERM", async () => {
  const mark = `vipd-test-${crypto.randomUUID()}`;
  const script =
    `trap '' TERM; sh -c "trap '' TERM; sleep 60; : ${mark}" & echo started; wait; sleep 60; : ${mark}`;
  const abort = new AbortController();
  const marked = (): Process[] => host.processes({ commandLine: (line) => line.includes(mark) });
  const run = host.run({ argv: ["/bin/sh", "-c", script] }, abort.signal);
  await until(() => marked().length === 2, "not started");
  abort.abort(new Error("enough"));
  await assertRejects(() => run, Error, "enough");
  assertEquals(marked(), []);
});

Deno.test("host.run: a grandchild that keeps the output open does not hold the result up", async () => {
  const startMs = performance.now();
  const { output } = await shell("sleep 5 & echo $!");
  const elapsedMs = performance.now() - startMs;
  Deno.kill(Number(output), "SIGKILL");
  assert(elapsedMs < 4500, `${elapsedMs}`);
});

Deno.test("host.process: alive, its start time, zombies and strangers", async () => {
  const child = new Deno.Command("/bin/sleep", { args: ["60"] }).spawn();
  await until(() => host.process(child.pid)?.comm === "sleep", "not started");
  const process = alive(child.pid);
  assertEquals(host.commandLine(process), "/bin/sleep 60");
  assertEquals(host.process(2 ** 22 + 1), undefined);
  assert(process.startTime > alive(Deno.pid).startTime);
  const all = host.processes({ commandLine: () => true }).map(({ pid }) => pid);
  assertEquals([all.includes(child.pid), all.includes(Deno.pid)], [true, false]);

  const exit = host.processExit(process, endless);
  const killedMs = performance.now();
  child.kill("SIGKILL");
  await exit;
  assert(performance.now() - killedMs < 5000);
  await child.status;
  // Another process with that pid is not the one that was meant.
  await host.processExit({ pid: Deno.pid, startTime: 1, comm: "deno" }, endless);
  await host.idle();
});

Deno.test("host.process: a zombie is dead", async () => {
  // The shell becomes a sleep that does not know of its child and never waits for it.
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", "sleep 0.05 & echo $!; exec sleep 60"],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value));
  const isZombie = (): boolean => Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") Z ");
  await until(isZombie, "no zombie");
  assertEquals(host.process(pid), undefined);
  assertEquals(host.processes({ comm: "sleep" }).filter((process) => process.pid === pid), []);
  child.kill("SIGKILL");
  await reader.cancel();
  await child.status;
});

Deno.test("host.processExit: an abort leaves nothing behind", async () => {
  const child = new Deno.Command("/bin/sleep", { args: ["60"] }).spawn();
  const process = alive(child.pid);
  const before = [...Deno.readDirSync("/proc/self/fd")].length;
  const abort = new AbortController();
  const exits = [1, 2, 3].map(() => host.processExit(process, abort.signal));
  await sleep(20);
  abort.abort();
  await Promise.all(exits);
  await host.idle();
  assertEquals([...Deno.readDirSync("/proc/self/fd")].length, before);
  child.kill("SIGKILL");
  await child.status;
});

Deno.test("host.processes: a container's processes only when asked for", async () => {
  const name = `vt${crypto.randomUUID().slice(0, 8)}`;
  const path = `${Deno.makeTempDirSync()}/${name}`;
  Deno.copyFileSync("/bin/sleep", path);
  const args = ["--pid", "--fork", "--kill-child", path, "60"];
  const child = new Deno.Command("unshare", { args }).spawn();
  await until(() => host.processes({ comm: name, containers: true }).length === 1, "not started");
  assertEquals(host.processes({ comm: name }), []);
  child.kill("SIGKILL");
  await child.status;
  await until(() => host.processes({ comm: name, containers: true }).length === 0, "it stays");
  Deno.removeSync(path);
});

Deno.test("interface check: absent, down, up, carrier, gone: told by netlink", async () => {
  const home = openNamespace();
  const namespace = createNamespace();
  setns(namespace);
  const socket = openRtnetlink();
  try {
    await using recorder = new Recorder();
    recorder.monitor.configure({ link: config("interface", { interface: "vt0" }, { interval: 60_000 }) });
    recorder.monitor.start();
    assertEquals((await recorder.next()).reason, "there is no interface vt0");
    addLink(socket, { kind: "veth", name: "vt0", peer: { name: "vt1" } });
    const index = (name: string): number => listLinks(socket).find((link) => link.name === name)?.index ?? 0;
    await sleep(20);
    assertEquals(recorder.monitor.status()[0]?.state, "down");
    setLink(socket, index("vt0"), { up: true });
    await sleep(20);
    assertEquals(recorder.monitor.status()[0]?.state, "down");
    setLink(socket, index("vt1"), { up: true });
    assertEquals((await recorder.next()).reason, "up and running");
    await sleep(20);
    setLink(socket, index("vt1"), { up: false });
    const cut = await recorder.next();
    assertEquals([cut.to, cut.reason], ["down", "vt0 has no carrier"]);
    setLink(socket, index("vt1"), { up: true });
    assertEquals((await recorder.next()).to, "up");
    await sleep(20);
    setLink(socket, index("vt0"), { up: false });
    assertEquals((await recorder.next()).reason, "vt0 is administratively down");
    setLink(socket, index("vt0"), { up: true });
    assertEquals((await recorder.next()).to, "up");
    await sleep(20);
    removeLink(socket, index("vt0"));
    // Removal sets it down first; either is true at the moment of looking.
    assertStringIncludes((await recorder.next()).reason, "vt0");
  } finally {
    socket.close();
    setns(home);
    close(home);
    close(namespace);
  }
});

Deno.test("interface check: a lost carrier is seen at the next look although the kernel tells of it late", async () => {
  const home = openNamespace();
  const namespace = createNamespace();
  const far = new Deno.Command("unshare", { args: ["-n", "sleep", "30"] }).spawn();
  await until(() => networkOf(far.pid) !== networkOf(Deno.pid), "no namespace");
  setns(namespace);
  try {
    // A veth whose ends have the same index is to the kernel as hardware: not urgent.
    run(`ip link add vt0 index 900 type veth peer name vt1 index 900 netns ${far.pid}`);
    run("ip link set vt0 up");
    const cable = (state: string): void => run(`nsenter -t ${far.pid} -n ip link set vt1 ${state}`);
    cable("up");
    await using recorder = new Recorder();
    recorder.monitor.configure({ link: config("interface", { interface: "vt0" }, { interval: 50 }) });
    recorder.monitor.start();
    if ((await recorder.next()).to === "down") await recorder.next();
    const seenMs: number[] = [];
    for (let i = 0; i < 4; i++) {
      const cutMs = performance.now();
      cable("down");
      const { monotonicMs, reason } = await recorder.next();
      assertEquals(reason, "vt0 has no carrier");
      seenMs.push(monotonicMs - cutMs);
      cable("up");
      assertEquals((await recorder.next()).to, "up");
    }
    // The kernel takes a second each time; a busy host may be late now and then.
    assert(Math.min(...seenMs) < 500, `seen after ${seenMs} ms`);
  } finally {
    setns(home);
    close(home);
    close(namespace);
    far.kill();
    await far.status;
  }
});

Deno.test("process check: quorum, death pushed, birth polled", async () => {
  const name = `vt${crypto.randomUUID().slice(0, 8)}`;
  const directory = Deno.makeTempDirSync();
  Deno.copyFileSync("/bin/sleep", `${directory}/${name}`);
  const start = (): Deno.ChildProcess => new Deno.Command(`${directory}/${name}`, { args: ["60"] }).spawn();
  const stop = async (child: Deno.ChildProcess): Promise<void> => {
    child.kill("SIGKILL");
    await child.status;
  };
  const children = [start(), start(), start()];
  await until(() => host.processes({ comm: name }).length === 3, "not started");
  await using recorder = new Recorder();
  recorder.monitor.configure({ it: config("process", { process: name, minimum: 2 }, { interval: 60_000 }) });
  recorder.monitor.start();
  assertEquals((await recorder.next()).reason, "3 processes alive");
  await stop(children.pop() ?? start());
  await sleep(50);
  assertEquals(recorder.changes.length, 1);
  children.at(-1)?.kill("SIGKILL");
  const down = await recorder.next();
  assertEquals(down.reason, "1 of at least 2 processes alive");
  await children.pop()?.status;
  children.push(start());
  assertEquals((await recorder.next()).reason, "2 processes alive");
  for (const child of children) await stop(child);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("process check: what is seen counts after fork_delay and terminate_delay", async () => {
  const name = `vt${crypto.randomUUID().slice(0, 8)}`;
  const directory = Deno.makeTempDirSync();
  Deno.copyFileSync("/bin/sleep", `${directory}/${name}`);
  const start = (): Deno.ChildProcess => new Deno.Command(`${directory}/${name}`, { args: ["60"] }).spawn();
  const first = start();
  await until(() => host.processes({ comm: name }).length === 1, "not started");
  await using recorder = new Recorder();
  const delays = { fork_delay: "400ms", terminate_delay: "600ms" };
  recorder.monitor.configure({ it: config("process", { process: name, ...delays }, { interval: 60_000 }) });
  recorder.monitor.start();
  // What is there at the start counts at once.
  assertEquals((await recorder.next()).reason, "1 process alive");
  await sleep(20);
  const killedMs = performance.now();
  first.kill("SIGKILL");
  await first.status;
  const down = await recorder.next();
  assert(down.monotonicMs - killedMs >= 590, `${down.monotonicMs - killedMs} ms`);
  assertEquals([down.to, down.reason], ["down", "0 of at least 1 process alive"]);
  const startedMs = performance.now();
  const second = start();
  const up = await recorder.next();
  assert(up.monotonicMs - startedMs >= 390, `${up.monotonicMs - startedMs} ms`);
  // A restart that is quicker than the delay is none.
  const patient = { process: name, terminate_delay: "60s" };
  await using other = new Recorder();
  other.monitor.configure({ it: config("process", patient, { interval: 60_000 }) });
  other.monitor.start();
  assertEquals((await other.next()).to, "up");
  await sleep(20);
  second.kill("SIGKILL");
  await second.status;
  const third = start();
  await until(() => host.processes({ comm: name }).length === 1, "not started");
  await sleep(300);
  assertEquals(other.changes.length, 1);
  third.kill("SIGKILL");
  await third.status;
  Deno.removeSync(directory, { recursive: true });
});
