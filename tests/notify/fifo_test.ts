/** A named pipe: keepalived's mode and lines, never a wait, what nobody reads counted, its reader kept. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { FifoConfig } from "../../mod/config/notify.ts";
import { Fifo } from "../../mod/notify/fifo.ts";
import { libc } from "../../ffi/libc.ts";
import { waitFor } from "../e2e/lab/wait.ts";
import { ScriptedHost } from "./scripted_host.ts";

// Loaded once and for good: not a leak of the test that happens to come first.
libc();

async function withFifo(
  changes: Partial<FifoConfig>,
  work: (fifo: Fifo, path: string, host: ScriptedHost) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/fifo`;
  const host = new ScriptedHost();
  const fifo = new Fifo({ path, events: "all", ...changes }, {}, host);
  try {
    await work(fifo, path, host);
  } finally {
    await fifo.stop({ keep: false });
    await Deno.remove(directory, { recursive: true });
  }
}

/** Without waiting for more. */
async function read(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(100_000);
  return new TextDecoder().decode(bytes.subarray(0, await file.read(bytes) ?? 0));
}

Deno.test("it is made for root alone, and lines wait in it for who reads", () =>
  withFifo({}, async (fifo, path) => {
    const { mode, isFifo } = Deno.statSync(path);
    assertEquals([isFifo, (mode ?? 0) & 0o777], [true, 0o600]);
    fifo.tell('INSTANCE "VI_1" MASTER 100');
    fifo.tell('GROUP "G" MASTER 0');
    assertEquals(await read(path), 'INSTANCE "VI_1" MASTER 100\nGROUP "G" MASTER 0\n');
    assertEquals(fifo.status(), {
      path,
      events: "all",
      lines: 2,
      dropped: 0,
      problem: null,
      reader: null,
    });
  }));

Deno.test("a pipe that is full drops whole lines, counts them, and goes on when it is read", () =>
  withFifo({}, async (fifo, path) => {
    const line = "x".repeat(1_000);
    for (let i = 0; i < 200; i++) fifo.tell(line);
    const { lines, dropped, problem } = fifo.status();
    assertEquals(lines + dropped, 200);
    assert(dropped > 100 && lines > 10);
    assertEquals(problem, "it is full: nobody reads");
    assertEquals((await read(path)).split("\n").every((one) => one === line || one === ""), true);
    fifo.tell("again");
    assertEquals(fifo.status().problem, null);
    assertMatch(await read(path), /again\n$/);
  }));

Deno.test("what stands in its place and is no FIFO stays as it is, and is told", async () => {
  const path = await Deno.makeTempFile();
  const fifo = new Fifo({ path, events: "all" }, {}, new ScriptedHost());
  fifo.tell("a");
  assertMatch(fifo.status().problem ?? "", /is there and is no FIFO/);
  assertEquals(fifo.status().dropped, 1);
  await fifo.stop({ keep: false });
  assertEquals(Deno.readTextFileSync(path), "");
  await Deno.remove(path);
});

Deno.test("it goes with us when we have made it; one that was there stays", async () => {
  const path = `${await Deno.makeTempDir()}/fifo`;
  const first = new Fifo({ path, events: "all" }, {}, new ScriptedHost());
  await first.stop({ keep: true });
  const second = new Fifo({ path, events: "all" }, {}, new ScriptedHost());
  await second.stop({ keep: false });
  assertEquals(Deno.statSync(path).isFifo, true);
  await Deno.remove(path);
  const third = new Fifo({ path, events: "all" }, {}, new ScriptedHost());
  await third.stop({ keep: false });
  assertEquals([...Deno.readDirSync(path.slice(0, -5))], []);
  await Deno.remove(path.slice(0, -5));
});

Deno.test("its reader gets the path, is started anew when it ends, and ends with us", () =>
  withFifo({ command: ["/bin/cat", "-u"] }, async (fifo, path, host) => {
    await waitFor("it", () => host.now.length === 1, 10_000);
    assertEquals(host.now, [`/bin/cat -u ${path}`]);
    assertEquals(fifo.status().reader?.state, "running");
    host.running[0]!.end(1, "oh\n");
    await waitFor("it again", () => host.commands.length === 2, 10_000);
    const { restarts, last_problem } = fifo.status().reader!;
    assertEquals([restarts, last_problem], [1, "exit code 1: oh"]);
    await fifo.stop({ keep: false });
    assertEquals(host.now, []);
  }));
