/**
 * Gratuitous ARP and unsolicited neighbour advertisements as keepalived and FRR put them on the wire, frame
 * by frame.
 */

export interface GoldenAnnouncement {
  readonly name: string;
  readonly mac: string;
  readonly address: string;
  /** Only for IPv6: whether the sender calls itself a router. */
  readonly router?: boolean;
  readonly bytes: readonly string[];
}

/** Ethernet (destination, source, type); ARP (hardware, protocol, lengths, operation, sender, target) */
// deno-fmt-ignore
export const GRATUITOUS_ARPS: readonly GoldenAnnouncement[] = [
  {
    name: "keepalived 2.2.7",
    mac: "02:00:00:00:00:01", address: "192.0.2.129",
    bytes: ["ffffffffffff", "020000000001", "0806", "0001", "0800", "06", "04", "0001",
      "020000000001", "c0000281", "ffffffffffff", "c0000281"],
  },
  {
    name: "FRR 8.4.4 vrrpd, from the virtual MAC",
    mac: "00:00:5e:00:01:41", address: "192.0.2.65",
    bytes: ["ffffffffffff", "00005e000141", "0806", "0001", "0800", "06", "04", "0001",
      "00005e000141", "c0000241", "ffffffffffff", "c0000241"],
  },
];

/** Ethernet; IPv6 (version and flow, length, next header, hop limit, source, destination); ICMPv6; option */
// deno-fmt-ignore
export const NEIGHBOR_ADVERTISEMENTS: readonly GoldenAnnouncement[] = [
  {
    name: "keepalived 2.2.7, link-local",
    mac: "02:00:00:00:00:01", address: "fe80::5e:38", router: false,
    bytes: ["333300000001", "020000000001", "86dd", "60000000", "0020", "3a", "ff",
      "fe8000000000000000000000005e0038", "ff020000000000000000000000000001",
      "88", "00", "5671", "20000000", "fe8000000000000000000000005e0038", "02", "01", "020000000001"],
  },
  {
    name: "keepalived 2.2.7, global",
    mac: "02:00:00:00:00:01", address: "2001:db8::102", router: false,
    bytes: ["333300000001", "020000000001", "86dd", "60000000", "0020", "3a", "ff",
      "20010db8000000000000000000000102", "ff020000000000000000000000000001",
      "88", "00", "f728", "20000000", "20010db8000000000000000000000102", "02", "01", "020000000001"],
  },
  {
    name: "FRR 8.4.4 vrrpd, from the virtual MAC of a router",
    mac: "00:00:5e:00:02:41", address: "2001:db8::65", router: true,
    bytes: ["333300000001", "00005e000241", "86dd", "60000000", "0020", "3a", "ff",
      "20010db8000000000000000000000065", "ff020000000000000000000000000001",
      "88", "00", "1a22", "a0000000", "20010db8000000000000000000000065", "02", "01", "00005e000241"],
  },
];
