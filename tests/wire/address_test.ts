/** Addresses as text and bytes: RFC 4291 §2.2 in, RFC 5952 out, and what neither allows. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  addressLength,
  compareAddresses,
  equalAddresses,
  familyOf,
  formatAddress,
  formatMac,
  isLinkLocal,
  isMulticast,
  parseAddress,
  parseCidr,
  parseMac,
} from "../../mod/wire/address.ts";
import { address } from "../golden/bytes.ts";

/** Text, bytes, and the canonical text where it is another one. */
const VALID: readonly (readonly [text: string, bytes: string, canonical?: string])[] = [
  ["0.0.0.0", "00000000"],
  ["192.0.2.1", "c0000201"],
  ["255.255.255.255", "ffffffff"],
  ["::", "00000000000000000000000000000000"],
  ["::1", "00000000000000000000000000000001"],
  ["1::", "00010000000000000000000000000000"],
  ["2001:db8::1", "20010db8000000000000000000000001"],
  ["2001:DB8:0:0:0:0:0:1", "20010db8000000000000000000000001", "2001:db8::1"],
  ["2001:0db8::0001", "20010db8000000000000000000000001", "2001:db8::1"],
  ["fe80::5e:37", "fe8000000000000000000000005e0037"],
  ["2001:db8:1:1:1:1:1:1", "20010db8000100010001000100010001"],
  // RFC 5952 §4.2.2: a single group of zeros is not shortened.
  ["2001:db8::1:1:1:1:1", "20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  // RFC 5952 §4.2.3: the longest run is, and of two the first.
  ["2001:0:0:1:0:0:0:1", "20010000000000010000000000000001", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["1:2:3:4:5:6:7::", "00010002000300040005000600070000", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "00000002000300040005000600070008", "0:2:3:4:5:6:7:8"],
  ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
  ["::ffff:c000:201", "00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
  ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221", "64:ff9b::c000:221"],
  ["1:2:3:4:5:6:192.0.2.1", "000100020003000400050006c0000201", "1:2:3:4:5:6:c000:201"],
];

for (const [text, bytes, canonical = text] of VALID) {
  Deno.test(`parseAddress() and formatAddress() agree on ${text}`, () => {
    assertEquals(parseAddress(text)?.toHex(), bytes);
    assertEquals(formatAddress(Uint8Array.fromHex(bytes)), canonical);
    assertEquals(parseAddress(canonical)?.toHex(), bytes);
  });
}

// deno-fmt-ignore
const INVALID: readonly string[] = [
  "", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "1.2.3.256", "01.2.3.4",
  "1.2.3.00", "1.2.3.-4",
  "+1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4", "1e1.2.3.4", "1.2.3.4/24", "1.2.3.4\n", "١.2.3.4",
  ":", ":::", "1:", ":1", "::1::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1:2:3:4::5:6:7:8", "12345::", "g::", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "::1%eth0", "[::1]", "::1/64",
  "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::256.1.1.1", "::01.2.3.4", "1.2.3.4:",
];

for (const text of INVALID) {
  Deno.test(`parseAddress() refuses ${JSON.stringify(text)}`, () => assertEquals(parseAddress(text), null));
}

Deno.test("familyOf() goes by the length and knows no third family", () => {
  assertEquals(familyOf(new Uint8Array(4)), 4);
  assertEquals(familyOf(new Uint8Array(16)), 6);
  assertThrows(() => familyOf(new Uint8Array(6)), RangeError, "it has 6 bytes");
  assertEquals([addressLength(4), addressLength(6)], [4, 16]);
});

Deno.test("compareAddresses() orders unsigned, first byte first", () => {
  const sorted = [
    "9.255.255.255",
    "10.0.0.0",
    "127.255.255.255",
    "128.0.0.0",
    "224.0.0.18",
    "::",
    "fe80::1",
    "ff02::12",
  ];
  const shuffled = sorted.toReversed().map(address).toSorted(compareAddresses);
  assertEquals(shuffled.map(formatAddress), sorted);
  assert(equalAddresses(address("::1"), address("0:0::1")));
  assert(!equalAddresses(address("::1"), address("::2")));
  assert(!equalAddresses(address("0.0.0.0"), address("::")));
});

Deno.test("parseCidr() reads a prefix, or takes the address for itself", () => {
  assertEquals(parseCidr("192.0.2.120/24"), { address: address("192.0.2.120"), prefix: 24 });
  assertEquals(parseCidr("192.0.2.120"), { address: address("192.0.2.120"), prefix: 32 });
  assertEquals(parseCidr("::1"), { address: address("::1"), prefix: 128 });
  assertEquals(parseCidr("0.0.0.0/0")?.prefix, 0);
  assertEquals(parseCidr("fe80::1/128")?.prefix, 128);
  for (
    const text of [
      "1.2.3.4/33",
      "::1/129",
      "1.2.3.4/",
      "/24",
      "1.2.3.4/024",
      "1.2.3.4/-1",
      "1.2.3.4/24/1",
      "1.2.3.4/ 8",
      "",
    ]
  ) {
    assertEquals(parseCidr(text), null, text);
  }
});

Deno.test("isLinkLocal() and isMulticast() know the edges of their ranges", () => {
  const rows: readonly [text: string, linkLocal: boolean, multicast: boolean][] = [
    ["169.254.0.0", true, false],
    ["169.255.0.0", false, false],
    ["169.253.255.255", false, false],
    ["223.255.255.255", false, false],
    ["224.0.0.18", false, true],
    ["239.255.255.255", false, true],
    ["240.0.0.0", false, false],
    ["fe7f::", false, false],
    ["fe80::", true, false],
    ["febf::", true, false],
    ["fec0::", false, false],
    ["ff02::12", false, true],
  ];
  for (const [text, linkLocal, multicast] of rows) {
    assertEquals([isLinkLocal(address(text)), isMulticast(address(text))], [linkLocal, multicast], text);
  }
});

Deno.test("parseMac() and formatMac() agree on six octets", () => {
  assertEquals(parseMac("00:00:5E:00:01:33"), Uint8Array.of(0, 0, 0x5e, 0, 1, 0x33));
  assertEquals(formatMac(Uint8Array.of(0, 0, 0x5e, 0, 1, 0x33)), "00:00:5e:00:01:33");
  for (
    const text of [
      "",
      "00:00:5e:00:01",
      "00:00:5e:00:01:33:44",
      "0:0:5e:0:1:33",
      "00-00-5e-00-01-33",
      "00:00:5e:00:01:3g",
    ]
  ) {
    assertEquals(parseMac(text), null, text);
  }
  assertThrows(() => formatMac(new Uint8Array(5)), RangeError, "5 bytes");
});
