/**
 * What is on the wire: tcpdump on a port of the switch, dissected by tshark, an implementation that is not
 * ours.
 */
import type { Child } from "./child.ts";
import type { Host } from "../lab.ts";
import { run } from "./command.ts";
import { PROGRAM_MS, waitFor } from "./wait.ts";

/** VRRP, ARP and neighbour discovery. */
const FILTER = "ip proto 112 or ip6 proto 112 or arp or icmp6";

/** A dissected packet: tshark's field names ("vrrp.prio") to every value that the packet has of it. */
export interface Packet {
  readonly timeMs: number;
  readonly protocols: string;
  readonly fields: Readonly<Record<string, readonly string[]>>;
}

export class Capture {
  constructor(readonly child: Child, readonly file: string) {}

  /** Ends the capture and dissects what it saw, checksums verified. */
  async stop(): Promise<Packet[]> {
    await this.child.stop("SIGINT");
    return await dissect(this.file);
  }
}

/**
 * Starts to capture what passes the switch's port of `host` (or another interface of the switch) and returns
 * when it is listening.
 */
export async function capture(bridge: Host, port: string, filter = FILTER): Promise<Capture> {
  const file = `${bridge.directory}/${port}-${crypto.randomUUID()}.pcap`;
  // -Z root: tcpdump would drop to a user that cannot write here.
  const argv = ["tcpdump", "-i", port, "-n", "-U", "--immediate-mode", "-Z", "root", "-w", file, filter];
  const child = bridge.spawn(`tcpdump ${port}`, argv);
  await waitFor(`tcpdump on ${port}`, () => child.output.includes("listening on"), PROGRAM_MS);
  return new Capture(child, file);
}

export async function dissect(file: string): Promise<Packet[]> {
  const options = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"];
  const json = await run(["tshark", "-r", file, "-n", "-T", "json", "--no-duplicate-keys", ...options]);
  const packets = JSON.parse(json) as { _source: { layers: Record<string, unknown> } }[];
  return packets.map(({ _source: { layers } }) => toPacket(layers));
}

/** The first value of a field, "" when the packet has none. */
export function field(packet: Packet, name: string): string {
  return packet.fields[name]?.[0] ?? "";
}

function toPacket(layers: Record<string, unknown>): Packet {
  const fields: Record<string, string[]> = {};
  collect(layers, fields);
  const epoch = fields["frame.time_epoch"]?.[0] ?? "0";
  return { timeMs: Number(epoch) * 1000, protocols: fields["frame.protocols"]?.[0] ?? "", fields };
}

/**
 * Flattens tshark's tree: an inner node's own key is kept too, since "_ws.expert" and "_ws.malformed" are
 * inner nodes.
 */
function collect(tree: unknown, fields: Record<string, string[]>): void {
  if (tree === null || typeof tree !== "object") return;
  for (const [key, value] of Object.entries(tree)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      (fields[key] ??= []).push(typeof item === "string" ? item : "");
      collect(item, fields);
    }
  }
}
