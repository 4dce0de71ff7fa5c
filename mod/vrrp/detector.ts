/**
 * Looks for other hosts that have the addresses of a virtual router (RFC 5227, RFC 4862 §5.4): asks before
 * they are bound and now and then while they are, watches for claims, tells whose MAC address it was, and
 * defends what is ours. Does nothing, and opens nothing, unless `detect_conflicts` says so.
 */
import type { Epoll } from "../../ffi/epoll.ts";
import { SyscallError } from "../../ffi/errno.ts";
import type { LinkTable } from "../kernel/links.ts";
import { equalAddresses, familyOf, formatAddress, formatMac } from "../wire/address.ts";
import type { Claim } from "../wire/claims.ts";
import { conflictBy, isAlive, type Peer, type Witnesses } from "./conflicts.ts";
import type { Instance } from "./instance.ts";
import type { EngineEvent } from "./messages.ts";
import { RESIGNATION } from "./state.ts";
import { Watch } from "./watch.ts";

/** Asked again so long after a promotion: whoever was on its way out has gone. */
const AGAIN_MS = 5_000;
/** While ACTIVE: a host that only answers is heard of by asking. */
const EVERY_MS = 30_000;
/** While somebody else has the addresses: free after two questions without an answer. */
const RETRY_MS = 2_000;
const UNANSWERED = 2;
/** RFC 5227 §2.4: DEFEND_INTERVAL. */
const DEFEND_MS = 10_000;
/** One address that is fought over is told of so often. */
const TELL_MS = 60_000;
/** More claims in a second than this are not read: the kernel drops them for a while. */
const CLAIMS_PER_SECOND = 50;
const DEAF_MS = 1_000;
const MAX_CONFLICTS = 16;
/** Peers that are asked for their MAC address; a group of more does not fight over addresses. */
const MAX_PEERS = 4;
/** Closing takes the kernel ten milliseconds and more, and this thread with it: one at a time. */
const CLOSE_EVERY_MS = 250;

export interface DetectorParts {
  readonly epoll: Epoll;
  readonly links: LinkTable;
  post(event: EngineEvent): void;
  /** What keeps a virtual router from taking part has changed. */
  reconsider(instance: Instance, nowMs: number): void;
  /** Says once more whose this address is. */
  defend(instance: Instance, address: Uint8Array, nowMs: number): void;
  /** At most once a minute for each virtual router and key. */
  tell(instance: Instance, key: string, message: string, nowMs: number): void;
}

/** What is watched for one virtual router. */
interface Lookout {
  readonly watches: readonly Watch[];
  readonly place: string;
  /** Of peers, by their addresses. */
  readonly macs: Map<string, string>;
  askAtMs: number;
  unanswered: number;
  deafUntilMs: number;
  claims: { sinceMs: number; count: number };
}

export class Detector {
  readonly #parts: DetectorParts;
  readonly #lookouts = new Map<Instance, Lookout>();
  /** Who is to be asked for next; after everything else that is due, for nobody waits for it. */
  readonly #asking = new Set<Instance>();
  /** Muted, and nobody's any more. */
  readonly #closing: Watch[] = [];
  #closeAtMs = 0;
  readonly #byFd = new Map<number, { readonly instance: Instance; readonly watch: Watch }>();

  constructor(parts: DetectorParts) {
    this.#parts = parts;
  }

  get deadlineMs(): number {
    let earliest = this.#asking.size > 0 ? 1 : this.#closing.length > 0 ? this.#closeAtMs : Infinity;
    for (const { askAtMs, deafUntilMs } of this.#lookouts.values()) {
      earliest = Math.min(earliest, askAtMs, deafUntilMs);
    }
    return earliest;
  }

  /** Asks at the next turn whether anybody else has the addresses. */
  probe(instance: Instance): void {
    this.#asking.add(instance);
  }

  /** To be called when the state or the configuration of a virtual router may be another one. */
  follow(instance: Instance): void {
    const lookout = this.#lookouts.get(instance);
    if (instance.config.detect_conflicts === "off") return this.forget(instance);
    if (isWatching(instance)) {
      if (lookout === undefined) this.probe(instance);
      return;
    }
    this.#asking.delete(instance);
    if (lookout === undefined) return;
    // Not closed: for that the kernel waits until no processor can use the socket, and the thread with it.
    for (const watch of lookout.watches) watch.hear([]);
    lookout.askAtMs = Infinity;
    lookout.deafUntilMs = Infinity;
    this.#settle(instance, "not watched any more");
  }

  forget(instance: Instance): void {
    this.#asking.delete(instance);
    const lookout = this.#lookouts.get(instance);
    if (lookout === undefined) return;
    this.#lookouts.delete(instance);
    this.#close(lookout);
    instance.occupied = null;
    this.#settle(instance, "not watched any more");
  }

  /** Reads what a descriptor has, if it is one of ours; false when it is not. */
  drain(fd: number, nowMs: number): boolean {
    const found = this.#byFd.get(fd);
    if (found === undefined) return false;
    const { instance, watch } = found;
    const lookout = this.#lookouts.get(instance)!;
    const claims = watch.claims();
    if (nowMs - lookout.claims.sinceMs > 1_000) lookout.claims = { sinceMs: nowMs, count: 0 };
    lookout.claims.count += claims.length;
    if (lookout.claims.count > CLAIMS_PER_SECOND) {
      watch.hear([]);
      lookout.deafUntilMs = nowMs + DEAF_MS;
    }
    for (const claim of claims) this.#judge(instance, lookout, watch, claim, nowMs);
    return true;
  }

  /** A router of the group is heard while somebody else has the addresses: it may be that one. */
  hear(instance: Instance, source: string, nowMs: number): void {
    const lookout = this.#lookouts.get(instance);
    if (lookout === undefined || instance.occupied === null) return;
    const mac = lookout.macs.get(source);
    if (mac !== undefined) return this.#recognise(instance, source, mac, nowMs);
    if (instance.isDue(`whose MAC ${source}`, RETRY_MS, nowMs)) this.#ask(instance, lookout);
  }

  /** Everything that is due. */
  turn(nowMs: number): void {
    if (this.#closing.length > 0 && nowMs >= this.#closeAtMs) {
      this.#closing.shift()!.close();
      this.#closeAtMs = nowMs + CLOSE_EVERY_MS;
    }
    for (const instance of this.#asking) this.#begin(instance, nowMs);
    this.#asking.clear();
    for (const [instance, lookout] of this.#lookouts) {
      if (lookout.deafUntilMs <= nowMs) {
        lookout.deafUntilMs = Infinity;
        this.#listen(instance, lookout);
      }
      if (lookout.askAtMs > nowMs) continue;
      if (instance.occupied !== null && lookout.unanswered >= UNANSWERED) {
        this.#vacate(instance, "nobody answers for it any more", nowMs);
        continue;
      }
      lookout.unanswered++;
      this.#expire(instance);
      this.#ask(instance, lookout);
      lookout.askAtMs = nowMs + (instance.occupied === null ? EVERY_MS : RETRY_MS);
    }
  }

  #begin(instance: Instance, nowMs: number): void {
    if (!isWatching(instance)) return;
    const lookout = this.#open(instance, nowMs);
    if (lookout === null) return;
    lookout.unanswered = 0;
    this.#ask(instance, lookout);
    lookout.askAtMs = instance.isActive ? nowMs + AGAIN_MS : Infinity;
  }

  #open(instance: Instance, nowMs: number): Lookout | null {
    const places = this.#placesOf(instance);
    const place = places.map(({ ifindex }) => ifindex).join(" ");
    const known = this.#lookouts.get(instance);
    if (known !== undefined && known.place === place) {
      this.#listen(instance, known);
      return known;
    }
    if (known !== undefined) this.#close(known);
    this.#lookouts.delete(instance);
    const watches: Watch[] = [];
    try {
      for (const at of places) watches.push(new Watch(this.#parts.epoll, at));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      for (const watch of watches) watch.close();
      this.#parts.tell(instance, "detect", `cannot look for address conflicts: ${error.message}`, nowMs);
      return null;
    }
    const lookout: Lookout = {
      watches,
      place,
      macs: new Map(),
      askAtMs: Infinity,
      unanswered: 0,
      deafUntilMs: Infinity,
      claims: { sinceMs: -Infinity, count: 0 },
    };
    for (const watch of watches) this.#byFd.set(watch.fd, { instance, watch });
    this.#lookouts.set(instance, lookout);
    this.#listen(instance, lookout);
    return lookout;
  }

  #close({ watches }: Lookout): void {
    for (const watch of watches) {
      this.#byFd.delete(watch.fd);
      watch.retire();
      this.#closing.push(watch);
    }
  }

  /** The links that clients reach the addresses over: below a macvlan, where all frames pass. */
  #placesOf(instance: Instance): Watch["place"][] {
    const names = new Map<string, Watch["place"]>();
    for (const { address, interface: managed } of instance.addresses) {
      const name = baseOf(instance, managed);
      const ifindex = this.#parts.links.indexOf(name);
      const family = familyOf(address);
      if (ifindex !== 0) names.set(`${name} ${family}`, { name, ifindex, family });
    }
    return [...names.values()];
  }

  /** The peers first: a host answers in the order in which it is asked, so it is known when it claims. */
  #addressesAt(instance: Instance, { place }: Watch): Uint8Array[] {
    const ours = instance.addresses.filter(({ address, interface: managed }) =>
      baseOf(instance, managed) === place.name && familyOf(address) === place.family
    ).map(({ address }) => address);
    if (place.name !== instance.config.interface || instance.config.family !== place.family) return ours;
    const peers = [...instance.heard.values()].slice(-MAX_PEERS).map(({ source }) => source);
    return [...peers, ...ours];
  }

  #listen(instance: Instance, { watches }: Lookout): void {
    for (const watch of watches) watch.hear(this.#addressesAt(instance, watch));
  }

  #ask(instance: Instance, lookout: Lookout): void {
    this.#listen(instance, lookout);
    for (const watch of lookout.watches) {
      const mac = this.#parts.links.byName(watch.place.name)?.mac;
      if (mac === undefined || mac.length !== 6) continue;
      instance.counters.address_probes_sent += watch.ask(mac, this.#addressesAt(instance, watch));
    }
  }

  #judge(instance: Instance, lookout: Lookout, watch: Watch, claim: Claim, nowMs: number): void {
    const mac = formatMac(claim.mac);
    const address = formatAddress(claim.address);
    const managed = instance.addresses.find((one) => equalAddresses(one.address, claim.address));
    if (managed === undefined) {
      if (!instance.heard.has(address)) return;
      lookout.macs.set(address, mac);
      return this.#recognise(instance, address, mac, nowMs);
    }
    const { state, config } = instance;
    // Who has resigned wants to be followed.
    if (!isWatching(instance) || (state.name === "active" && state.handover !== null)) return;
    const here = watch.place.name === config.interface && watch.place.family === config.family;
    const who = conflictBy(mac, this.#witnesses(instance, lookout), { here });
    if (who === null) return;
    lookout.unanswered = 0;
    instance.counters.address_conflicts++;
    const reason = `${address} is in use on ${watch.place.name} by ${who}`;
    this.#note(instance, { address, interface: watch.place.name, mac }, reason, nowMs);
    if (instance.isActive) {
      if (instance.isDue(`defend ${address}`, DEFEND_MS, nowMs)) {
        this.#parts.defend(instance, claim.address, nowMs);
      }
      return;
    }
    if (instance.occupied !== null) return;
    lookout.askAtMs = nowMs + RETRY_MS;
    instance.occupied = reason;
    this.#parts.reconsider(instance, nowMs);
  }

  /** Two that begin together may ask for an address just before the other one says that it has it. */
  #recognise(instance: Instance, source: string, mac: string, nowMs: number): void {
    const claims = [...instance.conflicts.values()];
    if (instance.occupied === null || claims.some((claim) => claim.mac !== mac)) return;
    const { advertisement, lastSeen } = instance.heard.get(source)!;
    const { version } = instance.config;
    const { advertisementInterval } = instance.router;
    const at = { version, advertisementInterval, now: Date.now() };
    if (advertisement.priority === RESIGNATION || !isAlive({ advertisement, lastSeen }, at)) return;
    this.#vacate(instance, `it is the router ${source} that has it`, nowMs);
  }

  /** It may take part again. */
  #vacate(instance: Instance, why: string, nowMs: number): void {
    instance.occupied = null;
    this.#settle(instance, why);
    this.#parts.reconsider(instance, nowMs);
    this.follow(instance);
  }

  #witnesses({ config, router, heard }: Instance, { macs }: Lookout): Witnesses {
    const { links } = this.#parts;
    const own = links.all().filter(({ up }) => up).map(({ mac }) => formatMac(mac));
    const peers = [...heard].map(([address, { advertisement, lastSeen }]): Peer => ({
      address,
      advertisement,
      lastSeen,
    }));
    const { family, vrid, version } = config;
    const { advertisementInterval } = router;
    return {
      ownMacs: new Set(own),
      peers,
      macs,
      family,
      vrid,
      version,
      advertisementInterval,
      now: Date.now(),
    };
  }

  #note(
    instance: Instance,
    place: { readonly address: string; readonly interface: string; readonly mac: string },
    reason: string,
    nowMs: number,
  ): void {
    const { conflicts, name } = instance;
    const key = `${place.address} ${place.mac}`;
    conflicts.delete(key);
    conflicts.set(key, { ...place, lastSeen: Date.now() });
    if (conflicts.size > MAX_CONFLICTS) conflicts.delete(conflicts.keys().next().value!);
    if (!instance.isDue(`conflict ${place.address}`, TELL_MS, nowMs)) return;
    this.#parts.post({ type: "conflict", at: Date.now(), name, from: "none", to: place.mac, reason });
  }

  /** Two questions without an answer: it is over. */
  #expire(instance: Instance): void {
    const oldest = Date.now() - UNANSWERED * EVERY_MS - RETRY_MS;
    this.#settle(instance, "nobody answers for it any more", oldest);
  }

  #settle(instance: Instance, why: string, before = Infinity): void {
    for (const [key, { address, mac, lastSeen }] of instance.conflicts) {
      if (lastSeen >= before) continue;
      instance.conflicts.delete(key);
      const reason = `${address}: ${why}`;
      this.#parts.post({
        type: "conflict",
        at: Date.now(),
        name: instance.name,
        from: mac,
        to: "none",
        reason,
      });
    }
  }
}

function baseOf({ virtualLink }: Instance, name: string): string {
  return virtualLink !== null && name === virtualLink.name ? virtualLink.base : name;
}

/** While it has the addresses, is about to, or would have them. */
function isWatching({ state, occupied, leaving }: Instance): boolean {
  if (state.name === "active") return true;
  return !leaving && (occupied !== null || (state.name === "backup" && state.probe !== undefined));
}
