/**
 * The LANs of a story and their time, and what must hold: a host's routers are active together or not at all,
 * and once nothing disturbs any more one host serves all LANs, the right one, and stays.
 */
import { conditionsInGroup, mayStandFirm, settle, standFirm } from "../../../mod/vrrp/group.ts";
import { step } from "../../../mod/vrrp/router.ts";
import { deadlineMs } from "../../../mod/vrrp/state.ts";
import { compareAddresses } from "../../../mod/wire/address.ts";
import { Queue } from "../queue.ts";
import { Random } from "../random.ts";
import { Gateway, type Member, type Packet } from "./gateway.ts";
import { type Action, type Happening, settlingMs, type Story } from "./story.ts";

/** What is being tested. */
export interface Core {
  readonly step: typeof step;
  readonly deadlineMs: typeof deadlineMs;
  readonly settle: (
    members: readonly Member[],
    standing: Parameters<typeof settle<Member>>[1],
    tell: Parameters<typeof settle<Member>>[2],
  ) => void;
  readonly conditionsInGroup: typeof conditionsInGroup;
  readonly mayStandFirm: typeof mayStandFirm;
  readonly standFirm: typeof standFirm;
}

export const REAL_CORE: Core = { step, deadlineMs, settle, conditionsInGroup, mayStandFirm, standFirm };

export class Violation extends Error {
  override readonly name = "Violation";
}

/** Who serves only in part leaves within its handover's timeout. */
const MIXED_MAX_MS = 1_000;
const SLACK_MS = 5;

type Item =
  | { readonly type: "packet"; readonly to: number; readonly packet: Packet }
  | {
    readonly type: "action";
    readonly action: Action;
  }
  | { readonly type: "start"; readonly node: number }
  | { readonly type: "calm" };

export class Lans {
  nowMs = 0;
  readonly nodes: readonly Gateway[];
  readonly #queue = new Queue<Item>();
  readonly #random: Random;
  readonly #cut = new Set<string>();
  readonly #down = new Set<string>();
  readonly #arrivalMs = new Map<string, number>();
  /** By host: since when it has served in part. */
  readonly #mixedSinceMs: number[];
  #loss = 0;
  #disturbedMs = 0;
  /** By LAN: since when nobody has been active. */
  readonly #darkSinceMs: number[];

  constructor(
    readonly story: Story,
    readonly core: Core = REAL_CORE,
    readonly trace: string[] | null = null,
  ) {
    this.#random = new Random(story.seed);
    this.nodes = story.nodes.map((spec, i) => new Gateway(this, i, spec));
    this.#mixedSinceMs = story.nodes.map(() => Infinity);
    this.#darkSinceMs = story.intervals.map(() => 0);
    story.nodes.forEach(({ startMs }, node) => this.#queue.push(startMs, { type: "start", node }));
    for (const action of story.actions) this.#queue.push(action.atMs, { type: "action", action });
    this.#queue.push(story.calmMs, { type: "calm" });
  }

  /** How long nothing has disturbed; while packets are lost, not at all. */
  get calmForMs(): number {
    return this.#loss > 0 ? 0 : this.nowMs - this.#disturbedMs;
  }

  /** The broken promise, or null when the story ends well. */
  run(): Violation | null {
    try {
      while (this.#next());
      this.nowMs = this.story.lengthMs;
      this.#checkTime();
      this.#checkEnd();
      return null;
    } catch (error) {
      if (error instanceof Violation) return error;
      throw error;
    }
  }

  fail(node: Gateway | null, promise: string): never {
    const who = node === null ? "all" : nameOf(node.index);
    throw new Violation(`${this.nowMs.toFixed(3)} ms, ${who}: ${promise}`);
  }

  note(node: Gateway, text: string): void {
    this.trace?.push(`${this.nowMs.toFixed(3).padStart(12)}  ${nameOf(node.index)} ${text}`);
  }

  addressOf(node: number, lan: number): Uint8Array {
    const isReversed = this.story.isMirrored && lan % 2 === 1;
    return Uint8Array.of(10, lan, 0, isReversed ? 200 - node : node + 1);
  }

  isUp(node: number, lan: number): boolean {
    return !this.#down.has(`${node} ${lan}`);
  }

  broadcast(packet: Packet): void {
    for (const { index } of this.nodes) if (index !== packet.from) this.#transmit(packet, index);
  }

  tell(packet: Packet, destination: Uint8Array): void {
    const to = this.nodes.findIndex(({ index }) =>
      compareAddresses(this.addressOf(index, packet.lan), destination) === 0
    );
    if (to >= 0) this.#transmit(packet, to);
  }

  /** A router has another state. */
  moved(node: Gateway): void {
    const { story, nowMs } = this;
    this.#look();
    if (nowMs > story.calmMs + settlingMs(story)) {
      this.fail(node, "moves, although nothing has disturbed for so long");
    }
  }

  #look(): void {
    const { story, nowMs } = this;
    for (const node of this.nodes) {
      const isMixed = node.process === "running" && node.isGrouped && node.serving === "some";
      const since = this.#mixedSinceMs[node.index]!;
      this.#mixedSinceMs[node.index] = isMixed ? Math.min(since, nowMs) : Infinity;
    }
    for (const lan of story.intervals.keys()) {
      const isServed = this.#activesOn(lan).length > 0;
      this.#darkSinceMs[lan] = isServed ? Infinity : Math.min(this.#darkSinceMs[lan]!, nowMs);
    }
  }

  #activesOn(lan: number): Gateway[] {
    return this.nodes.filter(({ members, process }) =>
      process === "running" && members[lan]?.state.name === "active"
    );
  }

  #next(): boolean {
    let atMs = this.#queue.nextMs;
    let waking: Gateway | null = null;
    for (const node of this.nodes) {
      const { wakeAtMs } = node;
      if (wakeAtMs < atMs) [atMs, waking] = [wakeAtMs, node];
    }
    if (atMs > this.story.lengthMs) return false;
    this.nowMs = Math.max(this.nowMs, atMs);
    this.#checkTime();
    if (waking !== null) waking.wake();
    else this.#happen(this.#queue.pop());
    return true;
  }

  /** What depends on time only. */
  #checkTime(): void {
    for (const node of this.nodes) {
      // What happens to it may begin a handover anew.
      const mixedMs = this.nowMs - Math.max(this.#mixedSinceMs[node.index]!, this.#disturbedMs);
      if (mixedMs > MIXED_MAX_MS + SLACK_MS) {
        this.fail(node, `has served some LANs and not others for ${mixedMs.toFixed(3)} ms`);
      }
    }
    const settledAtMs = this.story.calmMs + settlingMs(this.story) / 2;
    if (this.nowMs < settledAtMs) return;
    this.#darkSinceMs.forEach((sinceMs, lan) => {
      if (this.nowMs > sinceMs) this.fail(null, `nobody serves lan ${lan}, although all hosts are healthy`);
    });
  }

  /** One host serves everything. */
  #checkEnd(): void {
    const serving = this.nodes.filter((node) => node.serving !== "none");
    const [active] = serving;
    if (active === undefined || serving.length > 1) {
      this.fail(
        null,
        `${serving.map(({ index }) => nameOf(index)).join(", ") || "nobody"} serves in the end`,
      );
    }
    if (active.serving !== "all") this.fail(active, "serves only some LANs in the end");
    const better = this.nodes.find((node) =>
      node !== active && node.spec.preempt &&
      node.members.every(({ state }, lan) => state.priority > active.members[lan]!.state.priority)
    );
    if (better !== undefined) this.fail(better, `leaves ${nameOf(active.index)} active in the end`);
  }

  #happen(item: Item): void {
    switch (item.type) {
      case "packet":
        return this.nodes[item.to]!.receive(item.packet);
      case "start":
        return this.nodes[item.node]!.start();
      case "action":
        this.trace?.push(`${this.nowMs.toFixed(3).padStart(12)}  * ${JSON.stringify(item.action)}`);
        return this.#disturb(() => this.#act(item.action));
      case "calm":
        return this.#disturb(() => this.#calm());
    }
  }

  #disturb(act: () => void): void {
    this.#disturbedMs = this.nowMs;
    act();
    this.#look();
  }

  #act(happening: Happening): void {
    if (happening.type === "loss") this.#loss = happening.probability;
    else if ("from" in happening) this.#setCut(happening.lan, happening, happening.type === "cut");
    else if (!("node" in happening)) {
      for (const { index: from } of this.nodes) {
        for (const { index: to } of this.nodes) {
          this.#setCut(happening.lan, { from, to }, happening.type === "split");
        }
      }
    } else this.#actOn(this.nodes[happening.node]!, happening);
  }

  #setCut(lan: number, { from, to }: { readonly from: number; readonly to: number }, isCut: boolean): void {
    const way = `${lan} ${from} ${to}`;
    if (isCut) this.#cut.add(way);
    else this.#cut.delete(way);
  }

  #actOn(node: Gateway, happening: Extract<Happening, { readonly node: number }>): void {
    switch (happening.type) {
      case "linkDown":
      case "linkUp": {
        const isUp = happening.type === "linkUp";
        const place = `${node.index} ${happening.lan}`;
        if (isUp) this.#down.delete(place);
        else this.#down.add(place);
        return node.setLink(happening.lan, isUp);
      }
      case "checkFails":
      case "checkPasses":
        node.checkFails = happening.type === "checkFails";
        return node.evaluate();
      case "weight":
        node.weight = happening;
        return node.evaluate();
      case "handover":
        return node.handOver();
      case "giveBack":
        return node.process === "running" ? node.giveBack() : undefined;
      default:
        return node[happening.type]();
    }
  }

  /** From now on nothing disturbs: what remains is the protocol's own business. */
  #calm(): void {
    this.#cut.clear();
    this.#down.clear();
    this.#loss = 0;
    if (this.story.cutLan !== null) this.#act({ type: "split", lan: this.story.cutLan });
    for (const node of this.nodes) {
      node.checkFails = false;
      node.weight = { change: 0, each: false };
      node.resume();
      if (node.isLeaving) node.kill();
      node.start();
      for (const lan of this.story.intervals.keys()) node.setLink(lan, true);
      node.giveBack();
    }
  }

  #transmit(packet: Packet, to: number): void {
    const { lan, from } = packet;
    const way = `${lan} ${from} ${to}`;
    if (this.#cut.has(way) || this.#down.has(`${to} ${lan}`) || this.#down.has(`${from} ${lan}`)) return;
    if (this.#random.chance(this.#loss)) return;
    const { delayMs, jitterMs } = this.story;
    const atMs = Math.max(
      this.nowMs + delayMs + jitterMs * this.#random.next(),
      this.#arrivalMs.get(way) ?? 0,
    );
    this.#arrivalMs.set(way, atMs);
    this.#queue.push(atMs, { type: "packet", to, packet });
  }
}

export function nameOf(index: number): string {
  return String.fromCharCode(65 + index);
}
