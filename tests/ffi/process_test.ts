/** Processes and namespaces: pidfd, signals, which thread a namespace moves, execve into one, bind mounts. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { pollAsync } from "../../ffi/epoll.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { close } from "../../ffi/fd.ts";
import { libc } from "../../ffi/libc.ts";
import * as p from "../../ffi/process.ts";
import { listLinks, openRtnetlink } from "../../ffi/rtnetlink.ts";
import { namespace } from "./namespace.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const here = new URL(".", import.meta.url).pathname;

Deno.test("pidfd: readable the moment its process ends, useless afterwards", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const pidfd = p.pidfd_open(child.pid);
  try {
    assertEquals(await pollAsync([pidfd], 10), []);
    const ending = pollAsync([pidfd], 60_000);
    p.pidfd_send_signal(pidfd, p.SIGKILL);
    const startMs = performance.now();
    assertEquals(await ending, [pidfd]);
    assert(performance.now() - startMs < 20_000);
    assertEquals((await child.status).signal, "SIGKILL");
    assertThrows(() => p.pidfd_send_signal(pidfd, p.SIGTERM), SyscallError, "pidfd_send_signal: ESRCH");
    assertThrows(() => p.pidfd_open(child.pid), SyscallError, "pidfd_open: ESRCH");
  } finally {
    close(pidfd);
  }
});

Deno.test("kill: 0 asks whether a process is there", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  p.kill(child.pid, 0);
  p.kill(child.pid, p.SIGTERM);
  assertEquals((await child.status).signal, "SIGTERM");
  assertThrows(() => p.kill(child.pid, 0), SyscallError, "kill: ESRCH");
  assertEquals(p.getpid(), Deno.pid);
});

Deno.test("namespaces: only the calling thread moves, for the time of the action, even when it throws", () => {
  using net = namespace();
  const inode = (): string => Deno.readLinkSync("/proc/thread-self/ns/net");
  const home = inode();
  const inside = net.run(inode);
  assert(inside !== home);
  assertEquals(inode(), home);
  assertEquals(net.run(() => listOwnLinks()), ["lo"]);
  assertThrows(() => net.run(() => p.kill(-999_999, 0)), SyscallError);
  assertEquals(inode(), home);
  // The test runner's thread is not the first of its process, and that one stayed at home.
  assertEquals(net.run(() => Deno.readLinkSync(`/proc/${Deno.pid}/ns/net`)), home);
});

Deno.test("namespaces: a socket stays in the namespace that it was opened in", () => {
  using net = namespace();
  const nl = net.run(() => openRtnetlink());
  try {
    assertEquals(listLinks(nl).map(({ name }) => name), ["lo"]);
  } finally {
    nl.close();
  }
});

Deno.test("namespaces: by path and by pid; bound to a file they outlive their descriptors", async () => {
  const file = await Deno.makeTempFile({ prefix: "vipd-netns-" });
  const fd = p.createNamespace();
  try {
    p.mount(`/proc/self/fd/${fd}`, file, p.MS_BIND);
    const bound = p.openNamespace(file);
    try {
      assertEquals(p.inNamespace(bound, listOwnLinks), ["lo"]);
    } finally {
      close(bound);
    }
  } finally {
    close(fd);
    p.umount2(file, p.MNT_DETACH);
    await Deno.remove(file);
  }
  const home = p.openNamespace(Deno.pid);
  assert(p.inNamespace(home, listOwnLinks).includes("lo"));
  close(home);
  assertThrows(() => p.openNamespace("/nowhere"), SyscallError, "open /nowhere: ENOENT");
});

Deno.test("namespaces: a child that Deno.Command starts inside is inside", async () => {
  using net = namespace();
  const child = net.run(() =>
    new Deno.Command("readlink", { args: ["/proc/self/ns/net"], stdout: "piped" }).spawn()
  );
  const { stdout } = await child.output();
  const inside = net.run(() => Deno.readLinkSync("/proc/thread-self/ns/net"));
  assertEquals(new TextDecoder().decode(stdout).trim(), inside);
});

Deno.test("namespaces: a listener of Deno's own is inside too, when this thread opened it", () => {
  using net = namespace();
  const listener = net.run(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const port = listener.addr.transport === "tcp" ? listener.addr.port : 0;
  const listening = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
  const isOpen = (): boolean => Deno.readTextFileSync("/proc/thread-self/net/tcp").includes(listening);
  try {
    assertEquals([net.run(isOpen), isOpen()], [true, false]);
  } finally {
    listener.close();
  }
});

Deno.test("execve: a process moves into a namespace and becomes another program, with the same pid", async () => {
  using net = namespace();
  const inside = net.run(() => Deno.readLinkSync("/proc/thread-self/ns/net"));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${here}execve_child.ts`, `/proc/${Deno.pid}/fd/${net.fd}`],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { stdout, stderr, success } = await child.output();
  assertEquals([new TextDecoder().decode(stderr), success], ["", true]);
  const [pid, netns, first, second, environment] = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals([pid, netns, first, second], [String(child.pid), inside, "one", "two words, ü"]);
  assertEquals(environment, "MARK=set");
});

Deno.test("execve: throws when there is no such program", () => {
  assertThrows(() => p.execve("/nowhere", ["x"], []), SyscallError, "execve /nowhere: ENOENT");
});

Deno.test("parent death signal: the child of a process that is killed ends too", async () => {
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${here}death_parent.ts`],
    stdout: "piped",
  }).spawn();
  const output = parent.stdout.getReader();
  const { value } = await output.read();
  const childPid = Number(new TextDecoder().decode(value));
  assert(childPid > 0);
  const pidfd = p.pidfd_open(childPid);
  try {
    assertEquals(await pollAsync([pidfd], 50), []);
    p.kill(parent.pid, p.SIGKILL);
    assertEquals(await pollAsync([pidfd], 5000), [pidfd]);
  } finally {
    close(pidfd);
    await output.cancel();
    await parent.status;
  }
});

function listOwnLinks(): string[] {
  using nl = openRtnetlink();
  return listLinks(nl).map(({ name }) => name);
}
