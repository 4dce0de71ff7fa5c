/** Ethernet headers, the virtual router MAC address and multicast MAC addresses. */
import { assertEquals } from "@std/assert";
import { formatMac, parseAddress } from "../../mod/wire/address.ts";
import { encodeEthernetHeader, multicastMac, virtualRouterMac } from "../../mod/wire/ethernet.ts";

Deno.test("virtualRouterMac(): one range for each family, the VRID last (RFC 9568 §7.3)", () => {
  assertEquals(formatMac(virtualRouterMac(4, 51)), "00:00:5e:00:01:33");
  assertEquals(formatMac(virtualRouterMac(6, 255)), "00:00:5e:00:02:ff");
});

Deno.test("multicastMac(): the low bits of the group, 23 for IPv4 and 32 for IPv6", () => {
  const rows = [
    ["224.0.0.18", "01:00:5e:00:00:12"],
    ["239.255.1.2", "01:00:5e:7f:01:02"],
    ["ff02::12", "33:33:00:00:00:12"],
    ["ff05::1:ff23:4567", "33:33:ff:23:45:67"],
  ] as const;
  for (const [group, mac] of rows) assertEquals(formatMac(multicastMac(parseAddress(group)!)), mac);
});

Deno.test("encodeEthernetHeader(): destination, source, EtherType", () => {
  const [destination, source] = [multicastMac(parseAddress("224.0.0.18")!), virtualRouterMac(4, 1)];
  const ipv4 = encodeEthernetHeader({ destination, source, family: 4 }, new Uint8Array(14));
  assertEquals([...ipv4], [1, 0, 0x5e, 0, 0, 0x12, 0, 0, 0x5e, 0, 1, 1, 0x08, 0x00]);
  const ipv6 = encodeEthernetHeader({ destination, source, family: 6 }, new Uint8Array(14));
  assertEquals([...ipv6.subarray(12)], [0x86, 0xdd]);
});
