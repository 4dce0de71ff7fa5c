/** A healthy node's facts, and ways to change one thing in them. */
import type { Facts, LinkFacts } from "../../mod/doctor/facts.ts";
import type { VirtualRouterStatus } from "../../mod/snapshot.ts";
import { router, snapshot } from "../api/fixture.ts";
import { load } from "../config/fixture.ts";

export const eth0: LinkFacts = {
  name: "eth0",
  index: 2,
  up: true,
  carrier: true,
  mac: "02:00:00:00:00:01",
  kind: "",
  mode: "",
  below: "",
  master: "",
  masterKind: "",
  multicast: true,
  addresses: [{ address: "192.0.2.1", prefix: 24, tentative: false, duplicate: false }],
  snoopsUnasked: false,
};

/** `keys`: further lines of its virtual router. */
export async function facts(changes: Partial<Facts> = {}, keys = "", more = ""): Promise<Facts> {
  const addresses = keys.includes("addresses") ? "" : `addresses = ["192.0.2.10/24"]\n`;
  const config = await load(
    `[virtual_router.VI_1]\ninterface = "eth0"\nvrid = 51\npriority = 100\n${addresses}${keys}\n${more}`,
  );
  return {
    config,
    configFile: "/etc/vipd/vipd.toml",
    configProblem: null,
    commandProblems: [],
    status: null,
    links: [eth0],
    parameters: new Map([["net/ipv6/conf/eth0/disable_ipv6", "0"]]),
    firewalls: [],
    services: [],
    daemon: null,
    files: [],
    clock: { synchronised: true },
    claims: [],
    heard: [],
    listenedMs: 3_700,
    peers: [],
    managers: [],
    unresolved: [],
    vendor: "",
    engines: { nft: true, haproxy: true, ipvs: true },
    conntrack: null,
    notExamined: [],
    ageMs: () => 1_000,
    ...changes,
  };
}

/** A daemon that runs with one virtual router, of which nothing bad is known. */
export function running(changes: Partial<VirtualRouterStatus> = {}): NonNullable<Facts["status"]> {
  const healthy = router({
    base_priority: 100,
    effective_priority: 100,
    contributions: [],
    primary_address: "192.0.2.1",
    addresses: [{ address: "192.0.2.10/24", interface: "eth0", advertised: true, present: true }],
    peers: [],
    rejected: [],
    counters: {},
    ...changes,
  });
  return snapshot({ virtual_routers: [healthy], foreign_routers: [], checks: [], virtual_servers: [] });
}
