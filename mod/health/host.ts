/** The host's services for checks: commands, the process table, pidfd and rtnetlink. */
import type { Command, CommandResult, Host, Link, Process, ProcessFilter } from "../../checks/check.ts";
import { sleep } from "../../checks/deadline.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { close } from "../../ffi/fd.ts";
import { pidfd_open } from "../../ffi/process.ts";
import { runCommand } from "./command.ts";
import { FdLoop } from "./fd_loop.ts";
import { Links } from "./links.ts";
import { findProcesses, readCommandLine, readProcess } from "./processes.ts";

const exitPollMs = 50;

export class LinuxHost implements Host {
  readonly #loop = new FdLoop();
  readonly #links = new Links(this.#loop);

  run(command: Command, signal: AbortSignal): Promise<CommandResult> {
    return runCommand(command, signal);
  }

  process(pid: number): Process | undefined {
    return readProcess(pid);
  }

  processes(filter: ProcessFilter): Process[] {
    return findProcesses(filter);
  }

  commandLine({ pid }: Process): string {
    return readCommandLine(pid);
  }

  async processExit(process: Process, signal: AbortSignal): Promise<void> {
    const pidfd = openPidfd(process.pid);
    if (pidfd === undefined) return await pollExit(process, signal);
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = (): void => resolve();
    signal.addEventListener("abort", ended, { once: true });
    this.#loop.add(pidfd, ended);
    try {
      // The pid may have gone to another process before it was opened; afterwards the descriptor stands for
      // it.
      if (isAlive(process) && !signal.aborted) await promise;
    } finally {
      this.#loop.remove(pidfd);
      close(pidfd);
      signal.removeEventListener("abort", ended);
    }
  }

  link(name: string): Link | undefined {
    return this.#links.find(name);
  }

  watchLink(name: string, changed: () => void, signal: AbortSignal): Promise<void> {
    return this.#links.watch(name, changed, signal);
  }

  /** Resolves when nothing is watched any more and no thread waits for it. */
  idle(): Promise<void> {
    return this.#loop.idle();
  }
}

function isAlive({ pid, startTime }: Process): boolean {
  return readProcess(pid)?.startTime === startTime;
}

/** Undefined when the process is gone, or where the kernel or a sandbox has no pidfd. */
function openPidfd(pid: number): number | undefined {
  try {
    return pidfd_open(pid);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

async function pollExit(process: Process, signal: AbortSignal): Promise<void> {
  while (isAlive(process) && !signal.aborted) await sleep(exitPollMs, signal);
}
