/** A pair of nodes to break, and what `vipd doctor` says of one of them. */
import { assert } from "@std/assert";
import type { Diagnosis, Finding } from "../../../mod/doctor/doctor.ts";
import type { Host, Lab } from "../lab.ts";
import { type RouterSpec, vipdRouter } from "./routers.ts";
import { settled } from "./scenario.ts";
import { startVipd, type Vipd, vipdCommand } from "./vipd.ts";
import { waitFor } from "./wait.ts";

export const OWN = { n1: "192.168.121.129", n2: "192.168.121.128" } as const;
export const OPTIONS = {
  nodes: {
    n1: [`${OWN.n1}/24`, "fd00:121::129/64"],
    n2: [`${OWN.n2}/24`, "fd00:121::128/64"],
    n3: ["192.168.121.127/24", "fd00:121::127/64"],
  },
  client: ["192.168.121.10/24", "fd00:121::10/64"],
};
export const VIP = "192.168.121.120/24";
export const VIP6 = ["fe80::121:120/64", "fd00:121::120/64"];

export type Change = Partial<RouterSpec>;

/** A pair, n1 the better one; `change` says what kind. */
export interface Pair {
  readonly lab: Lab;
  readonly n1: Host;
  readonly n2: Host;
  readonly first: Vipd;
  readonly second: Vipd;
}

export function routerOf(node: Host, change: Change = {}): string {
  const priority = node.name === "n1" ? 150 : 100;
  const common = { name: "VI_1", vrid: 51, version: 3, intervalMs: 200, addresses: [VIP] } as const;
  const { unicast } = change;
  const peer = node.name === "n1" ? OWN.n2 : OWN.n1;
  const own = node.name === "n1" ? OWN.n1 : OWN.n2;
  const sides = unicast === undefined ? {} : { unicast: { source: own, peers: [peer] } };
  return vipdRouter({ ...common, priority, ...change, ...sides });
}

export async function pair(lab: Lab, change: Change = {}): Promise<Pair> {
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const first = await startVipd(n1, routerOf(n1, change));
  const second = await startVipd(n2, routerOf(n2, change));
  // Both families in one block are two virtual routers.
  const addresses = change.addresses ?? [];
  const both = addresses.some((one) => one.includes(":")) && addresses.some((one) => !one.includes(":"));
  for (const name of both ? ["VI_1/ipv4", "VI_1/ipv6"] : ["VI_1"]) await settled(name, first, [second]);
  return { lab, n1, n2, first, second };
}

export async function diagnose(
  node: Host,
  configFile: string,
  ...args: string[]
): Promise<readonly Finding[]> {
  const argv = [...vipdCommand(), "doctor", "--config", configFile, "--json", ...args];
  const output = await node.exec(argv, { mayFail: true });
  return (JSON.parse(output) as Diagnosis).findings;
}

export function listed(findings: readonly Finding[]): string {
  return findings.map(({ severity, about, message, evidence }) =>
    `${severity} ${about}: ${message} [${evidence.join("; ")}]`
  ).join("\n");
}

/** Waits until the doctor of a node says so; then it gives evidence or a fix as well. */
export async function says(
  node: Host,
  configFile: string,
  expected: RegExp,
  ...args: string[]
): Promise<void> {
  let findings: readonly Finding[] = [];
  try {
    const found = await waitFor(`doctor of ${node.name} to say ${expected}`, async () => {
      findings = await diagnose(node, configFile, ...args);
      return findings.find((one) => expected.test(`${one.severity} ${one.about}: ${one.message}`));
    }, 30_000);
    assert(found.fix.length + found.evidence.length > 0, `no evidence and no fix: ${found.message}`);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\nlast:\n${listed(findings)}`);
  }
}

export async function set(node: Host, path: string, value: number): Promise<void> {
  await node.exec(["sh", "-c", `echo ${value} > /proc/sys/net/${path}`]);
}

/** Rules in nft's language. */
export async function filter(node: Host, chain: string, rules: string): Promise<void> {
  await node.exec(["nft", "-f", "-"], {
    stdin: `table inet test {\nchain ${chain} {\ntype filter hook ${chain} priority 0; ${rules}\n}\n}\n`,
  });
}
