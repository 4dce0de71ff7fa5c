/** Processes and namespaces: pidfd, signals, setns and unshare, execve, mounts. */

import { check, lastErrno, SyscallError } from "./errno.ts";
import { close, open } from "./fd.ts";
import { addressOf, cstring, libc, memory } from "./libc.ts";
import { roundUp } from "./struct.ts";

/**
 * From 424 on, system calls have one number on every architecture; glibc has no wrapper for these before
 * 2.36.
 */
const SYS_pidfd_send_signal = 424;
const SYS_pidfd_open = 434;
export const CLONE_NEWNS = 0x00020000;
export const CLONE_NEWNET = 0x40000000;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_PRIVATE = 1 << 18;
export const MNT_DETACH = 2;
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGUSR2 = 12;
export const SIGTERM = 15;
export const SIGCONT = 18;
export const SIGSTOP = 19;
const PR_SET_PDEATHSIG = 1;
const WNOHANG = 1;
const ECHILD = 10;

/**
 * A descriptor of a process that becomes readable when it ends, and means no other process ever after. ESRCH:
 * none such.
 */
export function pidfd_open(pid: number): number {
  return check("pidfd_open", libc().syscall2(SYS_pidfd_open, pid, 0));
}

/** Signals the process behind a pidfd; ESRCH when it has ended. */
export function pidfd_send_signal(pidfd: number, signal: number): void {
  check("pidfd_send_signal", libc().syscall4(SYS_pidfd_send_signal, pidfd, signal, 0, 0));
}

/** Signals a process; signal 0 only asks whether it is there (ESRCH). */
export function kill(pid: number, signal: number): void {
  check("kill", libc().kill(pid, signal));
}

/**
 * Buries a child that has ended and that this runtime does not know of, because an image before it started
 * it. Any other process stays as it is.
 */
export function reap(pid: number): void {
  if (libc().waitpid(pid, null, WNOHANG) === -1 && lastErrno() !== ECHILD) {
    throw new SyscallError("waitpid", lastErrno());
  }
}

export function getpid(): number {
  return libc().getpid();
}

/** Has the kernel send `signal` to this process when the *thread* that started it ends. Kept over execve. */
export function setParentDeathSignal(signal: number): void {
  check("prctl(PR_SET_PDEATHSIG)", libc().prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0));
}

/**
 * Moves the calling *thread* into a namespace; `nstype` 0 takes any kind. Every other thread of V8 and Deno
 * stays where it is. Seen on Deno 2.7.11: sockets of ffi/, `Deno.listen` and the child of a `Deno.Command`
 * are where the thread that opens them is at that moment, and stay there; `/proc/self/ns/net` is the main
 * thread's, `/proc/thread-self/ns/net` one's own. Work that Deno gives to its thread pool (name resolution,
 * files) is in whatever namespace that thread was started in.
 */
export function setns(fd: number, nstype = 0): void {
  check("setns", libc().setns(fd, nstype));
}

/**
 * Gives the calling thread new namespaces: CLONE_NEWNET, CLONE_NEWNS (EINVAL for others that need a single
 * thread).
 */
export function unshare(flags: number): void {
  check("unshare", libc().unshare(flags));
}

/**
 * The network namespace of a process, of a path such as `/run/netns/a`, or of the calling thread, as a
 * descriptor.
 */
export function openNamespace(pidOrPath: number | string = "/proc/thread-self/ns/net"): number {
  return open(typeof pidOrPath === "number" ? `/proc/${pidOrPath}/ns/net` : pidOrPath);
}

/**
 * Runs `action`, synchronously, with the calling thread in the network namespace `fd`, and comes back
 * whatever happens.
 */
export function inNamespace<T>(fd: number, action: () => T): T {
  const home = openNamespace();
  try {
    setns(fd, CLONE_NEWNET);
    try {
      return action();
    } finally {
      setns(home, CLONE_NEWNET);
    }
  } finally {
    close(home);
  }
}

/**
 * A new network namespace as a descriptor; it exists as long as that, a process or an interface in it does.
 */
export function createNamespace(): number {
  const home = openNamespace();
  try {
    unshare(CLONE_NEWNET);
    try {
      return openNamespace();
    } finally {
      setns(home, CLONE_NEWNET);
    }
  } finally {
    close(home);
  }
}

/**
 * Replaces this process by another program: same pid, same namespaces of this thread, descriptors that are
 * not close-on-exec. Returns only by throwing. `environment` is the whole environment, `NAME=value` each.
 */
export function execve(path: string, argv: readonly string[], environment: readonly string[]): never {
  check(`execve ${path}`, libc().execve(cstring(path), stringArray(argv), stringArray(environment)));
  throw new Error(`execve ${path} returned`);
}

/** mount(2); `type` and `data` only where the kind of mount needs them. */
export function mount(source: string, target: string, flags: number, type?: string, data?: string): void {
  const optionalString = (text: string | undefined): Uint8Array<ArrayBuffer> | null =>
    text === undefined ? null : cstring(text);
  check(
    `mount ${target}`,
    libc().mount(cstring(source), cstring(target), optionalString(type), flags, optionalString(data)),
  );
}

export function umount2(target: string, flags = 0): void {
  check(`umount2 ${target}`, libc().umount2(cstring(target), flags));
}

/**
 * `char *[]`, NULL at the end, with the strings it points to behind it: one block, alive as long as it is
 * passed.
 */
function stringArray(strings: readonly string[]): Uint8Array<ArrayBuffer> {
  const texts = strings.map(cstring);
  const pointersSize = (texts.length + 1) * 8;
  const block = memory(roundUp(pointersSize + texts.reduce((size, text) => size + text.length, 0), 8));
  const pointers = new DataView(block.buffer);
  const base = addressOf(block);
  let at = pointersSize;
  texts.forEach((text, i) => {
    pointers.setBigUint64(i * 8, base + BigInt(at), true);
    block.set(text, at);
    at += text.length;
  });
  return block;
}
