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
  /** The virtual router leaves ACTIVE and does not come back by itself; `back`: it may. Null: none such. */
  handOver(name: string, back: boolean): Promise<Release | null>;
  /** This node stays out of everything; resolves with how its ACTIVE virtual routers left. */
  beginMaintenance(order: { readonly forMs: number | null; readonly force: boolean }): Promise<
    readonly Release[]
  >;
  endMaintenance(): Promise<void>;
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
