/** Waiting for file descriptors: epoll for a thread's loop, poll on another thread for the main thread. */

import { check, EINTR, lastErrno, SyscallError } from "./errno.ts";
import { close, O_CLOEXEC } from "./fd.ts";
import { libc } from "./libc.ts";
import { i16, i32, struct, u32, u64 } from "./struct.ts";

/**
 * struct epoll_event, epoll_ctl(2): packed on x86-64 only, so that 32-bit programs see the same layout there.
 */
export const epoll_event = struct({ events: u32, data: u64 }, { packed: Deno.build.arch === "x86_64" });

/** struct pollfd, poll(2) */
export const pollfd = struct({ fd: i32, events: i16, revents: i16 });

export const EPOLLIN = 0x001;
export const EPOLLPRI = 0x002;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 0x80000000;
const POLLIN = 0x001;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

/** The set of descriptors that one loop waits for. Nothing is allocated by a wait. */
export class Epoll implements Disposable {
  /** The epoll descriptor itself; readable (for {@link pollAsync}) while a member is. */
  readonly epollFd: number;
  readonly #maxEvents: number;
  readonly #ready: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #change = new Uint8Array(epoll_event.size);
  readonly #changeView = new DataView(this.#change.buffer);

  constructor(maxEvents = 64) {
    this.epollFd = check("epoll_create1", libc().epoll_create1(O_CLOEXEC));
    this.#maxEvents = maxEvents;
    this.#ready = new Uint8Array(maxEvents * epoll_event.size);
    this.#view = new DataView(this.#ready.buffer);
  }

  add(fd: number, events: number = EPOLLIN): void {
    this.#control("epoll_ctl add", EPOLL_CTL_ADD, fd, events);
  }

  modify(fd: number, events: number): void {
    this.#control("epoll_ctl modify", EPOLL_CTL_MOD, fd, events);
  }

  /** Call it before `close(fd)`; a descriptor that was closed for good leaves the set by itself. */
  remove(fd: number): void {
    this.#control("epoll_ctl remove", EPOLL_CTL_DEL, fd, 0);
  }

  /**
   * Blocks this thread for at most `timeoutMs` (rounded up to whole milliseconds; Infinity for ever) until a
   * descriptor is ready. Returns how many are; 0 after the timeout or a signal.
   */
  wait(timeoutMs: number): number {
    const timeout = timeoutMs === Infinity ? -1 : Math.min(Math.max(0, Math.ceil(timeoutMs)), 0x7fffffff);
    const count = libc().epoll_wait(this.epollFd, this.#ready, this.#maxEvents, timeout);
    if (count !== -1) return count;
    const number = lastErrno();
    if (number === EINTR) return 0;
    throw new SyscallError("epoll_wait", number);
  }

  /** Descriptor of the i-th ready event of the last wait. */
  fd(i: number): number {
    return this.#view.getInt32(i * epoll_event.size + epoll_event.offsets.data, true);
  }

  /** EPOLLIN, EPOLLERR, ... of the i-th ready event of the last wait. */
  events(i: number): number {
    return this.#view.getUint32(i * epoll_event.size + epoll_event.offsets.events, true);
  }

  close(): void {
    close(this.epollFd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #control(call: string, operation: number, fd: number, events: number): void {
    this.#changeView.setUint32(epoll_event.offsets.events, events, true);
    this.#changeView.setInt32(epoll_event.offsets.data, fd, true);
    check(call, libc().epoll_ctl(this.epollFd, operation, fd, this.#change));
  }
}

/**
 * The descriptors that are readable, hung up or in error, as soon as one is; empty after `timeoutMs`
 * (Infinity: for ever). The wait runs on a thread of Deno's pool and cannot be cancelled: give it a timeout,
 * or an eventfd among `fds`, and close no descriptor that is still waited for. For many descriptors put them
 * in an Epoll and wait for its `epollFd`.
 */
export async function pollAsync(fds: readonly number[], timeoutMs: number): Promise<number[]> {
  const set = pollSet(fds);
  const timeout = timeoutMs === Infinity ? -1 : Math.min(Math.max(0, Math.ceil(timeoutMs)), 0x7fffffff);
  const count = await libc().pollOnAnotherThread(set, fds.length, timeout);
  // That thread's errno is out of reach. It was a signal, unless asking again here, without waiting, fails as
  // well.
  if (count === -1) check("poll", libc().poll(set, fds.length, 0));
  return readyFds(fds, set);
}

/** Blocks this thread until `fd` is readable, hung up or in error; false after `timeoutMs`. */
export function waitReadable(fd: number, timeoutMs: number): boolean {
  const set = pollSet([fd]);
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(0, Math.ceil(endMs - performance.now()));
    const count = libc().poll(set, 1, leftMs);
    if (count !== -1) return count > 0;
    if (lastErrno() !== EINTR) throw new SyscallError("poll", lastErrno());
    if (leftMs === 0) return false;
  }
}

function pollSet(fds: readonly number[]): Uint8Array<ArrayBuffer> {
  const set = new Uint8Array(fds.length * pollfd.size);
  fds.forEach((fd, i) => pollfd.encode({ fd, events: POLLIN }, set.subarray(i * pollfd.size)));
  return set;
}

function readyFds(fds: readonly number[], set: Uint8Array): number[] {
  return fds.filter((_, i) => pollfd.decode(set.subarray(i * pollfd.size)).revents !== 0);
}
