/**
 * Real servers behind their checks: each of them comes up, is killed, comes back, hangs, goes on, and refuses
 * a wrong password; the check says so each time, and why.
 */
import { assert, assertEquals } from "@std/assert";
import type { CheckStatus } from "../../mod/snapshot.ts";
import { createLab, waitFor } from "./lab.ts";
import { RunningService, type Service, SERVICES } from "./lab/services.ts";
import { check, startVipd, type Vipd } from "./lab/vipd.ts";
import { PROGRAM_MS } from "./lab/wait.ts";

/** A look that finds nothing wrong takes some milliseconds, and more on a busy machine. */
const TIMES = 'interval = "500ms"\ntimeout = "2s"\nrise = 1\nfall = 1\n';

async function becomes(vipd: Vipd, name: string, state: "up" | "down", reason = /./): Promise<CheckStatus> {
  let last: CheckStatus | undefined;
  const settled = async (): Promise<boolean> => {
    last = await check(vipd, name);
    return last.state === state && reason.test(last.reason);
  };
  try {
    await waitFor(`${name} to be ${state} (${reason})`, settled, PROGRAM_MS, 50);
  } catch (error) {
    throw new Error(`${String(error)}; it is ${last?.state}: ${last?.reason}`, { cause: error });
  }
  return await check(vipd, name);
}

/** The life of one server. */
async function live(vipd: Vipd, service: Service, server: RunningService): Promise<void> {
  const { name, hung, refuses } = service;
  await becomes(vipd, name, "down");
  server.start();
  await becomes(vipd, name, "up");
  await server.kill();
  await becomes(vipd, name, "down");
  server.start();
  await becomes(vipd, name, "up");
  if (hung !== undefined) {
    server.signal("SIGSTOP");
    await becomes(vipd, name, "down", hung);
    server.signal("SIGCONT");
    await becomes(vipd, name, "up");
  }
  if (refuses !== undefined) {
    await server.setPassword("wrong");
    const refused = await becomes(vipd, name, "down", refuses);
    assert(!refused.reason.includes("wrong"), refused.reason);
    await server.setPassword("secret");
    await becomes(vipd, name, "up");
  }
  await server.kill();
  await becomes(vipd, name, "down");
}

function missing({ program }: Service): boolean {
  return !new Deno.Command("sh", { args: ["-c", `PATH=$PATH:/usr/sbin command -v ${program} >/dev/null`] })
    .outputSync().success;
}

Deno.test("services: real servers, up, killed, back, hung, going on, wrong password, right again", async () => {
  assertEquals(SERVICES.filter(missing).map(({ program }) => program), [], "programs that this test needs");
  await using lab = await createLab({ nodes: { n1: ["192.168.121.129/24"] }, client: ["192.168.121.10/24"] });
  const node = lab.node("n1");
  const servers = await Promise.all(SERVICES.map((service) => RunningService.create(node, service)));
  const checks = servers.map(({ name, check }) => `[check.${name}]\n${check}\n${TIMES}`);
  const vipd = await startVipd(node, checks.join("\n"));
  const descriptors = (): number => [...Deno.readDirSync(`/proc/${vipd.child.pid}/fd`)].length;
  const before = descriptors();
  try {
    const lives = SERVICES.map((service, index) => live(vipd, service, servers[index]!));
    const failed = (await Promise.allSettled(lives)).filter((result) => result.status === "rejected");
    assertEquals(failed.map(({ reason }) => String(reason)), []);
    assert(vipd.child.running, vipd.child.output.slice(-4_000));
    // Every server is gone: no look of then or now may still hold a socket. A few are on their way.
    await waitFor("descriptors to be closed", () => descriptors() <= before + 8);
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
    await vipd.child.stop();
  }
});
