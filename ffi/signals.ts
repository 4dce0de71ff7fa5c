/**
 * Signals that come while one image of a process makes way for the next. execve(2) keeps a thread's signal
 * mask, what is pending and the umask, but no handler: so this thread blocks them, and the handler for all
 * other threads is umask(2) itself, which leaves the signal's number where the next image finds it.
 */
import { check, SyscallError } from "./errno.ts";
import { buffer, libc, memory } from "./libc.ts";
import { SIGHUP, SIGINT, SIGTERM } from "./process.ts";
import { i32, struct, u64 } from "./struct.ts";

const SIGUSR2 = 12;
/** In the order in which they count when several came; a later one of the same thread overwrites. */
const HELD = [SIGTERM, SIGINT, SIGUSR2, SIGHUP] as const;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SA_RESTART = 0x10000000;
const SIGSET_BYTES = 128;

/** glibc's struct sigaction: behind its handler a sigset_t, then flags and restorer. */
const handlerOf = struct({ sa_handler: u64 });
const flagsOf = struct({ sa_flags: i32 });
const FLAGS_AT = 8 + SIGSET_BYTES;
const SIGACTION_BYTES = FLAGS_AT + 16;

/** What `holdSignals` has changed. */
export interface HeldSignals {
  /** The umask as it was, and as it stays while no signal comes. */
  readonly umask: number;
  readonly unmarked: number;
  /** Handlers by signal; another image has none of them. */
  readonly handlers: ReadonlyMap<number, Uint8Array>;
}

/** From now on they wait, or leave their mark. Nothing may create a file meanwhile. */
export function holdSignals(): HeldSignals {
  changeMask(SIG_BLOCK);
  const umask = libc().umask(0);
  const unmarked = HELD.some((signal) => signal === umask) ? 0o022 : umask;
  libc().umask(unmarked);
  const handler = memory(SIGACTION_BYTES);
  handler.set(handlerOf.encode({ sa_handler: addressOfUmask() }));
  handler.set(flagsOf.encode({ sa_flags: SA_RESTART }), FLAGS_AT);
  return { umask, unmarked, handlers: new Map(HELD.map((signal) => [signal, exchange(signal, handler)])) };
}

/**
 * Everything as before; what waits is delivered at once. Returns the signal that has left its mark, null when
 * there was none: to be raised again.
 */
export function releaseSignals({ umask, unmarked, handlers }: HeldSignals): number | null {
  for (const [signal, handler] of handlers) exchange(signal, handler);
  const found = libc().umask(umask);
  changeMask(SIG_UNBLOCK);
  return found === unmarked ? null : HELD.find((signal) => signal === found) ?? null;
}

/** For an image that knows nothing of the one before: nothing waits for ever. */
export function unblockSignals(): void {
  changeMask(SIG_UNBLOCK);
}

function exchange(signal: number, handler: Uint8Array): Uint8Array {
  const before = memory(SIGACTION_BYTES);
  check("sigaction", libc().sigaction(signal, buffer(handler), before));
  return before;
}

function changeMask(how: number): void {
  const set = memory(SIGSET_BYTES);
  for (const signal of HELD) set[(signal - 1) >> 3]! |= 1 << ((signal - 1) & 7);
  const number = libc().pthread_sigmask(how, set, null);
  if (number !== 0) throw new SyscallError("pthread_sigmask", number);
}

function addressOfUmask(): bigint {
  const library = Deno.dlopen("libc.so.6", { umask: { type: "pointer" } });
  const address = Deno.UnsafePointer.value(library.symbols.umask);
  // It stays where it is: this process runs on that library.
  library.close();
  return address;
}
