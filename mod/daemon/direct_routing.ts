/** `[direct_routing.*]`: the virtual addresses of a real server are there as long as the daemon runs. */
import { SyscallError } from "../../ffi/errno.ts";
import { NetlinkError, type NetlinkSocket } from "../../ffi/netlink.ts";
import { type Notification, openMonitor, openRtnetlink, receiveNotifications } from "../../ffi/rtnetlink.ts";
import type { DirectRoutingConfig } from "../config/balance.ts";
import { FdLoop } from "../health/fd_loop.ts";
import { type DirectAddress, type DirectMemory, DirectRouting } from "../kernel/direct_routing.ts";
import { PROC_SYS } from "../kernel/sysctl.ts";
import { logger } from "../log.ts";
import type { DirectRoutingStatus } from "../snapshot.ts";
import { formatAddress } from "../wire/address.ts";

/** Changes that come together are looked at together. */
const GATHER_MS = 20;
/** Parameters change without notice, and what failed is tried again. */
const LOOK_AGAIN_MS = 5_000;

const log = logger("kernel");

type Tables = Readonly<Record<string, DirectRoutingConfig>>;

/** The sockets, while there is something to look after. */
interface Sockets {
  readonly netlink: NetlinkSocket;
  readonly monitor: NetlinkSocket;
  readonly routing: DirectRouting;
}

export class DirectRoutings {
  readonly #loop = new FdLoop();
  #memory: DirectMemory | undefined;
  #sockets: Sockets | null = null;
  #tables: Tables = {};
  #timer: number | undefined;
  #problems: readonly string[] = [];
  #present = new Set<string>();
  /** How often somebody else had taken an address away. */
  readonly #restored = new Map<string, number>();

  /** `inherited`: what the image before has left to be put back. */
  constructor(inherited: DirectMemory | null) {
    this.#memory = inherited ?? undefined;
  }

  /** Makes these the addresses, at once. What cannot be done is tried again. */
  configure(tables: Tables): void {
    this.#tables = tables;
    const isNeeded = Object.keys(tables).length > 0 || this.#memory !== undefined;
    if (this.#sockets === null && isNeeded) this.#open();
    this.#look();
    if (Object.keys(tables).length === 0) this.#close();
  }

  status(): DirectRoutingStatus[] {
    return Object.entries(this.#tables).map(([name, table]) => ({
      name,
      interface: table.interface,
      addresses: addressesOf(table).map((one) => ({
        address: one.address,
        present: this.#present.has(keyOf(one)),
        restored: this.#restored.get(keyOf(one)) ?? 0,
      })),
      problem: this.#problems.length === 0 ? null : this.#problems.join("; "),
    }));
  }

  estate(): DirectMemory | null {
    return this.#sockets?.routing.memory ?? null;
  }

  /** Takes the addresses away and puts back what was changed. */
  stop(): void {
    this.configure({});
  }

  #open(): void {
    const netlink = openRtnetlink();
    const monitor = openMonitor();
    const routing = new DirectRouting(netlink, PROC_SYS, this.#memory);
    this.#memory = undefined;
    this.#sockets = { netlink, monitor, routing };
    this.#loop.add(monitor.fd, () => {
      const concerns = receiveNotifications(monitor).some((news) => this.#isConcerned(news));
      if (concerns || monitor.overrun) this.#lookIn(GATHER_MS);
    });
  }

  #close(): void {
    clearTimeout(this.#timer);
    if (this.#sockets === null) return;
    const { netlink, monitor } = this.#sockets;
    this.#loop.remove(monitor.fd);
    netlink.close();
    monitor.close();
    this.#sockets = null;
    this.#problems = [];
  }

  get #wanted(): DirectAddress[] {
    return Object.values(this.#tables).flatMap(addressesOf);
  }

  /** Leases of virtual routers are renewed all the time, and are none of our business. */
  #isConcerned(news: Notification): boolean {
    if ("link" in news) return this.#wanted.some((one) => one.interface === news.link.name);
    if (news.type !== "address_removed") return false;
    const address = formatAddress(news.address.address);
    return this.#wanted.some((one) => one.address === address);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    if (this.#sockets === null) return;
    try {
      const { problems, present, restored } = this.#sockets.routing.reconcile(this.#wanted);
      this.#present = new Set(present.map(keyOf));
      for (const one of restored) {
        const key = keyOf(one);
        log.warn("restored {address}: somebody else had removed it", { address: key });
        this.#restored.set(key, (this.#restored.get(key) ?? 0) + 1);
      }
      this.#tell(problems);
    } catch (error) {
      if (!(error instanceof NetlinkError) && !(error instanceof SyscallError)) throw error;
      this.#tell([error.message]);
    }
    this.#lookIn(LOOK_AGAIN_MS);
  }

  /** The same problem again and again is worth one line. */
  #tell(problems: readonly string[]): void {
    for (const problem of problems) {
      if (!this.#problems.includes(problem)) log.error("direct_routing {problem}", { problem });
    }
    this.#problems = problems;
  }
}

function addressesOf({ addresses, interface: device }: DirectRoutingConfig): DirectAddress[] {
  return addresses.map((address) => ({ address, interface: device }));
}

function keyOf({ address, interface: device }: DirectAddress): string {
  return `${address} on ${device}`;
}
