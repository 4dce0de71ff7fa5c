/**
 * Reading the snapshot: one question in flight at a time, an end to waiting, and renderings kept per snapshot
 * object.
 */
import type { Snapshot } from "../snapshot.ts";

/** The snapshot could not be had in time; the API answers 503. */
export class SnapshotUnavailable extends Error {
  override readonly name = "SnapshotUnavailable";
}

/**
 * Shares one `read()` among all requests that arrive while it runs.
 * Rejects with `SnapshotUnavailable` when it fails or takes longer than `timeoutMs`.
 */
export function snapshotSource(read: () => Promise<Snapshot>, timeoutMs = 2000): () => Promise<Snapshot> {
  let pending: Promise<Snapshot> | undefined;
  return () => {
    pending ??= withDeadline(read, timeoutMs).finally(() => pending = undefined);
    return pending;
  };
}

/**
 * Remembers what `render` made of a snapshot for as long as that very object lives: polling costs one
 * rendering a change.
 */
export function perSnapshot<T>(render: (snapshot: Snapshot) => T): (snapshot: Snapshot) => T {
  const rendered = new WeakMap<Snapshot, { readonly value: T }>();
  return (snapshot) => {
    let entry = rendered.get(snapshot);
    if (entry === undefined) {
      entry = { value: render(snapshot) };
      rendered.set(snapshot, entry);
    }
    return entry.value;
  };
}

function withDeadline(read: () => Promise<Snapshot>, timeoutMs: number): Promise<Snapshot> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new SnapshotUnavailable(`The engine did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    Promise.resolve().then(read).then(resolve, (cause) => {
      reject(new SnapshotUnavailable(`The engine could not be asked: ${describe(cause)}`, { cause }));
    }).finally(() => clearTimeout(timer));
  });
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
