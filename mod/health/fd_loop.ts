/** File descriptors of the main thread that become ready: one wait on another thread for all of them. */
import { Epoll, EPOLLIN, pollAsync } from "../../ffi/epoll.ts";
import { close, eventfd, eventfd_read, eventfd_write } from "../../ffi/fd.ts";

/** Takes EPOLLIN, EPOLLERR, ... */
export type Ready = (events: number) => void;

/** The set is kept for so long without a descriptor, as making it costs more than some connections. */
const lingerMs = 1000;
/** So many descriptors that are waited for are worth waiting right here for a moment. */
const many = 4;
/** Who is told that a descriptor is ready has closed it, if that was all, within so many microtasks. */
const settlingTurns = 40;

/** With no descriptor it keeps none of its own for long, and does not keep the process alive. */
export class FdLoop {
  readonly #patienceMs: number;
  readonly #readers = new Map<number, Ready>();
  #epoll: Epoll | undefined;
  #wakeFd = -1;
  #settling: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  #isFresh = false;
  #lingerTimer: number | undefined;
  #emptied: (() => void)[] = [];

  /**
   * Another thread's wait costs as much as several checks. With patience this thread itself stands still, if
   * many descriptors are new, for at most so many milliseconds: most answers of a near network come by then.
   */
  constructor(patienceMs = 0) {
    this.#patienceMs = patienceMs;
  }

  /**
   * Calls `ready` whenever `fd` is readable, or whatever else `events` asks for, until `remove` or `close`.
   * The call may come without a reason: what it does must not block.
   */
  add(fd: number, ready: Ready, events: number = EPOLLIN): void {
    const epoll = this.#epoll ?? this.#start();
    epoll.add(fd, events);
    this.#readers.set(fd, ready);
    this.#isFresh = true;
    this.#settling ??= this.#settle();
  }

  /** For a descriptor that somebody else closes; call it before that. */
  remove(fd: number): void {
    if (!this.#readers.delete(fd)) return;
    this.#epoll?.remove(fd);
    this.#tellIfEmpty();
  }

  /** Closes a descriptor that was added, which takes it out of the set. */
  close(fd: number): void {
    this.#readers.delete(fd);
    close(fd);
    this.#tellIfEmpty();
  }

  /** Resolves when no descriptor is left and nothing waits for one any more. */
  async idle(): Promise<void> {
    if (this.#readers.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
    await this.#settling;
    if (this.#waiting !== undefined) eventfd_write(this.#wakeFd);
    await this.#waiting;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    this.#end();
  }

  #tellIfEmpty(): void {
    if (this.#readers.size > 0) return;
    for (const tell of this.#emptied) tell();
    this.#emptied = [];
    this.#linger();
  }

  /** Looks once all of this turn have been added: a connection to this machine is there already by then. */
  async #settle(): Promise<void> {
    await undefined;
    this.#look(0);
    await this.#settled();
    const endMs = performance.now() + this.#patienceMs;
    for (let leftMs = this.#patienceMs; leftMs > 0 && this.#isFresh && this.#readers.size >= many;) {
      this.#look(leftMs);
      await this.#settled();
      leftMs = endMs - performance.now();
    }
    this.#isFresh = false;
    this.#settling = undefined;
    if (this.#readers.size > 0) this.#waiting ??= this.#wait();
  }

  /** Until who has been told has done with it what can be done now. */
  async #settled(): Promise<void> {
    for (let turn = 0; turn < settlingTurns; turn++) await undefined;
  }

  /** Calls for what is ready now, or within so many milliseconds. */
  #look(waitMs: number): void {
    const count = this.#epoll?.wait(waitMs) ?? 0;
    // Before any of them is called: it may close another one, whose number the next descriptor gets.
    const due: { ready: Ready; fd: number; events: number }[] = [];
    for (let i = 0; i < count; i++) {
      const fd = this.#epoll?.fd(i) ?? -1;
      const ready = this.#readers.get(fd);
      if (ready !== undefined) due.push({ ready, fd, events: this.#epoll?.events(i) ?? 0 });
      else if (fd === this.#wakeFd) eventfd_read(fd);
    }
    for (const { ready, fd, events } of due) {
      if (this.#readers.get(fd) === ready) ready(events);
    }
  }

  async #wait(): Promise<void> {
    if (this.#epoll !== undefined) await pollAsync([this.#epoll.epollFd], Infinity);
    this.#waiting = undefined;
    await this.#settle();
  }

  #linger(): void {
    if (this.#lingerTimer !== undefined || this.#epoll === undefined) return;
    this.#lingerTimer = setTimeout(() => {
      this.#lingerTimer = undefined;
      if (this.#readers.size > 0) return;
      if (this.#waiting === undefined) this.#end();
      else eventfd_write(this.#wakeFd);
    }, lingerMs);
  }

  #start(): Epoll {
    const epoll = new Epoll(256);
    this.#epoll = epoll;
    this.#wakeFd = eventfd();
    epoll.add(this.#wakeFd);
    return epoll;
  }

  /** Not while another thread waits, nor while somebody may still add to it. */
  #end(): void {
    if (this.#epoll === undefined || this.#waiting !== undefined || this.#readers.size > 0) return;
    this.#epoll.close();
    this.#epoll = undefined;
    close(this.#wakeFd);
  }
}
