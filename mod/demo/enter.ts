/** The role that becomes another: ties its life to the demo's, enters a namespace, turns into a program. */
import { CLONE_NEWNET, execve, openNamespace, setns, setParentDeathSignal } from "../../ffi/process.ts";

/** A supervisor's variables: the nodes of the demo are not its service. */
const NOT_INHERITED = /^(NOTIFY_SOCKET|WATCHDOG_)/;

/**
 * `PARENT SIGNAL NAMESPACE PROGRAM ARGUMENTS...`: SIGNAL is the number of the one to get when the parent
 * ends, 0 for none. Returns only when the parent has ended already.
 */
export function enter(
  [parent = "", signal = "", namespace = "", program = "", ...args]: readonly string[],
): number {
  setParentDeathSignal(Number(signal));
  if (Deno.ppid !== Number(parent)) return 1;
  // This thread calls execve, and all threads of the new program descend from it: all of it is inside.
  setns(openNamespace(namespace), CLONE_NEWNET);
  execve(program, [program, ...args], environment());
}

function environment(): string[] {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) => !NOT_INHERITED.test(name));
  return [...kept.filter(([name]) => name !== "NO_COLOR"), ["NO_COLOR", "1"]].map(([name, value]) =>
    `${name}=${value}`
  );
}
