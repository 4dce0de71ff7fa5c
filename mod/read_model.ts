/**
 * Puts the read model together from what the VRRP thread and the checks report, at most ten times a second.
 */
import type { CheckStatus, NodeStatus, Snapshot, VirtualRouterStatus } from "./snapshot.ts";
import { noLateness } from "./vrrp/lateness.ts";
import type { EngineReport } from "./vrrp/messages.ts";

/** How old a snapshot may be when nothing has happened since. */
const MAX_AGE_MS = 100;

export interface Sources {
  report(): Promise<EngineReport>;
  checks(): CheckStatus[];
  node(): Omit<NodeStatus, "engine">;
  now(): number;
}

/**
 * One snapshot for everybody who asks within a tenth of a second; anything that happens makes the next one
 * fresh.
 */
export class ReadModel {
  readonly #sources: Sources;
  #current: { readonly snapshot: Promise<Snapshot>; readonly atMs: number } | null = null;
  #lastReport: EngineReport = { lateness: noLateness(), virtual_routers: [], foreign_routers: [] };

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** Something has happened. */
  invalidate(): void {
    this.#current = null;
  }

  snapshot(): Promise<Snapshot> {
    const atMs = this.#sources.now();
    // A clock that was set back must not keep the old one for hours.
    if (this.#current === null || Math.abs(atMs - this.#current.atMs) >= MAX_AGE_MS) {
      this.#current = { snapshot: this.#assemble(), atMs };
    }
    return this.#current.snapshot;
  }

  async #assemble(): Promise<Snapshot> {
    const engine = await this.#ask();
    const checks = this.#sources.checks();
    return {
      at: new Date(this.#sources.now()).toISOString(),
      node: { ...this.#sources.node(), engine },
      lateness: this.#lastReport.lateness,
      virtual_routers: this.#lastReport.virtual_routers.map((router) => withReasons(router, checks)),
      foreign_routers: [...this.#lastReport.foreign_routers],
      checks,
    };
  }

  /** A thread that does not answer is shown as what it is, beside the last that it said. */
  async #ask(): Promise<NodeStatus["engine"]> {
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
function withReasons(router: VirtualRouterStatus, checks: readonly CheckStatus[]): VirtualRouterStatus {
  const contributions = router.contributions.map((contribution) => {
    const check = checks.find(({ name }) => name === contribution.check);
    return check === undefined ? contribution : { ...contribution, reason: check.reason };
  });
  return { ...router, contributions };
}
