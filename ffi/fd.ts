/** File descriptors: open, read, write, pipes, eventfd and timerfd. */

import { CLOCK_MONOTONIC, timespec } from "./clock.ts";
import { check, EAGAIN, EINTR, lastErrno, orErrno, SyscallError } from "./errno.ts";
import { buffer, cstring, libc } from "./libc.ts";
import { struct } from "./struct.ts";

/** struct itimerspec, timerfd_create(2) */
export const itimerspec = struct({ it_interval: timespec, it_value: timespec });

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const EFD_SEMAPHORE = 1;
export const EFD_NONBLOCK = O_NONBLOCK;
export const EFD_CLOEXEC = O_CLOEXEC;
const TFD_TIMER_ABSTIME = 1;

/** Opens a path, O_CLOEXEC always. */
export function open(path: string, flags = O_RDONLY, mode = 0): number {
  return check(`open ${path}`, libc().open(cstring(path), flags | O_CLOEXEC, mode));
}

/** Closes `fd`. EINTR counts as closed: Linux has released the number by then. */
export function close(fd: number): void {
  if (libc().close(fd) === -1 && lastErrno() !== EINTR) throw new SyscallError("close", lastErrno());
}

/** Reads at most `bytes.length` octets; the count, 0 at the end. Throws EAGAIN too. */
export function read(fd: number, bytes: Uint8Array): number {
  return check("read", libc().read(fd, buffer(bytes), bytes.length));
}

/** As {@link read}, but a failure is the answer -errno. */
export function tryRead(fd: number, bytes: Uint8Array): number {
  return orErrno(libc().read(fd, buffer(bytes), bytes.length));
}

/** Writes `bytes`; how many went out. */
export function write(fd: number, bytes: Uint8Array): number {
  return check("write", libc().write(fd, buffer(bytes), bytes.length));
}

/** As {@link write}, but a failure is the answer -errno. */
export function tryWrite(fd: number, bytes: Uint8Array): number {
  return orErrno(libc().write(fd, buffer(bytes), bytes.length));
}

/** Makes a named pipe; the mode is what umask(2) leaves of it. */
export function mkfifo(path: string, mode: number): void {
  check(`mkfifo ${path}`, libc().mkfifo(cstring(path), mode));
}

/** A pipe, close-on-exec: what is written to `write` comes out of `read`. */
export function pipe2(flags: number = O_CLOEXEC | O_NONBLOCK): { read: number; write: number } {
  const ends = new Int32Array(2);
  check("pipe2", libc().pipe2(ends, flags));
  return { read: ends[0] ?? -1, write: ends[1] ?? -1 };
}

/**
 * A file in memory that nobody else can open and that ends with its last descriptor. Not close-on-exec,
 * unlike everything else here: it is there to be handed over execve(2). `/proc/self/fd/N` reads `memfd:NAME`.
 */
export function memfd_create(name: string): number {
  return check("memfd_create", libc().memfd_create(cstring(name), 0));
}

/** A counter that another thread can bump to wake an epoll. */
export function eventfd(initial = 0, flags: number = EFD_NONBLOCK | EFD_CLOEXEC): number {
  return check("eventfd", libc().eventfd(initial, flags));
}

const word = new Uint32Array(2);
const wordBytes = new Uint8Array(word.buffer);

/** Adds `n` (below 2^32). */
export function eventfd_write(fd: number, n = 1): void {
  word[0] = n;
  word[1] = 0;
  check("write eventfd", libc().write(fd, wordBytes, 8));
}

/** Takes the count and resets it; 0 when there was none. */
export function eventfd_read(fd: number): number {
  return readCount("read eventfd", fd);
}

/** A disarmed CLOCK_MONOTONIC timer. */
export function timerfd_create(): number {
  return check("timerfd_create", libc().timerfd_create(CLOCK_MONOTONIC, O_NONBLOCK | O_CLOEXEC));
}

const timer = new Uint32Array(itimerspec.size / 4);
const timerBytes = new Uint8Array(timer.buffer);
const secondsAt = itimerspec.offsets.it_value / 4;
const nanosecondsAt = secondsAt + timespec.offsets.tv_nsec / 4;

/** Fires once, `ms` from now (fractional); at once when it is <= 0, never when it is Infinity. */
export function timerfd_settime(fd: number, ms: number): void {
  arm(fd, 0, ms);
}

/**
 * Fires once when `monotonicMs()` reaches `atMs`, at once when that has passed, never when it is Infinity.
 */
export function timerfd_settime_at(fd: number, atMs: number): void {
  arm(fd, TFD_TIMER_ABSTIME, atMs);
}

/** How often the timer fired since it was last read or armed; 0 when it did not. */
export function timerfd_read(fd: number): number {
  return readCount("read timerfd", fd);
}

function arm(fd: number, flags: number, ms: number): void {
  // All zero disarms, so "now" is the smallest time that is not zero.
  const nanoseconds = ms === Infinity ? 0 : Math.max(1, Math.round(Math.max(0, ms % 1000) * 1e6));
  // 2^32-1 s is the most that fits in the low word: later than any deadline that means something.
  timer[secondsAt] = ms === Infinity || ms <= 0 ? 0 : Math.min(Math.floor(ms / 1000), 0xffffffff);
  timer[nanosecondsAt] = Math.min(nanoseconds, 999_999_999);
  check("timerfd_settime", libc().timerfd_settime(fd, flags, timerBytes, null));
}

function readCount(call: string, fd: number): number {
  if (libc().read(fd, wordBytes, 8) !== -1) return (word[0] ?? 0) + (word[1] ?? 0) * 2 ** 32;
  const number = lastErrno();
  if (number === EAGAIN || number === EINTR) return 0;
  throw new SyscallError(call, number);
}
