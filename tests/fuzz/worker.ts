/** One worker of `deno task fuzz`: runs its share of the cases, and says which one it is at. */
/// <reference lib="deno.worker" />

import { TARGETS } from "./targets.ts";
import { run, shrink, type Slice } from "./target.ts";

declare const self: DedicatedWorkerGlobalScope;

/**
 * What a worker is told to do. `at[0]` is the case that it runs: one which never ends can be named. `at[1]`
 * other than 0 tells it to stop.
 */
export interface Order {
  readonly kind: string;
  readonly slice: Slice;
  readonly at: Int32Array;
}

/** What a worker has done. */
export interface Done {
  readonly cases: number;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly slowestMs: number;
  readonly find: { readonly index: number; readonly message: string; readonly row: readonly string[] } | null;
}

async function obey({ kind, slice, at }: Order): Promise<Done> {
  const target = TARGETS[kind];
  if (target === undefined) throw new Error(`no target ${kind}`);
  const { find, ...ran } = await run(target, slice, (index) => {
    Atomics.store(at, 0, index);
    return Atomics.load(at, 1) === 0;
  });
  const row = find === null ? [] : target.toRow(await shrink(target, find.input));
  await target.close?.();
  return find === null
    ? { ...ran, find }
    : { ...ran, find: { index: find.index, message: find.message, row } };
}

self.onmessage = async ({ data }: MessageEvent<Order>): Promise<void> => {
  self.postMessage(await obey(data));
};
