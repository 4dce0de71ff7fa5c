/**
 * Punctuality of the VRRP thread: real-time scheduling for it and for those that it may have to wait for, or
 * what comes next to it.
 */
import { SyscallError } from "../../ffi/errno.ts";
import * as sched from "../../ffi/sched.ts";

/** Above everything that is not real-time, below the kernel's own threads. */
export const REALTIME_PRIORITY = 50;
/**
 * V8's helpers: they compile hot functions and take part in garbage collections, and a collection in the VRRP
 * thread waits until all of them have paused. On a busy host an ordinary one may not run for 300 ms.
 */
const HELPERS = { name: "V8 DefaultWorker", priority: REALTIME_PRIORITY - 1 } as const;
/** Where a control group refuses real time, it does not refuse this. */
const HIGHEST_NICE = -20;
/** The shortest that the kernel knows: measured with 32 busy loops, 0.3 ms and more are worse. */
const SLICE_NS = 100_000;

type Scheduler = Pick<typeof sched, "setNice" | "setRealtime" | "setSlice" | "threadsNamed">;

/** For the calling thread. What could not be had comes back in sentences; the engine runs without it. */
export function becomePunctual(realtime: boolean, kernel: Scheduler = sched): string[] {
  // A hint, of no use beside real time; a kernel or a sandbox that refuses it changes nothing.
  attempt(() => kernel.setSlice(SLICE_NS));
  if (!realtime) return [];
  const refused = attempt(() => {
    kernel.setRealtime(REALTIME_PRIORITY);
    for (const tid of kernel.threadsNamed(HELPERS.name)) kernel.setRealtime(HELPERS.priority, tid);
  });
  if (refused === null) return [];
  const instead = attempt(() => {
    for (const tid of [0, ...kernel.threadsNamed(HELPERS.name)]) kernel.setNice(HIGHEST_NICE, tid);
  });
  return [`no real-time scheduling: ${refused}${instead === null ? `; nice ${HIGHEST_NICE} instead` : ""}`];
}

/** The kernel's refusal, if it is one. */
function attempt(action: () => void): string | null {
  try {
    action();
    return null;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return error.message;
  }
}
