/**
 * Puts the read model together from what the VRRP thread and the checks report: ten times a second, and after
 * each event, but never so often that the reports would cost the VRRP thread its time.
 */
import type {
  CheckStatus,
  DirectRoutingStatus,
  HookStatus,
  NodeStatus,
  NotifyStatus,
  Snapshot,
  VirtualServerStatus,
} from "./snapshot.ts";
import { noLateness } from "./vrrp/lateness.ts";
import type { EngineReport, RouterReport } from "./vrrp/messages.ts";

/** How old a snapshot may be when nothing has happened since. */
const MAX_AGE_MS = 100;
/** Checks that flap, and clients that ask all the time, get no more than a snapshot each so many ms. */
const MIN_GAP_MS = 20;

export interface Sources {
  report(): Promise<EngineReport>;
  checks(): CheckStatus[];
  virtualServers(): Promise<Omit<VirtualServerStatus, "hooks">[]>;
  directRouting(): DirectRoutingStatus[];
  hooks(kind: "virtual_router" | "sync_group" | "virtual_server", name: string): HookStatus[];
  notify(): NotifyStatus;
  node(): Omit<NodeStatus, "engine">;
  now(): number;
  sleep(ms: number): Promise<void>;
}

/**
 * One snapshot for everybody who asks within a tenth of a second; anything that happens makes the next one
 * fresh.
 */
export class ReadModel {
  readonly #sources: Sources;
  #current: { readonly snapshot: Promise<Snapshot>; readonly atMs: number } | null = null;
  /** Its question to the engine is still to come, so it will know of everything that happens until then. */
  #coming: Promise<Snapshot> | null = null;
  #askedAtMs = -Infinity;
  #lastReport: EngineReport = {
    lateness: noLateness(),
    virtual_routers: [],
    sync_groups: [],
    foreign_routers: [],
  };

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** Something has happened. */
  invalidate(): void {
    this.#current = null;
  }

  snapshot(): Promise<Snapshot> {
    if (this.#coming !== null) return this.#coming;
    const atMs = this.#sources.now();
    // A clock that was set back must not keep the old one for hours.
    if (this.#current !== null && Math.abs(atMs - this.#current.atMs) < MAX_AGE_MS) {
      return this.#current.snapshot;
    }
    const waitMs = MIN_GAP_MS - Math.abs(atMs - this.#askedAtMs);
    if (waitMs <= 0) return this.#ask();
    this.#coming = this.#sources.sleep(waitMs).then(() => {
      this.#coming = null;
      return this.#ask();
    });
    return this.#coming;
  }

  #ask(): Promise<Snapshot> {
    const atMs = this.#sources.now();
    this.#askedAtMs = atMs;
    const snapshot = this.#assemble();
    this.#current = { snapshot, atMs };
    return snapshot;
  }

  async #assemble(): Promise<Snapshot> {
    const [engine, servers] = await Promise.all([this.#report(), this.#sources.virtualServers()]);
    const checks = this.#sources.checks();
    const { hooks } = this.#sources;
    return {
      at: new Date(this.#sources.now()).toISOString(),
      node: { ...this.#sources.node(), engine },
      lateness: this.#lastReport.lateness,
      virtual_routers: this.#lastReport.virtual_routers.map((router) => ({
        ...withReasons(router, checks),
        hooks: hooks("virtual_router", router.name),
      })),
      sync_groups: this.#lastReport.sync_groups.map((group) => ({
        ...withReasons(group, checks),
        hooks: hooks("sync_group", group.name),
      })),
      foreign_routers: [...this.#lastReport.foreign_routers],
      checks,
      virtual_servers: servers.map((server) => ({ ...server, hooks: hooks("virtual_server", server.name) })),
      direct_routing: this.#sources.directRouting(),
      notify: this.#sources.notify(),
    };
  }

  /** A thread that does not answer is shown as what it is, beside the last that it said. */
  async #report(): Promise<NodeStatus["engine"]> {
    try {
      this.#lastReport = await this.#sources.report();
      return "running";
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return "stalled";
    }
  }
}

/** The VRRP thread knows why a check changed; the reason of its last result is here. */
function withReasons<Tracking extends Pick<RouterReport, "contributions">>(
  tracking: Tracking,
  checks: readonly CheckStatus[],
): Tracking {
  const contributions = tracking.contributions.map((contribution) => {
    const check = checks.find(({ name }) => name === contribution.check);
    return check === undefined ? contribution : { ...contribution, reason: check.reason };
  });
  return { ...tracking, contributions };
}
