/** What a reload changes: names by table, for the log and the answer to whoever asked. PURE. */
import { fingerprint } from "../fingerprint.ts";
import type { Config } from "./schema.ts";

export interface TableChange {
  readonly table: (typeof TABLES)[number];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface Changes {
  readonly tables: readonly TableChange[];
  /** Settings that only the next start takes up. */
  readonly atNextStart: readonly string[];
}

const TABLES = [
  "virtual_router",
  "sync_group",
  "check",
  "virtual_server",
  "direct_routing",
  "balance",
  "haproxy",
  "notify",
  "mail",
] as const;
/** Every answer tells of these, of the others one that changes something. */
const ALWAYS: readonly string[] = ["virtual_router", "check"];
/** Settings that are bound to what was opened at the start. */
const FIXED = {
  "api.listen": ({ api }: Config): unknown => api.listen,
  "api.exporter_names": ({ api }: Config): unknown => api.exporter_names,
  "node.realtime": ({ node }: Config): unknown => node.realtime,
  "node.state_file": ({ node }: Config): unknown => node.state_file,
  "log": ({ log }: Config): unknown => log,
} as const;

export function changesOf(before: Config, after: Config): Changes {
  return {
    tables: TABLES.map((table) => tableChange(table, { ...before[table] }, { ...after[table] }))
      .filter((change) => ALWAYS.includes(change.table) || !isEmpty(change)),
    atNextStart: Object.entries(FIXED).filter(([, read]) => !isEqual(read(before), read(after))).map((
      [name],
    ) => name),
  };
}

/**
 * Why a reload must not go from `before` to `after`; null when it may. A file without any virtual router is
 * far more often one that was cut short while it was written than a wish to stop serving, for which there is
 * a command.
 */
export function refusal(before: Config, after: Config): string | null {
  const [had, has] = [before, after].map(({ virtual_router }) => Object.keys(virtual_router).length);
  if (had === 0 || has !== 0) return null;
  return "expected at least one virtual router, got none (to stop serving, stop vipd)";
}

/** `virtual_router: 1 added (VI_2), 1 changed (VI_1); check: unchanged` */
export function summaryOf({ tables, atNextStart }: Changes): string {
  const lines = tables.map((change) => `${change.table}: ${describe(change)}`);
  if (atNextStart.length > 0) lines.push(`at the next start: ${atNextStart.join(", ")}`);
  return lines.join("; ");
}

/** Names beyond these are only counted: the line is for people. */
const MAX_NAMES = 8;

function describe({ added, removed, changed }: TableChange): string {
  const parts = Object.entries({ added, removed, changed })
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${names.length} ${what} (${list(names)})`);
  return parts.length === 0 ? "unchanged" : parts.join(", ");
}

function list(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return names.slice(0, MAX_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

type Table = Readonly<Partial<Record<string, unknown>>>;

function tableChange(table: TableChange["table"], before: Table, after: Table): TableChange {
  const names = Object.keys(after);
  return {
    table,
    added: names.filter((name) => !(name in before)),
    removed: Object.keys(before).filter((name) => !(name in after)),
    changed: names.filter((name) => name in before && !isEqual(before[name], after[name])),
  };
}

function isEmpty({ added, removed, changed }: TableChange): boolean {
  return added.length + removed.length + changed.length === 0;
}

function isEqual(a: unknown, b: unknown): boolean {
  return fingerprint(a) === fingerprint(b);
}
