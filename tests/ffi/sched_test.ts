/** Scheduling and memory of a thread: in children of their own, so that the test runner stays ordinary. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { SyscallError } from "../../ffi/errno.ts";
import { libc } from "../../ffi/libc.ts";
import {
  cpuTimeMs,
  endHaste,
  gettid,
  makeHaste,
  processors,
  runOn,
  SCHED_OTHER,
  SCHED_RR,
  schedulingPolicy,
} from "../../ffi/sched.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

Deno.test("setRealtime: this thread only, and nothing that it starts", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("./sched_child.ts", import.meta.url).pathname],
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), {
    before: SCHED_OTHER,
    after: 2,
    hasOwnName: true,
    realtimeThreads: 1,
    workerPolicy: SCHED_OTHER,
    childPolicy: "SCHED_OTHER",
    released: null,
    locked: null,
    survived: true,
  });
});

Deno.test("cpuTimeMs: grows with work, of the thread and of the process", () => {
  const [process, thread] = [cpuTimeMs(), cpuTimeMs("thread")];
  const total = ({ user, system }: { user: number; system: number }): number => user + system;
  // As long as it takes on a busy host.
  const endMs = performance.now() + 20_000;
  while (total(cpuTimeMs("thread")) - total(thread) <= 5 && performance.now() < endMs) Math.sqrt(endMs);
  assert(total(cpuTimeMs("thread")) - total(thread) > 5);
  assert(total(cpuTimeMs()) - total(process) > 5);
  assertEquals(schedulingPolicy(), SCHED_OTHER);
});

Deno.test("makeHaste: real-time until endHaste", () => {
  assertEquals(makeHaste(), true);
  const policy = schedulingPolicy();
  endHaste();
  assertEquals([policy, schedulingPolicy()], [SCHED_RR, SCHED_OTHER]);
});

Deno.test("runOn: the calling thread runs there and nowhere else", () => {
  const all = processors();
  assert(all.length > 0);
  try {
    for (const processor of all) {
      runOn(processor);
      assertEquals(processors(), [processor]);
      const fields = Deno.readTextFileSync("/proc/thread-self/stat").split(") ")[1]?.split(" ");
      assertEquals(fields?.[36], String(processor), "field 39 of proc_pid_stat(5)");
    }
    assertThrows(() => runOn(1023), SyscallError, "EINVAL");
  } finally {
    runOn(...all);
  }
  assertEquals(processors(), all);
});

Deno.test("gettid: the calling thread's", () => {
  assertEquals(Deno.readLinkSync("/proc/thread-self"), `${Deno.pid}/task/${gettid()}`);
});
