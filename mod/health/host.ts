/** The host's services for checks: commands, the process table, pidfd and rtnetlink. */
import type {
  Command,
  CommandResult,
  DatagramSocket,
  Host,
  Link,
  Origin,
  Process,
  ProcessFilter,
} from "../../checks/check.ts";
import type { Connection, Endpoint } from "../../checks/connection.ts";
import { sleep } from "../../checks/deadline.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { close } from "../../ffi/fd.ts";
import { pidfd_open } from "../../ffi/process.ts";
import { runCommand } from "./command.ts";
import { FdLoop } from "./fd_loop.ts";
import { Files } from "./files.ts";
import { Links } from "./links.ts";
import { neighbour } from "./neighbours.ts";
import { findProcesses, readCommandLine, readProcess } from "./processes.ts";
import { connect, datagrams } from "./sockets.ts";

const exitPollMs = 50;
/** The main thread may stand still for so long, 50 times a second at most, while many checks begin. */
const patienceMs = 2;

export class LinuxHost implements Host {
  readonly #loop = new FdLoop();
  /** Of their own: most sockets are ready or gone before a wait for them would begin. */
  readonly #sockets = new FdLoop(patienceMs);
  readonly #links = new Links(this.#loop);
  readonly #files = new Files(this.#loop);

  run(command: Command, signal: AbortSignal): Promise<CommandResult> {
    return runCommand(command, signal);
  }

  connect(to: Endpoint, origin: Origin, timeoutMs: number, signal: AbortSignal): Promise<Connection> {
    return connect(this.#sockets, to, origin, timeoutMs, signal);
  }

  datagrams(
    kind: "udp" | "icmp",
    to: Endpoint,
    origin: Origin,
    signal: AbortSignal,
  ): Promise<DatagramSocket> {
    return datagrams(this.#sockets, kind, to, origin, signal);
  }

  neighbour(address: string, device: string, signal: AbortSignal): Promise<string> {
    return neighbour(this.#sockets, address, device, signal);
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

  watchFile(path: string, changed: () => void, signal: AbortSignal): Promise<void> {
    return this.#files.watch(path, changed, signal);
  }

  /** Resolves when nothing is watched any more and no thread waits for it; sockets must be closed by then. */
  async idle(): Promise<void> {
    await Promise.all([this.#loop.idle(), this.#sockets.idle()]);
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
