/** What the demo knows at a moment, and what came of each event: all that is shown comes from these. PURE. */
import type { RouterState } from "../snapshot.ts";
import type { NodeName } from "./plan.ts";
import type { Asked, Outage } from "./samples.ts";

/** A node as its own daemon and its kernel tell; `router` is null while no daemon answers. */
export interface NodeScene {
  readonly name: NodeName;
  readonly webRunning: boolean;
  readonly holdsAddress: boolean;
  readonly plugged: boolean;
  readonly forwarded: boolean;
  readonly router: {
    readonly state: RouterState;
    readonly reason: string;
  } | null;
}

/** What came of one event. */
export interface Result extends Outage {
  readonly scenario: string;
  readonly event: string;
  readonly mends: boolean;
  /** The outage that the protocol allows, in ms, measurement and scheduling included. */
  readonly limitMs: number;
  readonly servedBy: NodeName | null;
  /** Why that node became active, in its daemon's words. */
  readonly reason: string;
  readonly holders: readonly NodeName[];
  /** When the node that had the address gave it up, in ms after the event; null when it did not. */
  readonly releasedMs: number | null;
  readonly tellsRelease: boolean;
  /** What went otherwise than it must; empty when all is well. */
  readonly problems: readonly string[];
}

export interface Scene {
  readonly intervalMs: number;
  readonly elapsedMs: number;
  readonly nodes: readonly NodeScene[];
  readonly probes: readonly Asked[];
  /** What is happening now. */
  readonly now: string;
  /** Events in the order in which they come; those without a result are yet to be. */
  readonly events: readonly { readonly event: string; readonly mends: boolean }[];
  readonly results: readonly Result[];
}

/** The nodes whose kernel has the address. */
export function holdersAmong(nodes: readonly NodeScene[]): NodeName[] {
  return nodes.filter(({ holdsAddress }) => holdsAddress).map(({ name }) => name);
}
