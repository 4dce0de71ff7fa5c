/** The HTTP half of the demo's client: a fresh connection for every page, none of them waited for. */
import { monotonicMs } from "../../ffi/clock.ts";
import { type Epoll, EPOLLIN, EPOLLOUT } from "../../ffi/epoll.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { close, read, write } from "../../ffi/fd.ts";
import { AF_INET, connect, SOCK_STREAM, socket } from "../../ffi/socket.ts";
import { PAGE_INTERVAL_MS, PAGE_TIMEOUT_MS, VIRTUAL_ADDRESS } from "./plan.ts";
import type { Asked } from "./samples.ts";

const REQUEST = new TextEncoder().encode(
  `GET / HTTP/1.1\r\nHost: ${VIRTUAL_ADDRESS}\r\nConnection: close\r\n\r\n`,
);

interface Page {
  readonly sentMs: number;
  asked: boolean;
  answer: string;
}

export class Pages {
  readonly #epoll: Epoll;
  readonly #server: Uint8Array;
  readonly #open = new Map<number, Page>();
  readonly #buffer = new Uint8Array(2048);
  readonly #decoder = new TextDecoder();
  #decided: Asked[] = [];
  #askAtMs = 0;

  constructor(epoll: Epoll, server: Uint8Array) {
    this.#epoll = epoll;
    this.#server = server;
  }

  /** Gives up what takes too long, and asks anew when it is time. */
  tick(nowMs: number): void {
    if (nowMs < this.#askAtMs) return;
    this.#askAtMs = nowMs + PAGE_INTERVAL_MS;
    for (const [fd, page] of this.#open) {
      if (nowMs - page.sentMs > PAGE_TIMEOUT_MS) this.#decide(fd, page, null);
    }
    this.#ask();
  }

  /** A connection is established, has something to read, or has failed. */
  ready(fd: number): void {
    const page = this.#open.get(fd);
    if (page === undefined) return;
    try {
      if (page.asked) this.#read(fd, page);
      else this.#write(fd, page);
    } catch (error) {
      // Refused, reset, no route: a page that was not served.
      if (!(error instanceof SyscallError)) throw error;
      this.#decide(fd, page, null);
    }
  }

  /** The pages that were served or not since this was last called. */
  decided(): Asked[] {
    const decided = this.#decided;
    this.#decided = [];
    return decided;
  }

  #ask(): void {
    const fd = socket(AF_INET, SOCK_STREAM);
    const page = { sentMs: monotonicMs(), asked: false, answer: "" };
    this.#open.set(fd, page);
    this.#epoll.add(fd, EPOLLOUT);
    try {
      connect(fd, this.#server);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code !== "EINPROGRESS") this.#decide(fd, page, null);
    }
  }

  #write(fd: number, page: Page): void {
    write(fd, REQUEST);
    page.asked = true;
    this.#epoll.modify(fd, EPOLLIN);
  }

  #read(fd: number, page: Page): void {
    const length = read(fd, this.#buffer);
    if (length > 0) {
      page.answer += this.#decoder.decode(this.#buffer.subarray(0, length));
      return;
    }
    const [head = "", body = ""] = page.answer.split("\r\n\r\n", 2);
    this.#decide(fd, page, head.startsWith("HTTP/1.1 200 ") ? body.trim() : null);
  }

  #decide(fd: number, { sentMs }: Page, node: string | null): void {
    this.#decided.push({ sentMs, node });
    this.#open.delete(fd);
    this.#epoll.remove(fd);
    close(fd);
  }
}
