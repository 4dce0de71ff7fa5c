/** `vipd drain`, `undrain` and `weight` against a real listener. */
import { assertEquals, assertRejects } from "@std/assert";
import { createApi, serveApi } from "../../mod/api/mod.ts";
import type { RealServerOrderResult } from "../../mod/api/context.ts";
import type { Io } from "../../mod/cli/io.ts";
import { drain, undrain, weight } from "../../mod/cli/real_server.ts";
import { UsageError } from "../../mod/errors.ts";
import { fakeContext } from "../api/fixture.ts";
import { fakeIo } from "./fake_io.ts";

const SILENT = { info: (): void => {}, error: (): void => {} };

type Run = (args: string[], io: Io) => Promise<number>;

/** Exit code, both outputs, and what the daemon was asked. */
async function run(
  command: Run,
  args: readonly string[],
  result: RealServerOrderResult = { ok: true },
): Promise<[number, string[], string[], unknown[]]> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-cli-" });
  const socket = `${directory}/vipd.sock`;
  const asked: unknown[] = [];
  const context = fakeContext({
    orderRealServer: (...order) => {
      asked.push(order);
      return result;
    },
  });
  const server = await serveApi(createApi(context), [{ kind: "unix", path: socket }], SILENT);
  const io = fakeIo();
  try {
    return [await command([...args, "--socket", socket], io), io.stdout, io.stderr, asked];
  } finally {
    await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("vipd drain, undrain and weight ask for what they are told, and say what has happened", async () => {
  const rs = "[2001:db8::21]:80";
  assertEquals(await run(drain, ["web", rs, "--timeout", "5m", "--persist"]), [
    0,
    [`web/${rs} gets no new connections; it is out when its last one has ended, or in 300 s`],
    [],
    [["web", rs, { type: "drain", persist: true, timeoutMs: 300_000 }]],
  ]);
  assertEquals((await run(drain, ["web", "rs1", "--timeout", "0s"]))[3], [
    ["web", "rs1", { type: "drain", persist: false, timeoutMs: 0 }],
  ]);
  assertEquals((await run(drain, ["web", "rs1"]))[3], [["web", "rs1", { type: "drain", persist: false }]]);
  assertEquals(await run(undrain, ["web", "rs1"]), [
    0,
    ["web/rs1 gets connections again while its checks pass"],
    [],
    [["web", "rs1", { type: "undrain", persist: false }]],
  ]);
  assertEquals(await run(weight, ["web", "rs1", "10"]), [
    0,
    ["web/rs1 has weight 10"],
    [],
    [["web", "rs1", { type: "weight", weight: 10, persist: false }]],
  ]);
  assertEquals((await run(weight, ["web", "rs1", "auto", "--persist"]))[3], [
    ["web", "rs1", { type: "weight", weight: null, persist: true }],
  ]);
});

Deno.test("vipd drain says why nothing was done", async () => {
  const message = "virtual server web has no real server rs9, but rs1, rs2";
  assertEquals(await run(drain, ["web", "rs9"], { ok: false, kind: "not_found", message }), [
    1,
    [],
    [`vipd: vipd answered 404: ${message}`],
    [["web", "rs9", { type: "drain", persist: false }]],
  ]);
});

Deno.test("vipd drain, undrain and weight refuse what they do not understand", async () => {
  const rows: [Run, string[]][] = [
    [drain, []],
    [drain, ["web"]],
    [drain, ["web", "--persist"]],
    [drain, ["web", "rs1", "rs2"]],
    [drain, ["web", "rs1", "--timeout", "5"]],
    [drain, ["web", "rs1", "--timeout", "200h"]],
    [undrain, ["web", "rs1", "--timeout", "5m"]],
    [weight, ["web", "rs1"]],
    [weight, ["web", "rs1", "65536"]],
    [weight, ["web", "rs1", "-1"]],
    [weight, ["web", "rs1", "1.5"]],
    [weight, ["web", "rs1", "much"]],
  ];
  for (const [command, args] of rows) {
    await assertRejects(() => command(args, fakeIo()), UsageError);
  }
});
