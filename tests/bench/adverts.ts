/** Advertisements on the wire with their times, from a capture on a port of the switch. */
import { type Capture, capture } from "../e2e/lab/capture.ts";
import type { Host } from "../e2e/lab.ts";

export interface Advert {
  readonly atMs: number;
  readonly vrid: number;
  readonly priority: number;
}

/** pcap file, record, Ethernet: pcap-savefile(5), IEEE 802.3. */
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET_HEADER = 14;
const IHL_MASK = 15;
const IPV6_HEADER = 40;

export function captureAdverts(bridge: Host, port: string): Promise<Capture> {
  return capture(bridge, port, "ip proto 112 or ip6 proto 112");
}

/** Ends the capture; all advertisements that it saw. */
export async function advertsOf({ child, file }: Capture): Promise<Advert[]> {
  await child.stop("SIGINT");
  const bytes = await Deno.readFile(file);
  const view = new DataView(bytes.buffer);
  const adverts: Advert[] = [];
  for (let at = FILE_HEADER; at + RECORD_HEADER <= bytes.length;) {
    const [seconds, micros, length] = [0, 4, 8].map((field) => view.getUint32(at + field, true));
    const ip = at + RECORD_HEADER + ETHERNET_HEADER;
    const versionAndLength = view.getUint8(ip);
    const isIpv6 = versionAndLength >> 4 === 6;
    const vrrp = ip + (isIpv6 ? IPV6_HEADER : 4 * (versionAndLength & IHL_MASK));
    const atMs = seconds! * 1000 + micros! / 1000;
    adverts.push({ atMs, vrid: view.getUint8(vrrp + 1), priority: view.getUint8(vrrp + 2) });
    at += RECORD_HEADER + length!;
  }
  return adverts;
}

/** The longest time between two advertisements of one virtual router. */
export function longestGapMs(adverts: readonly Advert[], vrid?: number): number {
  const gaps = [...Map.groupBy(adverts, (advert) => advert.vrid)]
    .filter(([id]) => vrid === undefined || id === vrid)
    .flatMap(([, list]) => list.slice(1).map(({ atMs }, index) => atMs - list[index]!.atMs));
  return Math.max(...gaps);
}
