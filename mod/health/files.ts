/** Files that somebody wants to know about, watched in their directories, so that one may come and go. */
import { describe } from "../../checks/check.ts";
import { close } from "../../ffi/fd.ts";
import {
  IN_CLOSE_WRITE,
  IN_CREATE,
  IN_DELETE,
  IN_IGNORED,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_Q_OVERFLOW,
  inotify_add_watch,
  inotify_init,
  inotify_read,
  inotify_rm_watch,
} from "../../ffi/inotify.ts";
import type { FdLoop } from "./fd_loop.ts";

const changes = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE;

interface Watcher {
  readonly name: string;
  readonly changed: () => void;
  /** The directory is gone. */
  readonly lost: (why: Error) => void;
}

export class Files {
  readonly #loop: FdLoop;
  /** By the number of the watch, of which a directory has one however many files are of interest. */
  readonly #watchers = new Map<number, Set<Watcher>>();
  #fd = -1;

  constructor(loop: FdLoop) {
    this.#loop = loop;
  }

  /** See `Host.watchFile`. */
  async watch(path: string, changed: () => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const slash = path.lastIndexOf("/");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve(), { once: true });
    const watcher = { name: path.slice(slash + 1), changed, lost: reject };
    const watch = this.#add(path.slice(0, slash) || "/", watcher);
    try {
      await promise;
    } finally {
      this.#remove(watch, watcher);
    }
  }

  #add(directory: string, watcher: Watcher): number {
    if (this.#fd === -1) {
      this.#fd = inotify_init();
      this.#loop.add(this.#fd, () => this.#receive());
    }
    try {
      const watch = inotify_add_watch(this.#fd, directory, changes);
      const watchers = this.#watchers.get(watch) ?? new Set();
      this.#watchers.set(watch, watchers.add(watcher));
      return watch;
    } catch (error) {
      this.#closeIfUnused();
      throw new Error(`${directory}: ${describe(error)}`);
    }
  }

  #remove(watch: number, watcher: Watcher): void {
    const watchers = this.#watchers.get(watch);
    if (watchers?.delete(watcher) !== true) return;
    if (watchers.size > 0) return;
    this.#watchers.delete(watch);
    inotify_rm_watch(this.#fd, watch);
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (this.#watchers.size > 0 || this.#fd === -1) return;
    this.#loop.remove(this.#fd);
    close(this.#fd);
    this.#fd = -1;
  }

  #receive(): void {
    if (this.#fd === -1) return;
    for (const { watch, mask, name } of inotify_read(this.#fd)) {
      if ((mask & IN_Q_OVERFLOW) !== 0) this.#tell([...this.#watchers.values()]);
      else if ((mask & IN_IGNORED) !== 0) this.#lose(watch);
      else this.#tell([this.#watchers.get(watch) ?? new Set()], name);
    }
  }

  /** Those that watch that name; all of them when it is not known what has happened. */
  #tell(groups: readonly ReadonlySet<Watcher>[], name?: string): void {
    for (const watcher of groups.flatMap((group) => [...group])) {
      if (name === undefined || watcher.name === name) watcher.changed();
    }
  }

  #lose(watch: number): void {
    for (const { lost } of this.#watchers.get(watch) ?? []) lost(new Error("the directory is gone"));
  }
}
