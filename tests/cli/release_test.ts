/** `vipd handover` and `vipd maintenance` against a real listener. */
import { assertEquals, assertRejects } from "@std/assert";
import { createApi, serveApi } from "../../mod/api/mod.ts";
import type { ApiContext, OverrideOrder } from "../../mod/api/context.ts";
import { handover } from "../../mod/cli/handover.ts";
import { maintenance } from "../../mod/cli/maintenance.ts";
import { prefer, priority } from "../../mod/cli/override.ts";
import type { Io } from "../../mod/cli/io.ts";
import { UsageError } from "../../mod/errors.ts";
import { fakeContext, snapshot } from "../api/fixture.ts";
import { fakeIo } from "./fake_io.ts";

const SILENT = { info: (): void => {}, error: (): void => {} };
const until = "2026-11-20T06:10:00.000Z";

async function run(
  command: (args: string[], io: Io) => Promise<number>,
  args: readonly string[],
  changes: Partial<ApiContext> = {},
): Promise<[number, string[], string[]]> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-cli-" });
  const socket = `${directory}/vipd.sock`;
  const server = await serveApi(createApi(fakeContext(changes)), [{ kind: "unix", path: socket }], SILENT);
  const io = fakeIo();
  try {
    return [await command([...args, "--socket", socket], io), io.stdout, io.stderr];
  } finally {
    await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("vipd handover says how it went", async () => {
  assertEquals(await run(handover, ["VI_1"]), [0, ["VI_1 was handed over"], []]);
  const detail = "VI_1 stays ACTIVE: nobody took over within 1500 ms";
  const stays: Partial<ApiContext> = { handOver: (name) => Promise.resolve({ name, ok: false, detail }) };
  assertEquals(await run(handover, ["VI_1"], stays), [1, [], [`vipd: vipd answered 409: ${detail}`]]);
});

Deno.test("vipd maintenance says who left, who stays, and until when", async () => {
  const { node } = snapshot();
  const on = snapshot({ node: { ...node, maintenance: { since: until, until, persisted: false } } });
  const released = [
    { name: "VI_1", ok: true, detail: "VI_1 was handed over in 4 ms" },
    { name: "VI_2", ok: false, detail: "VI_2 stays ACTIVE: nobody took over within 1500 ms" },
  ];
  const orders: unknown[] = [];
  const context: Partial<ApiContext> = {
    snapshot: () => Promise.resolve(on),
    beginMaintenance: (order) => {
      orders.push(order);
      return Promise.resolve({ ok: true, virtual_routers: released });
    },
  };
  assertEquals(await run(maintenance, ["on", "--for", "10m"], context), [
    1,
    [released[0]!.detail, `maintenance is on until ${until}`],
    [released[1]!.detail, "What stays ACTIVE goes as soon as somebody takes over; --force lets go of it now"],
  ]);
  assertEquals(orders, [{ forMs: 600_000, force: false, persist: false }]);
  assertEquals(await run(maintenance, ["off"]), [0, ["maintenance is off: this node takes part again"], []]);
});

Deno.test("vipd handover and maintenance refuse what they do not understand", async () => {
  for (
    const args of [[], ["maybe"], ["on", "--for", "tomorrow"], ["on", "--for", "200h"], ["off", "--force"]]
  ) {
    await assertRejects(() => maintenance([...args], fakeIo()), UsageError);
  }
  for (const args of [[], ["--back"], ["VI_1", "--force"], ["VI_1", "--back", "--persist"]]) {
    await assertRejects(() => handover([...args], fakeIo()), UsageError);
  }
});

Deno.test("vipd prefer and priority send what was said, and tell what became of it", async () => {
  const orders: [string, OverrideOrder][] = [];
  const stands = (ok: boolean): Partial<ApiContext> => ({
    overrideRouter: (name, order) => {
      orders.push([name, order]);
      return Promise.resolve({ ok: true, virtual_routers: [{ name, ok, detail: "as it is" }] });
    },
  });
  assertEquals(await run(prefer, ["VI_1", "--for", "30m", "--persist"], stands(true)), [0, ["as it is"], []]);
  assertEquals(await run(prefer, ["VI_1"], stands(false)), [1, [], ["as it is"]]);
  assertEquals(await run(prefer, ["VI_1", "--off"], stands(true)), [0, ["as it is"], []]);
  assertEquals(await run(priority, ["VI_1", "90", "--for", "1h"], stands(true)), [0, ["as it is"], []]);
  assertEquals(await run(priority, ["VI_1", "auto"], stands(true)), [0, ["as it is"], []]);
  assertEquals(orders, [
    ["VI_1", { by: "prefer", forMs: 1_800_000, persist: true }],
    ["VI_1", { by: "prefer", forMs: null, persist: false }],
    ["VI_1", { by: "prefer", end: true }],
    ["VI_1", { by: "priority", priority: 90, forMs: 3_600_000, persist: false }],
    ["VI_1", { by: "priority", end: true }],
  ]);
  const refused: Partial<ApiContext> = {
    overrideRouter: () => Promise.resolve({ ok: false, message: "VI_1 is not preferred here" }),
  };
  const said = ["vipd: vipd answered 409: VI_1 is not preferred here"];
  assertEquals(await run(prefer, ["VI_1", "--off"], refused), [1, [], said]);
});

Deno.test("vipd prefer and priority refuse what they do not understand", async () => {
  for (const args of [[], ["--off"], ["VI_1", "--for", "soon"], ["VI_1", "--off", "--persist"]]) {
    await assertRejects(() => prefer([...args], fakeIo()), UsageError);
  }
  const bad = [[], ["VI_1"], ["VI_1", "0"], ["VI_1", "255"], ["VI_1", "x"], ["VI_1", "auto", "--for", "1m"]];
  for (const args of bad) await assertRejects(() => priority([...args], fakeIo()), UsageError);
});
