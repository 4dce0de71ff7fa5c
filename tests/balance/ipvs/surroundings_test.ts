/** What belongs to a director beside its table: sync daemon, timeouts, kernel parameters. */
import { assertEquals } from "@std/assert";
import { libc } from "../../../ffi/libc.ts";
import { DirectorParameters } from "../../../mod/balance/ipvs/director.ts";
import type { SyncDaemon } from "../../../mod/balance/model.ts";
import { destination, DR, lab, parameters, service, tunedParameters } from "./fixture.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const MASTER: SyncDaemon = { role: "master", interface: "eth0", id: 51 };
const BACKUP: SyncDaemon = { ...MASTER, role: "backup" };

Deno.test("sync daemon: the role that is wanted runs, and no other", async () => {
  const { engine, done, kernel } = lab();
  const steps: readonly (readonly [daemon: SyncDaemon | null, commands: readonly string[]])[] = [
    [BACKUP, ["start daemon 2"]],
    [BACKUP, []],
    [MASTER, ["stop daemon 2", "start daemon 1"]],
    [{ ...MASTER, id: 52 }, ["stop daemon 1", "start daemon 1"]],
    [{ ...MASTER, id: 52, maxLength: 1200, port: 9000, ttl: 3, group: "224.0.0.82" }, [
      "stop daemon 1",
      "start daemon 1",
    ]],
    [{ ...MASTER, id: 52, maxLength: 1200, port: 9000, ttl: 3, group: "224.0.0.82" }, []],
    [{ ...MASTER, id: 52 }, ["stop daemon 1", "start daemon 1"]],
    [{ ...MASTER, interface: "sync0" }, ["stop daemon 1", "start daemon 1"]],
    [null, ["stop daemon 1"]],
    [null, []],
  ];
  for (const [daemon, commands] of steps) {
    assertEquals(await engine.sync(daemon), { drift: [], problems: [] });
    assertEquals(done(), commands as string[]);
  }
  assertEquals(kernel.daemons.size, 0);
});

Deno.test("sync daemon: what the kernel has rounded is what was asked for", async () => {
  const { engine, done, kernel } = lab();
  await engine.sync({ ...MASTER, maxLength: 65535 });
  kernel.daemons.set(1, { ...kernel.daemons.get(1)!, maxlen: 65507 });
  done();
  await engine.apply([]);
  assertEquals(done(), []);
});

Deno.test("sync daemon: one that was left behind is taken over, or replaced where it is another", async () => {
  const before = lab();
  await before.engine.sync({ ...MASTER, maxLength: 1200 });
  for (const [wanted, commands] of [[MASTER, []], [BACKUP, ["stop daemon 1", "start daemon 2"]]] as const) {
    const { engine, done } = lab({}, undefined, before.kernel);
    done();
    await engine.sync(wanted);
    assertEquals(done(), [...commands]);
  }
});

Deno.test("sync daemon: nobody's business before it is wanted; healed when it has stopped or another runs", async () => {
  const stranger = lab();
  await stranger.engine.sync(MASTER);
  const { engine, done, kernel } = lab({}, undefined, stranger.kernel);
  done();
  await engine.apply([]);
  assertEquals(done(), []);
  await engine.sync(MASTER);
  kernel.daemons.clear();
  const key = "sync daemon";
  assertEquals((await engine.apply([])).drift, [{ key, what: "master on eth0 was not running" }]);
  await stranger.engine.apply([]);
  kernel.daemons.set(2, { ...kernel.daemons.get(1)!, state: 2, ifn: "sync0" });
  assertEquals((await engine.apply([])).drift, [{ key, what: "another one was running on sync0" }]);
  assertEquals([...kernel.daemons.keys()], [1]);
});

Deno.test("sync daemon: what stands in its way is told, and it is tried again", async () => {
  const { engine, kernel } = lab();
  assertEquals((await engine.sync({ ...MASTER, interface: "nowhere" })).problems, [
    "sync daemon (master) on nowhere: there is no such interface, or it is down",
  ]);
  kernel.interfaces.add("nowhere");
  assertEquals(await engine.apply([]), { drift: [], problems: [] });
  assertEquals(kernel.daemons.size, 1);

  const mixed = lab();
  const tunnel = { method: "tunnel", type: "ipip", port: 0, checksum: "none" } as const;
  await mixed.engine.apply([service([destination("[2001:db8::21]:80", { forward: tunnel })])]);
  assertEquals((await mixed.engine.sync(MASTER)).problems, [
    "sync daemon (master) on eth0: not possible beside a service with destinations of the other address family",
  ]);
});

Deno.test("timeouts: set where they are configured, healed, and put back", async () => {
  const timeouts: { tcp?: number; udp?: number } = { tcp: 600_000, udp: 1_400 };
  const { engine, kernel, done } = lab({ timeouts });
  await engine.apply([]);
  assertEquals(kernel.timeouts, { tcp: 600, tcpFin: 120, udp: 1 });
  assertEquals(done().length, 1);
  kernel.timeouts = { tcp: 60, tcpFin: 121, udp: 1 };
  assertEquals((await engine.apply([])).drift, [{ key: "timeouts", what: "tcp was 60s instead of 600s" }]);
  assertEquals(kernel.timeouts, { tcp: 600, tcpFin: 121, udp: 1 });
  // Not configured any more: as before us.
  delete timeouts.udp;
  assertEquals((await engine.apply([])).drift, []);
  assertEquals(kernel.timeouts, { tcp: 600, tcpFin: 121, udp: 300 });
  await engine.stop(false);
  assertEquals(kernel.timeouts, { tcp: 900, tcpFin: 121, udp: 300 });
});

Deno.test("timeouts: what somebody else has set since stays at the end", async () => {
  const { engine, kernel } = lab({ timeouts: { tcp: 600_000 } });
  await engine.apply([]);
  kernel.timeouts.tcp = 60;
  await engine.stop(false);
  assertEquals(kernel.timeouts.tcp, 60);
});

const FRESH: Readonly<Record<string, string>> = {
  "net/ipv4/vs/expire_nodest_conn": "0",
  "net/ipv4/vs/expire_quiescent_template": "0",
  "net/ipv4/vs/conn_reuse_mode": "1",
  "net/ipv4/ip_forward": "0",
  "net/ipv4/conf/all/send_redirects": "1",
  "net/ipv4/conf/eth0/send_redirects": "1",
  "net/ipv6/conf/all/forwarding": "0",
  "net/ipv6/conf/eth0/accept_ra": "1",
};

const IPV6 = { kind: "address", family: 6, protocol: "tcp", address: "2001:db8::10", port: 80 } as const;
const PERSISTENT = { seconds: 60, prefix: 32, engine: null };

Deno.test("kernel parameters: what each kind of service needs, and nothing else", () => {
  const direct = service([destination("192.0.2.21:80", { forward: DR })]);
  const rows:
    readonly (readonly [services: Parameters<DirectorParameters["reconcile"]>[0], paths: string[]])[] = [
      [[], []],
      [[direct], ["net/ipv4/vs/conn_reuse_mode 3", "net/ipv4/vs/expire_nodest_conn 1"]],
      [[service(["192.0.2.21"])], [
        "net/ipv4/conf/all/send_redirects 0",
        "net/ipv4/conf/eth0/send_redirects 0",
        "net/ipv4/ip_forward 1",
        "net/ipv4/vs/expire_nodest_conn 1",
      ]],
      [[service([], { persistence: PERSISTENT })], [
        "net/ipv4/vs/expire_nodest_conn 1",
        "net/ipv4/vs/expire_quiescent_template 1",
      ]],
      [[service([destination("[2001:db8::21]:80")], { match: IPV6 })], [
        "net/ipv4/vs/expire_nodest_conn 1",
        "net/ipv6/conf/all/forwarding 1",
        "net/ipv6/conf/eth0/accept_ra 2",
      ]],
    ];
  for (const [services, changed] of rows) {
    const values: Record<string, string> = { ...FRESH };
    const director = new DirectorParameters(parameters(values));
    const sentences = director.reconcile(services, ["eth0"], false);
    // Those of all interfaces and of each are one.
    const kinds = new Set(changed.map((path) => path.replace("conf/eth0", "conf/all")));
    assertEquals([sentences.length, values], [kinds.size, FRESH]);
    assertEquals(director.reconcile(services, ["eth0"], true), []);
    const different = Object.keys(FRESH).filter((path) => values[path] !== FRESH[path]);
    assertEquals(different.map((path) => `${path} ${values[path]}`).sort(), changed);
    director.restore();
    assertEquals(values, FRESH);
    assertEquals(
      new DirectorParameters(parameters(tunedParameters())).reconcile(services, ["eth0"], false),
      [],
    );
  }
});

Deno.test("kernel parameters: a warning says what is wrong, what of it, and what to do; once", async () => {
  const values = { ...tunedParameters(), "net/ipv4/ip_forward": "0" };
  const { engine, notes } = lab({}, values);
  const first = await engine.apply([service(["192.0.2.21"])]);
  // In the log once, in the status as long as it is so.
  assertEquals(await engine.apply([service(["192.0.2.21"])]), first);
  assertEquals([first.problems, first.advice], [[], notes.map((note) => note.replace("warn ", ""))]);
  const sentence =
    'warn net.ipv4.ip_forward is 0: with forward = "nat" the answers of real servers do not reach ' +
    "the clients (set it to 1, or tune_kernel = true in [balance])";
  assertEquals([notes, values["net/ipv4/ip_forward"]], [[sentence], "0"]);
});

Deno.test("kernel parameters: set again when somebody changes them, and put back when we shall not any more", async () => {
  const balance = { tune_kernel: true };
  const { engine, values, notes } = lab(balance, { ...tunedParameters(), "net/ipv4/ip_forward": "0" });
  const services = [service(["192.0.2.21"])];
  await engine.apply(services);
  values["net/ipv4/ip_forward"] = "0";
  await engine.apply(services);
  assertEquals([values["net/ipv4/ip_forward"], notes], ["1", []]);
  balance.tune_kernel = false;
  await engine.apply(services);
  assertEquals([values["net/ipv4/ip_forward"], notes.length], ["0", 1]);
});
