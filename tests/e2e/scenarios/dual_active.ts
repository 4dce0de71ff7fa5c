/** Two addresses on two active hosts, each the other's backup: the same under vipd as under keepalived. */
import { probeHttp } from "../lab/probe.ts";
import type { Case } from "../lab/scenario.ts";
import { type Daemon, onStage, type Scenario, type Stage } from "./play.ts";

const SCENARIO: Scenario = {
  name: "dual_active",
  lab: {
    interface: "ens33",
    nodes: { n1: ["192.168.2.128/24"], n2: ["192.168.2.129/24"] },
    client: ["192.168.2.10/24"],
  },
  scripts: {},
  addresses: ["192.168.2.120", "192.168.2.121"],
};

async function story(stage: Stage, daemon: Daemon): Promise<void> {
  const { lab, n1, n2, scenario: { addresses } } = stage;
  for (const machine of [n1, n2]) await stage.start(machine, daemon);
  await stage.holds("the start", ["n1", "n2"]);
  const clients = await Promise.all(addresses.map((address) => probeHttp(lab.client, address)));
  const served = (...by: string[]): Promise<unknown> =>
    Promise.all(clients.map((client, i) => client.answeredBy(by[i]!)));
  await served("n1", "n2");
  await stage.stop(n1);
  await served("n2", "n2");
  await stage.holds("n1 is gone", ["n2", "n2"]);
  await stage.start(n1, daemon);
  await served("n1", "n2");
  await stage.holds("n1 is back", ["n1", "n2"]);
  await stage.stop(n2);
  await served("n1", "n1");
  await stage.holds("n2 is gone", ["n1", "n1"]);
  await stage.start(n2, daemon);
  await served("n1", "n2");
  await stage.holds("n2 is back", ["n1", "n2"]);
  for (const client of clients) await client.stop();
}

/** Dual active: two addresses, priorities 100/80 crosswise. */
export const dualActive: readonly Case[] = [
  {
    name: "dual_active: keepalived with its own files",
    body: () => onStage(SCENARIO, (stage) => story(stage, "keepalived")),
  },
  {
    name: "dual_active: vipd with what they are converted to",
    body: () => onStage(SCENARIO, (stage) => story(stage, "vipd")),
  },
];
