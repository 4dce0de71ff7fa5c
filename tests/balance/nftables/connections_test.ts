/** To whom a tracked connection belongs. */
import { assertEquals } from "@std/assert";
import { ConnectionIndex } from "../../../mod/balance/nftables/connections.ts";
import { parseAddress } from "../../../mod/wire/address.ts";
import { at, service, to, TWO } from "./fixtures.ts";

const TCP = 6;
const UDP = 17;

function connection(
  protocol: number,
  destination: string,
  server: string,
): Parameters<ConnectionIndex["find"]>[0] {
  const [to, toPort] = destination.split(" ");
  const [from, fromPort] = server.split(" ");
  return {
    protocol,
    destination: parseAddress(to!)!,
    destinationPort: Number(toPort),
    server: parseAddress(from!)!,
    serverPort: Number(fromPort),
  };
}

const index = new ConnectionIndex([
  service(at("tcp 192.0.2.10:80"), TWO),
  service(at("udp 192.0.2.10:80"), [to("192.0.2.23", 53)]),
  service(at("tcp 192.0.2.11:0"), [to("192.0.2.21", 0)]),
  service(at("tcp 192.0.2.12:80"), [to("127.0.0.1", 8080)]),
  service(at("tcp [2001:db8::10]:80"), [to("2001:db8::21", 8080)]),
  service({ kind: "fwmark", family: 4, fwmark: 7 }, [to("192.0.2.31", 0), to("192.0.2.32", 8080)]),
]);

const ROWS: readonly (readonly [
  what: string,
  protocol: number,
  to: string,
  from: string,
  name: string | null | undefined,
])[] = [
  ["address and port", TCP, "192.0.2.10 80", "192.0.2.21 80", "tcp-192.0.2.10-80/192.0.2.21-80"],
  [
    "another protocol is another service",
    UDP,
    "192.0.2.10 80",
    "192.0.2.23 53",
    "udp-192.0.2.10-80/192.0.2.23-53",
  ],
  ["IPv6", TCP, "2001:db8::10 80", "2001:db8::21 8080", "tcp-2001_db8__10-80/2001_db8__21-8080"],
  ["every port", TCP, "192.0.2.11 22", "192.0.2.21 22", "tcp-192.0.2.11-0/192.0.2.21-0"],
  ["a server on this host", TCP, "192.0.2.12 80", "192.0.2.1 8080", "tcp-192.0.2.12-80/127.0.0.1-8080"],
  ["by mark, every port", TCP, "198.51.100.1 443", "192.0.2.31 443", "fwmark-7-ipv4/192.0.2.31-0"],
  ["by mark, one port", TCP, "198.51.100.1 443", "192.0.2.32 8080", "fwmark-7-ipv4/192.0.2.32-8080"],
  ["ours, but to nobody of ours", TCP, "192.0.2.10 80", "192.0.2.29 80", null],
  ["ours, but to another port", TCP, "192.0.2.10 80", "192.0.2.21 81", null],
  ["every port, to nobody of ours", TCP, "192.0.2.11 22", "192.0.2.22 22", null],
  ["not ours: another port", TCP, "192.0.2.10 81", "192.0.2.21 80", undefined],
  ["not ours: another address", TCP, "192.0.2.99 80", "192.0.2.99 80", undefined],
];

for (const [what, protocol, destination, server, name] of ROWS) {
  Deno.test(`a connection's destination: ${what}`, () => {
    assertEquals(index.find(connection(protocol, destination, server)), name);
  });
}
