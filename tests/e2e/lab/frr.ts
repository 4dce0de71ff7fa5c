/**
 * FRR's vrrpd on a node, isolated from the host's FRR: a VRRPv3 implementation that shares no code with
 * keepalived.
 */
import type { Child } from "./child.ts";
import type { Host } from "../lab.ts";
import { run } from "./command.ts";
import { PROGRAM_MS, waitFor } from "./wait.ts";

const DAEMONS = "/usr/lib/frr";

export interface FrrRouter {
  readonly vrid: number;
  readonly priority: number;
  readonly intervalMs: number;
  readonly addresses: readonly string[];
}

export interface Frr {
  readonly zebra: Child;
  readonly vrrpd: Child;
  /** The macvlan that carries the virtual addresses. */
  readonly virtualInterface: string;
}

/**
 * Starts zebra and vrrpd for one virtual router; FRR wants its macvlan with the virtual MAC and the addresses
 * made beforehand.
 */
export async function startFrrVrrp(node: Host, router: FrrRouter): Promise<Frr> {
  const directory = `${node.directory}/frr`;
  await Deno.mkdir(directory, { recursive: true });
  const ipv6 = router.addresses.some((address) => address.includes(":"));
  const virtualInterface = await createMacvlan(node, router, ipv6);
  await Deno.writeTextFile(`${directory}/zebra.conf`, "");
  await Deno.writeTextFile(`${directory}/vrrpd.conf`, configuration(node, router, ipv6));
  await run(["chown", "-R", "frr:frr", directory]);
  const common = [
    "-u",
    "frr",
    "-g",
    "frr",
    "--vty_socket",
    directory,
    "-z",
    `${directory}/zserv.api`,
    "--log",
    "stdout",
  ];
  const daemon = (name: string): string[] => [
    `${DAEMONS}/${name}`,
    ...common,
    "-i",
    `${directory}/${name}.pid`,
    "-f",
    `${directory}/${name}.conf`,
    "-P",
    "0",
  ];
  const zebra = node.spawn("zebra", daemon("zebra"));
  await waitFor(`zebra of ${node.name}`, () => Deno.stat(`${directory}/zserv.api`), PROGRAM_MS);
  const vrrpd = node.spawn("frr-vrrpd", daemon("vrrpd"));
  return { zebra, vrrpd, virtualInterface };
}

async function createMacvlan(node: Host, { vrid, addresses }: FrrRouter, ipv6: boolean): Promise<string> {
  const name = `vrrp${ipv6 ? 6 : 4}-${vrid}`;
  const mac = `00:00:5e:00:0${ipv6 ? 2 : 1}:${vrid.toString(16).padStart(2, "0")}`;
  await node.ip("link", "add", name, "link", node.iface, "address", mac, "type", "macvlan", "mode", "bridge");
  // As FRR's manual has it: the base interface must not answer ARP for addresses of the macvlan.
  const sysctl =
    `cd /proc/sys/net; echo 1 > ipv4/conf/${node.iface}/arp_ignore; echo 0 > ipv6/conf/${name}/accept_dad`;
  await node.exec(["sh", "-c", sysctl]);
  for (const address of addresses) await node.ip("address", "add", address, "dev", name);
  await node.ip("link", "set", name, "up");
  return name;
}

function configuration(node: Host, router: FrrRouter, ipv6: boolean): string {
  const { vrid, priority, intervalMs, addresses } = router;
  const lines = [
    `vrrp ${vrid} version 3`,
    `vrrp ${vrid} priority ${priority}`,
    `vrrp ${vrid} advertisement-interval ${intervalMs}`,
    `vrrp ${vrid} preempt`,
    ...addresses.map((address) => `vrrp ${vrid} ${ipv6 ? "ipv6" : "ip"} ${address.split("/")[0]}`),
  ];
  return `interface ${node.iface}\n${lines.map((line) => ` ${line}`).join("\n")}\n`;
}
