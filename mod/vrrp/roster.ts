/** Which virtual routers this host runs, which still hand over, and what all of them have to know. */
import type { Instance } from "./instance.ts";
import type { TrackerState } from "./messages.ts";

export class Roster {
  /** By name, as configured. */
  readonly instances = new Map<string, Instance>();
  /** Replaced or removed, still handing over. */
  readonly leaving = new Set<Instance>();
  readonly trackers = new Map<string, TrackerState>();
  /**
   * The addresses that are virtual on this host, as text: never a source, and no news when they come and go.
   */
  virtual: ReadonlySet<string> = new Set();

  all(): Instance[] {
    return [...this.instances.values(), ...this.leaving];
  }
}
