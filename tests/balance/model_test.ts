/** Keys of services and endpoints as text. */
import { assertEquals } from "@std/assert";
import { endpointKey, type Match, serviceKey } from "../../mod/balance/model.ts";

Deno.test("a service has one text, whatever it matches", () => {
  const rows: [Match, string][] = [
    [{ kind: "address", family: 4, protocol: "tcp", address: "192.0.2.10", port: 80 }, "tcp 192.0.2.10:80"],
    [
      { kind: "address", family: 6, protocol: "udp", address: "2001:db8::1", port: 53 },
      "udp [2001:db8::1]:53",
    ],
    [{ kind: "fwmark", family: 4, fwmark: 7 }, "fwmark 7 ipv4"],
    [{ kind: "fwmark", family: 6, fwmark: 7 }, "fwmark 7 ipv6"],
  ];
  for (const [match, key] of rows) assertEquals(serviceKey(match), key);
  assertEquals(endpointKey({ address: "2001:db8::1", port: 0 }), "[2001:db8::1]:0");
});
