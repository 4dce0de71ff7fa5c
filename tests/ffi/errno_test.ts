/** errno stays right over many failing calls of different kinds, cold and optimised, on each thread. */

import { assertEquals, assertThrows } from "@std/assert";
import { check, ENOENT, hasEnded, orErrno, SyscallError } from "../../ffi/errno.ts";
import { close, open, pipe2, read, tryRead } from "../../ffi/fd.ts";
import { cstring, libc } from "../../ffi/libc.ts";
import { failingCalls } from "./failing_calls.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

Deno.test("errno: 100,000 failing calls of alternating kinds, with garbage between them", () => {
  const wrong = failingCalls(100_000);
  assertEquals(wrong, 0);
});

Deno.test("errno: a worker has its own", async () => {
  const worker = new Worker(new URL("./errno_worker.ts", import.meta.url).href, { type: "module" });
  try {
    const answer = new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
    // Meanwhile this thread fails in its own way.
    const here = failingCalls(50_000);
    assertEquals({ here, worker: await answer }, { here: 0, worker: 0 });
  } finally {
    worker.terminate();
  }
});

Deno.test("SyscallError: names the call, the number and the sentence", () => {
  const error = assertThrows(() => open("/nowhere/at/all"), SyscallError);
  assertEquals(error.message, "open /nowhere/at/all: ENOENT: No such file or directory");
  assertEquals([error.name, error.call, error.code, error.errno], [
    "SyscallError",
    "open /nowhere/at/all",
    "ENOENT",
    ENOENT,
  ]);
});

Deno.test("check: passes results on, numbers and bigints", () => {
  assertEquals([check("x", 7), check("x", 7n), check("x", 0)], [7, 7, 0]);
  close(open("/dev/null"));
  libc().close(-1);
  assertThrows(() => check("x", -1n), SyscallError, "x: EBADF");
});

Deno.test("hasEnded: a process that is gone, or goes between opening and reading its file", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const path = `/proc/${child.pid}/stat`;
  using file = Deno.openSync(path);
  child.kill("SIGKILL");
  await child.status;
  const [between, gone] = [() => file.readSync(new Uint8Array(9)), () => Deno.openSync(path)];
  for (const call of [between, gone]) assertEquals(hasEnded(assertThrows(call)), true);
  assertEquals(hasEnded(assertThrows(() => Deno.readTextFileSync("/proc"))), false);
});

Deno.test("orErrno and tryRead: a failure is a negative number", () => {
  const pipe = pipe2();
  try {
    assertEquals(tryRead(pipe.read, new Uint8Array(1)), -11);
    assertThrows(() => read(pipe.read, new Uint8Array(1)), SyscallError, "EAGAIN");
    assertEquals(orErrno(5), 5);
  } finally {
    close(pipe.read);
    close(pipe.write);
  }
});

Deno.test("cstring: refuses a NUL inside", () => {
  assertEquals([...cstring("é")], [0xc3, 0xa9, 0]);
  assertThrows(() => cstring("a\0b"), TypeError);
});
