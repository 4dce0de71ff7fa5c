/** Runs a program for a check: no shell, clean environment, own process group, bounded output. */
import type { Command, CommandResult } from "../../checks/check.ts";
import { sleep } from "../../checks/deadline.ts";
import { spawn } from "./spawn.ts";

const outputLimit = 4096;
/** Between TERM and KILL of a group that is to end. */
const killDelayMs = 1000;
/** How long output may still arrive after the end, when a grandchild keeps the pipe open. */
const drainMs = 100;

/** See `Host.run`. Throws `CheckFailed` when the program must not, or cannot, be started. */
export async function runCommand(command: Command, signal: AbortSignal): Promise<CommandResult> {
  signal.throwIfAborted();
  const child = spawn(command);
  const tail = new Tail(outputLimit);
  const readers = [child.stdout.getReader(), child.stderr.getReader()];
  const atEnd = new AbortController();
  const drained = Promise.all(readers.map((reader) => drain(reader, tail))).finally(() => atEnd.abort());
  const ended = new AbortController();
  const told = tell(child, command.stdin, ended.signal);
  const killed = killOnAbort(child, signal, ended.signal);
  const status = await child.status;
  ended.abort();
  await Promise.all([killed, told]);
  await sleep(drainMs, atEnd.signal);
  await Promise.all(readers.map((reader) => reader.cancel()));
  await drained;
  signal.throwIfAborted();
  return { code: status.signal === null ? status.code : null, signal: status.signal, output: tail.text() };
}

/** A program may end without having read it, and leave somebody behind who does not read it either. */
async function tell(child: Deno.ChildProcess, text: Command["stdin"], ended: AbortSignal): Promise<void> {
  if (text === undefined) return;
  const writer = child.stdin.getWriter();
  try {
    await Promise.race([feed(writer, text), aborted(ended)]);
    if (ended.aborted) await writer.abort();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

async function feed(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  text: string | Promise<string>,
): Promise<void> {
  await writer.write(new TextEncoder().encode(await text));
  await writer.close();
}

async function killOnAbort(child: Deno.ChildProcess, signal: AbortSignal, ended: AbortSignal): Promise<void> {
  await aborted(signal, ended);
  if (ended.aborted) return;
  // Only just started, it may not be the leader of a group yet.
  if (!killGroup(child.pid, "SIGTERM")) kill(child.pid, "SIGTERM");
  await sleep(killDelayMs, ended);
  // Also after the leader's end: what it started may ignore TERM.
  killGroup(child.pid, "SIGKILL");
}

function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const settle = (): void => resolve();
  for (const signal of signals) signal.addEventListener("abort", settle);
  if (signals.some((signal) => signal.aborted)) resolve();
  return promise.finally(() => signals.forEach((signal) => signal.removeEventListener("abort", settle)));
}

function killGroup(leader: number, signal: Deno.Signal): boolean {
  return kill(-leader, signal);
}

/**
 * Whether there is such a process, or group. Without CAP_KILL the processes of another user cannot be ended;
 * they then take as long as they take.
 */
function kill(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (error) {
    if (isNoProcess(error)) return false;
    if (error instanceof Deno.errors.PermissionDenied) return true;
    throw error;
  }
}

function isNoProcess(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || (error instanceof Error && error.message.includes("ESRCH"));
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>, tail: Tail): Promise<void> {
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    tail.push(value);
  }
}

/** The last bytes of what was written. */
class Tail {
  readonly #limit: number;
  #bytes = new Uint8Array();

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined.slice(-this.#limit);
  }

  text(): string {
    return new TextDecoder().decode(this.#bytes);
  }
}
