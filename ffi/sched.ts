/**
 * Keeping time under load: real-time scheduling, locked memory, and what this thread and process have used.
 */

import { check, errnoName, hasEnded, orErrno } from "./errno.ts";
import { libc } from "./libc.ts";
import { i32, i64, struct, u32, u64 } from "./struct.ts";

/** struct sched_param, sched_setscheduler(2) */
export const sched_param = struct({ sched_priority: i32 });
/** struct sched_attr, sched_setattr(2), as long as every kernel knows it. */
const sched_attr = struct({
  size: u32,
  sched_policy: u32,
  sched_flags: u64,
  sched_nice: i32,
  sched_priority: u32,
  sched_runtime: u64,
  sched_deadline: u64,
  sched_period: u64,
});
/** struct timeval */
export const timeval = struct({ tv_sec: i64, tv_usec: i64 });
/** struct rusage, getrusage(2); ru_maxrss is in KiB. */
export const rusage = struct({
  ru_utime: timeval,
  ru_stime: timeval,
  ru_maxrss: i64,
  ru_ixrss: i64,
  ru_idrss: i64,
  ru_isrss: i64,
  ru_minflt: i64,
  ru_majflt: i64,
  ru_nswap: i64,
  ru_inblock: i64,
  ru_oublock: i64,
  ru_msgsnd: i64,
  ru_msgrcv: i64,
  ru_nsignals: i64,
  ru_nvcsw: i64,
  ru_nivcsw: i64,
});

export const SCHED_OTHER = 0;
export const SCHED_RR = 2;
const SCHED_RESET_ON_FORK = 0x40000000;
/** A cpu_set_t of CPU_SETSIZE bits. */
const CPU_SET_OCTETS = 1024 / 8;
const BITS = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const MLOCK_ONFAULT = 1;
const MADV_DONTNEED = 4;
const PRIO_PROCESS = 0;
const RUSAGE_SELF = 0;
const RUSAGE_THREAD = 1;
const SCHED_FLAG_RESET_ON_FORK = 1n;
const [SYS_gettid, SYS_sched_setattr, SYS_sched_getattr] = Deno.build.arch === "x86_64"
  ? [186, 314, 315] as const
  : [178, 274, 275] as const;

/**
 * SCHED_RR for a thread of this process, 0 is the calling one; threads and processes that it starts
 * afterwards get the ordinary policy, so checks and hooks never run in real time. EPERM without CAP_SYS_NICE
 * or RLIMIT_RTPRIO, ESRCH when the thread has ended. `priority` 1..99.
 */
export function setRealtime(priority: number, tid = 0): void {
  const param = sched_param.encode({ sched_priority: priority });
  check("sched_setscheduler", libc().sched_setscheduler(tid, SCHED_RR | SCHED_RESET_ON_FORK, param));
}

/**
 * Nice value of a thread of this process, 0 is the calling one. EACCES below 0 without CAP_SYS_NICE or
 * RLIMIT_NICE.
 */
export function setNice(nice: number, tid = 0): void {
  check("setpriority", libc().setpriority(PRIO_PROCESS, tid, nice));
}

/**
 * Asks for short turns on the processor under the ordinary policy, for the calling thread and nothing that it
 * starts: from Linux 6.12 on, who asks for less at a time gets it sooner, and not more in all (EEVDF). Older
 * kernels ignore it. Needs no permission. `ns` 100,000..100,000,000.
 */
export function setSlice(ns: number): void {
  const bytes = new Uint8Array(sched_attr.size);
  check("sched_getattr", libc().sched_getattr(SYS_sched_getattr, 0, bytes, sched_attr.size, 0));
  const attr = sched_attr.decode(bytes);
  const sched_flags = attr.sched_flags | SCHED_FLAG_RESET_ON_FORK;
  sched_attr.encode({ ...attr, sched_flags, sched_runtime: BigInt(ns) }, bytes);
  check("sched_setattr", libc().sched_setattr(SYS_sched_setattr, 0, bytes, 0));
}

/** The turn that the calling thread asks for, nanoseconds; 0 where the kernel has no such thing. */
export function slice(): number {
  const bytes = new Uint8Array(sched_attr.size);
  check("sched_getattr", libc().sched_getattr(SYS_sched_getattr, 0, bytes, sched_attr.size, 0));
  return Number(sched_attr.decode(bytes).sched_runtime);
}

/** The threads of this process with that name, of which the kernel keeps 15 characters. */
export function threadsNamed(name: string): number[] {
  return [...Deno.readDirSync("/proc/self/task")].map((entry) => Number(entry.name))
    .filter((tid) => threadName(tid) === name.slice(0, 15));
}

/** null when it has just ended. */
function threadName(tid: number): string | null {
  try {
    return Deno.readTextFileSync(`/proc/self/task/${tid}/comm`).trimEnd();
  } catch (error) {
    if (hasEnded(error)) return null;
    throw error;
  }
}

/**
 * SCHED_RR of the lowest priority for the calling thread and all that it starts, over execve(2) as well: for
 * a start that must not wait its turn on a busy host. False where it is not permitted; {@link endHaste} ends
 * it.
 */
export function makeHaste(): boolean {
  return libc().sched_setscheduler(0, SCHED_RR, sched_param.encode({ sched_priority: 1 })) === 0;
}

/** The ordinary policy again, for all threads that {@link makeHaste} has hastened; not for real-time ones. */
export function endHaste(): void {
  const ordinary = sched_param.encode({ sched_priority: 0 });
  for (const { name } of Deno.readDirSync("/proc/self/task")) {
    // The others carry the flag, or have ended meanwhile.
    if (libc().sched_getscheduler(Number(name)) !== SCHED_RR) continue;
    libc().sched_setscheduler(Number(name), SCHED_OTHER, ordinary);
  }
}

/** Numbers of the processors that the calling thread may run on. EINVAL where there are more than 1024. */
export function processors(): number[] {
  const mask = new Uint8Array(CPU_SET_OCTETS);
  check("sched_getaffinity", libc().sched_getaffinity(0, mask.length, mask));
  return [...mask].flatMap((octet, at) => BITS.filter((bit) => octet >> bit & 1).map((bit) => at * 8 + bit));
}

/**
 * The calling thread, and what it starts, runs on these processors alone, and goes on when one of them has
 * time for it. EINVAL when the host has none of them.
 */
export function runOn(...allowed: readonly number[]): void {
  const mask = new Uint8Array(CPU_SET_OCTETS);
  for (const processor of allowed) mask[processor >> 3] = (mask[processor >> 3] ?? 0) | 1 << (processor & 7);
  check("sched_setaffinity", libc().sched_setaffinity(0, mask.length, mask));
}

/** Policy of the calling thread: {@link SCHED_OTHER}, {@link SCHED_RR}. */
export function schedulingPolicy(): number {
  return check("sched_getscheduler", libc().sched_getscheduler(0)) & ~SCHED_RESET_ON_FORK;
}

/**
 * Keeps the program's own code in memory once it has been touched, so that memory pressure cannot make the
 * next deadline wait for the disk. Only the code: V8 gives heap pages back with madvise(2), which locked
 * pages refuse, and aborts then, so mlockall(2) is out of the question (seen on Deno 2.7.11). What was not
 * locked is the answer, as in `2 of 9 mappings: mlock2: ENOMEM`; null when all was. Needs CAP_IPC_LOCK or a
 * large RLIMIT_MEMLOCK.
 */
export function lockCode(): string | null {
  return eachCodeMapping("mlock2", (start, length) => libc().mlock2(start, length, MLOCK_ONFAULT));
}

/**
 * Lets go of the code pages that only the start needed; what is used again comes back from the page cache.
 * Code is never written to, so nothing can be lost. Answers as {@link lockCode} does.
 */
export function releaseCode(): string | null {
  return eachCodeMapping("madvise", (start, length) => libc().madvise(start, length, MADV_DONTNEED));
}

/**
 * Collects what the start has left behind, in this thread's JavaScript heap and in the C library's
 * (malloc_trim(3)), and gives it back to the kernel. V8 would not look at its old generation before that has
 * grown to many times of what lives in it; after one look it grows by what lives. Needs V8's --expose-gc, and
 * does the rest without.
 */
export function trimHeap(): void {
  (globalThis as { gc?: () => void }).gc?.();
  libc().malloc_trim(0);
}

function eachCodeMapping(call: string, action: (start: number, length: number) => number): string | null {
  const mappings = Deno.readTextFileSync("/proc/self/maps").split("\n").map(codeMapping).filter((m) =>
    m !== null
  );
  const errors = mappings.map(({ start, end }) => orErrno(action(start, end - start))).filter((result) =>
    result < 0
  );
  const [first] = errors;
  return first === undefined
    ? null
    : `${errors.length} of ${mappings.length} mappings: ${call}: ${errnoName(-first)}`;
}

/** A line of /proc/PID/maps (proc(5)) when it maps executable code from a file. */
function codeMapping(line: string): { start: number; end: number } | null {
  const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ [1-9]\d* +\//.exec(line) ?? [];
  return start === undefined ? null : { start: parseInt(start, 16), end: parseInt(end!, 16) };
}

/** CPU time used so far, in milliseconds, by the process or by the calling thread alone. */
export function cpuTimeMs(who: "process" | "thread" = "process"): { user: number; system: number } {
  const usage = new Uint8Array(rusage.size);
  check("getrusage", libc().getrusage(who === "process" ? RUSAGE_SELF : RUSAGE_THREAD, usage));
  const { ru_utime, ru_stime } = rusage.decode(usage);
  return { user: milliseconds(ru_utime), system: milliseconds(ru_stime) };
}

/** The kernel's number of the calling thread. */
export function gettid(): number {
  return libc().syscall0(SYS_gettid);
}

function milliseconds({ tv_sec = 0n, tv_usec = 0n }: { tv_sec?: bigint; tv_usec?: bigint }): number {
  return Number(tv_sec) * 1000 + Number(tv_usec) / 1000;
}
