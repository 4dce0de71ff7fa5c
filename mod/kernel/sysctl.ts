/**
 * Kernel parameters of interfaces: set for as long as they are needed, then put back to what they were.
 */

/** `/proc/sys`, or what stands for it. Paths are relative to it: `net/ipv4/conf/eth0/arp_ignore`. */
export interface Parameters {
  /** Null when there is no such parameter: the interface is gone, or the kernel lacks the feature. */
  read(path: string): string | null;
  /** A sentence when it cannot be written, else null. */
  write(path: string, value: string): string | null;
}

/** The network namespace of the calling thread. A parameter of an interface that has gone does not exist. */
export const PROC_SYS: Parameters = {
  read(path): string | null {
    try {
      return Deno.readTextFileSync(`/proc/sys/${path}`).trim();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  },
  write(path, value): string | null {
    try {
      Deno.writeTextFileSync(`/proc/sys/${path}`, value);
      return null;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      // A container may have /proc/sys read-only: EROFS has no class of its own.
      if (!(error instanceof Error)) throw error;
      return `cannot set ${path.replaceAll("/", ".")} to ${value}: ${error.message}`;
    }
  },
};

/** A parameter that we have set, what it was before, and what it is. */
export interface ChangedParameter {
  readonly path: string;
  readonly before: string;
  readonly ours: string;
}

export class Sysctl {
  readonly #changed = new Map<string, ChangedParameter>();

  constructor(readonly parameters: Parameters) {}

  /** For whoever has to put them back in our place. */
  get changes(): readonly ChangedParameter[] {
    return [...this.#changed.values()];
  }

  /** These are ours to put back. */
  inherit(changes: readonly ChangedParameter[]): void {
    for (const change of changes) this.#changed.set(change.path, change);
  }

  /** Sets a parameter, if it exists. Returns what could not be done, in a sentence, else null. */
  set(path: string, ours: string): string | null {
    const before = this.parameters.read(path);
    if (before === null || before === ours) return null;
    const problem = this.parameters.write(path, ours);
    if (problem === null) {
      this.#changed.set(path, { path, before: this.#changed.get(path)?.before ?? before, ours });
    }
    return problem;
  }

  /** Like `set`, for a number that may be higher already. */
  setAtLeast(path: string, ours: number): string | null {
    const before = this.parameters.read(path);
    return before !== null && Number(before) >= ours ? null : this.set(path, String(ours));
  }

  /** Puts back what was changed under this directory, but for what somebody else has changed since. */
  restore(directory: string): void {
    this.#restore((path) => path.startsWith(`${directory}/`));
  }

  /** Puts back all that was changed, but for what somebody else has changed since. */
  restoreAll(): void {
    this.#restore(() => true);
  }

  /** The last change first: one parameter may change others. */
  #restore(isMeant: (path: string) => boolean): void {
    for (const { path, before, ours } of this.changes.toReversed()) {
      if (!isMeant(path)) continue;
      this.#changed.delete(path);
      if (this.parameters.read(path) === ours) this.parameters.write(path, before);
    }
  }
}
