/**
 * An independent reader: tshark dissects every packet that we can send without one warning, every checksum
 * good.
 */
import { assertEquals } from "@std/assert";
import { passwordBytes } from "../../mod/vrrp/auth.ts";
import { encode, type OutgoingAdvertisement, VRRP_PROTOCOL } from "../../mod/vrrp/packet.ts";
import { familyOf, isMulticast, parseMac } from "../../mod/wire/address.ts";
import { arpProbe, gratuitousArp } from "../../mod/wire/arp.ts";
import { encodeIpv4Header, IPV4_HEADER_LENGTH } from "../../mod/wire/ip.ts";
import { unsolicitedNeighborAdvertisement } from "../../mod/wire/ndp.ts";
import { ADVERTISEMENTS, type GoldenAdvertisement } from "../golden/advertisements.ts";
import { address } from "../golden/bytes.ts";

interface Frame {
  readonly name: string;
  readonly bytes: Uint8Array;
  /**
   * What tshark must print: protocol, VRRP version, VRID, priority, IP, VRRP and ICMPv6 checksum status,
   * worst expert level.
   */
  readonly dissection: string;
}

const MAC = parseMac("02:00:00:00:00:01")!;
const FIELDS = [
  "_ws.col.Protocol",
  "vrrp.version",
  "vrrp.virt_rtr_id",
  "vrrp.prio",
  "ip.checksum.status",
  "vrrp.checksum.status",
  "icmpv6.checksum.status",
  "_ws.expert",
  "_ws.malformed",
];
/** tshark's word for a checksum it has found right. */
const GOOD = "1";

function advertisementFrame(row: GoldenAdvertisement, patch: Partial<OutgoingAdvertisement> = {}): Frame {
  const source = address(row.source);
  const destination = address(row.destination);
  const family = familyOf(source);
  const outgoing: OutgoingAdvertisement = {
    ...row.says,
    family,
    addresses: row.says.addresses.map(address),
    password: row.password === null ? null : passwordBytes(row.password),
    ...patch,
  };
  const message = encode(outgoing, source, destination);
  const { version, vrid, priority } = outgoing;
  const ipChecksum = family === 4 ? GOOD : "";
  return {
    name: row.name,
    bytes: family === 4 ? overIpv4(message, source, destination) : overIpv6(message, source, destination),
    dissection: ["VRRP", version, vrid, priority, ipChecksum, GOOD, "", "", ""].join("|"),
  };
}

function overIpv4(message: Uint8Array, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const header = { source, destination, ttl: 255, protocol: VRRP_PROTOCOL, payloadLength: message.length };
  const ip = encodeIpv4Header(header, new Uint8Array(IPV4_HEADER_LENGTH));
  const to = isMulticast(destination) ? [0x01, 0, 0x5e, 0, 0, 0x12] : MAC;
  return Uint8Array.of(...to, ...MAC, 0x08, 0x00, ...ip, ...message);
}

function overIpv6(message: Uint8Array, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const { length } = message;
  const ip = [0x60, 0, 0, 0, length >> 8, length & 0xff, VRRP_PROTOCOL, 255, ...source, ...destination];
  const to = isMulticast(destination) ? [0x33, 0x33, 0, 0, 0, 0x12] : MAC;
  return Uint8Array.of(...to, ...MAC, 0x86, 0xdd, ...ip, ...message);
}

function frames(): readonly Frame[] {
  // tshark wants a pseudo header in v3 and none in v2, so it faults two forms: RFC 9568's over IPv4, and v2
  // over IPv6, where the kernel adds it for keepalived as for everybody.
  const dissectable = ADVERTISEMENTS.filter(({ says }) =>
    says.checksum === (says.version === 2 ? "rfc3768" : "pseudo_header")
  );
  const full = (base: string): Partial<OutgoingAdvertisement> => ({
    addresses: Array.from({ length: 255 }, (_, i) => Uint8Array.of(...address(base).subarray(0, -1), i)),
  });
  const v2 = dissectable.find(({ says }) => says.version === 2)!;
  const v3 = dissectable.find(({ says, source }) => says.version === 3 && familyOf(address(source)) === 4)!;
  const ipv6 = dissectable.find(({ says, source }) => says.version === 3 && familyOf(address(source)) === 6)!;
  const arp = ["ARP", "", "", "", "", "", "", "", ""].join("|");
  const icmp = ["ICMPv6", "", "", "", "", "", GOOD, "", ""].join("|");
  const na = (router: boolean): Uint8Array =>
    unsolicitedNeighborAdvertisement(MAC, address("2001:db8::100"), { router });
  return [
    ...dissectable.map((row) => advertisementFrame(row)),
    advertisementFrame(v2, { ...full("198.51.100.0"), priority: 255, vrid: 255 }),
    advertisementFrame(v3, { ...full("198.51.100.0"), maxAdvertiseInterval: 4095 }),
    advertisementFrame(ipv6, full("2001:db8::")),
    { name: "gratuitousArp()", bytes: gratuitousArp(MAC, address("192.0.2.120")), dissection: arp },
    { name: "arpProbe()", bytes: arpProbe(MAC, address("192.0.2.120")), dissection: arp },
    { name: "neighbour advertisement of a host", bytes: na(false), dissection: icmp },
    { name: "neighbour advertisement of a router", bytes: na(true), dissection: icmp },
  ];
}

/** A classic pcap file (draft-ietf-opsawg-pcap), Ethernet, one record a frame. */
function pcap(packets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const header = Uint32Array.of(0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1);
  const records = packets.flatMap((packet, i) => [
    new Uint8Array(Uint32Array.of(i, 0, packet.length, packet.length).buffer),
    packet,
  ]);
  const parts = [new Uint8Array(header.buffer), ...records];
  const file = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function hasTshark(): boolean {
  try {
    return new Deno.Command("tshark", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test({
  name: "tshark dissects every packet of ours without a warning",
  ignore: !hasTshark(),
  async fn(): Promise<void> {
    const expected = frames();
    const file = await Deno.makeTempFile({ suffix: ".pcap" });
    try {
      await Deno.writeFile(file, pcap(expected.map(({ bytes }) => bytes)));
      const { stdout } = await new Deno.Command("tshark", {
        // deno-fmt-ignore
        args: [
          "-r", file, "-n", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=|",
          ...FIELDS.flatMap((field) => ["-e", field]),
        ],
        stderr: "null",
      }).output();
      const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
      assertEquals(lines.length, expected.length);
      for (const [i, { name, dissection }] of expected.entries()) assertEquals(lines[i], dissection, name);
    } finally {
      await Deno.remove(file);
    }
  },
});
