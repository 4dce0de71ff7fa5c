/** Sync groups wherever a snapshot is shown: the API, the metrics, the page, the terminal. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { createApi } from "../../mod/api/mod.ts";
import { renderMetrics } from "../../mod/api/metrics.ts";
import { renderStatus } from "../../mod/cli/status_view.ts";
import type { SyncGroupStatus } from "../../mod/snapshot.ts";
import { fakeContext, router, snapshot } from "./fixture.ts";

const GROUP: SyncGroupStatus = {
  name: "gateway",
  state: "FAULT",
  since: "2026-11-20T05:59:00.000Z",
  reason: "inside: eth0 has no carrier",
  members: ["inside", "outside"],
  contributions: [
    {
      check: "uplink",
      state: "up",
      weight: null,
      contribution: 0,
      reverse: false,
      reason: "198.51.100.1 answers",
    },
  ],
  hooks: [],
};
const SNAPSHOT = snapshot({
  virtual_routers: [router({ name: "inside", sync_group: "gateway" })],
  sync_groups: [GROUP],
});

Deno.test("GET /status/sync_groups/:name is one entry, and an unknown name lists the known ones", async () => {
  const app = createApi(fakeContext({ snapshot: () => Promise.resolve(SNAPSHOT) }));
  assertEquals(await (await app.request("/status/sync_groups/gateway")).json(), GROUP);
  const unknown = await app.request("/status/sync_groups/gate");
  assertEquals([unknown.status, (await unknown.json()).known], [404, ["gateway"]]);
});

Deno.test("renderMetrics() tells the state of sync groups", () => {
  const text = renderMetrics(SNAPSHOT, false);
  assertStringIncludes(text, 'vipd_sync_group_state{name="gateway",state="FAULT"} 1');
  assertStringIncludes(text, 'vipd_sync_group_state{name="gateway",state="ACTIVE"} 0');
  assertStringIncludes(text, 'vipd_sync_group_state_since_seconds{name="gateway"} 1795154340');
});

Deno.test("renderStatus() tells of groups, why, and who is in one", () => {
  const text = renderStatus(SNAPSHOT, { width: Infinity, color: false });
  assertStringIncludes(text, "VRRPv3 ipv4 on eth0, in gateway\n");
  assertStringIncludes(
    text,
    `gateway  FAULT for 1m  sync group of inside, outside
  why        inside: eth0 has no carrier
  trackers   uplink  up  must pass  198.51.100.1 answers`,
  );
});

Deno.test("GET / shows groups, and their heading only where there is one", async () => {
  const page = async (current: typeof SNAPSHOT): Promise<string> => {
    const app = createApi(fakeContext({ snapshot: () => Promise.resolve(current) }));
    return await (await app.request("/", { headers: { accept: "text/html" } })).text();
  };
  const shown = await page(SNAPSHOT);
  assertStringIncludes(shown, "<h2>Sync groups</h2>");
  assertStringIncludes(shown, "inside: eth0 has no carrier");
  assertEquals((await page(snapshot())).includes("Sync groups"), false);
});
