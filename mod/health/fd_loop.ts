/** Readable file descriptors for the main thread: one poll on another thread, however many there are. */
import { Epoll, pollAsync } from "../../ffi/epoll.ts";
import { close, eventfd, eventfd_read, eventfd_write } from "../../ffi/fd.ts";

/** Runs while it holds descriptors; with none it keeps neither a descriptor nor the process alive. */
export class FdLoop {
  readonly #readers = new Map<number, () => void>();
  #epoll: Epoll | undefined;
  #wakeFd = -1;
  #ended: Promise<void> = Promise.resolve();

  /** Calls `ready` whenever `fd` is readable, until `remove`. */
  add(fd: number, ready: () => void): void {
    if (this.#epoll === undefined) this.#start();
    this.#epoll?.add(fd);
    this.#readers.set(fd, ready);
  }

  /** Call it before closing `fd`. */
  remove(fd: number): void {
    if (!this.#readers.delete(fd)) return;
    this.#epoll?.remove(fd);
    if (this.#readers.size === 0) eventfd_write(this.#wakeFd);
  }

  /** Resolves when the loop, empty by now, has ended. */
  async idle(): Promise<void> {
    await this.#ended;
  }

  #start(): void {
    const epoll = new Epoll();
    this.#epoll = epoll;
    this.#wakeFd = eventfd();
    epoll.add(this.#wakeFd);
    this.#ended = this.#run(epoll);
  }

  async #run(epoll: Epoll): Promise<void> {
    do {
      await pollAsync([epoll.epollFd], Infinity);
      const count = epoll.wait(0);
      const ready = Array.from({ length: count }, (_, index) => epoll.fd(index));
      for (const fd of ready) {
        if (fd === this.#wakeFd) eventfd_read(fd);
        else this.#readers.get(fd)?.();
      }
    } while (this.#readers.size > 0);
    this.#epoll = undefined;
    epoll.close();
    close(this.#wakeFd);
  }
}
