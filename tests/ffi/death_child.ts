/** A process of process_test.ts that asks to end with its parent, says so, and becomes a long sleep. */

import { execve, setParentDeathSignal, SIGKILL } from "../../ffi/process.ts";

setParentDeathSignal(SIGKILL);
await Deno.stdout.write(new TextEncoder().encode("ready"));
execve("/bin/sleep", ["sleep", "60"], []);
