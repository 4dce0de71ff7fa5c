/** What operators order to last: kept in one file, whatever happens to that. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StandingOrders } from "../../mod/daemon/standing_orders.ts";

function inDirectory(body: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync({ prefix: "vipd-orders-" });
  try {
    body(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

const SINCE = "2026-11-20T06:00:00.000Z";
const OVERRIDE = { by: "priority", priority: 120, since: SINCE, until: null } as const;

Deno.test("standing orders are found again, each by its own, and leave nothing when they end", () =>
  inDirectory((directory) => {
    const path = `${directory}/deep/er/state.json`;
    const orders = new StandingOrders(path);
    orders.setRealServer("web", "rs1", { weight: 7 });
    orders.setRealServer("web", "rs3", { drain: { until: null, drained: false } });
    orders.setRealServer("dns", "rs1", { weight: 0 });
    orders.changeVirtualRouters(["VI_1"], () => ({ override: OVERRIDE, held_back: { since: SINCE } }));
    orders.setMaintenance({ since: SINCE, until: null, force: true });
    const again = new StandingOrders(path);
    assertEquals(again.problem, null);
    assertEquals(again.realServer("web", "rs1"), { weight: 7 });
    assertEquals(again.realServer("web", "rs3"), { drain: { until: null, drained: false } });
    assertEquals([again.realServer("web", "rs2"), again.realServer("constructor", "rs1")], [{}, {}]);
    assertEquals(again.virtualRouters["VI_1"], { override: OVERRIDE, held_back: { since: SINCE } });
    again.changeVirtualRouters(["toString"], (orders) => {
      assertEquals(orders, {});
      return orders;
    });
    assertEquals(Object.keys(again.virtualRouters), ["VI_1"]);
    assertEquals(again.maintenance, { since: SINCE, until: null, force: true });
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    for (const [server, real] of [["web", "rs1"], ["web", "rs3"], ["dns", "rs1"]] as const) {
      again.setRealServer(server, real, {});
    }
    again.changeVirtualRouters(["VI_1"], () => ({}));
    again.setMaintenance(null);
    assertEquals(JSON.parse(Deno.readTextFileSync(path)), { format: 1 });
    assertEquals([...Deno.readDirSync(`${directory}/deep/er`)].map(({ name }) => name), ["state.json"]);
  }));

Deno.test("standing orders: a file that cannot be used is told, orders nothing, and is not written over", () =>
  inDirectory((directory) => {
    const path = `${directory}/state.json`;
    const bad: readonly [text: string, problem: string][] = [
      ["", "Unexpected end of JSON input"],
      ["[]", "expected object"],
      ["{", "JSON"],
      ['{"virtual_servers": {}}', "format"],
      ['{"format": 2, "anything": []}', "format 2, which another version of vipd wrote; this one knows 1"],
      ['{"format": 1, "virtual_servers": {"web": {"rs1": {"weight": 70000}}}}', "70000"],
      ['{"format": 1, "maintenance": {"since": "yesterday", "until": null, "force": false}}', "maintenance"],
    ];
    for (const [text, problem] of bad) {
      Deno.writeTextFileSync(path, text);
      const orders = new StandingOrders(path);
      assert(orders.problem?.startsWith(`${path} cannot be used, so nothing in it is in force: `), text);
      if (problem !== "70000") assertStringIncludes(orders.problem, problem);
      assertEquals([orders.maintenance, orders.virtualRouters, orders.realServer("web", "rs1")], [
        null,
        {},
        {},
      ]);
      assertThrows(() => orders.setRealServer("web", "rs1", { weight: 1 }), Error, "cannot be used");
      assertEquals(Deno.readTextFileSync(path), text);
      // To end what is not in force is no reason to complain.
      orders.setMaintenance(null);
      orders.changeVirtualRouters(["VI_1"], () => ({}));
    }
    Deno.removeSync(path);
    const orders = new StandingOrders(path);
    Deno.writeTextFileSync(path, "{");
    assertEquals(orders.problem, null);
  }));

Deno.test("standing orders: a file that was put right is used again", () =>
  inDirectory((directory) => {
    const path = `${directory}/state.json`;
    Deno.writeTextFileSync(path, "{");
    const orders = new StandingOrders(path);
    Deno.writeTextFileSync(path, '{"format": 1, "virtual_servers": {"web": {"rs1": {"weight": 1}}}}');
    orders.changeVirtualRouters(["VI_1"], () => ({ override: OVERRIDE }));
    assertEquals(new StandingOrders(path).realServer("web", "rs1"), { weight: 1 });
    assertEquals([orders.problem, new StandingOrders(path).virtualRouters], [null, {
      VI_1: { override: OVERRIDE },
    }]);
  }));

Deno.test("standing orders: what cannot be written has not been ordered", () =>
  inDirectory((directory) => {
    Deno.writeTextFileSync(`${directory}/file`, "");
    const orders = new StandingOrders(`${directory}/file/state.json`);
    assertThrows(() => orders.setRealServer("web", "rs1", { weight: 7 }), Error);
    assertEquals(orders.realServer("web", "rs1"), {});
  }));

Deno.test("standing orders of several virtual routers: all of them, or none", () =>
  inDirectory((directory) => {
    const path = `${directory}/state.json`;
    const orders = new StandingOrders(path);
    const heldBack = { held_back: { since: SINCE } };
    let asked = 0;
    assertThrows(() =>
      orders.changeVirtualRouters(["VI_1", "VI_2"], () => {
        if (++asked === 2) throw new Error("full");
        return heldBack;
      })
    );
    assertEquals([orders.virtualRouters, new StandingOrders(path).virtualRouters], [{}, {}]);
    orders.changeVirtualRouters(["VI_1", "VI_2"], () => heldBack);
    assertEquals(new StandingOrders(path).virtualRouters, { VI_1: heldBack, VI_2: heldBack });
    orders.changeVirtualRouters(["VI_1", "VI_2"], () => ({}));
    assertEquals(JSON.parse(Deno.readTextFileSync(path)), { format: 1 });
  }));
