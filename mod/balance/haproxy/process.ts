/**
 * A running haproxy master: our child, or one that a vipd before us has left, known by pidfd and never by
 * name.
 */
import { ESRCH, SyscallError } from "../../../ffi/errno.ts";
import { close } from "../../../ffi/fd.ts";
import { waitReadable } from "../../../ffi/epoll.ts";
import { pidfd_open, pidfd_send_signal, reap } from "../../../ffi/process.ts";
import { sleep } from "../../sleep.ts";
import { readIfThere } from "./files.ts";
import type { Paths } from "./text.ts";

/** How soon it is seen that a process which is not our child has ended. */
const LOOK_MS = 500;
const POLL_MS = 10;
const EXECUTES_MS = 1_000;

export class Process {
  readonly pid: number;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;
  readonly #pidfd: number;
  readonly #end = Promise.withResolvers<void>();
  readonly #timer: number;
  /** Started by this very program, so that the runtime buries it. */
  readonly #isOurs: boolean;
  #isGone = false;

  private constructor(pid: number, pidfd: number, isOurs: boolean) {
    this.pid = pid;
    this.#isOurs = isOurs;
    this.#pidfd = pidfd;
    this.ended = this.#end.promise;
    this.#timer = setInterval(() => this.isAlive, LOOK_MS);
  }

  /** Its output goes to a file, which stays when vipd does not; no signal of our terminal reaches it. */
  static start(program: string, paths: Paths): Process {
    const { log, configuration, master, pid } = paths;
    const args = ["-W", "-f", configuration, "-S", `${master},mode,600`, "-p", pid];
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", 'exec "$@" >>"$0" 2>&1', log, program, ...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      clearEnv: true,
      detached: true,
    }).spawn();
    const started = new Process(child.pid, pidfd_open(child.pid), true);
    // Somebody else has buried it: then it has ended as well.
    child.status.then(() => started.#finish(), () => started.#finish());
    child.unref();
    return started;
  }

  /** The master that runs with this configuration already, if any. */
  static async find(paths: Paths): Promise<Process | null> {
    const pid = Number(readIfThere(paths.pid).trim());
    const pidfd = Number.isInteger(pid) && pid > 1 ? tryOpen(pid) : null;
    if (pidfd === null) return null;
    // Looked at with the pidfd in hand: it is the process that the words belong to.
    const words = await wordsOf(pid);
    if (words.includes("-W") && words[words.indexOf("-f") + 1] === paths.configuration) {
      return new Process(pid, pidfd, false);
    }
    close(pidfd);
    return null;
  }

  get isAlive(): boolean {
    if (!this.#isGone && waitReadable(this.#pidfd, 0)) this.#finish();
    return !this.#isGone;
  }

  signal(signal: number): void {
    if (!this.isAlive) return;
    try {
      pidfd_send_signal(this.#pidfd, signal);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.#finish();
    }
  }

  /** Whether it has ended in this time. */
  async endsWithin(ms: number): Promise<boolean> {
    const untilMs = performance.now() + ms;
    while (this.isAlive && performance.now() < untilMs) await sleep(POLL_MS);
    return !this.isAlive;
  }

  /** Lets go of it; it goes on. */
  release(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearInterval(this.#timer);
    close(this.#pidfd);
  }

  #finish(): void {
    if (this.#isGone) return;
    this.release();
    // After an upgrade in place it is our child all the same, and nobody else would bury it.
    if (!this.#isOurs) reap(this.pid);
    this.#end.resolve();
  }
}

function tryOpen(pid: number): number | null {
  try {
    return pidfd_open(pid);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ESRCH) return null;
    throw error;
  }
}

/** Its arguments. A master executes itself anew after each start and reload, and for a moment it has none. */
async function wordsOf(pid: number): Promise<string[]> {
  const untilMs = performance.now() + EXECUTES_MS;
  for (;;) {
    const text = readIfThere(`/proc/${pid}/cmdline`);
    if (text !== "" || performance.now() >= untilMs) return text.split("\0");
    await sleep(POLL_MS);
  }
}
