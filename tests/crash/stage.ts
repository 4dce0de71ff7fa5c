/**
 * Where rounds are played, one after the other: a lab of three nodes with an echo server, a watch on the
 * kernel's addresses and a supervisor's notification socket each.
 */
import { createLab, type Host, type Lab, waitFor } from "../e2e/lab.ts";
import { exists } from "../e2e/lab/files.ts";
import { startEcho } from "../e2e/lab/probe.ts";
import type { Holding } from "./facts.ts";
import { MemoryGroup } from "./memory.ts";
import { nameOf } from "./plan.ts";

const NODES = [0, 1, 2];
/** As `addressesOf` makes them. */
const VIRTUAL = /^(192\.168\.121\.|fe80::121:|fd00:121::)1[01]\d$/;
/** `[2026-11-20T09:00:00.123456] Deleted 2: eth0    inet 192.168.121.100/32 scope global ...` */
const ADDRESS_LINE = /^\[([\d:.T-]+)\] (Deleted )?\d+: \S+\s+inet6? ([0-9a-f.:]+)/;

export interface Notice {
  readonly node: string;
  readonly atMs: number;
  /** `READY`, `WATCHDOG`, `STOPPING`, `RELOADING`. */
  readonly what: string;
}

/** Unix milliseconds, with their fraction. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

export class Stage implements AsyncDisposable {
  /** Changes since the round began; renewals are in `renewals`. */
  holdings: Holding[] = [];
  /** node -> when the kernel was last told of a virtual address anew. */
  readonly renewals = new Map<string, number>();
  readonly #held = new Set<string>();
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #listeners = new Set<(notice: Notice) => void>();

  private constructor(readonly lab: Lab) {}

  static async create(): Promise<Stage> {
    const lab = await createLab({
      nodes: Object.fromEntries(
        NODES.map((i) => [nameOf(i), [`192.168.121.${129 - i}/24`, `fd00:121::${129 - i}/64`]]),
      ),
      client: ["192.168.121.10/24", "fd00:121::10/64"],
    });
    const stage = new Stage(lab);
    try {
      await Promise.all(Object.values(lab.nodes).map((node) => stage.#furnish(node)));
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
    return stage;
  }

  node(index: number): Host {
    return this.lab.node(nameOf(index));
  }

  /** Where the supervisor of this node listens. */
  notifySocket(node: Host): string {
    return `${node.directory}/notify.sock`;
  }

  /** The memory that the node's daemon may have; undefined where this host has no such limit to give. */
  memory(node: Host): MemoryGroup | undefined {
    return this.#groups.get(node.name);
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** `node address` of everything virtual that a kernel has now, as far as it was told. */
  get held(): string[] {
    return [...this.#held].sort();
  }

  isHeld(node: string, address: string): boolean {
    return this.#held.has(`${node} ${address}`);
  }

  /** What the kernel itself says, to compare. */
  async virtualAddresses(node: Host): Promise<string[]> {
    return (await node.addresses(node.iface)).filter((address) => VIRTUAL.test(address)).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
    await Promise.all(this.#groups.values().map((group) => group.remove()));
  }

  async #furnish(node: Host): Promise<void> {
    const group = await MemoryGroup.create(node.namespace);
    if (group !== null) this.#groups.set(node.name, group);
    await startEcho(node);
    // Real-time: whoever is late here loses news.
    const watch = node.spawn("watch", ["chrt", "-r", "20", "ip", "-ts", "-o", "monitor", "address"]);
    watch.onLine((line) => this.#hearKernel(node.name, line));
    const supervisor = node.spawn("supervisor", [
      "socat",
      "-u",
      `UNIX-RECV:${this.notifySocket(node)}`,
      "STDOUT",
    ]);
    supervisor.onLine((line) => this.#hearDaemon(node.name, line));
    await waitFor(`the supervisor of ${node.name}`, () => exists(this.notifySocket(node)), 20_000);
  }

  #hearKernel(node: string, line: string): void {
    const [, time = "", deleted, address = ""] = ADDRESS_LINE.exec(line) ?? [];
    if (!VIRTUAL.test(address)) return;
    const key = `${node} ${address}`;
    const held = deleted === undefined;
    const atMs = Date.parse(time);
    if (held) this.renewals.set(node, atMs);
    if (held === this.#held.has(key)) return;
    if (held) this.#held.add(key);
    else this.#held.delete(key);
    this.holdings.push({ atMs, node, address, held });
  }

  #hearDaemon(node: string, line: string): void {
    const what = /^(READY|WATCHDOG|STOPPING|RELOADING)=1$/.exec(line)?.[1];
    if (what === undefined) return;
    const notice = { node, atMs: nowMs(), what };
    for (const listener of this.#listeners) listener(notice);
  }
}
