/** The engine on a made-up kernel: what it does, what it leaves alone, what it says. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ETIMEDOUT } from "../../../ffi/errno.ts";
import { libc } from "../../../ffi/libc.ts";
import type { Service } from "../../../mod/balance/model.ts";
import { FakeIpvs } from "../../ffi/ipvs_fake.ts";
import { at, destination, DR, lab, service, tunedParameters } from "./fixture.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const WEB = "6 c000020a 80";
const NOTHING = { drift: [], problems: [] };

Deno.test("apply: what is missing is added, what is there stays, and then there is nothing to do", async () => {
  const { engine, done } = lab();
  const services = [service(["192.0.2.21", "192.0.2.22"])];
  assertEquals(await engine.apply(services), NOTHING);
  assertEquals(done(), [
    `new service ${WEB}`,
    `new dest ${WEB} c0000215 80 w1`,
    `new dest ${WEB} c0000216 80 w1`,
  ]);
  for (const again of [services, structuredClone(services)]) {
    assertEquals(await engine.apply(again), NOTHING);
    assertEquals(done(), []);
  }
});

Deno.test("apply: everything that a service can be comes back as it was sent", async () => {
  const rows: Partial<Service>[] = [
    { scheduler: "sh", flags: ["sh-port", "sh-fallback"] },
    { scheduler: "mh", flags: ["mh-port", "flag-3"] },
    { persistence: { seconds: 360, prefix: 24, engine: null } },
    { persistence: { seconds: 360, prefix: 0, engine: null } },
    {
      onePacket: true,
      match: { kind: "address", family: 4, protocol: "udp", address: "192.0.2.10", port: 53 },
    },
    {
      persistence: { seconds: 60, prefix: 32, engine: "sip" },
      match: { kind: "address", family: 4, protocol: "udp", address: "192.0.2.10", port: 5060 },
    },
    { match: { kind: "address", family: 4, protocol: "sctp", address: "192.0.2.10", port: 3868 } },
    { match: { kind: "fwmark", family: 4, fwmark: 7 } },
    {
      match: { kind: "fwmark", family: 6, fwmark: 7 },
      persistence: { seconds: 5, prefix: 64, engine: null },
    },
    { match: { kind: "address", family: 6, protocol: "tcp", address: "2001:db8::10", port: 0 } },
  ];
  const destinations = [
    destination("192.0.2.21:0", { weight: 65535, upperThreshold: 9, lowerThreshold: 4 }),
    destination("192.0.2.22:0", { forward: DR, weight: 0 }),
    destination("192.0.2.23:0", { forward: { method: "tunnel", type: "ipip", port: 0, checksum: "none" } }),
    destination("192.0.2.24:0", {
      forward: { method: "tunnel", type: "gue", port: 6080, checksum: "remote" },
    }),
    destination("192.0.2.25:0", {
      forward: { method: "tunnel", type: "gre", port: 0, checksum: "checksum" },
    }),
  ];
  for (const row of rows) {
    const { engine, done } = lab();
    const [wanted, other] = [service(row.match?.family === 6 ? [] : destinations, row), at(81)];
    assertEquals(await engine.apply([wanted, other]), NOTHING);
    assertEquals(done().length, wanted.destinations.length + 3);
    assertEquals(await engine.apply([wanted, other]), NOTHING);
    assertEquals(done(), []);
    // And another engine, which knows of nothing, finds nothing to do either.
    await engine.apply([other]);
    await engine.apply([wanted, other]);
  }
});

Deno.test("apply: without its memory, as after a crash, it takes over what it finds", async () => {
  const { engine, kernel } = lab();
  await engine.apply([service(["192.0.2.21", "192.0.2.22"], { scheduler: "wlc" })]);
  const next = lab({}, undefined, kernel);
  next.done();
  assertEquals(await next.engine.apply([service(["192.0.2.22", "192.0.2.23"])]), NOTHING);
  assertEquals(next.done(), [
    `set service ${WEB}`,
    `new dest ${WEB} c0000217 80 w1`,
    `del dest ${WEB} c0000215 80`,
  ]);
  await next.engine.apply([]);
  assertEquals([next.done(), kernel.services.size], [[`del service ${WEB}`], 0]);
});

Deno.test("apply: what is not ours is not touched, and with flush it is removed at the start, once", async () => {
  const stranger = lab();
  await stranger.engine.apply([at(8080), at(8081)]);
  const { engine, done, kernel } = lab({}, undefined, stranger.kernel);
  done();
  await engine.apply([service([])]);
  await engine.apply([]);
  assertEquals([done(), kernel.services.size], [[`new service ${WEB}`, `del service ${WEB}`], 2]);

  const flushing = lab({ flush: true }, undefined, stranger.kernel);
  await flushing.engine.apply([at(8081)]);
  assertEquals(flushing.done(), ["del service 6 c000020a 8080"]);
  assertEquals(flushing.notes, [
    "info remove service tcp 192.0.2.10:8080: it is not in the configuration (flush in [balance])",
  ]);
  await stranger.engine.apply([at(8080), at(8081)]);
  flushing.done();
  await flushing.engine.apply([at(8081)]);
  assertEquals(flushing.done(), []);
});

Deno.test("drift: a flushed table comes back whole, and it is told", async () => {
  const { engine, kernel, done } = lab();
  const services = [service(["192.0.2.21"]), at(81)];
  await engine.apply(services);
  const before = structuredClone(kernel.services);
  kernel.services.clear();
  done();
  const { drift, problems } = await engine.apply(services);
  assertEquals(problems, []);
  assertEquals(drift, [
    { key: "tcp 192.0.2.10:80", what: "service was missing" },
    { key: "tcp 192.0.2.10:81", what: "service was missing" },
  ]);
  assertEquals(kernel.services, before);
});

Deno.test("drift: a weight that somebody sets goes back; what we change ourselves is none", async () => {
  const { engine, kernel } = lab();
  const services = [service(["192.0.2.21"])];
  await engine.apply(services);
  const destination = kernel.services.get(WEB)!.dests.get("c0000215 80")!;
  destination.weight = 7;
  const changed = [service(["192.0.2.21", "192.0.2.22"])];
  const what = "destination 192.0.2.21:80 had weight 7 instead of 1";
  assertEquals((await engine.apply(changed)).drift, [{ key: "tcp 192.0.2.10:80", what }]);
  assertEquals([destination.weight, kernel.services.get(WEB)!.dests.size], [1, 2]);
  assertEquals(await engine.apply(services), NOTHING);
});

Deno.test("drift: what comes back again and again is a problem, until it stops", async () => {
  const { engine, kernel } = lab();
  const services = [service(["192.0.2.21"])];
  await engine.apply(services);
  const problems: (string | undefined)[] = [];
  for (let i = 0; i < 5; i++) {
    kernel.services.get(WEB)!.schedName = "wlc";
    problems.push((await engine.apply(services)).problems[0]);
  }
  const sentence =
    "tcp 192.0.2.10:80: service had scheduler wlc instead of rr, again and again: somebody else " +
    "changes it, or the kernel cannot do it";
  assertEquals(problems, [undefined, undefined, undefined, sentence, sentence]);
  assertEquals(await engine.apply(services), NOTHING);
});

Deno.test("drift: of many destinations some are looked at each time, and all in turn", async () => {
  const { engine, kernel } = lab();
  const services = Array.from(
    { length: 50 },
    (_, i) => at(1000 + i, Array.from({ length: 100 }, (_, j) => `192.0.2.${j}`)),
  );
  await engine.apply(services);
  for (const one of kernel.services.values()) one.dests.get("c0000205 80")!.weight = 9;
  const healed: number[] = [];
  for (let i = 0; i < 4; i++) healed.push((await engine.apply(services)).drift.length);
  assertEquals(healed, [20, 20, 10, 0]);
  // A change is made at once, whoever's turn it is.
  const changed = [...services.slice(0, -1), at(1049, ["192.0.2.200"])];
  await engine.apply(changed);
  assertEquals([...kernel.services.get("6 c000020a 1049")!.dests.keys()], ["c00002c8 80"]);
});

Deno.test("a table that somebody changes between the look and the command is looked at again", async () => {
  const { engine, kernel } = lab();
  const services = [service(["192.0.2.21"])];
  await engine.apply(services);
  const answer = kernel.answer.bind(kernel);
  // Removes the service right before the destination is added.
  kernel.answer = (bytes) => {
    if (bytes[16] === 5) kernel.services.clear();
    kernel.answer = bytes[16] === 5 ? answer : kernel.answer;
    return answer(bytes);
  };
  assertEquals((await engine.apply([service(["192.0.2.21", "192.0.2.22"])])).problems, []);
  assertEquals([...kernel.services.get(WEB)!.dests.keys()], ["c0000215 80", "c0000216 80"]);
});

Deno.test("problems: in plain words, once for a service, and tried again", async () => {
  const rows: readonly (readonly [service: Service, problem: string])[] = [
    [
      service(["192.0.2.21", "192.0.2.22"], { scheduler: "twos" }),
      'tcp 192.0.2.10:80: the kernel has no scheduler "twos" (module ip_vs_twos)',
    ],
    [
      service([], { scheduler: "twos", persistence: { seconds: 5, prefix: 32, engine: "sip" } }),
      'tcp 192.0.2.10:80: the kernel has no scheduler "twos" (module ip_vs_twos), or no persistence engine "sip" ' +
      "(module ip_vs_pe_sip)",
    ],
    [
      service([destination("[2001:db8::21]:80")]),
      "destination [2001:db8::21]:80 of tcp 192.0.2.10:80: a destination of the other address family needs " +
      'forward = "tunnel" and no sync daemon on this director',
    ],
  ];
  for (const [wanted, problem] of rows) {
    const { engine, kernel } = lab();
    for (let i = 0; i < 2; i++) {
      assertEquals(await engine.apply([wanted, at(81)]), { drift: [], problems: [problem] });
    }
    assert(kernel.services.has("6 c000020a 81"));
    kernel.schedulers.add("twos");
    await engine.apply([service(["192.0.2.21"], { scheduler: "twos" })]);
    assertEquals(kernel.services.get(WEB)?.dests.size, 1);
  }
});

Deno.test("a kernel that has no IPVS any more, or lets nobody at it, is a problem in plain words", async () => {
  const { engine, kernel } = lab();
  kernel.present = false;
  await assertRejects(() => engine.apply([]), Error, "the kernel has no IPVS (module ip_vs)");
  kernel.present = true;
  kernel.permitted = false;
  const words = "the kernel lets vipd not at its IPVS: it needs CAP_NET_ADMIN in this network namespace";
  assertEquals((await engine.apply([service([])])).problems, [words]);
  await assertRejects(() => engine.read(), Error, words);
});

Deno.test("read: counters and connections of what is ours", async () => {
  const { engine, kernel } = lab();
  const stranger = lab({}, undefined, kernel);
  await stranger.engine.apply([at(8080)]);
  await engine.apply([service(["192.0.2.21"])]);
  const destination = kernel.services.get(WEB)!.dests.get("c0000215 80")!;
  [destination.activeConns, destination.inactConns, kernel.services.get(WEB)!.conns] = [3, 4, 7];
  const traffic = { connections: 7, packetsIn: 14, packetsOut: 21, bytesIn: 280, bytesOut: 350 };
  assertEquals(await engine.read(), [{
    key: "tcp 192.0.2.10:80",
    traffic,
    destinations: [{
      address: "192.0.2.21",
      port: 80,
      weight: 1,
      activeConnections: 3,
      inactiveConnections: 4,
      persistentConnections: 0,
      traffic,
    }],
  }]);
});

Deno.test("stop: all that is ours goes, or all stays; the socket is closed either way", async () => {
  for (const keep of [false, true]) {
    const { engine, kernel, done, isClosed, values } = lab({
      timeouts: { tcp: 600_000 },
      tune_kernel: true,
    }, { ...lab().values, "net/ipv4/ip_forward": "0" });
    await lab({}, undefined, kernel).engine.apply([at(8080)]);
    await engine.apply([service(["192.0.2.21"]), at(81)]);
    await engine.sync({ role: "master", interface: "eth0", id: 51 });
    assertEquals([kernel.timeouts.tcp, kernel.daemons.size, values["net/ipv4/ip_forward"]], [600, 1, "1"]);
    done();
    await engine.stop(keep);
    const left = keep ? [3, 600, 1, "1"] : [1, 900, 0, "0"];
    assertEquals(
      [kernel.services.size, kernel.timeouts.tcp, kernel.daemons.size, values["net/ipv4/ip_forward"]],
      left,
    );
    assert(isClosed());
  }
});

Deno.test("sync: a daemon that has stopped is no problem, whatever was said of its stop", async () => {
  const { engine, kernel } = lab();
  await engine.sync({ role: "backup", interface: "eth0", id: 51 });
  kernel.errorAfterStop = ETIMEDOUT;
  assertEquals(await engine.sync(null), NOTHING);
  assertEquals(kernel.daemons.size, 0);
});

Deno.test("the next program goes on: it knows what is ours, and what was before us", async () => {
  const before = { ...tunedParameters(), "net/ipv4/ip_forward": "0" };
  const balance = { timeouts: { tcp: 600_000 }, tune_kernel: true };
  const first = lab(balance, { ...before });
  await lab({}, undefined, first.kernel).engine.apply([at(8080)]);
  await first.engine.apply([service(["192.0.2.21"]), at(81)]);
  await first.engine.sync({ role: "master", interface: "eth0", id: 51 });
  await first.engine.stop(true);
  const memory = JSON.parse(JSON.stringify(first.engine.memory()));
  const next = lab({ ...balance, flush: true }, first.values, first.kernel, memory);
  next.done();
  // One of both services was taken out of the configuration in between. What is no start flushes nothing.
  assertEquals(await next.engine.apply([service(["192.0.2.21"])]), NOTHING);
  assertEquals(next.done(), ["del service 6 c000020a 81"]);
  await next.engine.stop(false);
  const { services, timeouts, daemons } = first.kernel;
  assertEquals([[...services.keys()], timeouts.tcp, daemons.size], [["6 c000020a 8080"], 900, 0]);
  assertEquals(first.values, before);
});

Deno.test("stop: a kernel without IPVS has nothing to remove", async () => {
  const { engine, kernel, isClosed } = lab({}, undefined, new FakeIpvs());
  await engine.apply([service([])]);
  kernel.present = false;
  await engine.stop(false);
  assert(isClosed());
});
