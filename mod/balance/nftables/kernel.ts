/** What the engine asks the kernel itself, past nft(8). */
import {
  type Connection,
  type ConnectionName,
  removeConnections,
  visitTranslated,
} from "../../../ffi/conntrack.ts";
import { SyscallError } from "../../../ffi/errno.ts";
import { NETLINK_NETFILTER, NetlinkError, NetlinkSocket } from "../../../ffi/netlink.ts";
import { rulesGeneration } from "../../../ffi/nfnetlink.ts";
import { listLinks, openRtnetlink } from "../../../ffi/rtnetlink.ts";
import { type Parameters, PROC_SYS } from "../../kernel/sysctl.ts";
import type { Service } from "../model.ts";
import type { Surroundings } from "./direct.ts";
import { lookAround } from "./surroundings.ts";
import { ConnectionIndex, type Counts } from "./connections.ts";

export interface Kernel {
  /** A number that changes whenever anybody changes any rules of this host. */
  generation(): number;
  /** Tracked connections by the destination's name; null where the kernel does not tell. */
  connections(services: readonly Service[]): ReadonlyMap<string, Counts> | null;
  /**
   * Forgets translated connections that none of these destinations has, of services that are or were ours, so
   * that their clients are told instead of left waiting. Returns how many.
   */
  forget(services: readonly Service[], former: readonly Service[]): number;
  readonly parameters: Parameters;
  /** Names of the interfaces but for loopback. */
  interfaces(): readonly string[];
  /** What direct routing to these addresses depends on. */
  surroundings(addresses: readonly string[]): Surroundings;
  close(): void;
}

/** The network namespace of the calling thread. */
export function hostKernel(): Kernel {
  const netfilter = new NetlinkSocket(NETLINK_NETFILTER);
  return {
    generation: () => rulesGeneration(netfilter),
    connections: countConnections,
    forget(services, former): number {
      const strangers = strangersOf(services, former);
      if (strangers.length > 0) removeConnections(strangers);
      return strangers.length;
    },
    parameters: PROC_SYS,
    interfaces: listInterfaces,
    surroundings: lookAround,
    close: () => netfilter.close(),
  };
}

function listInterfaces(): string[] {
  using nl = openRtnetlink();
  return listLinks(nl).filter(({ loopback }) => !loopback).map(({ name }) => name);
}

function countConnections(services: readonly Service[]): ReadonlyMap<string, Counts> | null {
  const index = new ConnectionIndex(services);
  const counts = new Map<string, Counts>();
  const seen = visit([...services], (connection) => {
    const name = index.find(connection);
    if (name === null || name === undefined) return;
    const count = counts.get(name) ?? { active: 0, inactive: 0 };
    counts.set(name, count);
    if (connection.established) count.active++;
    else count.inactive++;
  });
  return seen ? counts : null;
}

function strangersOf(services: readonly Service[], former: readonly Service[]): ConnectionName[] {
  const index = new ConnectionIndex(services);
  const formerIndex = new ConnectionIndex(former);
  const strangers: ConnectionName[] = [];
  visit([...services, ...former], (connection) => {
    const name = index.find(connection);
    const isStranger = name === null || name === undefined && formerIndex.find(connection) !== undefined;
    if (!isStranger) return;
    strangers.push({
      family: connection.family,
      original: connection.original.slice(),
      zone: connection.zone,
    });
  });
  return strangers;
}

/** False where connections are not tracked, or cannot be listed. */
function visit(services: readonly Service[], see: (connection: Connection) => void): boolean {
  try {
    for (const family of new Set(services.map(({ match }) => match.family))) visitTranslated(family, see);
    return true;
  } catch (error) {
    if (!(error instanceof NetlinkError) && !(error instanceof SyscallError)) throw error;
    return false;
  }
}

/** The end of a sentence when the kernel cannot do it. To ask loads the module, where there is one. */
export function missingInKernel(): string | null {
  try {
    using netfilter = new NetlinkSocket(NETLINK_NETFILTER);
    rulesGeneration(netfilter);
    return null;
  } catch (error) {
    if (!(error instanceof NetlinkError) && !(error instanceof SyscallError)) throw error;
    return `the kernel has no nf_tables (${error.message})`;
  }
}
