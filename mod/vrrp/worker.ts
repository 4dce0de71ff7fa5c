/**
 * The VRRP thread. It waits synchronously in epoll, so that nothing but the engine ever runs while something
 * is due; only when the main thread has posted messages does it let its event loop turn until they have been
 * delivered (the eventfd's counter says how many those are), and once after each renewal of leases.
 */
import { monotonicMs } from "../../ffi/clock.ts";
import { Epoll } from "../../ffi/epoll.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { eventfd_read, timerfd_create, timerfd_settime_at } from "../../ffi/fd.ts";
import { BackgroundRtnetlink } from "../../ffi/netlink_background.ts";
import { openMonitor, openRtnetlink } from "../../ffi/rtnetlink.ts";
import { trimHeap } from "../../ffi/sched.ts";
import { PROC_SYS } from "../kernel/sysctl.ts";
import { Engine } from "./engine.ts";
import type { Command, EngineEvent, EngineStart } from "./messages.ts";
import { becomePunctual } from "./realtime.ts";

/** So long packets may gather, when many of them come. A backup waits far longer before it takes over. */
const REST_MS = 1;

/** What Deno gives a worker's global scope; its types are not in the default library. */
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<EngineStart | Command>) => void) | null;
  postMessage(message: EngineEvent): void;
};

/** Messages that arrived and were not yet waited for, and whoever waits for the next one. */
const mail = { delivered: 0, wake: (): void => {} };

/** From this thread to itself. */
const turnstile = new MessageChannel();

scope.onmessage = ({ data }): void => {
  if (data.type !== "start") throw new Error(`Cannot take ${data.type} before start`);
  void turn(data);
};

async function turn(start: EngineStart): Promise<void> {
  const warnings = becomePunctual(start.realtime);
  const epoll = new Epoll();
  const timer = timerfd_create();
  const pressing = new Epoll();
  for (const fd of [timer, start.mailFd]) {
    epoll.add(fd);
    pressing.add(fd);
  }
  epoll.add(start.pulseFd);
  const heartbeat = new Int32Array(start.heartbeat);
  const opened = openEngine(epoll, start);
  if (opened === null) return;
  const { engine, renewals } = opened;
  let isFresh = true;
  scope.onmessage = ({ data }): void => {
    // Once, before there is any service that a pause could disturb: what is inherited is one already.
    if (isFresh && data.type === "inherit") trimHeap();
    if (data.type !== "start") engine.command(data);
    if (isFresh && data.type === "configure") trimHeap();
    if (data.type === "inherit" || data.type === "configure") isFresh = false;
    mail.delivered++;
    mail.wake();
  };
  scope.postMessage({ type: "running", realtime: start.realtime && warnings.length === 0, warnings });

  let armedMs = Infinity;
  for (;;) {
    // Packets may gather meanwhile. A deadline ends the rest, a message from the main thread too.
    if (engine.mayRest(monotonicMs())) pressing.wait(REST_MS);
    // None: this process was stopped and goes on. What was heard meanwhile comes before what is due.
    const count = epoll.wait(Infinity) || epoll.wait(0);
    heartbeat[0] = (heartbeat[0] ?? 0) + 1;
    let messages = 0;
    for (let i = 0; i < count; i++) {
      const fd = epoll.fd(i);
      // It is armed anew below, which also takes what it has counted.
      if (fd === timer) armedMs = NaN;
      else if (fd === start.mailFd) messages = eventfd_read(start.mailFd);
      else if (fd === start.pulseFd) eventfd_read(start.pulseFd);
      else engine.ready(fd);
    }
    if (messages > 0) await delivery(messages);
    engine.tick(monotonicMs());
    if (renewals.owesTurn()) await eventLoopTurn();
    const deadlineMs = engine.deadlineMs();
    // One that moves later is not worth a call each time: the timer then fires early, and is armed anew.
    if (deadlineMs >= armedMs) continue;
    timerfd_settime_at(timer, deadlineMs);
    armedMs = deadlineMs;
  }
}

interface Opened {
  readonly engine: Engine;
  readonly renewals: BackgroundRtnetlink;
}

/** Null when the kernel refuses a socket: that is no bug, and needs no stack trace. */
function openEngine(epoll: Epoll, { startupDelayMs }: EngineStart): Opened | null {
  try {
    const renewals = new BackgroundRtnetlink();
    const engine = new Engine({
      epoll,
      netlink: openRtnetlink(),
      renewals,
      monitor: openMonitor({ deafTo: renewals.portId }),
      now: monotonicMs,
      readyAtMs: monotonicMs() + startupDelayMs,
      parameters: PROC_SYS,
      post: (event) => scope.postMessage(event),
    });
    return { engine, renewals };
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    scope.postMessage({ type: "failed", message: error.message });
    return null;
  }
}

/** Lets the event loop turn once, and waits for nothing: a message to itself is there already. */
function eventLoopTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  turnstile.port1.onmessage = (): void => resolve();
  turnstile.port2.postMessage(null);
  return promise;
}

/** Lets the event loop turn until `messages` more have been handled. */
async function delivery(messages: number): Promise<void> {
  mail.delivered -= messages;
  while (mail.delivered < 0) {
    await new Promise<void>((resolve) => {
      mail.wake = resolve;
    });
  }
}
