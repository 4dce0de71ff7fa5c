/** The client's view of all virtual addresses during one event, by UDP and ICMP or by HTTP. */
import { type Outage, probeHttp } from "../e2e/lab/probe.ts";
import type { Host } from "../e2e/lab.ts";
import { startSweep } from "./sweep.ts";

const PROBE_US = 1_000;
const SWEEP_US = 10_000;

export interface Client {
  /** Whether every address has been answered at least once. */
  isAnswered(): boolean;
  /** Whether this node was the last to answer for every address. */
  isAnsweredBy(node: string): boolean;
  /** Ends the probes: the outages of each address, of every kind of probe. */
  stop(): Promise<readonly (readonly Outage[])[]>;
}

/** One datagram and, for IPv4, one ICMP echo request a millisecond to each address. */
export async function pingingClient(from: Host, addresses: readonly string[]): Promise<Client> {
  const isIpv4 = addresses.every((address) => address.includes("."));
  const udp = await startSweep(from, "udp", addresses, PROBE_US);
  const icmp = isIpv4 ? await startSweep(from, "icmp", addresses, PROBE_US) : undefined;
  return {
    isAnswered: () => udp.isAnswered && icmp?.isAnswered !== false,
    isAnsweredBy: (node) => udp.isAnsweredBy(node),
    async stop(): Promise<Outage[][]> {
      const results = [await udp.stop(), ...(icmp === undefined ? [] : [await icmp.stop()])];
      return addresses.map((_, index) => results.flatMap(({ targets }) => targets[index]?.outages ?? []));
    },
  };
}

/** One datagram every 10 ms to each of very many addresses. */
export async function sweepingClient(from: Host, addresses: readonly string[]): Promise<Client> {
  const udp = await startSweep(from, "udp", addresses, SWEEP_US);
  return {
    isAnswered: () => udp.isAnswered,
    isAnsweredBy: (node) => udp.isAnsweredBy(node),
    stop: async () => (await udp.stop()).targets.map(({ outages }) => outages),
  };
}

/** Fresh HTTP connections, each address at its own pace (microseconds). */
export async function browsingClient(
  from: Host,
  targets: readonly { readonly address: string; readonly everyUs: number }[],
): Promise<Client> {
  const probes = await Promise.all(targets.map(({ address, everyUs }) => probeHttp(from, address, everyUs)));
  return {
    isAnswered: () => probes.every(({ node }) => node !== undefined),
    isAnsweredBy: (node) => probes.every((probe) => probe.node === node),
    stop: () => Promise.all(probes.map(async (probe) => (await probe.stop()).outages)),
  };
}

/**
 * The longest run of unanswered probes, counted from `fromMs` (since the epoch) where it began earlier; one
 * that still lasts counts as long as it was seen.
 */
export function darkMs(outages: readonly Outage[], fromMs = 0): number {
  const lengths = outages.map(({ start_ms, length_ms }) => {
    const endMs = start_ms + length_ms;
    return endMs - Math.max(start_ms, fromMs);
  });
  return Math.max(0, ...lengths);
}
