/**
 * One virtual router as it runs: its configuration, its state, what it heard and what it counted. It decides
 * and sends nothing.
 */
import type { Prepared } from "../../ffi/sender_batch.ts";
import type { VirtualRouterConfig } from "../config/schema.ts";
import type { Health } from "../health/health.ts";
import { isSame, type ManagedAddress } from "../kernel/plan.ts";
import type { VirtualLink } from "../kernel/virtual_links.ts";
import { equalAddresses, formatAddress } from "../wire/address.ts";
import { type Counters, newCounters } from "./counters.ts";
import type { Conditions } from "./conditions.ts";
import type { Discard } from "./discard.ts";
import type { Group } from "./groups.ts";
import type { TrackerState } from "./messages.ts";
import { type Override, weigh } from "./override.ts";
import { addressesMatch, type Advertisement } from "./packet.ts";
import type { Forerunner } from "./rivals.ts";
import { pauseInterval, pauseLeaseMs, type SavedRouter } from "./saved.ts";
import {
  leaseMs,
  managedAddressesOf,
  virtualLinkOf,
  virtualRouterOf,
  type Wire,
  wireOf,
} from "./settings.ts";
import {
  deadlineMs,
  type Event,
  initialState,
  OWNER_PRIORITY,
  type State,
  type VirtualRouter,
} from "./state.ts";
import { activeDownIntervalMs, intervalMs } from "./timers.ts";

/** Peers and rejected packets kept for the status: enough to see, too few to fill memory from the wire. */
const MAX_PEERS = 16;
const MAX_REJECTED = 10;

/** A router that advertises this VRID. Times are Unix milliseconds. */
export interface Heard {
  readonly source: Uint8Array;
  readonly advertisement: Advertisement;
  /** What the state machine is told each time that it comes. */
  readonly event: Event & { readonly type: "advertisement" };
  readonly addressesMatch: boolean;
  lastSeen: number;
  count: number;
  /**
   * The message that `advertisement` was decoded from and how it came: the next one is nearly always the
   * same.
   */
  readonly bytes: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit: number;
}

/** An address of the virtual router that another host has. */
export interface Conflict {
  readonly address: string;
  readonly interface: string;
  readonly mac: string;
  readonly lastSeen: number;
}

/** Nothing stands in the way, as far as is known. */
const CLEAR: Conditions = { type: "conditions", waiting: [], faults: [], reachable: true };

/** One packet as it arrived, in copies. */
export type Arrival = Pick<Heard, "source" | "destination" | "hopLimit" | "bytes">;

export interface Rejected {
  readonly at: number;
  readonly source: Uint8Array;
  readonly discard: Discard;
}

export class Instance {
  name: string;
  config: VirtualRouterConfig;
  router: VirtualRouter;
  wire: Wire;
  addresses: ManagedAddress[];
  /** Fixed: with another one it is another virtual router. */
  readonly virtualLink: VirtualLink | null;
  state: State;
  /** Cached `deadlineMs(state)`: the loop asks for it on every turn. */
  deadlineMs = Infinity;
  /** `monotonicMs()` of the last promotion. */
  activeSinceMs = -Infinity;
  /** Whom it took over from. */
  forerunner: Forerunner | null = null;
  /** When the current state began, Unix milliseconds, and why. */
  since: number;
  reason = "starting";
  /** The interface that the sockets belong to; 0 while it does not exist. */
  ifindex = 0;
  primaryAddress: Uint8Array | null = null;
  health: Health;
  /** What the operator has put in the place of its priority, and why that does not count now. */
  override: Override | null;
  suspended: string | null;
  /** Adding an address failed: not active before this moment. */
  blocked: { readonly reason: string; readonly untilMs: number } | null = null;
  /** Somebody else has its addresses: not active until nobody answers for them. */
  occupied: string | null = null;
  /** When it last told another router that it has yielded, Unix milliseconds. */
  remindedAt = -Infinity;
  /** Who else has them, by address and MAC address; `lastSeen` in Unix milliseconds. */
  readonly conflicts = new Map<string, Conflict>();
  /** What was last told to stand in the way. */
  toldObstacles = "";
  /** Taken out of the configuration: forget it once it has stopped. */
  leaving = false;
  /** What stands in its own way, whatever its group does; as last looked at. */
  own: Conditions = { ...CLEAR, waiting: ["starting"] };
  /** It comes to a sync group that serves already. */
  isJoining = false;
  #group: Group | null = null;
  /** Why it does not preempt although it could: it was told to leave; null when nothing holds it back. */
  #heldBack: string | null = null;
  /** Announces that it will be silent for a while. */
  #pausing = false;
  readonly counters: Counters = newCounters();
  readonly heard = new Map<string, Heard>();
  readonly rejected: Rejected[] = [];
  /** Encoded messages by priority; emptied when anything that they contain changes. */
  readonly packets = new Map<number, readonly Prepared[]>();
  /** When something that must not be done too often was last done, by what it is. */
  readonly #told = new Map<string, number>();

  constructor(
    name: string,
    config: VirtualRouterConfig,
    trackers: ReadonlyMap<string, TrackerState>,
    { readyAtMs, now, override = null }: {
      readonly readyAtMs: number;
      readonly now: number;
      readonly override?: Override | null;
    },
  ) {
    this.name = name;
    this.config = config;
    this.wire = wireOf(config);
    this.addresses = managedAddressesOf(config);
    this.virtualLink = virtualLinkOf(config);
    this.override = override;
    const { health, suspended } = weigh(config, override, trackers);
    this.health = health;
    this.suspended = suspended;
    this.router = this.#routerAt(new Uint8Array(config.family === 4 ? 4 : 16));
    this.state = initialState(this.health.effective, readyAtMs);
    this.since = now;
  }

  get heldCount(): number {
    return this.addresses.filter(({ held }) => held).length;
  }

  get isActive(): boolean {
    return this.state.name === "active";
  }

  /** The interval that its advertisements name, centiseconds. */
  get announcedInterval(): number {
    return this.#pausing ? pauseInterval(this.router) : this.router.advertisementInterval;
  }

  /** How long the kernel keeps the addresses after a renewal, milliseconds; 0 = for ever. */
  get leaseMs(): number {
    return this.#pausing ? pauseLeaseMs(leaseMs(this.config)) : leaseMs(this.config);
  }

  get heldBack(): string | null {
    return this.#heldBack;
  }

  set heldBack(reason: string | null) {
    this.#heldBack = reason;
    this.#derive(this.router.primaryAddress);
  }

  /** Its sync group; null: it goes alone. */
  get group(): Group | null {
    return this.#group;
  }

  set group(group: Group | null) {
    this.#group = group;
    this.#derive(this.router.primaryAddress);
  }

  /** Whether that is news. */
  setPausing(pausing: boolean): boolean {
    const isNews = this.#pausing !== pausing;
    this.#pausing = pausing;
    this.packets.clear();
    return isNews;
  }

  /** Goes on where the image of the program before it was. */
  inherit({ since, reason, counters, heldBack }: SavedRouter, state: State): void {
    this.since = since;
    this.reason = reason;
    this.heldBack = heldBack;
    this.own = CLEAR;
    // A name that only the other version counts is nothing to add to.
    for (const name of Object.keys(this.counters) as (keyof Counters)[]) {
      this.counters[name] = counters[name] ?? 0;
    }
    this.enter(state);
  }

  /** Whether this has not been done for so long; if so, it counts as done now. */
  isDue(key: string, everyMs: number, nowMs: number): boolean {
    if (nowMs - (this.#told.get(key) ?? -Infinity) < everyMs) return false;
    this.#told.set(key, nowMs);
    return true;
  }

  enter(state: State): void {
    this.state = state;
    this.deadlineMs = Math.min(deadlineMs(state), this.blocked?.untilMs ?? Infinity);
  }

  /** Another one has its name from now on, and must not be taken for the doer of what this one still does. */
  cedeName(): void {
    this.name = `${this.name} (replaced)`;
  }

  /** The rest of the configuration changed, the identity on the wire did not. Held addresses stay held. */
  reconfigure(
    config: VirtualRouterConfig,
    trackers: ReadonlyMap<string, TrackerState>,
  ): readonly ManagedAddress[] {
    const before = this.addresses;
    this.config = config;
    this.wire = wireOf(config);
    this.addresses = managedAddressesOf(config).map((address) => ({
      ...address,
      ...holding(address, before),
    }));
    this.weigh(trackers);
    this.packets.clear();
    // What was accepted before may have to be refused now, and the other way round.
    this.heard.clear();
    return before.filter((address) =>
      address.held && !this.addresses.some((now) => isSameManaged(now, address))
    );
  }

  /** Whether both are about one address on one link; one of them may have it on a macvlan there. */
  sharesAddress({ addresses, config }: Instance): boolean {
    return this.addresses.some((mine) =>
      addresses.some((other) =>
        (other.interface === mine.interface || config.interface === this.config.interface) &&
        equalAddresses(other.address, mine.address)
      )
    );
  }

  /** What the other one holds as well is no longer this one's to remove. */
  leaveAddressesTo({ addresses }: Instance): void {
    this.addresses = this.addresses.map((mine) =>
      addresses.some((other) => other.held && isSame(other, mine)) ? { ...mine, held: false } : mine
    );
  }

  /**
   * The run before was active a moment ago: this one goes on as long as the peers still wait for it. Without
   * preemption it first listens for an interval, whether somebody has taken over meanwhile.
   */
  resume(readyAtMs: number, nowMs: number): void {
    const { version, advertisementInterval, preemptMode } = this.router;
    const listenedAtMs = preemptMode ? 0 : nowMs + intervalMs(advertisementInterval);
    const untilMs = nowMs + activeDownIntervalMs(version, OWNER_PRIORITY, advertisementInterval);
    this.enter(initialState(this.state.priority, Math.max(readyAtMs, listenedAtMs), untilMs));
  }

  /** What the checks and the operator make of its priority now. */
  weigh(trackers: ReadonlyMap<string, TrackerState>): void {
    const { health, suspended } = weigh(this.config, this.override, trackers);
    this.health = health;
    this.suspended = suspended;
    this.#derive(this.router.primaryAddress);
  }

  #derive(primaryAddress: Uint8Array): void {
    const router = this.#routerAt(primaryAddress);
    this.router = this.#group === null ? router : { ...router, isGrouped: true };
  }

  #routerAt(primaryAddress: Uint8Array): VirtualRouter {
    const router = virtualRouterOf(this.config, primaryAddress);
    if (this.#heldBack !== null) return { ...router, heldBack: true };
    const isPreferred = this.override?.by === "prefer" && this.suspended === null;
    return isPreferred ? { ...router, preferred: true, preemptMode: true, preemptDelayMs: 0 } : router;
  }

  setPrimaryAddress(address: Uint8Array | null): void {
    const before = this.primaryAddress;
    if (before === address || (before !== null && address !== null && equalAddresses(before, address))) {
      return;
    }
    this.primaryAddress = address;
    this.packets.clear();
    if (address !== null) this.#derive(address);
  }

  /** Notes an accepted advertisement; the least recently new one of too many peers is forgotten. */
  hear(arrival: Arrival, advertisement: Advertisement, now: number): Heard {
    const key = formatAddress(arrival.source);
    const matches = addressesMatch(advertisement.addresses, this.wire.advertised);
    const count = this.heard.get(key)?.count ?? 0;
    const { priority, maxAdvertiseInterval } = advertisement;
    const told = { source: arrival.source, priority, maxAdvertiseInterval };
    const event = { type: "advertisement", advertisement: told } as const;
    const heard = { ...arrival, advertisement, event, addressesMatch: matches, lastSeen: now, count };
    this.heard.delete(key);
    this.heard.set(key, heard);
    if (this.heard.size > MAX_PEERS) this.heard.delete(this.heard.keys().next().value!);
    return heard;
  }

  reject(rejected: Rejected): void {
    this.counters[rejected.discard.discard]++;
    this.rejected.push(rejected);
    if (this.rejected.length > MAX_REJECTED) this.rejected.shift();
  }
}

function holding(
  address: ManagedAddress,
  before: readonly ManagedAddress[],
): Pick<ManagedAddress, "held" | "ifindex"> {
  const same = before.find((other) => isSameManaged(other, address));
  return { held: same?.held ?? false, ifindex: same?.ifindex ?? 0 };
}

/** A changed label or scope needs the address to be added anew. */
function isSameManaged(a: ManagedAddress, b: ManagedAddress): boolean {
  return a.interface === b.interface && a.prefix === b.prefix && a.label === b.label && a.scope === b.scope &&
    equalAddresses(a.address, b.address);
}
