/**
 * Punctuality of the VRRP thread: real-time scheduling for it and for those that it may have to wait for; and
 * what helps without permission.
 */
import { SyscallError } from "../../ffi/errno.ts";
import { setRealtime, setSlice, threadsNamed } from "../../ffi/sched.ts";

/** Above everything that is not real-time, below the kernel's own threads. */
export const REALTIME_PRIORITY = 50;
/**
 * V8's helpers: they compile hot functions and take part in garbage collections, and a collection in the VRRP
 * thread waits until all of them have paused. On a busy host an ordinary one may not run for 300 ms.
 */
const HELPERS = { name: "V8 DefaultWorker", priority: REALTIME_PRIORITY - 1 } as const;
/** The shortest that the kernel knows. */
const SLICE_NS = 100_000;

/** For the calling thread. What could not be had comes back in sentences; the engine runs without it. */
export function becomePunctual(realtime: boolean): string[] {
  // The first is a hint, and of no use beside the second.
  attempt(() => setSlice(SLICE_NS));
  if (!realtime) return [];
  const problem = attempt(() => {
    setRealtime(REALTIME_PRIORITY);
    for (const tid of threadsNamed(HELPERS.name)) setRealtime(HELPERS.priority, tid);
  });
  return problem === null ? [] : [`no real-time scheduling: ${problem}`];
}

function attempt(action: () => void): string | null {
  try {
    action();
    return null;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return error.message;
  }
}
