/** Watched files: written, replaced, removed, and a directory that goes. */
import { assertEquals, assertRejects } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { LinuxHost } from "../../mod/health/host.ts";
import { until } from "./recorder.ts";

// Loaded once for the process, thus before any test, or it would count as a leak of the first.
libc();

Deno.test("host.watchFile: tells of one file and not of its neighbours, until the abort", async () => {
  const host = new LinuxHost();
  const directory = Deno.makeTempDirSync();
  const before = [...Deno.readDirSync("/proc/self/fd")].length;
  const abort = new AbortController();
  let changes = 0;
  let others = 0;
  const watches = [
    host.watchFile(`${directory}/a`, () => changes++, abort.signal),
    host.watchFile(`${directory}/b`, () => others++, abort.signal),
  ];
  for (
    const change of [
      (): void => Deno.writeTextFileSync(`${directory}/a`, "1"),
      (): void => Deno.writeTextFileSync(`${directory}/c`, "2"),
      (): void => Deno.renameSync(`${directory}/c`, `${directory}/a`),
      (): void => Deno.removeSync(`${directory}/a`),
    ]
  ) {
    const seen = changes;
    change();
    if (!String(change).includes('c`, "2"')) await until(() => changes > seen, String(change));
  }
  assertEquals(others, 0);
  abort.abort();
  await Promise.all(watches);
  await host.idle();
  assertEquals([...Deno.readDirSync("/proc/self/fd")].length, before);
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("host.watchFile: a directory that is not there, or goes, is an error", async () => {
  const host = new LinuxHost();
  const signal = new AbortController().signal;
  await assertRejects(() => host.watchFile("/no/such/file", () => {}, signal), Error, "ENOENT");
  const directory = Deno.makeTempDirSync();
  const watch = host.watchFile(`${directory}/a`, () => {}, signal);
  Deno.removeSync(directory);
  await assertRejects(() => watch, Error, "the directory is gone");
  await host.idle();
});
