/** The sockets of checks: where they come from, what they cannot reach and why, and that nothing stays. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CheckFailed, type Origin } from "../../checks/check.ts";
import { close } from "../../ffi/fd.ts";
import { createNamespace, openNamespace, setns } from "../../ffi/process.ts";
import { libc } from "../../ffi/libc.ts";
import { LinuxHost } from "../../mod/health/host.ts";

// Loaded once for the process, thus before any test, or it would count as a leak of the first.
libc();

const endless = new AbortController().signal;

/** One connection to a listener of this machine: where it comes from, and what `ss` says about it. */
async function seen(hostname: string, origin: Origin): Promise<{ from: string; socket: string }> {
  const host = new LinuxHost();
  using listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  const connection = await host.connect({ host: hostname, port }, origin, 10_000, endless);
  using accepted = await listener.accept();
  const { stdout } = await new Deno.Command("ss", { args: ["-Htne", "dport", "=", `${port}`] }).output();
  connection.close();
  await host.idle();
  return { from: accepted.remoteAddr.hostname, socket: new TextDecoder().decode(stdout) };
}

async function refusal(to: string, origin: Origin = {}, timeoutMs = 10_000): Promise<string> {
  const host = new LinuxHost();
  try {
    const connecting = host.connect({ host: to, port: 1 }, origin, timeoutMs, endless);
    return (await assertRejects(() => connecting, CheckFailed)).message;
  } finally {
    await host.idle();
  }
}

Deno.test("sockets: bind_address is where a connection comes from, fwmark is on it", async () => {
  const plain = await seen("127.0.0.1", {});
  assertEquals([plain.from, plain.socket.includes("fwmark")], ["127.0.0.1", false]);
  const special = await seen("127.0.0.1", { bindAddress: "127.0.0.2", fwmark: 0x2a, bindInterface: "lo" });
  assertEquals(special.from, "127.0.0.2");
  assertMatch(special.socket, /fwmark:0x2a/);
  assertEquals((await seen("::1", { bindAddress: "::1" })).from, "::1");
});

Deno.test("sockets: what cannot be reached says why", async () => {
  assertEquals(await refusal("127.0.0.1"), "cannot connect to 127.0.0.1:1: connection refused");
  assertEquals(await refusal("::1"), "cannot connect to [::1]:1: connection refused");
  assertMatch(await refusal("localhost"), /^cannot connect to localhost:1: connection refused$/);
  assertMatch(await refusal("no-such-host.invalid"), /^cannot find no-such-host.invalid: /);
  assertEquals(
    await refusal("127.0.0.1", { bindAddress: "::1" }),
    "bind_address ::1 is of another family than the address to check",
  );
  assertEquals(
    await refusal("127.0.0.1", { bindAddress: "192.0.2.1" }),
    "cannot send from 192.0.2.1: cannot assign requested address",
  );
  assertMatch(
    await refusal("127.0.0.1", { bindInterface: "vipd-none" }),
    /^cannot prepare a socket: setsockopt\(SO_BINDTODEVICE\): no such device$/,
  );
});

Deno.test("sockets: an address that does not answer, one that has no route", async () => {
  const [home, away] = [openNamespace(), createNamespace()];
  setns(away);
  try {
    assertEquals(await refusal("192.0.2.9"), "cannot connect to 192.0.2.9:1: network is unreachable");
    await new Deno.Command("sh", { args: ["-c", "ip link set lo up; ip route add 192.0.2.0/24 dev lo"] })
      .output();
    assertEquals(await refusal("192.0.2.9", {}, 50), "no connection to 192.0.2.9:1 within 50 ms");
  } finally {
    setns(home);
    close(home);
    close(away);
  }
});

Deno.test("sockets: an abort ends an attempt and a read, and nothing stays open", async () => {
  const host = new LinuxHost();
  const before = [...Deno.readDirSync("/proc/self/fd")].length;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const abort = new AbortController();
  const to = { host: "127.0.0.1", port: listener.addr.port };
  const connection = await host.connect(to, {}, 10_000, abort.signal);
  const accepted = await listener.accept();
  const reading = connection.read(new Uint8Array(10));
  connection.close();
  await assertRejects(() => reading, Error, "the socket was closed");
  accepted.close();
  abort.abort(new Error("enough"));
  await assertRejects(() => host.connect(to, {}, 10_000, abort.signal), Error, "enough");
  await host.idle();
  assertEquals([...Deno.readDirSync("/proc/self/fd")].length, before + 1);
});

Deno.test("sockets: much in both directions arrives whole", async () => {
  const host = new LinuxHost();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connection = await host.connect({ host: "127.0.0.1", port: listener.addr.port }, {}, 10_000, endless);
  const accepted = await listener.accept();
  const echo = accepted.readable.pipeTo(accepted.writable);
  const sent = crypto.getRandomValues(new Uint8Array(65_536));
  let got = 0;
  const reading = (async (): Promise<void> => {
    const buffer = new Uint8Array(10_000);
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      for (let i = 0; i < count; i++) assert(buffer[i] === sent[(got + i) % sent.length]);
      got += count;
    }
  })();
  for (let round = 0; round < 64; round++) {
    for (let at = 0; at < sent.length;) at += await connection.write(sent.subarray(at));
  }
  await connection.closeWrite();
  await Promise.all([echo, reading]);
  assertEquals(got, 64 * sent.length);
  connection.close();
  await host.idle();
});
