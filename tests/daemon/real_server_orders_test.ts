/** What operators order for real servers: carried out, and kept where it is to last. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import type { RealServerOrder } from "../../mod/api/context.ts";
import { Operator } from "../../mod/daemon/balancing/operator.ts";
import { StandingOrders } from "../../mod/daemon/standing_orders.ts";
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
    "the end of a drain is its end after a restart too",
    [{ type: "drain", timeoutMs: 0, persist: true }, { type: "undrain", persist: false }],
    { type: "undrain", realServer: RS },
    {},
  ],
  [
    "the last order counts, kept or not",
    [{ type: "weight", weight: 9, persist: true }, { type: "weight", weight: 3, persist: false }],
    { type: "weight", realServer: RS, weight: 3 },
    {},
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
      const path = `${directory}/state.json`;
      const operator = new Operator(
        new StandingOrders(path),
        (name, event) => void events.push([name, event]),
      );
      for (const order of orders) assertEquals(operator.carryOut(WEB, RS, order), { ok: true });
      assertEquals(events.at(-1), ["web", event], what);
      const { drain, ...rest } = new StandingOrders(path).realServer("web", RS);
      const shown = drain === undefined
        ? rest
        : { ...rest, drain: { ...drain, until: drain.until !== null } };
      assertEquals(shown, standing, what);
    });
  }
});

Deno.test("what stands is there for a real server that comes; a drain that has ended does not begin anew", () =>
  inDirectory((directory) => {
    const path = `${directory}/state.json`;
    const operator = (): Operator => new Operator(new StandingOrders(path), () => {});
    const first = operator();
    assertEquals(first.standing("web", RS), { weight: null, drain: null });
    first.carryOut(WEB, RS, { type: "weight", weight: 4, persist: true });
    first.carryOut(WEB, RS, { type: "drain", timeoutMs: 60_000, persist: true });
    const { weight, drain } = operator().standing("web", RS);
    assertEquals([weight, drain?.state], [4, "draining"]);
    first.noteDrained("web", RS);
    assertEquals(operator().standing("web", RS), { weight: 4, drain: { state: "drained" } });
    const past = { drain: { until: "2020-01-01T00:00:00.000Z", drained: false } };
    new StandingOrders(path).setRealServer("web", RS, past);
    assertEquals(operator().standing("web", RS).drain, { state: "drained" });
  }));

Deno.test("what is not there cannot be ordered, and what cannot be kept is not done", () =>
  inDirectory((directory) => {
    const events: unknown[] = [];
    Deno.writeTextFileSync(`${directory}/file`, "");
    const orders = new StandingOrders(`${directory}/file/state.json`);
    const operator = new Operator(orders, (_, event) => void events.push(event));
    assertEquals(operator.carryOut(WEB, "rs9", { type: "undrain", persist: false }), {
      ok: false,
      kind: "not_found",
      message: "virtual server web has no real server rs9, but 10.0.0.1:80",
    });
    const refused = operator.carryOut(WEB, RS, { type: "weight", weight: 1, persist: true });
    assert(!refused.ok && refused.kind === "failed");
    assertEquals(events, []);
  }));

Deno.test("an order whose kept part cannot be forgotten ends all the same, and says so", () =>
  inDirectory((directory) => {
    const path = `${directory}/deep/state.json`;
    const events: Event[] = [];
    const operator = new Operator(new StandingOrders(path), (_, event) => void events.push(event));
    operator.carryOut(WEB, RS, { type: "drain", timeoutMs: 0, persist: true });
    Deno.removeSync(`${directory}/deep`, { recursive: true });
    Deno.writeTextFileSync(`${directory}/deep`, "");
    const result = operator.carryOut(WEB, RS, { type: "undrain", persist: false });
    const note = result.ok ? result.note : undefined;
    assertStringIncludes(note ?? "", "could not be taken out and comes back with a restart");
    assertEquals(events.at(-1), { type: "undrain", realServer: RS });
  }));
