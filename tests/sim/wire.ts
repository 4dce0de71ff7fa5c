/**
 * The codec between two hosts: advertisements go over the virtual LAN as real bytes and are judged by the
 * real decoder.
 */
import {
  type Advertisement,
  type ChecksumKind,
  decode,
  type Discard,
  encode,
  isDiscard,
  type ReceiveContext,
} from "../../mod/vrrp/packet.ts";
import type { Story } from "./story.ts";

export const VRID = 51;

const GROUPS = {
  4: Uint8Array.of(224, 0, 0, 18),
  6: Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12),
} as const;
const VIRTUAL_ADDRESSES = {
  4: [Uint8Array.of(192, 0, 2, 100)],
  6: [Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0)],
} as const;

/** The address that the router of this number advertises from. */
export function primaryAddress(family: 4 | 6, station: number): Uint8Array {
  if (family === 4) return Uint8Array.of(192, 0, 2, station + 1);
  return Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, station + 1);
}

/**
 * What one host sends and hears, encoded and decoded once for as long as nothing changes (as the engine
 * does).
 */
export class Wire {
  readonly #packets = new Map<number, Uint8Array>();
  readonly #contexts: ReceiveContext[] = [];
  readonly #last: { bytes: Uint8Array; advertisement: Advertisement }[] = [];
  #interval: number;

  constructor(readonly story: Story, readonly station: number) {
    this.#interval = story.advertisementInterval;
  }

  /** Centiseconds. */
  set advertisementInterval(centiseconds: number) {
    this.#interval = centiseconds;
    this.#packets.clear();
    this.#contexts.length = 0;
    this.#last.length = 0;
  }

  encode(priority: number): Uint8Array {
    const known = this.#packets.get(priority);
    if (known !== undefined) return known;
    const bytes = this.#encodeTo(priority, GROUPS[this.story.family]);
    this.#packets.set(priority, bytes);
    return bytes;
  }

  #encodeTo(priority: number, destination: Uint8Array): Uint8Array {
    const { version, family } = this.story;
    const checksum: ChecksumKind = version === 2 && family === 4 ? "rfc3768" : "pseudo_header";
    const advertisement = {
      ...{ version, vrid: VRID, priority, family, checksum },
      maxAdvertiseInterval: this.#interval,
      addresses: VIRTUAL_ADDRESSES[family],
    };
    return encode(advertisement, primaryAddress(family, this.station), destination);
  }

  /** For the router of that number alone. */
  encodeAside(priority: number, to: number): Uint8Array {
    return this.#encodeTo(priority, primaryAddress(this.story.family, to));
  }

  /** What `encodeAside` made for this router. */
  decodeAside(bytes: Uint8Array, from: number): Advertisement | Discard {
    const destination = primaryAddress(this.story.family, this.station);
    return decode(bytes, { ...this.#context(from), destination, multicastGroup: destination });
  }

  decode(bytes: Uint8Array, from: number): Advertisement | Discard {
    const last = this.#last[from];
    if (last !== undefined && last.bytes === bytes) return last.advertisement;
    const advertisement = decode(bytes, this.#contexts[from] ??= this.#context(from));
    if (!isDiscard(advertisement)) this.#last[from] = { bytes, advertisement };
    return advertisement;
  }

  #context(from: number): ReceiveContext {
    const { version, family } = this.story;
    return {
      family,
      source: primaryAddress(family, from),
      destination: GROUPS[family],
      hopLimit: 255,
      expectedVersion: version,
      ttlSecurity: true,
      unicast: false,
      multicastGroup: GROUPS[family],
      password: null,
      advertisementIntervalCs: this.#interval,
      owner: false,
    };
  }
}
