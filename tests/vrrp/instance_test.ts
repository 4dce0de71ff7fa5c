/** A running virtual router's own book-keeping: peers, rejections, deadlines, and what a reload keeps. */
import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { discard } from "../../mod/vrrp/discard.ts";
import type { Arrival, Instance } from "../../mod/vrrp/instance.ts";
import { advertisement, bytes, configOf, instanceOf } from "./fixture.ts";

function arrival(source: string): Arrival {
  return { source: bytes(source), destination: bytes("224.0.0.18"), hopLimit: 255, bytes: Uint8Array.of(1) };
}

function hold(instance: Instance): void {
  instance.addresses = instance.addresses.map((managed) => ({ ...managed, held: true, ifindex: 2 }));
}

Deno.test("a new instance waits, with the priority that its checks give it", () => {
  const trackers = [{ check: "nginx", state: "down", reason: "" }] as const;
  const instance = instanceOf({ priority: 120, track: [{ check: "nginx", weight: -50 }] }, { trackers });
  assertEquals(instance.state, {
    name: "initialize",
    priority: 70,
    waiting: ["starting"],
    readyAtMs: 0,
    resumeUntilMs: 0,
  });
  assertEquals(instance.isActive, false);
  assertEquals(instance.deadlineMs, Infinity);
});

Deno.test("the deadline is the state's, or the end of a block if that is sooner", () => {
  const instance = instanceOf();
  instance.enter({ name: "initialize", priority: 100, waiting: [], readyAtMs: 500, resumeUntilMs: 0 });
  assertEquals(instance.deadlineMs, 500);
  instance.blocked = { reason: "no", untilMs: 300 };
  instance.enter(instance.state);
  assertEquals(instance.deadlineMs, 300);
});

Deno.test("hear() counts on, notes whether the addresses match, and forgets the least recently new of too many peers", () => {
  const instance = instanceOf();
  instance.hear(arrival("192.0.2.2"), advertisement, 1).count = 5;
  const again = instance.hear(arrival("192.0.2.2"), { ...advertisement, addresses: [] }, 2);
  assertEquals([again.count, again.addressesMatch, again.lastSeen], [5, false, 2]);
  for (let i = 3; i <= 17; i++) instance.hear(arrival(`192.0.2.${i}`), advertisement, i);
  assertEquals(instance.heard.size, 16);
  instance.hear(arrival("192.0.2.99"), advertisement, 99);
  assertEquals(instance.heard.size, 16);
  assertEquals(instance.heard.has("192.0.2.2"), false);
  assertEquals(instance.heard.has("192.0.2.3"), true);
});

Deno.test("reject() counts by reason and keeps the last ten", () => {
  const instance = instanceOf();
  for (let at = 1; at <= 12; at++) {
    instance.reject({ at, source: bytes("192.0.2.2"), discard: discard("checksum_errors", "") });
  }
  assertEquals(instance.counters.checksum_errors, 12);
  assertEquals(instance.counters.version_errors, 0);
  assertEquals(instance.rejected.map(({ at }) => at), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

Deno.test("setPrimaryAddress() drops the encoded messages only when the address is another one", () => {
  const instance = instanceOf();
  const { router } = instance;
  instance.packets.set(100, []);
  instance.setPrimaryAddress(bytes("192.0.2.1"));
  assertEquals(instance.packets.size, 1);
  assertStrictEquals(instance.router, router);
  instance.setPrimaryAddress(bytes("192.0.2.8"));
  assertEquals(instance.packets.size, 0);
  assertEquals(instance.router.primaryAddress, bytes("192.0.2.8"));
  // Without an address the last one still decides between equal priorities.
  instance.setPrimaryAddress(null);
  assertEquals(instance.primaryAddress, null);
  assertEquals(instance.router.primaryAddress, bytes("192.0.2.8"));
});

Deno.test("reconfigure() keeps what is held and still wanted, and returns what is not", () => {
  const instance = instanceOf({ addresses: ["192.0.2.100/24", "192.0.2.101/24"] });
  hold(instance);
  const dropped = instance.reconfigure(
    configOf({ addresses: ["192.0.2.101/24", "192.0.2.102/24"] }),
    new Map(),
  );
  const text = ({ address, held, ifindex }: Instance["addresses"][number]): string =>
    `${address.join(".")} ${held} ${ifindex}`;
  assertEquals(dropped.map(text), ["192.0.2.100 true 2"]);
  assertEquals(instance.addresses.map(text), ["192.0.2.101 true 2", "192.0.2.102 false 0"]);
});

Deno.test("reconfigure() takes an address with another prefix, label, scope or interface for another address", () => {
  const changes = [
    "192.0.2.100/32",
    { address: "192.0.2.100/24", label: "eth0:v" },
    { address: "192.0.2.100/24", scope: "host" },
    { address: "192.0.2.100/24", interface: "eth1" },
  ];
  for (const change of changes) {
    const instance = instanceOf();
    hold(instance);
    assertEquals(instance.reconfigure(configOf({ addresses: [change] }), new Map()).length, 1);
    assertEquals(instance.addresses.map(({ held }) => held), [false]);
  }
});

Deno.test("reconfigure() gives the core a new router and forgets what was encoded and heard", () => {
  const instance = instanceOf();
  const { router } = instance;
  instance.packets.set(100, []);
  instance.hear(arrival("192.0.2.2"), advertisement, 1);
  instance.reconfigure(configOf({ priority: 77, preempt: false }), new Map());
  assertNotStrictEquals(instance.router, router);
  assertEquals(instance.router.preemptMode, false);
  assertEquals(instance.router.primaryAddress, bytes("192.0.2.1"));
  assertEquals(instance.health.effective, 77);
  assertEquals(instance.packets.size, 0);
  assertEquals(instance.heard.size, 0);
});

Deno.test("resume() lets it go on while the peers wait, and listen first when it may not preempt", () => {
  const resumed = instanceOf({ advertisement_interval: "100ms" });
  resumed.resume(0, 1000);
  assertEquals(resumed.state, {
    name: "initialize",
    priority: 100,
    waiting: ["starting"],
    readyAtMs: 0,
    resumeUntilMs: 1000 + 300 + 100 / 256,
  });
  const modest = instanceOf({ advertisement_interval: "100ms", preempt: false });
  modest.resume(500, 1000);
  assertEquals(modest.state, { ...resumed.state, readyAtMs: 1100 });
});
