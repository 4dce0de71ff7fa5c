/** A memory cgroup for one node's daemon, version 1 or 2 as this host has it: an honest OOM kill. */

const ROOTS = [
  {
    path: "/sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    none: "-1",
  },
  { path: "/sys/fs/cgroup", limit: "memory.max", usage: "memory.current", none: "max" },
] as const;
type Root = (typeof ROOTS)[number];

export class MemoryGroup {
  constructor(readonly path: string, readonly root: Root) {}

  /** Null where this host lets us have none. */
  static async create(name: string): Promise<MemoryGroup | null> {
    for (const root of ROOTS) {
      await sweep(root);
      const group = new MemoryGroup(`${root.path}/${name}`, root);
      try {
        await Deno.mkdir(group.path);
        await group.usage();
        return group;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        await group.remove();
      }
    }
    return null;
  }

  /** Bytes. */
  async usage(): Promise<number> {
    return Number(await Deno.readTextFile(`${this.path}/${this.root.usage}`));
  }

  /** Null lifts it. */
  async limit(bytes: number | null): Promise<void> {
    await Deno.writeTextFile(
      `${this.path}/${this.root.limit}`,
      bytes === null ? this.root.none : String(bytes),
    );
  }

  /** Once nothing runs in it any more; the kernel needs a moment to see that. */
  async remove(): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const isGone = await Deno.remove(this.path).then(
        () => true,
        (error) => error instanceof Deno.errors.NotFound,
      );
      if (isGone) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** What a run that was killed has left: its groups carry its pid, `vipdlab-PID-...`. */
async function sweep(root: Root): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(root.path), ({ name }) => name).catch((): string[] => []);
  for (const name of names) {
    const pid = /^vipdlab-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || await Deno.stat(`/proc/${pid}`).then(() => true, () => false)) continue;
    await new MemoryGroup(`${root.path}/${name}`, root).remove();
  }
}
