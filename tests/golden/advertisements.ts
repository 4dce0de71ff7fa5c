/**
 * VRRP messages captured from keepalived and FRR (one by hand where neither sends the form), and what each of
 * them says.
 */
import type { ChecksumKind } from "../../mod/vrrp/packet.ts";
import type { Version } from "../../mod/vrrp/timers.ts";

export interface GoldenAdvertisement {
  readonly name: string;
  /** From the IP header. */
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  /** What the sender was configured with; null = no authentication. */
  readonly password: string | null;
  /**
   * version and type, VRID, priority, count, two fields of 8 bits (v2) or one of 16 (v3), checksum,
   * addresses, authentication
   */
  readonly bytes: readonly string[];
  readonly says: {
    readonly version: Version;
    readonly vrid: number;
    readonly priority: number;
    /** Centiseconds. */
    readonly maxAdvertiseInterval: number;
    readonly addresses: readonly string[];
    readonly checksum: ChecksumKind;
  };
}

// Captured with tcpdump at the far end of a veth, from daemons that were active alone.
// deno-fmt-ignore
export const ADVERTISEMENTS: readonly GoldenAdvertisement[] = [
  {
    name: "keepalived 2.2.7: v2, password 1111",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: "1111",
    bytes: ["21", "33", "64", "01", "01", "01", "54ef", "c0000278", "3131313100000000"],
    says: {
      version: 2, vrid: 51, priority: 100, maxAdvertiseInterval: 100,
      addresses: ["192.0.2.120"], checksum: "rfc3768",
    },
  },
  {
    name: "keepalived 2.2.7: v2, password 1111, resigns",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: "1111",
    bytes: ["21", "33", "00", "01", "01", "01", "b8ef", "c0000278", "3131313100000000"],
    says: {
      version: 2, vrid: 51, priority: 0, maxAdvertiseInterval: 100,
      addresses: ["192.0.2.120"], checksum: "rfc3768",
    },
  },
  {
    name: "keepalived 2.2.7: v2, no authentication, three addresses, 2 s",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["21", "34", "96", "03", "00", "02", "999c", "c0000279", "c000027a", "c6336401", "0000000000000000"],
    says: {
      version: 2, vrid: 52, priority: 150, maxAdvertiseInterval: 200,
      addresses: ["192.0.2.121", "192.0.2.122", "198.51.100.1"], checksum: "rfc3768",
    },
  },
  {
    name: "keepalived 2.2.7: v2, no authentication, resigns",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["21", "34", "00", "03", "00", "02", "2f9d", "c0000279", "c000027a", "c6336401", "0000000000000000"],
    says: {
      version: 2, vrid: 52, priority: 0, maxAdvertiseInterval: 200,
      addresses: ["192.0.2.121", "192.0.2.122", "198.51.100.1"], checksum: "rfc3768",
    },
  },
  {
    name: "keepalived 2.2.7: v2, password of all 8 bytes, highest priority",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: "s3cr-t!8",
    bytes: ["21", "35", "fe", "01", "01", "01", "f7f9", "c000027b", "733363722d742138"],
    says: {
      version: 2, vrid: 53, priority: 254, maxAdvertiseInterval: 100,
      addresses: ["192.0.2.123"], checksum: "rfc3768",
    },
  },
  {
    name: "keepalived 2.2.7: v2, unicast, password",
    source: "192.0.2.1", destination: "192.0.2.2", hopLimit: 255, password: "secret",
    bytes: ["21", "39", "64", "01", "01", "01", "7af8", "c000027f", "7365637265740000"],
    says: {
      version: 2, vrid: 57, priority: 100, maxAdvertiseInterval: 100,
      addresses: ["192.0.2.127"], checksum: "rfc3768",
    },
  },
  {
    name: "keepalived 2.2.7: v2 over IPv6, link-local first",
    source: "fe80::ff:fe00:1", destination: "ff02::12", hopLimit: 255, password: null,
    bytes: ["21", "38", "64", "02", "00", "01", "4fc3", "fe8000000000000000000000005e0038", "20010db8000000000000000000000102"],
    says: {
      version: 2, vrid: 56, priority: 100, maxAdvertiseInterval: 100,
      addresses: ["fe80::5e:38", "2001:db8::102"], checksum: "pseudo_header",
    },
  },
  {
    name: "keepalived 2.2.7: v2 over IPv6 tells the authentication type and sends no password",
    source: "fe80::ff:fe00:1", destination: "ff02::12", hopLimit: 255, password: "1111",
    bytes: ["21", "3c", "64", "01", "01", "01", "7d87", "fe8000000000000000000000005e003c"],
    says: {
      version: 2, vrid: 60, priority: 100, maxAdvertiseInterval: 100,
      addresses: ["fe80::5e:3c"], checksum: "pseudo_header",
    },
  },
  {
    name: "keepalived 2.2.7: v3, 250 ms, two addresses",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["31", "36", "65", "02", "0019", "421f", "c000027c", "c000027d"],
    says: {
      version: 3, vrid: 54, priority: 101, maxAdvertiseInterval: 25,
      addresses: ["192.0.2.124", "192.0.2.125"], checksum: "pseudo_header",
    },
  },
  {
    name: "keepalived 2.2.7: v3, resigns",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["31", "36", "00", "02", "0019", "a71f", "c000027c", "c000027d"],
    says: {
      version: 3, vrid: 54, priority: 0, maxAdvertiseInterval: 25,
      addresses: ["192.0.2.124", "192.0.2.125"], checksum: "pseudo_header",
    },
  },
  {
    name: "keepalived 2.2.7: v3, address owner, 10 ms",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["31", "ff", "ff", "01", "0001", "69eb", "c0000281"],
    says: {
      version: 3, vrid: 255, priority: 255, maxAdvertiseInterval: 1,
      addresses: ["192.0.2.129"], checksum: "pseudo_header",
    },
  },
  {
    name: "keepalived 2.2.7: v3, unicast, 3.5 s",
    source: "192.0.2.1", destination: "192.0.2.2", hopLimit: 255, password: null,
    bytes: ["31", "3a", "64", "01", "015e", "2265", "c0000280"],
    says: {
      version: 3, vrid: 58, priority: 100, maxAdvertiseInterval: 350,
      addresses: ["192.0.2.128"], checksum: "pseudo_header",
    },
  },
  {
    name: "keepalived 2.2.7: v3 over IPv6, link-local first",
    source: "fe80::ff:fe00:1", destination: "ff02::12", hopLimit: 255, password: null,
    bytes: ["31", "37", "5a", "03", "0064", "1a99", "fe8000000000000000000000005e0037", "20010db8000000000000000000000100", "20010db8000000000000000000000101"],
    says: {
      version: 3, vrid: 55, priority: 90, maxAdvertiseInterval: 100,
      addresses: ["fe80::5e:37", "2001:db8::100", "2001:db8::101"], checksum: "pseudo_header",
    },
  },
  {
    name: "keepalived 2.2.7: v3 over IPv6, resigns",
    source: "fe80::ff:fe00:1", destination: "ff02::12", hopLimit: 255, password: null,
    bytes: ["31", "37", "00", "03", "0064", "7499", "fe8000000000000000000000005e0037", "20010db8000000000000000000000100", "20010db8000000000000000000000101"],
    says: {
      version: 3, vrid: 55, priority: 0, maxAdvertiseInterval: 100,
      addresses: ["fe80::5e:37", "2001:db8::100", "2001:db8::101"], checksum: "pseudo_header",
    },
  },
  {
    name: "keepalived 2.2.7: v3 over IPv6, unicast, hop limit 64",
    source: "2001:db8::1", destination: "2001:db8::2", hopLimit: 64, password: null,
    bytes: ["31", "3b", "64", "02", "0064", "e07a", "fe8000000000000000000000005e003b", "20010db8000000000000000000000103"],
    says: {
      version: 3, vrid: 59, priority: 100, maxAdvertiseInterval: 100,
      addresses: ["fe80::5e:3b", "2001:db8::103"], checksum: "pseudo_header",
    },
  },
  {
    name: "FRR 8.4.4 vrrpd: v2",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["21", "42", "78", "01", "00", "01", "a474", "c0000246", "0000000000000000"],
    says: {
      version: 2, vrid: 66, priority: 120, maxAdvertiseInterval: 100,
      addresses: ["192.0.2.70"], checksum: "rfc3768",
    },
  },
  {
    name: "FRR 8.4.4 vrrpd: v2, resigns",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["21", "42", "00", "01", "00", "01", "1c75", "c0000246", "0000000000000000"],
    says: {
      version: 2, vrid: 66, priority: 0, maxAdvertiseInterval: 100,
      addresses: ["192.0.2.70"], checksum: "rfc3768",
    },
  },
  {
    name: "FRR 8.4.4 vrrpd: v3, 500 ms, two addresses",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["31", "41", "c8", "02", "0032", "df70", "c0000241", "c0000242"],
    says: {
      version: 3, vrid: 65, priority: 200, maxAdvertiseInterval: 50,
      addresses: ["192.0.2.65", "192.0.2.66"], checksum: "pseudo_header",
    },
  },
  {
    name: "FRR 8.4.4 vrrpd: v3, resigns",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["31", "41", "00", "02", "0032", "a771", "c0000241", "c0000242"],
    says: {
      version: 3, vrid: 65, priority: 0, maxAdvertiseInterval: 50,
      addresses: ["192.0.2.65", "192.0.2.66"], checksum: "pseudo_header",
    },
  },
  {
    name: "FRR 8.4.4 vrrpd: v3 over IPv6, from the virtual MAC's link-local address",
    source: "fe80::200:5eff:fe00:241", destination: "ff02::12", hopLimit: 255, password: null,
    bytes: ["31", "41", "c8", "01", "0032", "790d", "20010db8000000000000000000000065"],
    says: {
      version: 3, vrid: 65, priority: 200, maxAdvertiseInterval: 50,
      addresses: ["2001:db8::65"], checksum: "pseudo_header",
    },
  },
  {
    name: "FRR 8.4.4 vrrpd: v3 over IPv6, resigns",
    source: "fe80::200:5eff:fe00:241", destination: "ff02::12", hopLimit: 255, password: null,
    bytes: ["31", "41", "00", "01", "0032", "410e", "20010db8000000000000000000000065"],
    says: {
      version: 3, vrid: 65, priority: 0, maxAdvertiseInterval: 50,
      addresses: ["2001:db8::65"], checksum: "pseudo_header",
    },
  },
  {
    name: "RFC 9568 §5.2.8: v3 over IPv4 without the pseudo header (by hand)",
    source: "192.0.2.1", destination: "224.0.0.18", hopLimit: 255, password: null,
    bytes: ["31", "36", "65", "02", "0019", "e4b3", "c000027c", "c000027d"],
    says: {
      version: 3, vrid: 54, priority: 101, maxAdvertiseInterval: 25,
      addresses: ["192.0.2.124", "192.0.2.125"], checksum: "rfc9568",
    },
  },
];
