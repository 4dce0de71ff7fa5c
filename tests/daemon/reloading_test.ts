/** A reload applies a file or changes nothing, and says which. */
import { assertEquals, assertMatch } from "@std/assert";
import { load, type Loading } from "../../mod/daemon/loading.ts";
import { Reloading } from "../../mod/daemon/reloading.ts";

const ROUTER = `[virtual_router.VI_1]\ninterface = "lo"\nvrid = 51\naddresses = ["192.0.2.10/32"]\n`;

interface Bench {
  readonly told: string[];
  readonly reloading: Reloading;
  loading: Loading;
  isStopping: boolean;
}

async function withFile(work: (bench: Bench, write: (text: string) => void) => Promise<void>): Promise<void> {
  const configFile = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    Deno.writeTextFileSync(configFile, ROUTER);
    const told: string[] = [];
    const reloading = new Reloading({
      configFile,
      loading: () => bench.loading,
      apply: (loading) => {
        bench.loading = loading;
        told.push("applied");
        return Promise.resolve();
      },
      isStopping: () => bench.isStopping,
      begun: () => told.push("begun"),
      ended: ({ ok }, reason) => told.push(`${ok ? "ok" : "refused"}: ${reason}`),
    });
    const bench: Bench = { told, reloading, loading: await load(configFile), isStopping: false };
    await work(bench, (text) => Deno.writeTextFileSync(configFile, text));
  } finally {
    await Deno.remove(configFile);
  }
}

Deno.test("a good file is applied, and what changed is told", () =>
  withFile(async ({ told, reloading }, write) => {
    write(ROUTER.replace("VI_1", "VI_2"));
    const result = await reloading.run();
    const summary = "virtual_router: 1 added (VI_2), 1 removed (VI_1); check: unchanged";
    assertEquals(result, { ok: true, summary });
    assertEquals(told, ["begun", "applied", `ok: ${summary}`]);
    assertEquals(reloading.error, null);
  }));

Deno.test("a bad file changes nothing; its problem stands until a good one comes", () =>
  withFile(async ({ told, reloading }, write) => {
    write(ROUTER.replace("51", "0"));
    assertEquals((await reloading.run()).ok, false);
    assertMatch(reloading.error ?? "", /vrid: expected a whole number 1\.\.255/);
    assertEquals(told.length, 2);
    write(ROUTER);
    assertEquals((await reloading.run()).ok, true);
    assertEquals(reloading.error, null);
  }));

Deno.test("a file without virtual routers, and a daemon that stops, refuse", () =>
  withFile(async (bench, write) => {
    write("");
    await bench.reloading.run();
    assertMatch(bench.reloading.error ?? "", /expected at least one virtual router/);
    write(ROUTER);
    bench.isStopping = true;
    await bench.reloading.run();
    assertMatch(bench.reloading.error ?? "", /vipd is stopping/);
    assertEquals(bench.told.includes("applied"), false);
  }));
