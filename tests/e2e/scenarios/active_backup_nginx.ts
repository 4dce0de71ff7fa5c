/**
 * Two hosts, one address, a script that stops keepalived where nginx is gone: the same moves under vipd, and
 * on the way from the one to the other.
 */
import { assert, assertEquals } from "@std/assert";
import { probeHttp } from "../lab/probe.ts";
import type { Case } from "../lab/scenario.ts";
import { check, router, waitForState } from "../lab/vipd.ts";
import { waitFor } from "../lab/wait.ts";
import { type Daemon, onStage, type Scenario, type Stage } from "./play.ts";

const VIP = "192.168.121.120";

const SCENARIO: Scenario = {
  name: "active_backup_nginx",
  lab: {
    interface: "ens33",
    nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
    client: ["192.168.121.10/24"],
  },
  scripts: { "/etc/keepalived/check_nginx.sh": "check_nginx.sh" },
  addresses: [VIP],
};

async function story(stage: Stage, daemon: Daemon): Promise<void> {
  const { lab, n1, n2 } = stage;
  const first = await stage.start(n1, daemon);
  const second = await stage.start(n2, daemon);
  await stage.holds("the start", ["n1"]);
  const client = await probeHttp(lab.client, VIP);
  await client.answeredBy("n1");

  await n1.killNginx();
  await client.answeredBy("n2");
  await stage.holds("nginx is gone", ["n2"]);
  if (first === undefined || second === undefined) {
    await waitFor("its script to stop keepalived", () => !stage.isRunning(n1));
  } else {
    assertEquals((await check(first, "check_nginx_alive")).state, "down");
    assertEquals((await waitForState(first, "VI_1", "FAULT")).peers.length, 1);
    assertEquals((await router(second, "VI_1")).state, "ACTIVE");
  }

  await n1.startNginx();
  // Somebody has to start keepalived again; vipd takes part as soon as nginx is there.
  if (first === undefined) await stage.start(n1, daemon);
  await client.answeredBy("n1");
  await stage.holds("nginx is back", ["n1"]);

  await stage.stop(n1);
  await client.answeredBy("n2");
  await stage.holds("the daemon has ended", ["n2"]);
  await stage.start(n1, daemon);
  await client.answeredBy("n1");
  await stage.holds("the daemon is back", ["n1"]);
  const { sent, answered } = await client.stop();
  assert(answered > 0 && answered <= sent);
}

/** One machine after the other changes to vipd, and nobody who is not moving is disturbed. */
async function migration(stage: Stage, order: readonly ("n1" | "n2")[]): Promise<void> {
  for (const machine of [stage.n1, stage.n2]) await stage.start(machine, "keepalived");
  await stage.holds("keepalived on both", ["n1"]);
  const client = await probeHttp(stage.lab.client, VIP);
  await client.answeredBy("n1");
  for (const name of order) {
    await stage.stop(stage[name]);
    await stage.holds(`keepalived of ${name} has ended`, [name === "n1" ? "n2" : "n1"]);
    const vipd = await stage.start(stage[name], "vipd");
    await stage.holds(`vipd on ${name}`, ["n1"]);
    if (vipd !== undefined) await waitForState(vipd, "VI_1", name === "n1" ? "ACTIVE" : "BACKUP");
  }
  await client.stop();
}

/** Active-backup with a script that stops keepalived, 100/80. */
export const activeBackupNginx: readonly Case[] = [
  {
    name: "active_backup_nginx: keepalived with its own files",
    body: () => onStage(SCENARIO, (stage) => story(stage, "keepalived")),
  },
  {
    name: "active_backup_nginx: vipd with what they are converted to",
    body: () => onStage(SCENARIO, (stage) => story(stage, "vipd")),
  },
  {
    name: "active_backup_nginx: the backup changes to vipd first, then the master",
    body: () => onStage(SCENARIO, (stage) => migration(stage, ["n2", "n1"])),
  },
  {
    name: "active_backup_nginx: the master changes to vipd first, then the backup",
    body: () => onStage(SCENARIO, (stage) => migration(stage, ["n1", "n2"])),
  },
];
