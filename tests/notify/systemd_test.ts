/** sd_notify over real datagram sockets, by path and by abstract name, read by an independent program. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { monotonicMs } from "../../ffi/clock.ts";
import { formatState, notifySystemd, watchdogIntervalMs } from "../../mod/notify/systemd.ts";

// Opens libc before the first test: it stays open, which a test of its own would count as a leak.
monotonicMs();

function env(values: Readonly<Record<string, string>>): (name: string) => string | undefined {
  return (name) => values[name];
}

/** Binds the address, says so, and prints the one datagram that arrives within 5 s. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind("\\0" + name[1:] if name[0] == "@" else name)
s.settimeout(5)
print("bound", flush=True)
print(s.recv(4096).decode(), end="", flush=True)
`;

async function received(address: string, send: () => void): Promise<string> {
  const child = new Deno.Command("python3", { args: ["-c", RECEIVER, address], stdout: "piped" }).spawn();
  const chunks: string[] = [];
  let sent = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    chunks.push(chunk);
    if (!sent) send();
    sent = true;
  }
  assert((await child.status).success);
  return chunks.join("").replace("bound\n", "");
}

Deno.test("notifySystemd() reaches a path and an abstract name", async () => {
  const directory = await Deno.makeTempDir({ prefix: "vipd-notify-" });
  try {
    for (const address of [`${directory}/notify`, `@vipd-test-${Deno.pid}`]) {
      const send = (): boolean =>
        notifySystemd({ ready: true, status: "2 virtual routers" }, env({ NOTIFY_SOCKET: address }));
      assertEquals(await received(address, send), "READY=1\nSTATUS=2 virtual routers\n");
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("notifySystemd() is silent without a supervisor and throws when it is gone", () => {
  assertEquals(notifySystemd({ ready: true }, env({})), false);
  assertEquals(notifySystemd({ ready: true }, env({ NOTIFY_SOCKET: "" })), false);
  assertThrows(
    () => notifySystemd({ ready: true }, env({ NOTIFY_SOCKET: "/nonexistent/notify" })),
    Error,
    "ENOENT",
  );
  assertThrows(
    () => notifySystemd({ ready: true }, env({ NOTIFY_SOCKET: "vsock:2:1234" })),
    Error,
    "neither a path",
  );
});

Deno.test("formatState() writes one line for each thing told", () => {
  assertEquals(formatState({ ready: true }, 0), "READY=1\n");
  assertEquals(formatState({ reloading: true }, 1234.5678), "RELOADING=1\nMONOTONIC_USEC=1234568\n");
  assertEquals(formatState({ watchdog: true }, 0), "WATCHDOG=1\n");
  assertEquals(formatState({ stopping: true, status: "a\nREADY=1" }, 0), "STOPPING=1\nSTATUS=a READY=1\n");
  assertEquals(formatState({}, 0), "");
});

Deno.test("watchdogIntervalMs() is for this process only", () => {
  assertEquals(watchdogIntervalMs(env({ WATCHDOG_USEC: "3000000" }), 7), 3000);
  assertEquals(watchdogIntervalMs(env({ WATCHDOG_USEC: "3000000", WATCHDOG_PID: "7" }), 7), 3000);
  assertEquals(watchdogIntervalMs(env({ WATCHDOG_USEC: "3000000", WATCHDOG_PID: "8" }), 7), null);
  for (const WATCHDOG_USEC of ["0", "-1", "x", ""]) {
    assertEquals(watchdogIntervalMs(env({ WATCHDOG_USEC }), 7), null);
  }
  assertEquals(watchdogIntervalMs(env({}), 7), null);
});
