/** errno: which number a failed call left behind, its name, and the error that carries both. */

import { libc } from "./libc.ts";

/** Names by number, from 1 (asm-generic/errno.h: the same on x86-64 and arm64); `-` where Linux has none. */
const names: readonly string[] = `
  EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY
  EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK
  EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT
  EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA
  ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW
  ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK
  EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT
  EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS
  EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS
  ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED
  EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON
`.trim().split(/\s+/);

/** Number of a name: `errno.ENOENT` is 2. */
export const errno: Readonly<Record<string, number>> = Object.fromEntries(
  names.map((name, index) => [name, index + 1] as const).filter(([name]) => name !== "-"),
);

/** The numbers that our own code compares with. */
export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EBADF = 9;
export const EAGAIN = 11;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENOPROTOOPT = 92;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENOBUFS = 105;
export const ETIMEDOUT = 110;
export const EINPROGRESS = 115;

/** `2` -> `ENOENT`; a number that Linux does not name -> `errno 4242`. */
export function errnoName(number: number): string {
  const name = names[number - 1] ?? "-";
  return name === "-" ? `errno ${number}` : name;
}

/** The kernel's largest (linux/err.h). */
const MAX_ERRNO = 4095;

/** The C library's sentence for a number: `No such file or directory`; its name for what is no errno. */
export function strerror(number: number): string {
  const text = number > MAX_ERRNO ? null : libc().strerror(number);
  return text === null ? errnoName(number) : Deno.UnsafePointerView.getCString(text);
}

/** A system call failed: `sendto: ENETDOWN: Network is down`. */
export class SyscallError extends Error {
  override readonly name = "SyscallError";
  /** `ENETDOWN` */
  readonly code: string;
  constructor(readonly call: string, readonly errno: number) {
    super(`${call}: ${errnoName(errno)}: ${strerror(errno)}`);
    this.code = errnoName(errno);
  }
}

/**
 * Whether a file below /proc could not be read because its process or thread has ended: ENOENT, or ESRCH when
 * it ended between opening and reading (proc(5)), for which Deno has neither a class nor a code.
 */
export function hasEnded(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Error && error.message.includes(`(os error ${ESRCH})`);
}

let cell: Int32Array | undefined;

/**
 * This thread's errno, mapped as memory. The location is asked for once per thread, because asking *after* a
 * failed call may run code that overwrites the value; and the read is a plain load, so nothing is allocated
 * between the call and it.
 */
function errnoCell(): Int32Array {
  if (cell === undefined) {
    const location = libc().__errno_location();
    if (location === null) throw new Error("__errno_location returned NULL");
    cell = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));
  }
  return cell;
}

/**
 * errno of the last failed *synchronous* call on this thread. Meaningless after a nonblocking one: that ran
 * on another thread.
 */
export function lastErrno(): number {
  return (cell ?? errnoCell())[0] ?? 0;
}

/** The result as a number; throws a {@link SyscallError} named `call` when it is -1. */
export function check(call: string, result: number | bigint): number {
  const number = Number(result);
  if (number === -1) throw new SyscallError(call, lastErrno());
  return number;
}

/** The result, or -errno when it is -1: for calls whose failure is an everyday answer (EAGAIN, ENETDOWN). */
export function orErrno(result: number): number {
  return result === -1 ? -lastErrno() : result;
}
