/** `vipd explain` of a live pair: what it says would happen is what then really happens. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Explanation, WhatIf } from "../../mod/explain/explain.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { router, startVipd, type Vipd, vipdCommand, waitForState } from "./lab/vipd.ts";
import { type Host, sleep, waitFor } from "./lab.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};
const VIP = "192.168.121.120";
/** On the first node, with the priority 110; the second has 100. Null: failing is FAULT. */
const CHECKS: Readonly<Record<string, number | null>> = {
  small: -4,
  tie: -10,
  enough: -11,
  must: null,
  more: -7,
};
/** Well above what a takeover takes, were there one. */
const QUIET_MS = 1_000;

function spec(priority: number, more: Partial<RouterSpec> = {}): RouterSpec {
  return { name: "VI_1", vrid: 51, version: 3, priority, intervalMs: 100, addresses: [VIP], ...more };
}

/** While this file is there, the check fails. */
function switchOf(node: Host, check: string): string {
  return `${node.directory}/${check}-fails`;
}

function checked(node: Host): string {
  const tracks = Object.entries(CHECKS).map(([check, weight]) =>
    weight === null ? `"${check}"` : `{ check = "${check}", weight = ${weight} }`
  );
  const tables = Object.keys(CHECKS).map((check) => {
    const command = JSON.stringify(["/usr/bin/test", "!", "-e", switchOf(node, check)]);
    return `[check.${check}]\ntype = "exec"\ncommand = ${command}\ninterval = "200ms"\ntimeout = "5s"\nrise = 1\nfall = 1\n`;
  });
  return vipdRouter(spec(110, { vipdExtra: `track = [${tracks.join(", ")}]` })) + tables.join("");
}

async function explain({ node, socket }: Vipd, ...args: string[]): Promise<Explanation> {
  const argv = [...vipdCommand(), "explain", "VI_1", ...args, "--json"];
  const target = args.includes("--config") ? [] : ["--socket", socket];
  const { explanations } = JSON.parse(await node.exec([...argv, ...target])) as {
    explanations: Explanation[];
  };
  return explanations[0]!;
}

function found({ what_if }: Explanation, ...failing: string[]): WhatIf {
  const wanted = failing.join();
  const one = what_if.find((candidate) => candidate.failing.join() === wanted);
  if (one === undefined) throw new Error(`nothing is said of ${wanted}`);
  return one;
}

/** These checks fail; resolves when the node has found that out. */
async function fail(vipd: Vipd, ...checks: string[]): Promise<void> {
  for (const check of checks) await Deno.writeTextFile(switchOf(vipd.node, check), "");
  await known(vipd, checks, "down");
}

async function pass(vipd: Vipd, ...checks: string[]): Promise<void> {
  for (const check of checks) await Deno.remove(switchOf(vipd.node, check));
  await known(vipd, checks, "up");
}

async function known(vipd: Vipd, checks: readonly string[], state: string): Promise<void> {
  await waitFor(`${checks.join()} to be ${state}`, async () => {
    const { contributions } = await router(vipd, "VI_1");
    return checks.every((check) => contributions.find((one) => one.check === check)?.state === state);
  });
}

async function movedTo(to: Vipd, from: Vipd): Promise<void> {
  await waitForState(to, "VI_1", "ACTIVE");
  await waitFor("the other one to let go", async () => (await router(from, "VI_1")).state !== "ACTIVE");
}

/** Against the peer's file: one check after the other is explained, and then made to fail. */
async function againstFile(): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const first = await startVipd(n1, checked(n1));
    await waitForState(first, "VI_1", "ACTIVE");
    const second = await startVipd(n2, vipdRouter(spec(100)));
    await settled("VI_1", first, [second]);
    const peer = ["--peer", second.configFile];
    const all = await explain(first, ...peer);
    assertMatch(all.answer, /^VI_1 is ACTIVE on n1: priority 110 is the highest, \S+ has 100$/);
    assertStringIncludes(
      all.findings[0] ?? "",
      "small failing alone on n1 can never move the addresses: weight -4 leaves priority 106",
    );
    for (const checks of [["small"], ["tie"], ["enough"], ["must"], ["small", "more"]]) {
      const said = found(all, ...checks);
      const asked = await explain(first, ...checks.flatMap((check) => ["--fail", check]), ...peer);
      assertEquals(found(asked, ...checks), said, "asked for or not, it is the same");
      await fail(first, ...checks);
      const moves = said.active_after !== "n1";
      if (moves) await movedTo(second, first);
      else await sleep(QUIET_MS);
      const { state, effective_priority } = await router(first, "VI_1");
      const really = [state === "ACTIVE", state === "FAULT" ? null : effective_priority];
      assertEquals(really, [!moves, said.priority], `${checks}: ${said.why}`);
      await pass(first, ...checks);
      await settled("VI_1", first, [second]);
    }
  });
}

/** On the backup, which hears the active one, and where the peer does not preempt. */
async function ofTheBackup(): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const second = await startVipd(n2, vipdRouter(spec(100, { preempt: false })));
    await waitForState(second, "VI_1", "ACTIVE");
    const first = await startVipd(n1, checked(n1));
    await settled("VI_1", first, [second]);
    const here = await explain(second);
    assertEquals(here.now.active, "192.168.121.129");
    assertEquals(here.answer, "VI_1 is ACTIVE on 192.168.121.129: priority 110 is the highest, n2 has 100");
    const said = found(await explain(first, "--peer", second.configFile), "enough");
    assertMatch(said.why, /stays on n1: the priority falls from 110 to 99, below .* but .* never takes over/);
    await fail(first, "enough");
    await sleep(QUIET_MS);
    assertEquals((await router(first, "VI_1")).state, "ACTIVE");
    const now = await explain(second);
    assertMatch(
      now.answer,
      /n2 would be better \(100, here 99\), but n2 never takes over from a living router/,
    );
    // Files alone say what the daemons say.
    const offline = await explain(first, "--config", first.configFile, "--peer", second.configFile);
    assertEquals(found(offline, "enough").priority, said.priority);
  });
}

/** keepalived, which was heard, and of which nothing but its priority is known. */
async function besideKeepalived(): Promise<void> {
  await inLab(OPTIONS, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const peer = await startKeepalived(n2, keepalivedRouter(spec(100)));
    await waitFor("keepalived in MASTER", () => peer.output.includes("Entering MASTER STATE"));
    const first = await startVipd(n1, checked(n1));
    await waitForState(first, "VI_1", "ACTIVE");
    await waitFor(
      "keepalived in BACKUP",
      () => /Entering BACKUP STATE[^]*Entering BACKUP STATE/.test(peer.output),
    );
    const all = await explain(first);
    for (const check of ["small", "enough"]) {
      const said = found(all, check);
      await fail(first, check);
      if (said.active_after === "n1") await sleep(QUIET_MS);
      else await waitForState(first, "VI_1", "BACKUP");
      const { state, active_router } = await router(first, "VI_1");
      assertEquals(state === "ACTIVE", check === "small", said.why);
      assert(state === "ACTIVE" || active_router === said.active_after, said.why);
      await pass(first, check);
      await waitForState(first, "VI_1", "ACTIVE");
    }
    assertMatch(
      found(all, "enough").why,
      /moves to 192\.168\.121\.128 within 361 ms, served here until then/,
    );
  });
}

testTogether("what is explained is what happens", [
  { name: "against the peer's file, check by check", body: againstFile },
  { name: "of the backup, and of a peer that does not preempt", body: ofTheBackup },
  { name: "keepalived as the peer", body: besideKeepalived },
], 3);
