/** Gathers what the examinations know: looks, changes nothing, and is done in less than ten seconds. */
import type { Config } from "../../config/schema.ts";
import type { Snapshot } from "../../snapshot.ts";
import { addressesOf, type Facts, type LinkFacts, type RouterFacts, routersOf } from "../facts.ts";
import { gatherFiles, gatherNames } from "./files.ts";
import { gatherFirewalls } from "./firewall.ts";
import {
  gatherClock,
  gatherConntrack,
  gatherEngines,
  gatherLinks,
  gatherParameters,
  gatherVendor,
  withModes,
} from "./host.ts";
import { gatherPeer } from "./peers.ts";
import { gatherDaemon, gatherManagers, gatherServices } from "./processes.ts";
import { overhear, type Question } from "./wire.ts";

/** Listening takes as long as a backup waits, within these bounds. */
const LISTEN_LEAST_MS = 1_200;
const LISTEN_MOST_MS = 4_500;
/** The active routers are asked for their own addresses when it is known who they are. */
const ASK_ROUTERS_MS = 300;

export interface Patient {
  readonly config: Config | null;
  readonly configFile: string;
  /** The file and what it includes. */
  readonly configFiles: readonly string[];
  readonly configProblem: string | null;
  readonly commandProblems: readonly string[];
  readonly status: Snapshot | null;
  /** A daemon may be running, but cannot be asked. */
  readonly statusProblem: string | null;
  /** Files or URLs. */
  readonly peers: readonly string[];
  readonly token: string | null;
}

export async function gather(patient: Patient): Promise<Facts> {
  const { config, configFile, configProblem, commandProblems, status, statusProblem, token } = patient;
  const links = await withModes(gatherLinks());
  const routers = routersOf({ config, status });
  const listenedMs = listenMs(routers);
  const [firewalls, peers, unresolved, wire] = await Promise.all([
    gatherFirewalls(),
    Promise.all(patient.peers.map((name) => gatherPeer(name, { configFile, config, token }))),
    gatherNames(config),
    listen(links, routers, listenedMs),
  ]);
  const services = gatherServices();
  const used = usedLinks(links, routers);
  return {
    config,
    configFile,
    configProblem,
    commandProblems,
    status,
    links,
    parameters: gatherParameters(links.map(({ name }) => name).filter((name) => !name.includes("/"))),
    firewalls: firewalls.rulesets,
    services,
    daemon: gatherDaemon(status),
    files: gatherFiles(config, patient.configFiles),
    clock: gatherClock(),
    claims: wire.claims,
    heard: wire.heard,
    listenedMs,
    peers,
    managers: gatherManagers(used, services),
    unresolved,
    vendor: gatherVendor(),
    engines: gatherEngines(),
    conntrack: gatherConntrack(),
    notExamined: [
      ...(statusProblem === null ? [] : [{ examinations: ["daemon"], why: statusProblem }]),
      ...firewalls.notExamined,
      ...wire.notExamined,
    ],
    ageMs: (time) => Date.now() - Date.parse(time),
  };
}

function listenMs(routers: readonly RouterFacts[]): number {
  const longest = Math.max(0, ...routers.map(({ config }) => config.advertisement_interval));
  return Math.min(LISTEN_MOST_MS, Math.max(LISTEN_LEAST_MS, 3.7 * longest));
}

function usedLinks(links: readonly LinkFacts[], routers: readonly RouterFacts[]): LinkFacts[] {
  const names = new Set(
    routers.flatMap((
      router,
    ) => [router.config.interface, ...addressesOf(router).map((one) => one.interface)]),
  );
  return links.filter(({ name, up }) => names.has(name) && up);
}

async function listen(
  links: readonly LinkFacts[],
  routers: readonly RouterFacts[],
  ms: number,
): ReturnType<typeof overhear> {
  const used = usedLinks(links, routers);
  if (used.length === 0) return { heard: [], claims: [], notExamined: [] };
  const families = [...new Set(routers.map(({ config }) => config.family))];
  const first = await overhear(used, families, questionsOf(used, routers), ms);
  const sources = (first.heard ?? []).map(({ source, interface: name }) => ({
    address: source,
    interface: name,
  }));
  const active = routers.flatMap(({ config, status }) =>
    status?.state === "BACKUP" && status.active_router !== null
      ? [{ address: status.active_router, interface: config.interface }]
      : []
  );
  const asked = [...sources, ...active].filter(({ address, interface: name }, at, every) =>
    every.findIndex((other) => other.address === address && other.interface === name) === at
  ).map((place): Question => ({ ...place, what: "router" }));
  if (asked.length === 0 || first.heard === null) return first;
  const second = await overhear(used, [], asked, ASK_ROUTERS_MS);
  return { ...first, claims: [...first.claims, ...second.claims] };
}

/** The virtual addresses, and what is this host's own on their links. */
function questionsOf(links: readonly LinkFacts[], routers: readonly RouterFacts[]): Question[] {
  const virtual = routers.flatMap(addressesOf).map(({ address, interface: name }): Question => ({
    address,
    interface: name,
    what: "virtual",
  }));
  const isVirtual = (address: string): boolean => virtual.some((one) => one.address === address);
  const own = links.flatMap(({ name, addresses }) =>
    addresses.filter(({ address, tentative }) => !isVirtual(address) && !tentative).map((
      { address },
    ): Question => ({
      address,
      interface: name,
      what: "own",
    }))
  );
  const unique = new Map([...own, ...virtual].map((one) => [`${one.address} ${one.interface}`, one]));
  return [...unique.values()];
}
