/** Priorities by the operator's word in the daemon: what is told, what is kept, and how it ends. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { Overrides, type OverrideStates } from "../../mod/daemon/overrides.ts";
import { StandingOrders } from "../../mod/daemon/standing_orders.ts";
import type { VirtualRouterStatus } from "../../mod/snapshot.ts";
import type { EngineReport } from "../../mod/vrrp/messages.ts";
import type { Override } from "../../mod/vrrp/override.ts";
import { noLateness } from "../../mod/vrrp/lateness.ts";
import { router } from "../api/fixture.ts";

// Loaded once for the process, thus before any test, or it would count as a leak of the first.
libc();

const PREFER = { by: "prefer", forMs: null, persist: false } as const;

interface Scene {
  readonly overrides: Overrides;
  readonly path: string;
  /** What the engine was told last. */
  posted(): Readonly<Record<string, Override>> | undefined;
  readonly told: string[];
  /** Another daemon over the same file. */
  again(inherited?: OverrideStates): Scene;
}

/** An engine whose router is as `status` says, with what it was told. */
async function scene(
  body: (scene: Scene) => Promise<void>,
  status: Partial<VirtualRouterStatus> = {},
  priority: () => number | undefined = () => 100,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-overrides-" });
  const path = `${directory}/state.json`;
  const open = (inherited: OverrideStates | null): Scene => {
    const posted: Readonly<Record<string, Override>>[] = [];
    const told: string[] = [];
    const overrides = new Overrides({
      engine: {
        override: (all) => void posted.push(all),
        report: () => {
          const override = posted.at(-1)?.["VI_1"];
          const current = override === undefined ? null : { ...override, suspended: null };
          const virtual_routers = [router({ name: "VI_1", override: current, ...status })];
          const report: EngineReport = {
            lateness: noLateness(),
            virtual_routers,
            sync_groups: [],
            foreign_routers: [],
          };
          return Promise.resolve(report);
        },
      },
      orders: new StandingOrders(path),
      inherited,
      priorityOf: (name) => name === "VI_1" ? priority() : undefined,
      tell: (...words) => void told.push(words.join(" | ")),
    });
    return { overrides, path, posted: () => posted.at(-1), told, again: (left) => open(left ?? null) };
  };
  try {
    await body(open(null));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The last answer's sentence, and whether it says that all is as it was ordered. */
async function ordered(
  { overrides }: Scene,
  order: Parameters<Overrides["order"]>[1],
): Promise<[boolean, string]> {
  const result = await overrides.order(["VI_1"], order);
  if (!result.ok) return [false, result.message];
  const [{ ok, detail } = { ok: false, detail: "" }] = result.virtual_routers;
  return [ok, detail];
}

Deno.test("prefer: told to the engine, to the listeners and to who asked; and taken back", () =>
  scene(async (one) => {
    const [ok, detail] = await ordered(one, PREFER);
    assert(ok);
    assertMatch(detail, /^VI_1 is preferred here until it is taken back: ACTIVE after \d+ ms$/);
    assertEquals([one.posted()?.["VI_1"]?.by, one.posted()?.["VI_1"]?.priority], ["prefer", 254]);
    assertEquals(await ordered(one, { by: "priority", end: true }), [
      false,
      'VI_1 has no other priority, but is preferred here: "vipd prefer VI_1 --off" takes that back',
    ]);
    assertEquals(await ordered(one, { by: "prefer", end: true }), [
      true,
      "VI_1 has its configured priority 100 again",
    ]);
    assertEquals(one.posted(), {});
    assertEquals(await ordered(one, { by: "prefer", end: true }), [false, "VI_1 is not preferred here"]);
    assertEquals(one.told, [
      "VI_1 | configured | preferred | ordered by the operator, until it is taken back",
      "VI_1 | preferred | configured | taken back by the operator",
    ]);
  }));

Deno.test("priority: what it comes to, and the last word counts", () =>
  scene(async (one) => {
    await ordered(one, PREFER);
    const [ok, detail] = await ordered(one, { by: "priority", priority: 120, forMs: 60_000, persist: false });
    assert(ok);
    assertMatch(
      detail,
      /^VI_1 has base priority 120 \(configured: 100\), effective 80, until 20.*Z; it is ACTIVE/,
    );
    assertEquals(one.posted()?.["VI_1"]?.by, "priority");
    assertStringIncludes(one.told.at(-1) ?? "", "VI_1 | preferred | priority 120 | ordered by the operator");
    assertEquals(
      (await ordered(one, { by: "prefer", end: true }))[1],
      'VI_1 is not preferred here, but has another priority: "vipd priority VI_1 auto" takes that back',
    );
  }));

/** [what, the router's status, what is said] */
const NOT_NOW: readonly [string, Partial<VirtualRouterStatus>, RegExp][] = [
  [
    "another one as high",
    {
      state: "BACKUP",
      effective_priority: 254,
      active_router: "192.168.121.12",
      peers: [{ ...router().peers[0]!, priority: 254 }],
    },
    /it is BACKUP, 192\.168\.121\.12 is active with priority 254, and only a higher one takes over$/,
  ],
  [
    "in FAULT",
    { state: "FAULT", reason: "eth0 is down" },
    /but does not count now: it is FAULT, eth0 is down$/,
  ],
  [
    "in maintenance",
    { state: "INIT", reason: "maintenance until it is ended" },
    /it is INIT, maintenance until/,
  ],
];

for (const [what, status, said] of NOT_NOW) {
  Deno.test(`prefer stands, but does not count now: ${what}`, () =>
    scene(async (one) => {
      const [ok, detail] = await ordered(one, PREFER);
      assertEquals([ok, one.posted()?.["VI_1"]?.by], [false, "prefer"]);
      assertMatch(detail, said);
    }, status));
}

Deno.test("what cannot be: an owner here, an owner there; nothing is done then", async () => {
  await scene(
    async (one) => {
      const [, detail] = await ordered(one, PREFER);
      assertEquals(detail, "VI_1 owns its addresses (priority 255): nothing changes its priority");
      assertEquals([one.posted(), one.told], [undefined, []]);
    },
    {},
    () => 255,
  );
  const owner = { ...router().peers[0]!, priority: 255 };
  await scene(async (one) => {
    const [, detail] = await ordered(one, PREFER);
    assertMatch(
      detail,
      /^VI_1 cannot be preferred here: 192\.168\.121\.12 owns its addresses \(priority 255\)/,
    );
    assertEquals(one.posted(), undefined);
  }, { state: "BACKUP", active_router: owner.address, peers: [owner] });
});

Deno.test("what is to be kept is there after a restart, with its end; the last order counts there too", () =>
  scene(async (one) => {
    await ordered(one, { by: "priority", priority: 90, forMs: 600_000, persist: true });
    const { since, until } = one.posted()!["VI_1"]!;
    const second = one.again();
    assertEquals(second.posted(), {
      VI_1: { by: "priority", priority: 90, since, until, persisted: true },
    });
    const left = second.overrides.states["VI_1"]!;
    assert(left.endsAtMs! - left.untilMs! < 0 && left.persisted);
    await ordered(second, PREFER);
    assertEquals(one.again().posted(), undefined, "what is not to be kept has taken its place");
    await ordered(second, { ...PREFER, persist: true });
    second.overrides.end("VI_1", "a test");
    assertEquals(one.again().posted(), undefined);
  }));

Deno.test("what was over before the start is forgotten", () =>
  scene((one) => {
    const orders = new StandingOrders(one.path);
    const times = { since: "2020-01-01T00:00:00.000Z", until: "2020-01-01T00:10:00.000Z" };
    orders.changeVirtualRouters(["VI_1"], () => ({ override: { by: "prefer", priority: 254, ...times } }));
    assertEquals(one.again().posted(), undefined);
    assertEquals(new StandingOrders(one.path).virtualRouters, {});
    return Promise.resolve();
  }));

Deno.test("what cannot be kept is not done", () =>
  scene(async (one) => {
    Deno.writeTextFileSync(one.path, "{");
    const bad = one.again();
    const [ok, detail] = await ordered(bad, { ...PREFER, persist: true });
    assert(!ok);
    assertMatch(detail, /^nothing is done, as it cannot be kept: .*state\.json cannot be used/);
    assertEquals(bad.posted(), undefined);
    assert((await ordered(bad, PREFER))[0], "what is not to be kept needs no file");
  }));

Deno.test("an override ends by its time, by a handover, and with its virtual router", async () => {
  let priority: number | undefined = 100;
  await scene(
    async (one) => {
      const { overrides, told } = one;
      await ordered(one, { ...PREFER, forMs: 1 });
      await new Promise((resolve) => setTimeout(resolve, 5));
      overrides.tick();
      assertEquals([one.posted(), told.at(-1)], [{}, "VI_1 | preferred | configured | its time is over"]);
      await ordered(one, PREFER);
      overrides.handedOver("VI_1");
      assertEquals(told.at(-1), "VI_1 | preferred | configured | handed over by the operator");
      await ordered(one, { by: "priority", priority: 90, forMs: null, persist: false });
      overrides.handedOver("VI_1");
      overrides.tick();
      assertEquals(one.posted()?.["VI_1"]?.priority, 90);
      priority = undefined;
      overrides.forgetOthers();
      assertEquals(told.at(-1), "VI_1 | priority 90 | configured | the virtual router is gone");
      priority = 100;
      await ordered(one, { ...PREFER, persist: true });
      priority = undefined;
      overrides.forgetOthers();
      assertEquals(one.posted()?.["VI_1"]?.by, "prefer", "it may come back, and what is to be kept with it");
      priority = 255;
      overrides.forgetOthers();
      assertEquals(told.at(-1), "VI_1 | preferred | configured | the virtual router owns its addresses");
    },
    {},
    () => priority,
  );
});

Deno.test("an upgrade leaves what is ordered, and its end on the clock that nobody sets", () =>
  scene(async (one) => {
    await ordered(one, { ...PREFER, forMs: 60_000 });
    const { states } = one.overrides;
    const next = one.again(JSON.parse(JSON.stringify(states)));
    assertEquals([next.overrides.states, next.posted()], [states, one.posted()]);
    assertEquals(next.told, []);
  }));
