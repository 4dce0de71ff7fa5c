/** A vipd.toml in the making: its tables in the order in which they are written, with their comments. */
import type { Place } from "./tree.ts";

export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** One `[table]`, or one `[[table]]` of several. */
export interface DraftTable {
  readonly path: readonly string[];
  /** Where keepalived.conf says it; null: vipd.toml only. */
  readonly from: Place | null;
  readonly isElement: boolean;
  /** Sentences above it. */
  readonly comments: string[];
  readonly entries: Map<string, Entry>;
}

export interface Entry {
  readonly value: Value;
  readonly comment: string;
  /** Where the value comes from: what is wrong with it is told there. */
  readonly at: Place | null;
}

export type Draft = DraftTable[];

/** The table at this path, made if it is not there. */
export function tableAt(draft: Draft, path: readonly string[], from: Place | null = null): DraftTable {
  const key = JSON.stringify(path);
  return draft.find((table) => !table.isElement && JSON.stringify(table.path) === key) ??
    add(draft, path, from, false);
}

/** One more element of an array of tables, such as `[[virtual_server.web.real_server]]`. */
export function addElement(draft: Draft, path: readonly string[], from: Place | null = null): DraftTable {
  return add(draft, path, from, true);
}

function add(draft: Draft, path: readonly string[], from: Place | null, isElement: boolean): DraftTable {
  const table = { path, from, isElement, comments: [], entries: new Map() };
  draft.push(table);
  return table;
}

/** Sets a key; undefined: leaves it out, vipd's default is what is meant. */
export function set(
  table: DraftTable,
  key: string,
  value: Value | undefined,
  { comment = "", at = null }: { comment?: string; at?: Place | null } = {},
): void {
  if (value !== undefined) table.entries.set(key, { value, comment, at });
}
