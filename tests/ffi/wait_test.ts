/** Waiting: epoll with timerfd and eventfd, poll beside the main thread, the clock. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { monotonicMs } from "../../ffi/clock.ts";
import { Epoll, EPOLLIN, EPOLLOUT, pollAsync, waitReadable } from "../../ffi/epoll.ts";
import { SyscallError } from "../../ffi/errno.ts";
import * as fd from "../../ffi/fd.ts";
import { libc } from "../../ffi/libc.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

Deno.test("epoll: tells which descriptors are ready, timerfd and eventfd", () => {
  using epoll = new Epoll(4);
  const timer = fd.timerfd_create();
  const event = fd.eventfd();
  try {
    epoll.add(timer);
    epoll.add(event);
    assertEquals(epoll.wait(0), 0);

    fd.eventfd_write(event, 3);
    fd.eventfd_write(event, 4);
    assertEquals([epoll.wait(Infinity), epoll.fd(0), epoll.events(0)], [1, event, EPOLLIN]);
    assertEquals([fd.eventfd_read(event), fd.eventfd_read(event), epoll.wait(0)], [7, 0, 0]);

    fd.timerfd_settime(timer, -5);
    fd.eventfd_write(event);
    assertEquals(epoll.wait(1000), 2);
    assertEquals(new Set([epoll.fd(0), epoll.fd(1)]), new Set([timer, event]));
    assertEquals([fd.timerfd_read(timer), fd.timerfd_read(timer)], [1, 0]);

    epoll.remove(event);
    assertEquals(epoll.wait(0), 0);
    epoll.add(event, EPOLLIN | EPOLLOUT);
    assertEquals([epoll.wait(0), epoll.events(0)], [1, EPOLLIN | EPOLLOUT]);
    epoll.modify(event, EPOLLOUT);
    assertEquals([epoll.wait(0), epoll.events(0)], [1, EPOLLOUT]);
    assertThrows(() => epoll.add(event), SyscallError, "epoll_ctl add: EEXIST");
  } finally {
    fd.close(timer);
    fd.close(event);
  }
});

Deno.test("timerfd: wakes after fractions of a millisecond, never early", () => {
  using epoll = new Epoll();
  const timer = fd.timerfd_create();
  try {
    epoll.add(timer);
    for (const ms of [0.05, 0.5, 2.25, 12.5]) {
      const startMs = monotonicMs();
      fd.timerfd_settime(timer, ms);
      assertEquals(epoll.wait(1000), 1);
      const tookMs = monotonicMs() - startMs;
      assert(tookMs >= ms && tookMs < 5000, `${ms} ms took ${tookMs} ms`);
      assertEquals(fd.timerfd_read(timer), 1);
    }
  } finally {
    fd.close(timer);
  }
});

Deno.test("timerfd: at a moment of monotonicMs(), also one that has passed; Infinity disarms", () => {
  const timer = fd.timerfd_create();
  try {
    const atMs = monotonicMs() + 20.5;
    fd.timerfd_settime_at(timer, atMs);
    assert(waitReadable(timer, 1000));
    assert(monotonicMs() >= atMs);
    fd.timerfd_settime_at(timer, atMs);
    assert(waitReadable(timer, 1000));
    fd.timerfd_settime_at(timer, 0);
    assert(waitReadable(timer, 1000));
    for (const disarm of [fd.timerfd_settime, fd.timerfd_settime_at]) {
      disarm(timer, Infinity);
      assertEquals([waitReadable(timer, 5), fd.timerfd_read(timer)], [false, 0]);
    }
  } finally {
    fd.close(timer);
  }
});

Deno.test("timerfd: far deadlines do not wrap around", () => {
  const timer = fd.timerfd_create();
  try {
    for (const ms of [999.9999999, 1e9, 1e13, Number.MAX_SAFE_INTEGER]) {
      fd.timerfd_settime(timer, ms);
      assertEquals(waitReadable(timer, 2), false);
    }
  } finally {
    fd.close(timer);
  }
});

Deno.test("epoll: waits at least its timeout", () => {
  using epoll = new Epoll();
  const startMs = monotonicMs();
  assertEquals(epoll.wait(4.2), 0);
  assert(monotonicMs() - startMs >= 4.2);
});

Deno.test("pollAsync: leaves the main thread free, and tells what is ready", async () => {
  const pipe = fd.pipe2();
  const event = fd.eventfd();
  try {
    assertEquals(await pollAsync([pipe.read, event], 5), []);
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 1);
    const ready = pollAsync([pipe.read, event], 5000);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert(ticks > 0);
    clearInterval(ticking);
    fd.write(pipe.write, Uint8Array.of(1));
    assertEquals(await ready, [pipe.read]);
    fd.eventfd_write(event);
    assertEquals(await pollAsync([pipe.read, event], Infinity), [pipe.read, event]);
    const bytes = new Uint8Array(4);
    assertEquals([fd.read(pipe.read, bytes), bytes[0]], [1, 1]);
  } finally {
    fd.close(pipe.read);
    fd.close(pipe.write);
    fd.close(event);
  }
});

Deno.test("pollAsync: an Epoll is one descriptor for many", async () => {
  using epoll = new Epoll();
  const event = fd.eventfd();
  try {
    epoll.add(event);
    fd.eventfd_write(event);
    assertEquals(await pollAsync([epoll.epollFd], 1000), [epoll.epollFd]);
    assertEquals([epoll.wait(0), epoll.fd(0)], [1, event]);
  } finally {
    fd.close(event);
  }
});

Deno.test("clock: counts what performance.now() counts", () => {
  const began = [performance.now(), monotonicMs(), performance.now()] as const;
  assertEquals(waitReadable(fdNeverReady(), 20), false);
  const ended = [performance.now(), monotonicMs(), performance.now()] as const;
  // Between the two looks beside it, however long a busy host makes them.
  const [least, counted, most] = [ended[0] - began[2], ended[1] - began[1], ended[2] - began[0]];
  assert(counted > least - 1 && counted < most + 1, `${least} ${counted} ${most} ms`);
});

/** A new eventfd that nobody writes; closed when the test process ends. */
function fdNeverReady(): number {
  return fd.eventfd();
}
