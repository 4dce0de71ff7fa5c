/** Which virtual routers this host runs, which still hand over, and what all of them have to know. */
import type { Groups } from "./groups.ts";
import type { Instance } from "./instance.ts";
import type { TrackerState } from "./messages.ts";
import type { Override } from "./override.ts";

export class Roster {
  /** By name, as configured. */
  readonly instances = new Map<string, Instance>();
  /** Replaced or removed, still handing over. */
  readonly leaving = new Set<Instance>();
  /** This node stays out; `force`: also where nobody takes over. */
  maintenance: { readonly reason: string; readonly force: boolean } | null = null;
  readonly trackers = new Map<string, TrackerState>();
  /** The operator's word, by the name of a virtual router, which may be one that is still to come. */
  overrides: ReadonlyMap<string, Override> = new Map();
  /** Since when those that are still to come are held back, as a run before has left it. */
  readonly heldBack = new Map<string, string>();
  readonly groups: Groups;
  /**
   * The addresses that are virtual on this host, as text: never a source, and no news when they come and go.
   */
  virtual: ReadonlySet<string> = new Set();

  /**
   * No virtual router's deadline is earlier than this. It may be earlier than all of them: a backup's
   * deadline moves with every advertisement, and is looked at only when the old one has come.
   */
  deadlineMs = Infinity;

  constructor(groups: Groups) {
    this.groups = groups;
  }

  /** To be called whenever an instance has entered a state. */
  expect(instance: Instance): void {
    if (instance.deadlineMs < this.deadlineMs) this.deadlineMs = instance.deadlineMs;
  }

  /** Calls `due` for each whose deadline has come, and learns when the next one comes. */
  eachDue(nowMs: number, due: (instance: Instance) => void): void {
    this.deadlineMs = Infinity;
    for (const instances of [this.instances.values(), this.leaving]) {
      for (const instance of instances) {
        if (instance.deadlineMs <= nowMs) due(instance);
        this.expect(instance);
      }
    }
  }

  /**
   * Who is called so: a virtual router with those of its sync group, the members of a group, the parts of a
   * virtual router of both families. Empty: nobody.
   */
  named(name: string): readonly Instance[] {
    const instance = this.instances.get(name) ?? this.instances.get(`${name}/ipv4`);
    const group = this.groups.get(name) ?? instance?.group ?? undefined;
    return group?.members ?? (instance === undefined ? [] : [instance]);
  }

  all(): Instance[] {
    return [...this.instances.values(), ...this.leaving];
  }
}
