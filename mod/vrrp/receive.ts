/**
 * From a received packet to the virtual router that it is for: found by VRID, decoded, or rejected with the
 * reason.
 */
import { compareAddresses, equalAddresses, type Family, isMulticast } from "../wire/address.ts";
import type { Channel } from "./channel.ts";
import type { Arrival, Heard, Instance } from "./instance.ts";
import { decode, isDiscard, peekVrid, type ReceiveContext } from "./packet.ts";
import { type Discard, discard } from "./discard.ts";
import { RESIGNATION } from "./state.ts";

/** In both versions' header. */
const PRIORITY_AT = 2;

const NONE = new Uint8Array(0);

/** An answer to a reminder comes within this, or never. */
const ANSWERED_WITHIN_MS = 5_000;

/** What became of a packet. `foreign`: nobody here has that VRID. */
export type Received =
  | { readonly type: "advertisement"; readonly instance: Instance; readonly heard: Heard }
  /** For this router alone, although it advertises to a group. */
  | {
    readonly type: "reminder" | "acknowledgement";
    readonly instance: Instance;
    readonly source: Uint8Array;
  }
  | {
    readonly type: "rejected";
    readonly instance: Instance;
    readonly source: Uint8Array;
    readonly discard: Discard;
  }
  | { readonly type: "foreign"; readonly source: Uint8Array; readonly vrid: number }
  /** Nobody's: it does not even say which virtual router it is for. */
  | { readonly type: "garbage"; readonly source: Uint8Array; readonly discard: Discard };

/** What a received datagram says beside its payload, as ffi's receiver tells it. */
export interface Arrived {
  readonly buffer: Uint8Array;
  readonly hopLimit: number;
  source(): Uint8Array;
  destination(): Uint8Array;
}

/**
 * What the IP layer says about the packet that is in a place of the receiver: views, valid until the next one
 * arrives there. They are made once for each place: nearly all packets there have the same shape.
 */
export class Envelope {
  source: Uint8Array = NONE;
  destination: Uint8Array = NONE;
  hopLimit = -1;
  payload: Uint8Array = NONE;
  readonly #arrived: Arrived;
  readonly #source4: Uint8Array;
  readonly #destination4: Uint8Array;
  #payloadAt = 0;

  constructor(arrived: Arrived) {
    this.#arrived = arrived;
    this.#source4 = arrived.buffer.subarray(12, 16);
    this.#destination4 = arrived.buffer.subarray(16, 20);
  }

  /** Takes a packet of `length` octets that has just arrived. */
  open(family: Family, length: number): this {
    const { buffer } = this.#arrived;
    if (family === 4) {
      // The kernel has verified and, if need be, reassembled what a raw socket receives.
      this.source = this.#source4;
      this.destination = this.#destination4;
      this.hopLimit = buffer[8]!;
      this.#setPayload((buffer[0]! & 0x0f) * 4, length);
    } else {
      this.source = this.#arrived.source();
      this.destination = this.#arrived.destination();
      this.hopLimit = this.#arrived.hopLimit;
      this.#setPayload(0, length);
    }
    return this;
  }

  #setPayload(start: number, end: number): void {
    if (this.#payloadAt === start && this.payload.length === end - start) return;
    this.#payloadAt = start;
    this.payload = this.#arrived.buffer.subarray(start, end);
  }
}

/** What becomes of the packet in the envelope. `now`: Unix milliseconds. */
export function read(channel: Pick<Channel, "routers">, envelope: Envelope, now: number): Received {
  const vrid = peekVrid(envelope.payload);
  if (isDiscard(vrid)) return { type: "garbage", source: envelope.source.slice(), discard: vrid };
  const routers = channel.routers.get(vrid);
  if (routers === undefined) return { type: "foreign", source: envelope.source.slice(), vrid };
  return readFor(addressee(routers, envelope, now), envelope, now);
}

/**
 * Several virtual routers may share a VRID when group or peers tell them apart, or while one hands over to
 * its own successor, when the version may. When none fits, the first one counts the error.
 */
function addressee(routers: readonly Instance[], envelope: Envelope, now: number): Instance {
  if (routers.length === 1) return routers[0]!;
  const meant = routers.filter((instance) => fits(instance, envelope));
  const fitting = meant.length > 0 ? meant : routers.filter((instance) => isAside(instance, envelope, now));
  const version = envelope.payload[0]! >> 4;
  return fitting.find(({ config }) => config.version === version) ?? fitting[0] ?? routers[0]!;
}

function fits({ wire }: Instance, { source, destination }: Envelope): boolean {
  if (!wire.unicast) return equalAddresses(wire.multicastGroup, destination);
  return !isMulticast(destination) && wire.peers.some((peer) => equalAddresses(peer, source));
}

function readFor(instance: Instance, envelope: Envelope, now: number): Received {
  const { source, payload } = envelope;
  const known = findHeard(instance, source);
  if (known !== undefined && isRepeated(known, envelope)) {
    known.lastSeen = now;
    return { type: "advertisement", instance, heard: known };
  }
  if (instance.primaryAddress !== null && equalAddresses(source, instance.primaryAddress)) {
    return rejected(
      instance,
      envelope,
      discard("own_address", "it carries this router's own source address"),
    );
  }
  const result = decode(payload, contextOf(instance, envelope, now));
  if (isDiscard(result)) return rejected(instance, envelope, result);
  if (isAside(instance, envelope, now)) {
    const type = result.priority === RESIGNATION ? "reminder" : "acknowledgement";
    return { type, instance, source: source.slice() };
  }
  return { type: "advertisement", instance, heard: instance.hear(copyOf(envelope), result, now) };
}

/**
 * Sent to this router's own address, where others send to the group: a reminder, or the answer to one's own.
 * Anything else comes from somebody who is configured for unicast, and has to be told.
 */
function isAside({ wire, state, remindedAt }: Instance, envelope: Envelope, now: number): boolean {
  const { destination, payload } = envelope;
  if (wire.unicast || isMulticast(destination)) return false;
  if (payload[PRIORITY_AT] === RESIGNATION) return true;
  // Who has handed over says so once and awaits no answer, and an answer may come late.
  return state.name === "backup" && (state.reminder !== null || now - remindedAt < ANSWERED_WITHIN_MS);
}

function rejected(instance: Instance, { source }: Envelope, why: Discard): Received {
  return { type: "rejected", instance, source: source.slice(), discard: why };
}

function findHeard(instance: Instance, source: Uint8Array): Heard | undefined {
  for (const heard of instance.heard.values()) {
    if (compareAddresses(heard.source, source) === 0) return heard;
  }
  return undefined;
}

/** Octet for octet what was accepted last from this sender: so is this one. */
function isRepeated(heard: Heard, { destination, hopLimit, payload }: Envelope): boolean {
  return heard.hopLimit === hopLimit && compareAddresses(heard.bytes, payload) === 0 &&
    compareAddresses(heard.destination, destination) === 0;
}

function copyOf({ source, destination, hopLimit, payload }: Envelope): Arrival {
  return { source: source.slice(), destination: destination.slice(), hopLimit, bytes: payload.slice() };
}

function contextOf(instance: Instance, envelope: Envelope, now: number): ReceiveContext {
  const { config, wire, router } = instance;
  const { source, destination, hopLimit } = envelope;
  return {
    family: config.family,
    source,
    destination,
    hopLimit,
    expectedVersion: config.version,
    ttlSecurity: config.ttl_security,
    unicast: wire.unicast,
    ...(wire.unicast ? { peers: wire.peers } : {}),
    // Everything else that holds for what is sent to the group holds for an aside, too.
    multicastGroup: isAside(instance, envelope, now) ? destination : wire.multicastGroup,
    password: wire.password,
    advertisementIntervalCs: router.advertisementInterval,
    addressless: wire.advertised.length === 0,
    // An owner hears the others too: only so can it answer a rogue at once and complete a handover.
    owner: false,
  };
}
