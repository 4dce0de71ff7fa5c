/**
 * A named pipe with keepalived's lines. Writing never waits: what the pipe has no room for is dropped and
 * counted.
 */
import { EAGAIN, errnoName, SyscallError } from "../../ffi/errno.ts";
import { close, mkfifo, O_NONBLOCK, O_RDWR, open, tryWrite } from "../../ffi/fd.ts";
import { findAccount } from "../../checks/account.ts";
import { CheckFailed, type Host, type RunAs } from "../../checks/check.ts";
import type { FifoConfig } from "../config/notify.ts";
import { logger } from "../log.ts";
import type { FifoStatus } from "../snapshot.ts";
import { Reader } from "./fifo_reader.ts";

const MODE = 0o600;
/** A pipe that cannot be opened is looked at again so often, when there is something to tell. */
const OPEN_AGAIN_MS = 1_000;

const log = logger("notify");

export class Fifo {
  readonly config: FifoConfig;
  readonly #runAs: RunAs;
  readonly #reader: Reader | null;
  #fd: number | null = null;
  /** It goes with us when we have made it. */
  #isOurs = false;
  #triedMs = -Infinity;
  #lines = 0;
  #dropped = 0;
  #problem: string | null = null;
  #isFull = false;

  constructor(config: FifoConfig, runAs: RunAs, host: Pick<Host, "run">) {
    this.config = config;
    this.#runAs = runAs;
    const { command, path } = config;
    this.#reader = command === undefined ? null : new Reader([...command, path], runAs, host);
    this.#open();
    if (this.#fd !== null) this.#reader?.start();
  }

  /** One line, without its end. */
  tell(line: string): void {
    if (this.#fd === null && performance.now() - this.#triedMs > OPEN_AGAIN_MS) this.#open();
    // A line is shorter than PIPE_BUF: it goes in as a whole or not at all (pipe(7)).
    const bytes = new TextEncoder().encode(`${line}\n`);
    const written = this.#fd === null ? -EAGAIN : tryWrite(this.#fd, bytes);
    const isFull = written < 0;
    if (isFull) this.#dropped++;
    else this.#lines++;
    if (isFull && !this.#isFull && this.#fd !== null) {
      const problem = -written === EAGAIN ? "it is full, nobody reads" : errnoName(-written);
      log.warn("fifo_full {path}: {problem}", { path: this.config.path, problem });
    }
    this.#isFull = isFull;
  }

  status(): FifoStatus {
    const { path, events } = this.config;
    const problem = this.#problem ?? (this.#isFull ? "it is full: nobody reads" : null);
    const counts = { lines: this.#lines, dropped: this.#dropped, problem };
    return { path, events, ...counts, reader: this.#reader?.status() ?? null };
  }

  /** `keep`: whoever takes over finds it where it is. */
  async stop({ keep }: { readonly keep: boolean }): Promise<void> {
    await this.#reader?.stop();
    if (this.#fd !== null) close(this.#fd);
    this.#fd = null;
    if (this.#isOurs && !keep) await Deno.remove(this.config.path).catch(ignoreMissing);
  }

  #open(): void {
    const { path } = this.config;
    this.#triedMs = performance.now();
    try {
      if (!isThere(path)) this.#make(path);
      if (Deno.lstatSync(path).isFifo !== true) throw new CheckFailed(`${path} is there and is no FIFO`);
      // For reading too: without it a pipe that nobody reads could not be opened, and would break (fifo(7)).
      this.#fd = open(path, O_RDWR | O_NONBLOCK);
      this.#problem = null;
      this.#reader?.start();
    } catch (error) {
      if (!(error instanceof SyscallError || error instanceof CheckFailed || isFileError(error))) throw error;
      if (this.#problem !== error.message) {
        log.error("fifo_failed {path}: {problem}", { path, problem: error.message });
      }
      this.#problem = error.message;
    }
  }

  /** For who reads it and for root. */
  #make(path: string): void {
    mkfifo(path, MODE);
    this.#isOurs = true;
    Deno.chmodSync(path, MODE);
    const account = findAccount(this.#runAs);
    if (account !== undefined) Deno.chownSync(path, account.uid, account.gid);
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function isFileError(error: unknown): error is Error {
  return error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.NotFound || error instanceof Deno.errors.FilesystemLoop;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
