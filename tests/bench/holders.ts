/**
 * Which nodes hold a virtual address and when, as their kernels tell: the same for every daemon, and without
 * asking it.
 */
import type { Child } from "../e2e/lab/child.ts";
import type { Host } from "../e2e/lab.ts";

/** A node got or lost an address, ms since the epoch. */
export interface Move {
  readonly node: string;
  readonly address: string;
  readonly held: boolean;
  readonly atMs: number;
}

const LINE = /^(Deleted )?\d+: \S+\s+inet6? ([0-9a-f.:]+)\//;

export class Holders implements AsyncDisposable {
  readonly #children: Child[] = [];
  readonly #held = new Map<string, Set<string>>();
  readonly moves: Move[] = [];

  static async watch(nodes: readonly Host[]): Promise<Holders> {
    const holders = new Holders();
    for (const node of nodes) await holders.#watch(node);
    return holders;
  }

  /** Names of the nodes that hold the address now. */
  of(address: string): string[] {
    return [...this.#held].filter(([, addresses]) => addresses.has(address)).map(([node]) => node);
  }

  /** How often a node got or lost the address since `fromMs`. */
  count(node: string, address: string, fromMs: number): number {
    return this.moves.filter((move) => move.node === node && move.address === address && move.atMs >= fromMs)
      .length;
  }

  /** How long since `fromMs` more than one node held the address. */
  sharedMs(address: string, fromMs: number): number {
    let holding = 0;
    let sinceMs = fromMs;
    let sum = 0;
    for (const { held, atMs } of this.moves.filter((move) => move.address === address)) {
      if (holding > 1) sum += Math.max(0, atMs - sinceMs);
      sinceMs = Math.max(atMs, fromMs);
      holding += held ? 1 : -1;
    }
    return holding > 1 ? sum + epochMs() - sinceMs : sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop("SIGTERM")));
  }

  async #watch(node: Host): Promise<void> {
    this.#held.set(node.name, new Set());
    const child = node.spawn("addresses", ["ip", "-o", "monitor", "address"]);
    child.onLine((line) => this.#read(node.name, line));
    this.#children.push(child);
    for (const address of await node.addresses()) this.#hear(node.name, address, true);
  }

  #read(node: string, line: string): void {
    const [, deleted, address] = LINE.exec(line) ?? [];
    if (address !== undefined) this.#hear(node, address, deleted === undefined);
  }

  /** A renewed lease is told as a new address: only what changes counts. */
  #hear(node: string, address: string, held: boolean): void {
    const addresses = this.#held.get(node);
    if (addresses === undefined || addresses.has(address) === held) return;
    if (held) addresses.add(address);
    else addresses.delete(address);
    this.moves.push({ node, address, held, atMs: epochMs() });
  }
}

export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
