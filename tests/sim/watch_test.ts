/**
 * The promises that no wrong core can break alone, because nearer ones catch it first: broken by a sabotaged
 * host instead.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { plainStory } from "./plain.ts";
import { World } from "./world.ts";
import { Wire } from "./wire.ts";

const story = plainStory({
  advertisementInterval: 10,
  routers: [{ priority: 200 }, { priority: 100 }],
  actions: [],
  calmMs: 10_000,
  lengthMs: 90_000,
});

function ending(world: World): string {
  return world.run()?.promise ?? "well";
}

Deno.test("a quiet LAN ends well", () => {
  const world = new World(story);
  assertEquals(ending(world), "well");
  assertEquals(world.hosts.map(({ isActive }) => isActive), [true, false]);
  assertEquals(world.view, 0);
});

Deno.test("two routers that hear each other and are both active for too long", () => {
  const world = new World(story);
  world.hosts[1]!.receive = (): void => {};
  assertMatch(ending(world), /it and B hear each other and are both active/);
});

Deno.test("nobody is active although somebody could be", () => {
  const world = new World({ ...story, routers: story.routers.slice(0, 1) });
  const [host] = world.hosts;
  host!.start = (): void => {
    host!.process = "running";
  };
  assertMatch(ending(world), /nobody has been active/);
});

Deno.test("a better router never preempts", () => {
  const world = new World(story);
  const host = world.hosts[0]!;
  const receive = host.receive.bind(host);
  // It takes every other router for the best one.
  const best = new Wire(story, 1).encode(254);
  host.receive = (_, from): void => receive(best, from);
  world.queue.push(0.1, { type: "packet", from: 1, to: 0, bytes: best });
  host.start = ((start) => (): void => {
    world.queue.push(world.nowMs + 50, { type: "packet", from: 1, to: 0, bytes: best });
    start();
  })(host.start.bind(host));
  for (let atMs = 100; atMs < 1000; atMs += 100) {
    world.queue.push(atMs, { type: "packet", from: 1, to: 0, bytes: best });
  }
  assertMatch(ending(world), /in the end it leaves priority 100 active/);
});

Deno.test("the client is told a wrong address and nobody puts it right", () => {
  const world = new World({ ...story, announce: { delayMs: 0, refreshMs: 60_000 } });
  world.queue.push(89_000, { type: "announcement", from: 1 });
  assertMatch(ending(world), /in the end the client does not know it/);
});

Deno.test("a sound packet is discarded", () => {
  const actions = [{ atMs: 5000, type: "reload", router: 0, to: { advertisementInterval: 200 } }] as const;
  const world = new World({ ...story, version: 2, advertisementInterval: 100, actions });
  assertMatch(ending(world), /a sound packet is discarded: interval_errors/);
});

Deno.test("the active router changes although nothing has disturbed for long", () => {
  const world = new World(story);
  // B alone is told that A resigns.
  world.queue.push(60_000, { type: "packet", from: 0, to: 1, bytes: new Wire(story, 0).encode(0) });
  assertMatch(ending(world), /another router is active, although nothing has disturbed for \d+/);
});
