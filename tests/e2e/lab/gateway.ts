/**
 * The classic sync group: two gateways between an inside and an outside network. The lab's client is inside
 * and reaches a server outside, which reaches it, only through the virtual addresses.
 */
import { Lab } from "../lab.ts";
import type { Host, LabOptions } from "../lab.ts";
import { inLab } from "./scenario.ts";
import { type RouterSpec, vipdRouter } from "./routers.ts";
import type { Vipd } from "./vipd.ts";
import { status } from "./vipd.ts";
import { waitFor } from "./wait.ts";

export const INSIDE = "192.168.121.120";
export const OUTSIDE = "198.51.100.120";
/** The server outside, as the client asks for it. */
export const SERVER = "198.51.100.50";

const OPTIONS: LabOptions = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"], server: ["198.51.100.50/24"] },
  client: ["192.168.121.10/24"],
};
const OUTER = { n1: "198.51.100.129/24", n2: "198.51.100.128/24" } as const;

/** Runs the body in a lab with an outside network; the nodes' interface there is `eth1`. */
export function inGateway(body: (lab: Lab) => Promise<void>): Promise<void> {
  return inLab(OPTIONS, async (lab) => {
    await addOutside(lab);
    await body(lab);
  });
}

async function addOutside({ bridge, client, nodes }: Lab): Promise<void> {
  await bridge.ip("link", "add", "br1", "type", "bridge", "forward_delay", "0", "stp_state", "0");
  await bridge.ip("link", "set", "br1", "type", "bridge", "mcast_snooping", "0");
  await bridge.ip("link", "set", "br1", "up");
  await bridge.ip("link", "set", "server", "master", "br1");
  for (const [name, address] of Object.entries(OUTER)) {
    const { namespace } = nodes[name]!;
    const peer = ["peer", "name", "eth1", "netns", namespace];
    await bridge.ip("link", "add", outerPort(name), "type", "veth", ...peer);
    await bridge.ip("link", "set", outerPort(name), "master", "br1", "up");
    await nodes[name]!.ip("link", "set", "eth1", "up");
    await nodes[name]!.ip("address", "add", address, "dev", "eth1");
    await nodes[name]!.exec(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  }
  await client.ip("route", "add", "198.51.100.0/24", "via", INSIDE);
  await nodes["server"]!.ip("route", "add", "192.168.121.0/24", "via", OUTSIDE);
}

function outerPort(name: string): string {
  return `${name}-out`;
}

/** The far end of that cable goes down, or up: the node loses its carrier there, or has it again. */
export async function setCable({ bridge }: Lab, node: Host, side: "in" | "out", up: boolean): Promise<void> {
  const port = side === "in" ? node.name : outerPort(node.name);
  await bridge.ip("link", "set", port, up ? "up" : "down");
}

/** Both virtual routers of a gateway, inside first. */
export function gatewayRouters(
  priority: number,
  { intervalMs = 200, ...extra }: Partial<RouterSpec> = {},
): RouterSpec[] {
  const shared = { version: 3, priority, intervalMs, ...extra } as const;
  return [
    { ...shared, name: "inside", vrid: 51, addresses: [`${INSIDE}/24`] },
    { ...shared, name: "outside", vrid: 51, interface: "eth1", addresses: [`${OUTSIDE}/24`] },
  ];
}

export function gatewayConfig(routers: readonly RouterSpec[], group = ""): string {
  return `${routers.map(vipdRouter).join("\n")}
[sync_group.gateway]
members = ${JSON.stringify(routers.map(({ name }) => name))}
${group}
`;
}

/** Which of the two addresses the node has: "both", "inside", "outside" or "none". */
export async function heldBy(node: Host): Promise<string> {
  const addresses = await node.addresses();
  const [inside, outside] = [INSIDE, OUTSIDE].map((address) => addresses.includes(address));
  if (inside === outside) return inside ? "both" : "none";
  return inside ? "inside" : "outside";
}

/** Waits until this node has both addresses and the other neither. */
export async function onlyOn(node: Host, other: Host, timeoutMs?: number): Promise<void> {
  await waitFor(
    `both addresses on ${node.name}, none on ${other.name}`,
    async () => await heldBy(node) === "both" && await heldBy(other) === "none",
    timeoutMs,
  );
}

/** Waits until the sync group of that name is in that state. */
export async function waitForGroup(vipd: Vipd, name: string, state: string): Promise<void> {
  await waitFor(
    `${name} of ${vipd.node.name} to be ${state}`,
    async () => (await status(vipd)).sync_groups.find((group) => group.name === name)?.state === state,
  );
}
