/**
 * A script that starts nginx once and stops keepalived if that does not help; and, in its place, one that
 * asks for the home page two times, three seconds apart: weight -5 of 101 against 100, fall 3, rise 2.
 */
import { assertEquals } from "@std/assert";
import { probeHttp } from "../lab/probe.ts";
import type { Case } from "../lab/scenario.ts";
import { check, router, waitForState } from "../lab/vipd.ts";
import { waitFor } from "../lab/wait.ts";
import { type Daemon, onStage, type Scenario, type Stage } from "./play.ts";

const VIP = "192.168.0.200";

/** `script`: which of the two stands at the place that keepalived.conf names. */
const scenario = (script: string): Scenario => ({
  name: "recover_and_curl",
  lab: {
    interface: "enp0s3",
    nodes: { n1: ["192.168.0.201/24"], n2: ["192.168.0.202/24"] },
    client: ["192.168.0.10/24"],
  },
  scripts: { "/etc/keepalived/check_ng.sh": script },
  addresses: [VIP],
});

async function recovering(stage: Stage, daemon: Daemon): Promise<void> {
  const { lab, n1, n2 } = stage;
  const first = await stage.start(n1, daemon);
  await stage.start(n2, daemon);
  await stage.holds("the start", ["n1"]);
  const client = await probeHttp(lab.client, VIP);
  await client.answeredBy("n1");
  const starts = async (): Promise<number> =>
    (await n1.unitCommands()).filter((line) => line === "systemctl start nginx.service").length;

  await n1.killNginx();
  await waitFor("nginx to be started", async () => await starts() === 1, 40_000);
  await stage.holds("nginx has been started", ["n1"]);
  assertEquals([client.nodes, await starts()], [["n1"], 1], "nobody else has served meanwhile");

  await n1.breakNginx();
  await n1.killNginx();
  await client.answeredBy("n2");
  await stage.holds("nginx cannot be started", ["n2"]);
  if (first !== undefined) await waitForState(first, "VI_1", "FAULT");

  await n1.mendNginx();
  await n1.startNginx();
  if (first === undefined) {
    await waitFor("its script to stop keepalived", () => !stage.isRunning(n1));
    await stage.start(n1, daemon);
  }
  await client.answeredBy("n1");
  await stage.holds("nginx is mended", ["n1"]);
  await client.stop();
}

async function asking(stage: Stage, daemon: Daemon): Promise<void> {
  const { n1, n2 } = stage;
  const first = await stage.start(n1, daemon);
  await stage.start(n2, daemon);
  await stage.holds("the start", ["n1"]);
  await n1.stopNginx();
  await stage.holds("no page, three times", ["n2"]);
  if (first !== undefined) {
    assertEquals((await router(first, "VI_1")).effective_priority, 96);
    assertEquals((await check(first, "chk_nginx")).state, "down");
  }
  await n1.startNginx();
  await stage.holds("the page again, twice", ["n1"]);
  if (first !== undefined) assertEquals((await router(first, "VI_1")).effective_priority, 101);
}

const [restart, curl] = [scenario("check_ng.sh"), scenario("check_page.sh")];

/** 101/100: nginx is started once before the address moves, or its page is asked for. */
export const recoverAndCurl: readonly Case[] = [
  {
    name: "recover_and_curl: starting, keepalived",
    body: () => onStage(restart, (stage) => recovering(stage, "keepalived")),
  },
  {
    name: "recover_and_curl: starting, vipd",
    body: () => onStage(restart, (stage) => recovering(stage, "vipd")),
  },
  {
    name: "recover_and_curl: asking, keepalived",
    body: () => onStage(curl, (stage) => asking(stage, "keepalived")),
  },
  { name: "recover_and_curl: asking, vipd", body: () => onStage(curl, (stage) => asking(stage, "vipd")) },
];
