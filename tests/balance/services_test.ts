/** What a virtual server asks of its engine. */
import { assertEquals } from "@std/assert";
import type { Destination, Service } from "../../mod/balance/model.ts";
import { servicesOf } from "../../mod/balance/services.ts";
import { virtualServer } from "./settings.ts";

function destination(address: string, port: number, weight = 1): Destination {
  return { address, port, weight, forward: { method: "nat" }, upperThreshold: 0, lowerThreshold: 0 };
}

const ONE = virtualServer({});
const ADDRESS = ONE.addresses[0]!;

/** [what, settings, destinations asked for, per service: key of the match and `address:port weight`] */
const ROWS: readonly [string, Parameters<typeof virtualServer>[0], Destination[], unknown][] = [
  ["one address", {}, [destination("10.0.0.1", 80, 7)], [["192.0.2.10", ["10.0.0.1:80 7"]]]],
  [
    "a group has the same servers at each address; one without a port is reached at the service's",
    { addresses: [ADDRESS, { kind: "address", family: 4, address: "192.0.2.11", port: 443 }] },
    [destination("10.0.0.1", 0), destination("10.0.0.2", 8080)],
    [
      ["192.0.2.10", ["10.0.0.1:80 1", "10.0.0.2:8080 1"]],
      ["192.0.2.11", ["10.0.0.1:443 1", "10.0.0.2:8080 1"]],
    ],
  ],
  [
    "a firewall mark has no port to give",
    { addresses: [{ kind: "fwmark", family: 4, fwmark: 7 }] },
    [destination("10.0.0.1", 0)],
    [[7, ["10.0.0.1:0 1"]]],
  ],
  [
    "of two destinations of the same endpoint the first counts",
    {},
    [destination("10.0.0.1", 0, 5), destination("10.0.0.1", 80, 1)],
    [["192.0.2.10", ["10.0.0.1:80 5"]]],
  ],
];

Deno.test("services: one an address, all with the same servers", () => {
  for (const [what, settings, destinations, expected] of ROWS) {
    const services = servicesOf(virtualServer(settings), destinations);
    assertEquals(
      services.map(({ match, destinations }) => [
        match.kind === "fwmark" ? match.fwmark : match.address,
        destinations.map(({ address, port, weight }) => `${address}:${port} ${weight}`),
      ]),
      expected,
      what,
    );
  }
});

Deno.test("services: scheduler, flags, persistence and protocol are the configuration's", () => {
  const persistence = { seconds: 50, prefix: 24, engine: "sip" } as const;
  const settings = {
    protocol: "udp",
    scheduler: "sh",
    flags: ["sh-port"],
    one_packet: true,
    persistence,
  } as const;
  const expected: Service = {
    match: { kind: "address", family: 4, protocol: "udp", address: "192.0.2.10", port: 80 },
    scheduler: "sh",
    flags: ["sh-port"],
    onePacket: true,
    persistence,
    destinations: [],
  };
  assertEquals(servicesOf(virtualServer(settings), []), [expected]);
});
