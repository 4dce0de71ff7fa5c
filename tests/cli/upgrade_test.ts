/** `vipd upgrade` against a real listener whose answers change as a daemon's would. */
import { assertEquals } from "@std/assert";
import { createApi, serveApi } from "../../mod/api/mod.ts";
import { upgrade } from "../../mod/cli/upgrade.ts";
import type { ApiContext, UpgradeResult } from "../../mod/api/context.ts";
import { type Snapshot, type VirtualRouterStatus } from "../../mod/snapshot.ts";
import { fakeContext, router, snapshot } from "../api/fixture.ts";
import { fakeIo } from "./fake_io.ts";

const SILENT = { info: (): void => {}, error: (): void => {} };
const BEFORE = snapshot({ virtual_routers: [router(), router({ name: "VI_2", state: "BACKUP" })] });

function after(node: Partial<Snapshot["node"]>, routers = BEFORE.virtual_routers): Snapshot {
  return snapshot({ node: { ...BEFORE.node, ...node }, virtual_routers: routers });
}

/** The command against a daemon whose status is `then` once it has been asked to upgrade. */
async function run(
  then: Snapshot,
  upgradeResult?: UpgradeResult,
  args: readonly string[] = [],
): Promise<[number, string[], string[]]> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-cli-" });
  const socket = `${directory}/vipd.sock`;
  let current = BEFORE;
  const context: Partial<ApiContext> = {
    snapshot: () => Promise.resolve(current),
    upgrade: (binary) => {
      current = then;
      const program = binary ?? "/usr/local/bin/vipd";
      return Promise.resolve(upgradeResult ?? { ok: true, from: "0.1.0", to: "0.2.0", program });
    },
  };
  const server = await serveApi(createApi(fakeContext(context)), [{ kind: "unix", path: socket }], SILENT);
  const io = fakeIo();
  try {
    return [await upgrade(["--socket", socket, ...args], io), io.stdout, io.stderr];
  } finally {
    await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

const started = "2026-11-20T06:00:01.000Z";
const last_upgrade = { at: started, from: "0.1.0", pause_ms: 163.4 };

Deno.test("vipd upgrade waits for the new program and says what stayed", async () => {
  assertEquals(await run(after({ started, version: "0.2.0", last_upgrade })), [0, [
    "upgraded 0.1.0 -> 0.2.0 in 163 ms (/usr/local/bin/vipd)",
    "2 virtual routers stayed as they were, 1 ACTIVE",
  ], []]);
  const [code, [first]] = await run(after({ started, last_upgrade }), undefined, ["--binary", "/opt/vipd"]);
  assertEquals([code, first], [0, "upgraded 0.1.0 -> 0.2.0 in 163 ms (/opt/vipd)"]);
});

Deno.test("vipd upgrade names the virtual routers that moved", async () => {
  const moved: VirtualRouterStatus[] = [
    router({ state: "BACKUP" }),
    router({ name: "VI_2", state: "BACKUP" }),
  ];
  assertEquals(await run(after({ started, last_upgrade: null }, moved)), [
    1,
    ["upgraded 0.1.0 -> 0.2.0 (/usr/local/bin/vipd)"],
    ["VI_1 was ACTIVE and has begun anew: BACKUP"],
  ]);
});

Deno.test("vipd upgrade says why nothing was upgraded", async () => {
  const refused = { ok: false, problem: "/opt/x is no vipd: hello" } as const;
  assertEquals(await run(BEFORE, refused), [1, [], ["vipd: vipd answered 409: /opt/x is no vipd: hello"]]);
  assertEquals(await run(after({ last_upgrade_error: "execve /opt/x: ENOEXEC" })), [
    1,
    [],
    ["vipd: Nothing was upgraded: execve /opt/x: ENOEXEC"],
  ]);
});
