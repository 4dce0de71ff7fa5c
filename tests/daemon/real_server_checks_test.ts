/** Checks of real servers: who is asked what, what it means for whom, and when nobody is asked. */
import { assertEquals } from "@std/assert";
import type { Host } from "../../checks/check.ts";
import type { Event } from "../../mod/balance/server.ts";
import type { RealServerConfig, VirtualServerConfig } from "../../mod/config/virtual_server.ts";
import { namesOf, RealServerChecks } from "../../mod/daemon/balancing/checks.ts";
import { realServer, virtualServer } from "../balance/settings.ts";
import { waitFor } from "../e2e/lab/wait.ts";
import { config } from "../health/recorder.ts";

type Check = RealServerConfig["check"][number];

/** A tcp check that finds nobody: a port where nothing listens. */
const TCP: Check = {
  ...config("tcp", {}, { interval: 50, rise: 1, fall: 1, initial: "unknown" }),
  warmup: 0,
};
const CLOSED = "127.0.0.1:1";

function lab(): { checks: RealServerChecks; events: [string, Event][] } {
  const events: [string, Event][] = [];
  const checks = new RealServerChecks({
    host: {} as Host,
    inherited: {},
    event: (name, event) => void events.push([name, event]),
  });
  return { checks, events };
}

function web(
  servers: readonly RealServerConfig[],
  rest: Partial<VirtualServerConfig> = {},
): VirtualServerConfig {
  return virtualServer({ real_server: servers, ...rest });
}

const unknown = (): undefined => undefined;

Deno.test("a check has the name of its real server, and a number where there are several", () => {
  assertEquals(namesOf("web", realServer("rs1", { check: [] })), []);
  assertEquals(namesOf("web", realServer("rs1", { check: [TCP] })), ["web/rs1"]);
  assertEquals(namesOf("web", realServer("rs1", { check: [TCP, TCP] })), ["web/rs1#1", "web/rs1#2"]);
});

Deno.test("a check that fails is an event of its virtual server, real server and place", async () => {
  const { checks, events } = lab();
  const servers = [realServer(CLOSED, { check: [TCP, TCP] })];
  checks.configure({ web: web(servers) }, unknown);
  assertEquals(checks.views("web", servers[0]!).map(({ isUp }) => isUp), [true, true]);
  checks.start();
  await waitFor("both checks to fail", () => events.length === 2, 10_000);
  const told = events.map(([name, event]) =>
    event.type === "check" ? [name, event.realServer, event.index, event.isUp] : []
  );
  assertEquals(told.sort(), [["web", CLOSED, 0, false], ["web", CLOSED, 1, false]]);
  assertEquals(
    checks.views("web", servers[0]!).map(({ isUp }) => isUp),
    [true, true],
    "as it was configured",
  );
  checks.configure({ web: web(servers) }, unknown);
  assertEquals(checks.views("web", servers[0]!).map(({ isUp }) => isUp), [false, false], "as it is by now");
  await checks.stop();
});

Deno.test("what a check is before its first look: its own word, else the real server's, else what is known", () => {
  const rows: [Check["initial"], RealServerConfig["initial"], boolean | undefined, boolean][] = [
    ["unknown", "up", undefined, true],
    ["unknown", "down", undefined, false],
    ["down", "up", undefined, false],
    ["up", "down", undefined, true],
    ["unknown", "down", true, true],
    ["up", "up", false, false],
  ];
  for (const [own, initial, known, expected] of rows) {
    const { checks } = lab();
    const server = realServer(CLOSED, { initial, check: [{ ...TCP, initial: own }] });
    checks.configure({ web: web([server]) }, () => known);
    assertEquals(checks.views("web", server)[0]!.isUp, expected, `${own} ${initial} ${known}`);
  }
});

Deno.test("a name that means another address begins anew, and a reload changes nothing else", () => {
  const { checks } = lab();
  const server = realServer(CLOSED, { check: [TCP] });
  checks.configure({ web: web([server]) }, () => false);
  checks.configure({ web: web([server]) }, () => true);
  assertEquals(checks.views("web", server)[0]!.isUp, false);
  const moved = { ...server, address: "127.0.0.2" };
  checks.configure({ web: web([moved]) }, unknown);
  assertEquals(checks.views("web", moved)[0]!.isUp, true);
});

Deno.test("nobody is asked while the virtual router is not ACTIVE, and at once when it is", async () => {
  const { checks, events } = lab();
  const server = realServer(CLOSED, { check: [TCP] });
  checks.configure({ web: web([server], { virtual_router: "VI" }), other: web([server]) }, unknown);
  checks.pause(() => false);
  checks.start();
  await waitFor("the other to fail", () => events.length > 0, 10_000);
  assertEquals(events.map(([name]) => name), ["other"]);
  assertEquals(checks.status().get(`web/${CLOSED}`)?.runs, 0);
  checks.pause((router) => router === "VI");
  await waitFor("it to fail", () => events.some(([name]) => name === "web"), 10_000);
  await checks.stop();
});
