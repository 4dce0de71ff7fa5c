/** The demo in numbers: who has which address, who ranks higher, how often the client asks. PURE. */

/** RFC 5737 TEST-NET-1: nobody's network, and in namespaces of its own at that. */
export const ADDRESSES = { client: "192.0.2.1", node1: "192.0.2.11", node2: "192.0.2.12" } as const;
export const VIRTUAL_ADDRESS = "192.0.2.10";
export const PREFIX = 24;
export const INTERFACE = "eth0";
export const ROUTER = "web";
/** HTTP on the TCP side, the echo that is probed on the UDP side. */
export const PORT = 80;

export const NODES = ["node1", "node2"] as const;
export type NodeName = (typeof NODES)[number];
export const PRIORITIES: Readonly<Record<NodeName, number>> = { node1: 110, node2: 100 };

/** The client sends a datagram so often, and asks for the page over a fresh connection so often. */
export const PROBE_INTERVAL_MS = 1;
export const PAGE_INTERVAL_MS = 20;
/** An answer later than this is none. */
export const PROBE_TIMEOUT_MS = 200;
export const PAGE_TIMEOUT_MS = 500;

export function isNode(name: string): name is NodeName {
  return (NODES as readonly string[]).includes(name);
}
