/** What operators order to last: kept in one file, whatever happens to that. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import type { RealServerOrder } from "../../mod/api/context.ts";
import { Operator } from "../../mod/daemon/balancing/operator.ts";
import { Orders } from "../../mod/daemon/balancing/orders.ts";
import type { Event } from "../../mod/balance/server.ts";
import { begin } from "../../mod/balance/server.ts";
import type { VirtualServer } from "../../mod/balance/virtual_servers.ts";
import { realServer, virtualServer } from "../balance/settings.ts";

// Loaded once for the process, thus before any test, or it would count as a leak of the first.
libc();

async function inDirectory(body: (directory: string) => void): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-orders-" });
  try {
    body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const never = (problem: string): void => assert(false, problem);

Deno.test("orders are found again, each by its own, and leave nothing when they end", () =>
  inDirectory((directory) => {
    const path = `${directory}/deep/er/balance.json`;
    const orders = new Orders(path, never);
    orders.set("web", "rs1", { weight: 7 });
    orders.set("web", "rs3", { drain: { until: null, drained: false } });
    orders.set("dns", "rs1", { weight: 0 });
    const again = new Orders(path, never);
    assertEquals(again.get("web", "rs1"), { weight: 7 });
    assertEquals(again.get("web", "rs3"), { drain: { until: null, drained: false } });
    assertEquals([again.get("web", "rs2"), again.get("constructor", "rs1")], [{}, {}]);
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    for (const [server, real] of [["web", "rs1"], ["web", "rs3"], ["dns", "rs1"]] as const) {
      again.set(server, real, {});
    }
    assertEquals(JSON.parse(Deno.readTextFileSync(path)), { virtual_servers: {} });
    assertEquals([...Deno.readDirSync(`${directory}/deep/er`)].map(({ name }) => name), ["balance.json"]);
  }));

Deno.test("a file that cannot be used is told, and orders nothing", () =>
  inDirectory((directory) => {
    const path = `${directory}/balance.json`;
    const bad = ["", "[]", "{", '{"virtual_servers": {"web": {"rs1": {"weight": 70000}}}}'];
    for (const text of bad) {
      Deno.writeTextFileSync(path, text);
      const problems: string[] = [];
      const orders = new Orders(path, (problem) => problems.push(problem));
      assertEquals([problems.length, orders.get("web", "rs1")], [1, {}], text);
      assert(problems[0]?.startsWith(`${path} cannot be used: `), problems[0]);
    }
  }));

Deno.test("what cannot be written has not been ordered", () =>
  inDirectory((directory) => {
    Deno.writeTextFileSync(`${directory}/file`, "");
    const orders = new Orders(`${directory}/file/balance.json`, () => {});
    assertThrows(() => orders.set("web", "rs1", { weight: 7 }), Error);
    assertEquals(orders.get("web", "rs1"), {});
  }));

const config = virtualServer({ real_server: [realServer("10.0.0.1:80")], drain_timeout: 5000 });
const WEB: VirtualServer = {
  name: "web",
  config,
  state: begin(config, () => ({ checks: [] }), 0),
  destinations: [],
  services: [],
  deadlineMs: Infinity,
};
const RS = "10.0.0.1:80";

/** [what, orders, the last event, what stands, `until` given as whether there is one] */
const ROWS: readonly [string, readonly RealServerOrder[], Event, unknown][] = [
  [
    "a drain, as long as configured",
    [{ type: "drain", persist: true }],
    { type: "drain", realServer: RS, timeoutMs: 5000 },
    { drain: { until: true, drained: false } },
  ],
  [
    "a drain until the last connection",
    [{ type: "drain", timeoutMs: 0, persist: true }],
    { type: "drain", realServer: RS, timeoutMs: 0 },
    { drain: { until: false, drained: false } },
  ],
  [
    "not to be kept",
    [{ type: "drain", persist: false }, { type: "weight", weight: 3, persist: false }],
    { type: "weight", realServer: RS, weight: 3 },
    {},
  ],
  [
    "the end of one that is not to be kept is not kept either",
    [{ type: "drain", timeoutMs: 0, persist: true }, { type: "undrain", persist: false }],
    { type: "undrain", realServer: RS },
    { drain: { until: false, drained: false } },
  ],
  [
    "weight and drain are two orders",
    [
      { type: "weight", weight: 9, persist: true },
      { type: "drain", timeoutMs: 0, persist: true },
      { type: "undrain", persist: true },
    ],
    { type: "undrain", realServer: RS },
    { weight: 9 },
  ],
  [
    "the configured weight again",
    [{ type: "weight", weight: 9, persist: true }, { type: "weight", weight: null, persist: true }],
    { type: "weight", realServer: RS, weight: null },
    {},
  ],
];

Deno.test("an operator's orders become events, and stand where they are to last", async () => {
  for (const [what, orders, event, standing] of ROWS) {
    await inDirectory((directory) => {
      const events: [string, Event][] = [];
      const path = `${directory}/balance.json`;
      const operator = new Operator(path, (name, event) => void events.push([name, event]));
      for (const order of orders) assertEquals(operator.carryOut(WEB, RS, order), { ok: true });
      assertEquals(events.at(-1), ["web", event], what);
      const { drain, ...rest } = new Orders(path, never).get("web", RS);
      const shown = drain === undefined
        ? rest
        : { ...rest, drain: { ...drain, until: drain.until !== null } };
      assertEquals(shown, standing, what);
    });
  }
});

Deno.test("what stands is there for a real server that comes; a drain that has ended does not begin anew", () =>
  inDirectory((directory) => {
    const path = `${directory}/balance.json`;
    const operator = (): Operator => new Operator(path, () => {});
    const first = operator();
    assertEquals(first.standing("web", RS), { weight: null, drain: null });
    first.carryOut(WEB, RS, { type: "weight", weight: 4, persist: true });
    first.carryOut(WEB, RS, { type: "drain", timeoutMs: 60_000, persist: true });
    const { weight, drain } = operator().standing("web", RS);
    assertEquals([weight, drain?.state], [4, "draining"]);
    first.noteDrained("web", RS);
    assertEquals(operator().standing("web", RS), { weight: 4, drain: { state: "drained" } });
    const past = { drain: { until: "2020-01-01T00:00:00.000Z", drained: false } };
    new Orders(path, never).set("web", RS, past);
    assertEquals(operator().standing("web", RS).drain, { state: "drained" });
  }));

Deno.test("what is not there cannot be ordered, and what cannot be kept is not done", () =>
  inDirectory((directory) => {
    const events: unknown[] = [];
    Deno.writeTextFileSync(`${directory}/file`, "");
    const operator = new Operator(`${directory}/file/balance.json`, (_, event) => void events.push(event));
    assertEquals(operator.carryOut(WEB, "rs9", { type: "undrain", persist: false }), {
      ok: false,
      kind: "not_found",
      message: "virtual server web has no real server rs9, but 10.0.0.1:80",
    });
    const refused = operator.carryOut(WEB, RS, { type: "undrain", persist: true });
    assert(!refused.ok && refused.kind === "failed");
    assertEquals(events, []);
  }));
