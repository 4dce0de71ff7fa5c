/** `vipd handover` and `vipd maintenance` against a real listener. */
import { assertEquals, assertRejects } from "@std/assert";
import { createApi, serveApi } from "../../mod/api/mod.ts";
import type { ApiContext } from "../../mod/api/context.ts";
import { handover } from "../../mod/cli/handover.ts";
import { maintenance } from "../../mod/cli/maintenance.ts";
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
  const on = snapshot({ node: { ...node, maintenance: { since: until, until } } });
  const released = [
    { name: "VI_1", ok: true, detail: "VI_1 was handed over in 4 ms" },
    { name: "VI_2", ok: false, detail: "VI_2 stays ACTIVE: nobody took over within 1500 ms" },
  ];
  const orders: unknown[] = [];
  const context: Partial<ApiContext> = {
    snapshot: () => Promise.resolve(on),
    beginMaintenance: (order) => {
      orders.push(order);
      return Promise.resolve(released);
    },
  };
  assertEquals(await run(maintenance, ["on", "--for", "10m"], context), [
    1,
    [released[0]!.detail, `maintenance is on until ${until}`],
    [released[1]!.detail, "What stays ACTIVE goes as soon as somebody takes over; --force lets go of it now"],
  ]);
  assertEquals(orders, [{ forMs: 600_000, force: false }]);
  assertEquals(await run(maintenance, ["off"]), [0, ["maintenance is off: this node takes part again"], []]);
});

Deno.test("vipd handover and maintenance refuse what they do not understand", async () => {
  for (
    const args of [[], ["maybe"], ["on", "--for", "tomorrow"], ["on", "--for", "200h"], ["off", "--force"]]
  ) {
    await assertRejects(() => maintenance([...args], fakeIo()), UsageError);
  }
  for (const args of [[], ["--back"], ["VI_1", "--force"]]) {
    await assertRejects(() => handover([...args], fakeIo()), UsageError);
  }
});
