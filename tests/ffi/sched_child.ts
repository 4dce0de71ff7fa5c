/** The child of sched_test.ts: goes real-time, locks what may be locked, works hard, and reports. */

import {
  gettid,
  lockCode,
  releaseCode,
  schedulingPolicy,
  setRealtime,
  threadsNamed,
  trimHeap,
} from "../../ffi/sched.ts";

const before = schedulingPolicy();
setRealtime(10);
const after = schedulingPolicy();
const hasOwnName = threadsNamed(Deno.readTextFileSync("/proc/thread-self/comm").trim()).includes(gettid());
const released = releaseCode();
const locked = lockCode();
trimHeap();

const worker = new Worker(new URL("./sched_worker.ts", import.meta.url).href, { type: "module" });
const workerPolicy = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
const { stdout } = await new Deno.Command("chrt", { args: ["-p", "0"] }).output();

/** Field 41 of /proc/PID/task/TID/stat is the policy (proc(5)). */
const realtimeThreads =
  [...Deno.readDirSync("/proc/self/task")].filter(({ name }) =>
    Deno.readTextFileSync(`/proc/self/task/${name}/stat`).split(") ")[1]?.split(" ")[38] === "2"
  ).length;

// Garbage collection gives pages back, which a locked heap would not survive.
let garbage: unknown[] = [];
for (let i = 0; i < 100_000; i++) {
  garbage.push(new Array(200).fill(i));
  if (garbage.length > 10_000) garbage = [];
}
worker.terminate();
const childPolicy = /SCHED_\w+/.exec(new TextDecoder().decode(stdout))?.[0];
const report = {
  before,
  after,
  hasOwnName,
  realtimeThreads,
  workerPolicy,
  childPolicy,
  released,
  locked,
  survived: true,
};
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(report)));
