/** The role of the client: asks the virtual address by UDP every ms and by HTTP, prints who answers. */
import { monotonicMs } from "../../ffi/clock.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { Epoll } from "../../ffi/epoll.ts";
import { timerfd_create, timerfd_read, timerfd_settime_at } from "../../ffi/fd.ts";
import { processors, runOn } from "../../ffi/sched.ts";
import { AF_INET, Receiver, SOCK_DGRAM, sockaddr, socket, trySendto } from "../../ffi/socket.ts";
import { parseAddress } from "../wire/address.ts";
import { Pages } from "./pages.ts";
import { PORT, PROBE_INTERVAL_MS, PROBE_TIMEOUT_MS } from "./plan.ts";
import { type Asked, formatReport } from "./samples.ts";

const FLUSH_MS = 20;
const SEQUENCE_OCTETS = 4;

/**
 * `VIRTUAL_ADDRESS DIRECTORY`. Prints a line as samples.ts has it every 20 ms, until nobody reads them. It
 * asks from every processor in turn: where the machine itself stands still, as a virtual one does that its
 * host lets wait, this client pauses too, and that is not taken for an outage.
 */
export function probe([virtualAddress = "", directory = ""]: readonly string[]): number {
  const server = sockaddr(parseAddress(virtualAddress) ?? new Uint8Array(0), PORT);
  const epoll = new Epoll();
  const timer = timerfd_create();
  epoll.add(timer);
  const datagrams = new Datagrams(epoll, server);
  const pages = new Pages(epoll, server);
  const places = new Turns();
  let [probeAtMs, flushAtMs] = [monotonicMs(), monotonicMs() + FLUSH_MS];
  while (true) {
    timerfd_settime_at(timer, probeAtMs);
    const count = epoll.wait(Infinity);
    for (let i = 0; i < count; i++) {
      const fd = epoll.fd(i);
      if (fd === timer) timerfd_read(timer);
      else if (fd === datagrams.fd) datagrams.receive();
      else pages.ready(fd);
    }
    const nowMs = monotonicMs();
    if (nowMs >= probeAtMs) {
      datagrams.send();
      pages.tick(nowMs);
      places.next();
      // What was missed while this process was not running is not made up for.
      probeAtMs = Math.max(probeAtMs + PROBE_INTERVAL_MS, nowMs);
    }
    if (nowMs >= flushAtMs) {
      flushAtMs = nowMs + FLUSH_MS;
      if (!print(formatReport({ probes: datagrams.decided(nowMs), pages: pages.decided() }))) break;
    }
  }
  // The demo was killed before it could clean up; its directory is all that a process leaves behind.
  Deno.removeSync(directory, { recursive: true });
  return 1;
}

/** The processors, in turn; where they cannot be chosen, whichever the kernel chooses. */
class Turns {
  readonly #processors = unlessRefused(processors) ?? [];
  #count = 0;

  /** Goes on when the next processor lets it. */
  next(): void {
    const processor = this.#processors[this.#count++ % this.#processors.length];
    if (processor !== undefined) unlessRefused(() => runOn(processor));
  }
}

/** Null where the kernel or a sandbox refuses it. */
function unlessRefused<T>(call: () => T): T | null {
  try {
    return call();
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
}

/** The datagrams that were sent and not yet decided, oldest first. */
class Datagrams {
  readonly fd: number;
  readonly #server: Uint8Array;
  readonly #receiver: Receiver;
  readonly #question = new Uint8Array(SEQUENCE_OCTETS);
  readonly #decoder = new TextDecoder();
  #open: { sentMs: number; node: string | null }[] = [];
  #first = 0;

  constructor(epoll: Epoll, server: Uint8Array) {
    this.#server = server;
    this.fd = socket(AF_INET, SOCK_DGRAM);
    this.#receiver = new Receiver(this.fd, 64);
    epoll.add(this.fd);
  }

  send(): void {
    new DataView(this.#question.buffer).setUint32(0, this.#first + this.#open.length);
    this.#open.push({ sentMs: monotonicMs(), node: null });
    // What cannot even be sent is a lost probe like any other.
    trySendto(this.fd, this.#question, this.#server);
  }

  receive(): void {
    for (let length = this.#receiver.receive(); length >= 0; length = this.#receiver.receive()) {
      const { buffer } = this.#receiver;
      const probe = this.#open[new DataView(buffer.buffer).getUint32(0) - this.#first];
      if (probe !== undefined) probe.node ??= this.#decoder.decode(buffer.subarray(SEQUENCE_OCTETS, length));
    }
  }

  /** Those whose time is over; each is returned once. */
  decided(nowMs: number): Asked[] {
    const undecided = this.#open.findIndex(({ sentMs }) => sentMs > nowMs - PROBE_TIMEOUT_MS);
    const decided = this.#open.splice(0, undecided < 0 ? this.#open.length : undecided);
    this.#first += decided.length;
    return decided;
  }
}

/** False when the reader is gone. */
function print(line: string): boolean {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  }
}
