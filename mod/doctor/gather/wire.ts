/**
 * What is on the links of the configuration: advertisements that come in, before any firewall, and who
 * answers for an address. A few dozen frames are sent, once or twice each.
 */
import { Epoll } from "../../../ffi/epoll.ts";
import { SyscallError } from "../../../ffi/errno.ts";
import { close } from "../../../ffi/fd.ts";
import { openPacketListener } from "../../../ffi/packet.ts";
import { Receiver } from "../../../ffi/receiver.ts";
import { sleep } from "../../sleep.ts";
import { Watch } from "../../vrrp/watch.ts";
import { formatAddress, formatMac, isMulticast, parseAddress, parseMac } from "../../wire/address.ts";
import type { ClaimFacts, HeardFacts, LinkFacts, Unseen } from "../facts.ts";
import { readAdvertisement, VRRP_FILTERS } from "../advertisement.ts";

const LOOK_EVERY_MS = 50;
const AGAIN_MS = 700;
const RECEIVE_BUFFER_BYTES = 1 << 18;
const PACKET_BYTES = 4_200;
/** Asked for on one link; a configuration of more is asked for the first ones. */
const MAX_QUESTIONS = 128;
const MAX_HEARD = 2_000;

/** An address to ask for. */
export type Question = Omit<ClaimFacts, "macs">;

export interface Overheard {
  readonly heard: readonly HeardFacts[] | null;
  readonly claims: readonly ClaimFacts[];
  readonly notExamined: readonly Unseen[];
}

/** Listens for so long on these links and asks meanwhile. */
export async function overhear(
  links: readonly LinkFacts[],
  families: readonly (4 | 6)[],
  questions: readonly Question[],
  listenMs: number,
): Promise<Overheard> {
  const ears: Ear[] = [];
  const asking: Asking[] = [];
  using epoll = new Epoll();
  try {
    for (const link of links) for (const family of families) ears.push(new Ear(link, family));
    asking.push(...askingOf(epoll, links, questions));
    const endMs = performance.now() + listenMs;
    const againMs = performance.now() + Math.min(AGAIN_MS, listenMs / 2);
    for (const one of asking) one.ask();
    let owed = true;
    while (performance.now() < endMs) {
      await sleep(LOOK_EVERY_MS);
      for (const part of [...ears, ...asking]) part.look();
      if (!owed || performance.now() < againMs) continue;
      owed = false;
      for (const one of asking) one.ask();
    }
    return {
      heard: ears.flatMap(({ heard }) => heard),
      claims: asking.flatMap((one) => one.claims()),
      notExamined: [],
    };
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const why = `links cannot be listened on (root, or CAP_NET_RAW, is needed): ${error.message}`;
    return { heard: null, claims: [], notExamined: [{ examinations: ["group", "addresses"], why }] };
  } finally {
    for (const part of [...ears, ...asking]) part.close();
  }
}

/** Hears the advertisements on one link. */
class Ear {
  readonly heard: HeardFacts[] = [];
  readonly #fd: number;
  readonly #receiver: Receiver;

  constructor(readonly link: LinkFacts, readonly family: 4 | 6) {
    const { etherType, program } = VRRP_FILTERS[family];
    this.#fd = openPacketListener(link.index, etherType, program, RECEIVE_BUFFER_BYTES);
    this.#receiver = new Receiver(this.#fd, PACKET_BYTES);
  }

  look(): void {
    for (;;) {
      const length = this.#receiver.receive();
      if (length < 0) return;
      if (this.heard.length >= MAX_HEARD) continue;
      const read = readAdvertisement(this.#receiver.buffer.subarray(0, length), this.family);
      if (read === null) continue;
      this.heard.push({
        ...read,
        interface: this.link.name,
        family: this.family,
        source: formatAddress(read.source),
        mac: formatMac(read.mac),
        addresses: read.addresses.map(formatAddress),
        multicast: isMulticast(read.destination),
      });
    }
  }

  close(): void {
    close(this.#fd);
  }
}

function askingOf(epoll: Epoll, links: readonly LinkFacts[], questions: readonly Question[]): Asking[] {
  const own = new Set(links.filter(({ up }) => up).map(({ mac }) => mac));
  return links.filter(({ mac, carrier }) => mac !== "" && carrier).flatMap((link) =>
    ([4, 6] as const).flatMap((family) => {
      const here = questions.filter(({ address, interface: name }) =>
        name === link.name && address.includes(":") === (family === 6)
      );
      return here.length === 0 ? [] : [new Asking(epoll, link, family, here.slice(0, MAX_QUESTIONS), own)];
    })
  );
}

/** Asks on one link, in one family. */
class Asking {
  readonly #watch: Watch;
  readonly #mac: Uint8Array;
  readonly #addresses: readonly Uint8Array[];
  readonly #answers = new Map<string, Set<string>>();

  constructor(
    epoll: Epoll,
    link: LinkFacts,
    family: 4 | 6,
    readonly questions: readonly Question[],
    readonly own: ReadonlySet<string>,
  ) {
    this.#watch = new Watch(epoll, { name: link.name, ifindex: link.index, family });
    this.#mac = parseMac(link.mac) ?? new Uint8Array(6);
    this.#addresses = questions.map(({ address }) => parseAddress(address)!);
    this.#watch.hear(this.#addresses);
  }

  ask(): void {
    this.#watch.ask(this.#mac, this.#addresses);
  }

  look(): void {
    for (const { address, mac } of this.#watch.claims()) {
      const text = formatMac(mac);
      if (this.own.has(text)) continue;
      const key = formatAddress(address);
      this.#answers.set(key, (this.#answers.get(key) ?? new Set()).add(text));
    }
  }

  claims(): ClaimFacts[] {
    return this.questions.map((question) => ({
      ...question,
      macs: [...this.#answers.get(question.address) ?? []],
    }));
  }

  close(): void {
    this.#watch.close();
  }
}
