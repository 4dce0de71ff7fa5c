/** What every check type promises, tried on each one of the registry. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as z from "zod";
import type { CheckContext, CheckType, Member } from "../../checks/check.ts";
import { CheckFailed } from "../../checks/check.ts";
import { checkTypes } from "../../checks/mod.ts";
import { libc } from "../../ffi/libc.ts";
import { DatagramPeer } from "../checks/datagram_peer.ts";
import { LinuxHost } from "../../mod/health/host.ts";
import { sleep } from "../../mod/sleep.ts";

// Loaded once for the process, thus before any test, or it would count as a leak of the first.
libc();

/** How to bring a check type into a situation; a new type adds a line here, and no test. */
interface Situation {
  /** Options for which it fails, with this in the reason. */
  readonly failing: [options: Record<string, unknown>, reason: RegExp];
  /** Options for which it cannot be run, or finds nothing to look at. */
  readonly impossible: [options: Record<string, unknown>, reason: RegExp];
  /** Options for which it waits for ever, given a port, TCP and UDP, that accepts and says nothing. */
  readonly waiting?: (port: number) => Record<string, unknown>;
}

const closed = "127.0.0.1:1";
const nowhere = "/no/such/file";

const situations: Record<string, Situation> = {
  nginx: {
    failing: [{ pid_file: nowhere }, /^no nginx master process in \/no\/such\/file$/],
    impossible: [{ pid_file: "/proc" }, /^cannot read the pid file: /],
  },
  http: {
    failing: [{ url: `http://${closed}/` }, /^cannot connect to 127\.0\.0\.1:1: connection refused$/i],
    impossible: [{}, /^url is missing$/],
    waiting: (port) => ({ url: `http://127.0.0.1:${port}/` }),
  },
  curl: {
    failing: [{ args: ["-s", `http://${closed}/`] }, /^exit code 7: curl: \(7\) /],
    impossible: [{ args: ["--no-such-flag"] }, /^exit code 2: /],
    waiting: (port) => ({ args: ["-s", `http://127.0.0.1:${port}/`] }),
  },
  tcp: {
    failing: [{ address: closed }, /^cannot connect to 127\.0\.0\.1:1: connection refused$/i],
    impossible: [{}, /^address is missing$/],
    waiting: (port) => ({ address: `127.0.0.1:${port}`, expect: "hello" }),
  },
  udp: {
    failing: [{ address: closed }, /^127\.0\.0\.1:1: connection refused$/],
    impossible: [{}, /^address is missing$/],
    waiting: (port) => ({ address: `127.0.0.1:${port}`, require_reply: true }),
  },
  dns: {
    failing: [{ address: closed }, /^127\.0\.0\.1:1: connection refused$/],
    impossible: [{}, /^address is missing$/],
    waiting: (port) => ({ address: `127.0.0.1:${port}` }),
  },
  smtp: {
    failing: [{ address: closed }, /^cannot connect to 127\.0\.0\.1:1: connection refused$/],
    impossible: [{}, /^address is missing$/],
    waiting: (port) => ({ address: `127.0.0.1:${port}` }),
  },
  tls: {
    failing: [{ address: closed }, /^cannot connect to 127\.0\.0\.1:1: connection refused$/],
    impossible: [{ address: closed, ca: nowhere }, /^cannot read \/no\/such\/file: /],
    waiting: (port) => ({ address: `127.0.0.1:${port}` }),
  },
  mysql: {
    failing: [{ address: closed }, /^cannot connect to 127\.0\.0\.1:1: connection refused$/],
    impossible: [{ address: closed, password_file: nowhere }, /^cannot read \/no\/such\/file: /],
    waiting: (port) => ({ address: `127.0.0.1:${port}` }),
  },
  postgres: {
    failing: [{ address: closed }, /^cannot connect to 127\.0\.0\.1:1: connection refused$/],
    impossible: [{ address: nowhere }, /^cannot connect to \/no\/such\/file: no such file or directory$/],
    waiting: (port) => ({ address: `127.0.0.1:${port}` }),
  },
  redis: {
    failing: [{ address: closed }, /^cannot connect to 127\.0\.0\.1:1: connection refused$/],
    impossible: [{}, /^address is missing$/],
    waiting: (port) => ({ address: `127.0.0.1:${port}` }),
  },
  haproxy: {
    failing: [{ address: closed }, /^cannot connect to 127\.0\.0\.1:1: connection refused$/],
    impossible: [{ address: nowhere }, /^cannot connect to \/no\/such\/file: no such file or directory$/],
    waiting: (port) => ({ address: `127.0.0.1:${port}` }),
  },
  ping: {
    failing: [{ address: "255.255.255.255" }, /^(cannot reach )?255\.255\.255\.255: permission denied$/],
    impossible: [{}, /^address is missing$/],
  },
  file: {
    failing: [{ path: "/etc/no-such-file", missing: "fail" }, /^there is no \/etc\/no-such-file$/],
    impossible: [{ path: "/proc" }, /^cannot read \/proc: /],
  },
  exec: {
    failing: [{ command: ["false"] }, /^exit code 1$/],
    impossible: [{ command: [nowhere] }, /^not run: \/no does not exist$/],
    waiting: () => ({ command: ["sleep", "60"] }),
  },
  process: {
    failing: [{ process: "no-such-one" }, /^0 of at least 1 process alive$/],
    impossible: [{ match: "^no such process$" }, /^0 of at least 1 process alive$/],
  },
  gateway: {
    failing: [
      { addresses: [closed], method: "tcp" },
      /^127\.0\.0\.1:1: cannot connect to 127\.0\.0\.1:1: connection refused$/,
    ],
    impossible: [
      { addresses: ["192.0.2.1"], method: "arp", bind_interface: "vipd-none" },
      /^192\.0\.2\.1: there is no interface vipd-none$/,
    ],
  },
  all_of: {
    failing: [{ checks: ["up", "down"] }, /^1 of 2 up, 2 needed: down: broken$/],
    impossible: [{ checks: ["down"] }, /^down: broken$/],
  },
  any_of: {
    failing: [{ checks: ["down"] }, /^down: broken$/],
    impossible: [{ checks: ["down"] }, /^down: broken$/],
  },
  quorum: {
    failing: [{ checks: ["up", "down", "unknown"], need: 3 }, /^1 of 3 up, 3 needed: down: broken$/],
    impossible: [{ checks: ["down"], need: 1 }, /^down: broken$/],
  },
  systemd: {
    failing: [{ unit: "nginx", systemctl: ["false"] }, /^systemctl: exit code 1$/],
    impossible: [{ unit: "nginx", systemctl: [nowhere] }, /^not run: \/no does not exist$/],
    waiting: () => ({ unit: "nginx", systemctl: ["sh", "-c", "sleep 60"] }),
  },
  interface: {
    failing: [{ interface: "vipd-none" }, /^there is no interface vipd-none$/],
    impossible: [{ interface: "no/such" }, /^there is no interface no\/such$/],
  },
};

const endless = new AbortController().signal;

function context(host: LinuxHost): CheckContext {
  return { name: "contract", host, members: (names) => names.map(member) };
}

/** Checks have the state that they are called by. */
function member(name: string): Member {
  return { name, state: name as Member["state"], reason: name === "down" ? "broken" : "" };
}

async function probe(
  check: CheckType,
  host: LinuxHost,
  options: Record<string, unknown>,
  signal = endless,
): Promise<unknown> {
  try {
    return await check.probe(context(host), check.options.parse(options), signal);
  } finally {
    await host.idle();
  }
}

function reasonFor(error: unknown): string {
  return error instanceof CheckFailed ? error.message : `not CheckFailed: ${String(error)}`;
}

Deno.test("checks: the registry and the situations name the same types, each once", () => {
  assertEquals(checkTypes.map(({ type }) => type).sort(), Object.keys(situations).sort());
});

for (const check of checkTypes as readonly CheckType[]) {
  const situation = situations[check.type];
  if (situation === undefined) continue;

  Deno.test(`check ${check.type}: a failure is CheckFailed with a reason`, async () => {
    const [options, reason] = situation.failing;
    const error = await assertRejects(() => probe(check, new LinuxHost(), options));
    assert(reason.test(reasonFor(error)), reasonFor(error));
  });

  Deno.test(`check ${check.type}: what cannot run is a failure with a reason`, async () => {
    const [options, reason] = situation.impossible;
    const error = await assertRejects(() => probe(check, new LinuxHost(), options));
    assert(reason.test(reasonFor(error)), reasonFor(error));
  });

  Deno.test(`check ${check.type}: refuses an unknown option, describes each of its own in snake_case`, () => {
    const [options] = situation.failing;
    assert(check.options.safeParse(options).success);
    assertEquals(check.options.safeParse({ ...options, no_such_option: 1 }).success, false);
    const { properties } = z.toJSONSchema(check.options, { io: "input" });
    for (const [key, schema] of Object.entries(properties ?? {})) {
      assert(/^[a-z]+(_[a-z]+)*$/.test(key), key);
      assert(typeof schema === "object" && (schema.description ?? "") !== "", `${key} has no description`);
    }
    assert(/^[A-Z].*\.$/.test(check.summary), check.summary);
  });

  Deno.test(`check ${check.type}: a silent peer does not hold it after the abort, and nothing stays open`, async () => {
    if (situation.waiting === undefined) return;
    const host = new LinuxHost();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = acceptAll(listener);
    await using _ = await DatagramPeer.listen(() => [], listener.addr.port);
    const before = openFiles();
    const abort = new AbortController();
    const run = probe(check, host, situation.waiting(listener.addr.port), abort.signal);
    const stillRunning = await Promise.race([
      run.then(() => false, () => false),
      sleep(150).then(() => true),
    ]);
    assert(stillRunning, "it did not wait");
    const abortedMs = performance.now();
    abort.abort(new Error("enough"));
    await assertRejects(() => run);
    // Generous: the machine may be busy; the peer would be silent for ever.
    assert(performance.now() - abortedMs < 20_000, `${performance.now() - abortedMs} ms to settle`);
    listener.close();
    for (const connection of await accepted) connection.close();
    // The listener's own descriptor was open before.
    assertEquals(openFiles(), before - 1);
  });

  Deno.test(`check ${check.type}: an abort before the start runs nothing`, async () => {
    if (situation.waiting === undefined) return;
    const abort = new AbortController();
    abort.abort(new Error("enough"));
    await assertRejects(() => probe(check, new LinuxHost(), situation.failing[0], abort.signal));
  });

  Deno.test(`check ${check.type}: its watch ends with the abort and leaves nothing`, async () => {
    if (check.watch === undefined) return;
    const host = new LinuxHost();
    const before = openFiles();
    const abort = new AbortController();
    const reports: (boolean | undefined)[] = [];
    const options = check.options.parse(situation.failing[0]);
    const watch = check.watch(context(host), options, abort.signal, (passing) => reports.push(passing));
    await sleep(50);
    abort.abort();
    await watch;
    await host.idle();
    assertEquals(reports.includes(true), false);
    assertEquals(openFiles(), before);
  });
}

async function acceptAll(listener: Deno.Listener): Promise<Deno.Conn[]> {
  const connections: Deno.Conn[] = [];
  try {
    for await (const connection of listener) connections.push(connection);
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
  return connections;
}

function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
