/** The child of realtime_test.ts: becomes punctual and reports how its threads are scheduled. */
import { gettid, slice, threadsNamed } from "../../ffi/sched.ts";
import { becomePunctual } from "../../mod/vrrp/realtime.ts";

/** Fields 19, 40 and 41 of /proc/PID/task/TID/stat (proc(5)): nice value, real-time priority and policy. */
function scheduling(tid: number): string {
  const fields = Deno.readTextFileSync(`/proc/self/task/${tid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  return `policy ${fields[38]} priority ${fields[37]} nice ${fields[16]}`;
}

const problems = becomePunctual(Deno.args[0] === "realtime");
const report = {
  problems,
  own: scheduling(gettid()),
  helpers: [...new Set(threadsNamed("V8 DefaultWorker").map(scheduling))],
  slice: slice(),
};
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(report)));
