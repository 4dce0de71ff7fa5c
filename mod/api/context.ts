/** What the API is given: the read model, its changes, and the few things that it may ask for. */
import type { Context } from "hono";
import type { Problem } from "../errors.ts";
import type { Snapshot, Transition } from "../snapshot.ts";

/** How a reload ended: what changed in one line, or everything that is wrong with the file. */
export type ReloadResult =
  | { readonly ok: true; readonly summary: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Whether another program is about to take this one's place (`from` and `to` are versions), or what speaks
 * against it; nothing has changed then.
 */
export type UpgradeResult =
  | { readonly ok: true; readonly from: string; readonly to: string; readonly program: string }
  | { readonly ok: false; readonly problem: string };

/** How one virtual router was asked to leave and what it did; `detail` is a sentence for the operator. */
export interface Release {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** How long an order lasts: `forMs` null until it is ended, `persist` beyond a restart of the daemon. */
export interface Term {
  readonly forMs: number | null;
  readonly persist: boolean;
}

/**
 * What counts instead of a virtual router's priority: it shall be the ACTIVE one while it is healthy, or has
 * another base priority, 1..254.
 */
export type OverrideBegin =
  & Term
  & ({ readonly by: "prefer" } | {
    readonly by: "priority";
    readonly priority: number;
  });
/** `end`: no longer. */
export type OverrideOrder = OverrideBegin | { readonly by: "prefer" | "priority"; readonly end: true };

/**
 * How it went, virtual router by virtual router; `ok` false there: it stands, but does not count now. Or a
 * sentence, and nothing has changed.
 */
export type OverrideResult =
  | { readonly ok: true; readonly virtual_routers: readonly Release[] }
  | { readonly ok: false; readonly message: string };

/** How the ACTIVE routers left; `note`: done, but not all of it. Or a sentence, and nothing has changed. */
export type MaintenanceResult =
  | { readonly ok: true; readonly virtual_routers: readonly Release[]; readonly note?: string }
  | { readonly ok: false; readonly message: string };

/** What an operator wants of a virtual router: it shall leave; `back`: it may come back. */
export interface HandoverOrder {
  readonly back: boolean;
  readonly persist: boolean;
}

/**
 * What an operator wants of a real server. `timeoutMs` of a drain: 0 waits for the last connection, absent is
 * as configured. `weight` null: the configured one. `persist`: beyond a restart of the daemon.
 */
export type RealServerOrder =
  | { readonly type: "drain"; readonly timeoutMs?: number; readonly persist: boolean }
  | { readonly type: "undrain"; readonly persist: boolean }
  | { readonly type: "weight"; readonly weight: number | null; readonly persist: boolean };

/**
 * How it went; `message` is a sentence for the operator, and nothing has changed then. `note`: done, but not
 * all of it.
 */
export type RealServerOrderResult =
  | { readonly ok: true; readonly note?: string }
  | { readonly ok: false; readonly kind: "not_found" | "failed"; readonly message: string };

export interface ApiContext {
  /**
   * Cached by the provider: may be asked thousands of times a second, and the same object means nothing has
   * changed.
   */
  snapshot(): Promise<Snapshot>;
  /** Calls the listener for every transition until the returned function is called. */
  subscribe(listener: (transition: Transition) => void): () => void;
  reload(): Promise<ReloadResult>;
  /** The virtual router leaves ACTIVE and does not come back by itself. Null: none such. */
  handOver(name: string, order: HandoverOrder): Promise<Release | null>;
  /** Null: there is no virtual router of this name. */
  overrideRouter(name: string, order: OverrideOrder): Promise<OverrideResult | null>;
  /** This node stays out of everything. */
  beginMaintenance(order: Term & { readonly force: boolean }): Promise<MaintenanceResult>;
  endMaintenance(): Promise<MaintenanceResult>;
  orderRealServer(virtualServer: string, realServer: string, order: RealServerOrder): RealServerOrderResult;
  /** By the program at `binary`, or the one that stands where this one was started from. */
  upgrade(binary?: string): Promise<UpgradeResult>;
  /**
   * The bearer token; null refuses every POST over TCP. Asked on each request, so that a reload may change
   * it.
   */
  token: () => string | null;
  /** Whether `/metrics` also carries the metric names of mehdy/keepalived-exporter. */
  readonly exporterNames: boolean;
}

/** How a request reached us, told by the listener that accepted it. */
export interface Connection {
  readonly transport: "tcp" | "unix";
  /** The listener is bound to a loopback address. */
  readonly loopback: boolean;
  /** Where the client is, for the log. */
  readonly client: () => string;
  /** Aborted when the listener stops, so that endless responses end. */
  readonly stopping: AbortSignal;
}

export interface ApiEnv {
  Bindings: Partial<Connection>;
}

const nowhere = (): string => "unknown";
const never = new AbortController().signal;

/** The connection of a request; one made without a listener (a test) counts as loopback TCP. */
export function connectionOf(c: Context<ApiEnv>): Connection {
  const { transport = "tcp", loopback = true, client = nowhere, stopping = never } = c.env ?? {};
  return { transport, loopback, client, stopping };
}
