/**
 * A unicast pair with `nopreempt`, weight 50 and a script that stops keepalived; then haproxy on both hosts,
 * so that the address shares requests among both nginx.
 */
import { assertEquals } from "@std/assert";
import type { Lab } from "../lab.ts";
import type { Machine } from "../lab/machine.ts";
import { probeHttp } from "../lab/probe.ts";
import type { Case } from "../lab/scenario.ts";
import { router } from "../lab/vipd.ts";
import { waitFor } from "../lab/wait.ts";
import { type Daemon, onStage, page, readFile, type Scenario, type Stage } from "./play.ts";

const VIP = "172.25.254.130";

const SCENARIO: Scenario = {
  name: "unicast_nginx_haproxy",
  lab: {
    interface: "ens33",
    nodes: { n1: ["172.25.254.131/24"], n2: ["172.25.254.132/24"] },
    client: ["172.25.254.10/24"],
  },
  scripts: { "/etc/keepalived/check_nginx.sh": "check_nginx.sh" },
  addresses: [VIP],
};

async function story(stage: Stage, daemon: Daemon): Promise<void> {
  const { lab, n1, n2 } = stage;
  const first = await stage.start(n1, daemon);
  const second = await stage.start(n2, daemon);
  await stage.holds("the start", ["n1"]);
  if (first !== undefined && second !== undefined) {
    const heard = async (): Promise<boolean> => (await router(second, "VI_1")).peers[0]?.priority === 201;
    await waitFor("n2 to hear of priority 151 + 50", heard);
    assertEquals((await router(second, "VI_1")).effective_priority, 200);
  }
  const client = await probeHttp(lab.client, VIP);
  await client.answeredBy("n1");
  await n1.stopNginx();
  await client.answeredBy("n2");
  await stage.holds("nginx is stopped", ["n2"]);

  await n1.startNginx();
  if (daemon === "keepalived") {
    await waitFor("its script to stop keepalived", () => !stage.isRunning(n1));
    await stage.start(n1, daemon);
  }
  // Its state is MASTER, and so nopreempt is not heeded.
  await client.answeredBy("n1");
  await stage.holds("nginx is back", ["n1"]);
  await client.stop();

  for (const machine of [n1, n2]) await startHaproxy(stage, machine);
  await sharedBy(lab, ["n1", "n2"]);
  await n1.stopNginx();
  await waitFor("the VIP on n2", async () => (await stage.holders()).join() === "n2", 40_000, 100);
  await sharedBy(lab, ["n2"]);
}

async function startHaproxy({ scenario, lab }: Stage, machine: Machine): Promise<void> {
  const file = `${machine.directory}/haproxy.cfg`;
  await Deno.writeTextFile(file, await readFile(scenario, "haproxy.cfg"));
  // Its maxconn wants more descriptors than a test may have.
  machine.spawn("haproxy", ["haproxy", "-db", "-n", "1000", "-f", file]);
  const address = scenario.lab.nodes[machine.name]?.[0]?.split("/")[0];
  await waitFor(`haproxy of ${machine.name}`, async () => await page(lab, `http://${address}:8000/`) !== "");
}

/** Six requests to the VIP: round robin over these, once haproxy knows who is there. */
async function sharedBy(lab: Lab, servers: readonly string[]): Promise<void> {
  const pages = async (): Promise<string[]> => {
    const found = [];
    for (let i = 0; i < 6; i++) found.push(await page(lab, `http://${VIP}:8000/`));
    return found;
  };
  await waitFor(
    `requests to be shared by ${servers}`,
    async () => {
      const found = await pages();
      return servers.every((name) => found.filter((one) => one === name).length === 6 / servers.length);
    },
    40_000,
    100,
  );
}

/** A unicast pair 151/150 with nopreempt and weight 50, then haproxy before both nginx. */
export const unicastNginxHaproxy: readonly Case[] = [
  {
    name: "unicast_nginx_haproxy: keepalived with its own files",
    body: () => onStage(SCENARIO, (stage) => story(stage, "keepalived")),
  },
  {
    name: "unicast_nginx_haproxy: vipd with what they are converted to",
    body: () => onStage(SCENARIO, (stage) => story(stage, "vipd")),
  },
];
