/**
 * The hosts of the scenarios: a client, directors and two real servers on one switch. Real servers have an
 * address of the client's network, for direct routing and tunnels, and one of another network, whose way out
 * leads through the first director, for NAT.
 */
import { type Host, type Lab, type LabOptions } from "../lab.ts";
import { startNginx } from "../lab/nginx.ts";
import type { Steps } from "./scenarios.ts";

export const CLIENT = "192.168.179.10";
const LOG_CHARACTERS_MAX = 10_000;

/** Options of `createLab`: these directors, and the real servers rs1 (.99) and rs2 (.104). */
export function hosts(directors: LabOptions["nodes"]): LabOptions {
  return {
    nodes: { ...directors, rs1: addressesOf(99), rs2: addressesOf(104) },
    client: [`${CLIENT}/24`, "fd00:179::10/64"],
  };
}

/** Addresses in all four networks; .1 of the real servers' own network is their way out. */
export function addressesOf(number: number, inside = number): string[] {
  return [
    `192.168.179.${number}/24`,
    `10.20.0.${inside}/24`,
    `fd00:179::${number}/64`,
    `fd00:20::${inside}/64`,
  ];
}

/** What an operator sets on a director once: it forwards, and tells nobody of shorter ways. */
export async function prepareDirector(director: Host): Promise<void> {
  await sysctl(director, {
    "ipv4/ip_forward": 1,
    "ipv4/conf/all/send_redirects": 0,
    [`ipv4/conf/${director.iface}/send_redirects`]: 0,
    "ipv6/conf/all/forwarding": 1,
  });
}

/** Answers from the inner network go through the director, as NAT needs it, and nginx serves its name. */
export async function prepareRealServer(server: Host): Promise<void> {
  const rules = [
    "rule add from 10.20.0.0/24 to 10.20.0.0/24 table main priority 1",
    "rule add from 10.20.0.0/24 table 100 priority 2",
    "route add default via 10.20.0.1 table 100",
    "-6 rule add from fd00:20::/64 to fd00:20::/64 table main priority 1",
    "-6 rule add from fd00:20::/64 table 100 priority 2",
    "-6 route add default via fd00:20::1 table 100",
  ];
  // The director would tell of the client's being near, for which IPv6 has no switch on the sender's side.
  await sysctl(server, { [`ipv6/conf/${server.iface}/accept_redirects`]: 0 });
  await server.exec(["sh", "-c", rules.map((rule) => `ip ${rule}`).join(" && ")]);
  await startNginx(server);
}

/** Virtual addresses on a real server that nobody finds by ARP: what direct routing needs. */
export async function holdQuietly(server: Host, addresses: readonly string[], device = "lo"): Promise<void> {
  await sysctl(server, { "ipv4/conf/all/arp_ignore": 1, "ipv4/conf/all/arp_announce": 2 });
  await server.exec(["sh", "-c", addresses.map((one) => `ip address add ${one} dev ${device}`).join(" && ")]);
}

export async function sysctl(host: Host, values: Readonly<Record<string, number>>): Promise<void> {
  const writes = Object.entries(values).map(([key, value]) => `echo ${value} >/proc/sys/net/${key}`);
  await host.exec(["sh", "-c", writes.join(" && ")]);
}

/** How often each real server answered; every request is a connection of its own. */
export async function hits(lab: Lab, address: string, requests: number): Promise<Record<string, number>> {
  const url = `http://${address}/?[1-${requests}]`;
  const argv = ["curl", "-s", "-m", "10", "--fail-early", "-H", "Connection: close", url];
  const text = await lab.client.exec(argv, { mayFail: true });
  const counts: Record<string, number> = {};
  for (const name of text.trim().split("\n")) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/**
 * Steps that follow each other in one lab, which the first of them opens. Nobody closes it: it goes with the
 * guest.
 */
export function inOneWorld<World extends { readonly lab: Lab }>(
  open: () => Promise<World>,
  steps: Readonly<Record<string, (world: World) => Promise<void>>>,
): Steps {
  let opened: Promise<World> | undefined;
  let broken = false;
  const wrap = (body: (world: World) => Promise<void>) => async (): Promise<void> => {
    if (broken) throw new Error("Not tried: the first step could not open the lab");
    opened ??= open().catch((error) => {
      broken = true;
      throw error;
    });
    const world = await opened;
    try {
      await body(world);
    } catch (error) {
      const message = error instanceof Error ? error.stack : String(error);
      throw new Error(`${message}
its processes said:
${world.lab.logs().slice(-LOG_CHARACTERS_MAX)}`);
    }
  };
  return Object.fromEntries(Object.entries(steps).map(([name, body]) => [name, wrap(body)]));
}
