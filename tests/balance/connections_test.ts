/** What engines report of one real server. */
import { assertEquals } from "@std/assert";
import { connectionsOf, remaining, type Reported, reportedOf } from "../../mod/balance/connections.ts";
import type { DestinationReport, Service, ServiceReport, Traffic } from "../../mod/balance/model.ts";
import { serviceKey } from "../../mod/balance/model.ts";
import { servicesOf } from "../../mod/balance/services.ts";
import { realServer, virtualServer } from "./settings.ts";

const RS = realServer("10.0.0.1:80");
const TCP = virtualServer({
  addresses: [10, 11].map((last) => ({ kind: "address", family: 4, address: `192.0.2.${last}`, port: 80 })),
});
const SERVICES = servicesOf(TCP, []);
const TRAFFIC: Traffic = { connections: 5, packetsIn: 10, packetsOut: 20, bytesIn: 100, bytesOut: null };

function destination(changes: Partial<DestinationReport> = {}): DestinationReport {
  return {
    address: "10.0.0.1",
    port: 80,
    weight: 0,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
    traffic: null,
    ...changes,
  };
}

/** The reports of both services, in their order. */
function reports(...all: (readonly DestinationReport[])[]): Reported {
  const entries = all.map((destinations, index): [string, ServiceReport] => {
    const key = serviceKey((SERVICES[index] as Service).match);
    return [key, { key, traffic: null, destinations }];
  });
  return reportedOf(SERVICES, new Map(entries));
}

Deno.test("the connections of all services are taken together", () => {
  const one = destination({ activeConnections: 2, inactiveConnections: 3, traffic: TRAFFIC });
  const other = destination({ address: "10.0.0.2", activeConnections: 100 });
  assertEquals(connectionsOf(RS, reports([one, other], [one])), {
    active: 4,
    inactive: 6,
    persistent: 0,
    traffic: { connections: 10, packetsIn: 20, packetsOut: 40, bytesIn: 200, bytesOut: null },
  });
  const blind = destination({ activeConnections: null });
  assertEquals(connectionsOf(RS, reports([one], [blind])), {
    active: null,
    inactive: 3,
    persistent: 0,
    traffic: null,
  });
});

Deno.test("a drain waits for what would be cut off", () => {
  const rows: [what: string, Parameters<typeof reports>, protocol: "tcp" | "udp", expected: number | null][] =
    [
      ["nothing", [[destination()], [destination()]], "tcp", 0],
      [
        "connections",
        [[destination({ activeConnections: 2 })], [destination({ activeConnections: 1 })]],
        "tcp",
        3,
      ],
      ["persistence", [[destination({ persistentConnections: 4 })], [destination()]], "tcp", 4],
      ["no persistence", [[destination({ persistentConnections: null })], [destination()]], "tcp", 0],
      ["ending", [[destination({ inactiveConnections: 4 })], [destination()]], "tcp", 0],
      ["flows", [[destination({ inactiveConnections: 4 })], [destination()]], "udp", 4],
      ["nobody can tell", [[destination({ activeConnections: null })], [destination()]], "tcp", null],
      ["not told of it yet", [[destination({ weight: 1 })], [destination()]], "tcp", null],
      ["a service is missing", [[destination()]], "tcp", null],
      ["it is in no service", [[], []], "tcp", 0],
    ];
  for (const [what, all, protocol, expected] of rows) {
    assertEquals(remaining({ ...TCP, protocol }, RS, reports(...all)), expected, what);
  }
});

Deno.test("a real server without a port of its own is counted at any", () => {
  const at443 = destination({ port: 443, activeConnections: 7 });
  assertEquals(connectionsOf({ ...RS, port: 0 }, reports([at443], [])).active, 7);
  assertEquals(connectionsOf(RS, reports([at443], [])).active, 0);
});
