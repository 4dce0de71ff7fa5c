/** The virtual LAN and its time: hosts, cables, packets on their way, a client; one event after the other. */
import type { Effect, Event, State } from "../../mod/vrrp/state.ts";
import { deadlineMs } from "../../mod/vrrp/state.ts";
import { step } from "../../mod/vrrp/router.ts";
import type { Host } from "./host.ts";
import { KeepalivedHost } from "./keepalived_host.ts";
import { Queue } from "./queue.ts";
import { Random } from "./random.ts";
import {
  type Action,
  describeHappening,
  type Happening,
  type NetworkSpec,
  stationName,
  type Story,
} from "./story.ts";
import { describeEffects, describeEvent } from "./trace.ts";
import { VipdHost } from "./vipd_host.ts";
import { Watch } from "./watch.ts";
import { primaryAddress } from "./wire.ts";

/** What is being tested. */
export interface Core {
  readonly step: typeof step;
  readonly deadlineMs: typeof deadlineMs;
}

export const REAL_CORE: Core = { step, deadlineMs };

/** A broken promise, with the moment and the host. */
export class Violation extends Error {
  override readonly name = "Violation";
  constructor(readonly promise: string, readonly where: string) {
    super(`${where}: ${promise}`);
  }
}

type Item =
  | {
    readonly type: "packet" | "aside";
    readonly from: number;
    readonly to: number;
    readonly bytes: Uint8Array;
  }
  | { readonly type: "announcement"; readonly from: number }
  | { readonly type: "expiry"; readonly station: number }
  | { readonly type: "start"; readonly station: number }
  | { readonly type: "action"; readonly action: Action }
  | { readonly type: "calm" };

/** Frames of one burst of announcements; the client needs one of them. */
const BURST = 5;
const CALM: NetworkSpec = { delayMs: 0, jitterMs: 0, loss: 0, duplication: 0, reordering: 0, corruption: 0 };

export class World {
  nowMs = 0;
  readonly queue = new Queue<Item>();
  readonly random: Random;
  readonly hosts: readonly Host[];
  readonly addresses: readonly Uint8Array[];
  readonly watch: Watch;
  readonly client: number;
  /** Which router's hardware address the client has for the virtual address; -1 before any announcement. */
  view = -1;
  events = 0;
  /**
   * Counts whatever is not the protocol's doing: actions, and packets lost, doubled, damaged or out of
   * order.
   */
  disturbances = 0;
  disturbedMs = 0;
  /** A packet was lost by chance. */
  hasLost = false;
  /** `disturbances` when the current event began. */
  disturbancesBefore = 0;
  /** The longest advertisement interval that was ever in use, true milliseconds. */
  longestIntervalMs: number;
  /** Longest way of a packet. */
  readonly farthestMs: number;
  readonly #cut: boolean[];
  readonly #arrivalMs: number[];
  #network: NetworkSpec;

  constructor(
    readonly story: Story,
    readonly core: Core = REAL_CORE,
    readonly trace: string[] | null = null,
  ) {
    const { routers, family, network } = story;
    this.client = routers.length;
    this.random = new Random(story.seed);
    this.addresses = routers.map((_, i) => primaryAddress(family, i));
    this.#network = network;
    this.farthestMs = network.delayMs + network.jitterMs;
    this.longestIntervalMs = story.advertisementInterval * 10;
    this.#cut = new Array((routers.length + 1) ** 2).fill(false);
    this.#arrivalMs = new Array((routers.length + 1) ** 2).fill(0);
    this.watch = new Watch(this);
    this.hosts = routers.map(({ kind }, i) =>
      kind === "vipd" ? new VipdHost(this, i) : new KeepalivedHost(this, i)
    );
    routers.forEach(({ startMs }, station) => this.queue.push(startMs, { type: "start", station }));
    for (const action of story.actions) this.queue.push(action.atMs, { type: "action", action });
    this.queue.push(story.calmMs, { type: "calm" });
  }

  /** The broken promise, or null when the story ends well. */
  run(): Violation | null {
    try {
      while (this.#next());
      this.nowMs = this.story.lengthMs;
      this.watch.end();
      return null;
    } catch (error) {
      if (error instanceof Violation) return error;
      throw error;
    }
  }

  fail(host: Host | null, promise: string): never {
    const who = host === null ? "all" : stationName(this.story, host.station);
    this.trace?.push(`${this.#time()}  ${who}: BROKEN: ${promise}`);
    throw new Violation(promise, `${this.nowMs.toFixed(3)} ms, ${who}`);
  }

  /** Whether what `from` sends gets to `to`. */
  reaches(from: number, to: number): boolean {
    return !this.#cut[from * (this.client + 1) + to] && (this.hosts[from]?.linkUp ?? true) &&
      (this.hosts[to]?.linkUp ?? true);
  }

  isHigher(source: Uint8Array, station: number): boolean {
    return this.addresses.indexOf(source) > station;
  }

  broadcast(from: Host, bytes: Uint8Array, priority: number): void {
    const { station } = from;
    if (this.trace !== null && !(from instanceof VipdHost)) this.#noteRoutine(from, `advertises ${priority}`);
    for (const { station: to } of this.hosts) {
      if (to !== station && this.reaches(station, to)) this.#transmit(station, to, bytes);
    }
  }

  /** To one host alone; with `unicast` it is an advertisement like any other. */
  tell(from: Host, to: number, bytes: Uint8Array): void {
    const { station } = from;
    if (!this.reaches(station, to)) return;
    this.#transmit(station, to, bytes, this.story.unicast ? "packet" : "aside");
  }

  announce(from: Host): void {
    const { station } = from;
    if (this.trace !== null) this.note(from, "announces");
    if (!this.reaches(station, this.client)) return this.watch.misled.announcementLost(station);
    for (let i = 0; i < BURST; i++) {
      if (this.random.chance(this.#network.loss)) continue;
      // Without jitter: what the client sees last is what was sent last.
      this.queue.push(this.nowMs + this.#network.delayMs, { type: "announcement", from: station });
      return;
    }
    this.watch.misled.announcementLost(station);
    this.disturb();
  }

  disturb(): void {
    this.disturbances++;
    this.disturbedMs = this.nowMs;
  }

  note(host: Host, text: string): void {
    this.trace?.push(`${this.#time()}  ${stationName(this.story, host.station)}: ${text}`);
  }

  noteStep(host: VipdHost, before: State, event: Event, effects: readonly Effect[]): void {
    if (this.trace === null) return;
    const first = effects[0];
    if (event.type === "deadline" && first?.type === "sendAdvertisement" && before.name === host.state.name) {
      return this.#noteRoutine(host, `advertises ${first.priority}`);
    }
    const states = before.name === host.state.name ? host.name : `${before.name} -> ${host.name}`;
    this.note(host, `[${describeEvent(this, event)}] ${states} ${describeEffects(effects)}`);
  }

  /** The same again and again is one line. */
  #noteRoutine(host: Host, text: string): void {
    const line = `${stationName(this.story, host.station)}: ${text}`;
    const repeated = this.trace!.at(-1)?.includes(line) ? this.trace!.pop()! : "";
    const count = 1 + Number(/ (\d+) times$/.exec(repeated)?.[1] ?? (repeated === "" ? 0 : 1));
    this.trace!.push(`${this.#time()}  ${line}${count > 1 ? `, ${count} times` : ""}`);
  }

  #next(): boolean {
    let atMs = this.queue.nextMs;
    let waking: Host | null = null;
    for (const host of this.hosts) {
      if (host.wakeAtMs < atMs) {
        atMs = host.wakeAtMs;
        waking = host;
      }
    }
    if (atMs > this.story.lengthMs) return false;
    this.nowMs = atMs;
    this.events++;
    this.disturbancesBefore = this.disturbances;
    this.watch.before();
    if (waking === null) this.#happen(this.queue.pop());
    else waking.wake();
    return true;
  }

  #happen(item: Item): void {
    switch (item.type) {
      case "packet":
        if (this.hosts[item.to]!.linkUp) this.hosts[item.to]!.receive(item.bytes, item.from);
        return;
      case "aside":
        if (this.hosts[item.to]!.linkUp) this.hosts[item.to]!.receiveAside(item.bytes, item.from);
        return;
      case "announcement":
        if (this.trace !== null && this.view !== item.from) {
          this.trace.push(
            `${this.#time()}  client: the address is at ${stationName(this.story, item.from)} now`,
          );
        }
        this.view = item.from;
        this.watch.misled.look();
        return;
      case "expiry":
        return this.hosts[item.station]!.expire();
      case "start":
        return this.#act({ type: "start", router: item.station });
      case "action":
        return this.#act(item.action);
      case "calm":
        return this.#calm();
    }
  }

  #transmit(from: number, to: number, bytes: Uint8Array, type: "packet" | "aside" = "packet"): void {
    const { delayMs, jitterMs, loss, duplication, reordering, corruption } = this.#network;
    const { random } = this;
    if (loss > 0 && random.chance(loss)) return this.#lose(from, to);
    const place = from * (this.client + 1) + to;
    let atMs = this.nowMs + delayMs;
    if (jitterMs > 0) atMs += jitterMs * random.next();
    if (reordering > 0 && random.chance(reordering)) this.disturb();
    else if (atMs < this.#arrivalMs[place]!) atMs = this.#arrivalMs[place]!;
    this.#arrivalMs[place] = atMs;
    if (corruption > 0 && random.chance(corruption)) {
      this.disturb();
      return this.queue.push(atMs, { type, from, to, bytes: damaged(bytes, random) });
    }
    this.queue.push(atMs, { type, from, to, bytes });
    if (duplication > 0 && random.chance(duplication)) {
      this.disturb();
      this.queue.push(atMs + jitterMs * random.next(), { type, from, to, bytes });
    }
  }

  #lose(from: number, to: number): void {
    this.disturb();
    this.hasLost = true;
    this.trace?.push(
      `${this.#time()}  the network loses what ${stationName(this.story, from)} sends to ${
        stationName(this.story, to)
      }`,
    );
  }

  #act(happening: Happening): void {
    this.watch.acting(happening);
    this.disturb();
    this.disturbancesBefore = this.disturbances;
    this.trace?.push(`${this.#time()}  * ${describeHappening(this.story, happening)}`);
    if ("router" in happening) this.#actOn(this.hosts[happening.router]!, happening);
    else this.#actOnCables(happening);
    this.watch.acted(happening);
  }

  #actOnCables(happening: Exclude<Happening, { readonly router: number }>): void {
    const size = this.client + 1;
    switch (happening.type) {
      case "cut":
      case "mend":
        this.#cut[happening.from * size + happening.to] = happening.type === "cut";
        return;
      case "split":
        for (let from = 0; from < size; from++) {
          for (let to = 0; to < size; to++) {
            if (happening.side.includes(from) !== happening.side.includes(to)) {
              this.#cut[from * size + to] = true;
            }
          }
        }
        return;
      case "mendAll":
        this.#cut.fill(false);
        return;
      case "loss":
        this.#network = { ...this.#network, loss: happening.probability };
    }
  }

  #actOn(host: Host, happening: Extract<Happening, { readonly router: number }>): void {
    switch (happening.type) {
      case "linkDown":
      case "linkUp":
        host.linkUp = happening.type === "linkUp";
        return host.evaluate();
      case "checkFails":
      case "checkPasses":
        host.checkFails = happening.type === "checkFails";
        return host.evaluate();
      case "mustWait":
      case "needNotWait":
        host.mustWait = happening.type === "mustWait";
        return host.evaluate();
      case "weight":
        host.weight = happening.change;
        return host.changePriority();
      case "reload":
        if (happening.to.advertisementInterval !== undefined) {
          this.longestIntervalMs = Math.max(this.longestIntervalMs, happening.to.advertisementInterval * 10);
        }
        return host.process === "off" ? undefined : host.reload(happening.to);
      default:
        return this.#actOnProcess(host, happening.type);
    }
  }

  #actOnProcess(host: Host, type: "kill" | "powerOff" | "stop" | "start" | "pause" | "resume"): void {
    if (type === "powerOff") host.holds = false;
    if (type === "start" && host.process === "off") return host.start();
    if ((type === "kill" || type === "powerOff") && host.process !== "off") return host.kill();
    if (type === "stop" && host.process !== "off") return host.stop();
    if (type === "pause" && host.process === "running") return host.pause();
    if (type === "resume" && host.process === "paused") return host.resume();
  }

  /** From now on nothing disturbs: what remains is the protocol's own business. */
  #calm(): void {
    const { delayMs, jitterMs } = this.story.network;
    this.#network = { ...CALM, delayMs, jitterMs };
    this.#act({ type: "mendAll" });
    for (const { station: router } of this.hosts) {
      this.#act({ type: "linkUp", router });
      this.#act({ type: "resume", router });
    }
  }

  #time(): string {
    return this.nowMs.toFixed(3).padStart(14);
  }
}

/** One bit is wrong: no checksum may let it pass. */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const bit = random.integer(0, copy.length * 8 - 1);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}
