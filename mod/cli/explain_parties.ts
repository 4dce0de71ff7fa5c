/** From what a daemon says and what files hold to those who take part in an election. */
import type { Config, VirtualRouterConfig } from "../config/schema.ts";
import type { Party } from "../explain/party.ts";
import type { VirtualRouterStatus } from "../snapshot.ts";

/** A virtual router by what tells it from others on its link. */
export interface Identity {
  readonly name: string;
  readonly vrid: number;
  readonly family: 4 | 6;
  readonly addresses: readonly string[];
}

/** A file of another host, and its part of the virtual router. */
export interface FileParty {
  readonly party: Party;
  /** Where its advertisements come from, if the file says so. */
  readonly source: string | undefined;
}

export function identityOf(name: string, { vrid, family, addresses }: VirtualRouterConfig): Identity {
  return { name, vrid, family, addresses: addresses.map(({ address }) => address) };
}

export function identityOfStatus({ name, vrid, family, addresses }: VirtualRouterStatus): Identity {
  return {
    name,
    vrid,
    family: family === "ipv4" ? 4 : 6,
    addresses: addresses.filter(({ advertised }) => advertised).map(({ address }) =>
      address.replace(/\/.*/, "")
    ),
  };
}

/** The same virtual router in another host's file: VRID and family, and a common address or the name. */
export function counterpart(
  { virtual_router }: Pick<Config, "virtual_router">,
  { name, vrid, family, addresses }: Identity,
): VirtualRouterConfig | undefined {
  const alike = Object.entries(virtual_router).filter(([, one]) =>
    one.vrid === vrid && one.family === family
  );
  const shares = (one: VirtualRouterConfig): boolean =>
    one.addresses.some(({ address }) => addresses.includes(address));
  return (alike.find(([, one]) => shares(one)) ?? alike.find(([other]) => other === name))?.[1];
}

/** All of its checks are taken for passing. */
export function partyOfFile(name: string, config: VirtualRouterConfig): FileParty {
  const { priority, track, preempt, preempt_delay, version, advertisement_interval, handover } = config;
  const party: Party = {
    name,
    knownBy: "file",
    lastSeen: null,
    priority,
    track,
    preempt,
    preemptDelayMs: preempt_delay,
    version,
    intervalMs: advertisement_interval,
    handover: { enabled: handover.enabled, timeoutMs: handover.timeout },
    states: new Map(),
    override: null,
    heldBack: false,
    obstacles: [],
  };
  return { party, source: config.unicast_source };
}

export function partyOfStatus(node: string, router: VirtualRouterStatus): Party {
  const { contributions, override, handover_timeout_ms: timeoutMs } = router;
  const states = contributions.map(({ check, state, reason, factor }) =>
    [check, { state, reason, factor }] as const
  );
  return {
    name: node,
    knownBy: "status",
    lastSeen: null,
    priority: router.base_priority,
    track: contributions.map(({ check, weight, reverse }) =>
      weight === null ? { check, reverse } : { check, weight, reverse }
    ),
    preempt: router.preempt,
    preemptDelayMs: router.preempt_delay_ms,
    version: router.version,
    intervalMs: router.advertisement_interval_ms,
    handover: { enabled: timeoutMs !== null, timeoutMs: timeoutMs ?? 0 },
    states: new Map(states),
    override,
    heldBack: router.held_back !== null,
    obstacles: obstaclesOf(router),
  };
}

/** What keeps it from taking part that is no check. */
function obstaclesOf({ state, reason, contributions }: VirtualRouterStatus): string[] {
  if (state === "INIT") return [reason];
  const isCheck = contributions.some(({ state, weight, reverse, factor = 0 }) =>
    factor !== 0 || (weight === null && state === (reverse ? "up" : "down"))
  );
  return state === "FAULT" && !isCheck ? [reason] : [];
}

/** Routers that were heard: the effective priority is all that is known. One that resigned says nothing. */
export function partiesHeard({ peers, version }: VirtualRouterStatus): Party[] {
  return peers.filter(({ priority }) => priority > 0).map((peer) => ({
    name: peer.address,
    knownBy: "advertisements",
    lastSeen: peer.last_seen,
    priority: peer.priority,
    track: [],
    preempt: true,
    preemptDelayMs: 0,
    version,
    intervalMs: peer.advertisement_interval_ms,
    handover: { enabled: true, timeoutMs: 1_000 },
    states: new Map(),
    override: null,
    heldBack: false,
    obstacles: [],
  }));
}

export interface Merged {
  readonly others: readonly Party[];
  /** The party behind an address that was heard. */
  nameOf(address: string): string | null;
}

/** A host whose file is given is not another one because it was heard. */
export function merge(files: readonly FileParty[], heard: readonly Party[]): Merged {
  const names = new Map<string, string>();
  const free = new Set(files);
  const take = (party: Party, fits: (file: FileParty) => boolean): void => {
    const file = [...free].find(fits);
    if (names.has(party.name) || file === undefined) return;
    free.delete(file);
    names.set(party.name, file.party.name);
  };
  for (const party of heard) take(party, ({ source }) => source === party.name);
  for (const party of heard) take(party, (file) => file.party.priority === party.priority);
  for (const party of heard) take(party, ({ source }) => source === undefined);
  const strangers = heard.filter(({ name }) => !names.has(name));
  return {
    others: [...files.map(({ party }) => party), ...strangers],
    nameOf: (address) => names.get(address) ?? strangers.find(({ name }) => name === address)?.name ?? null,
  };
}
