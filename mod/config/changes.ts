/** What a reload changes: names by table, for the log and the answer to whoever asked. PURE. */
import type { Config } from "./schema.ts";

export interface TableChange {
  readonly table: "virtual_router" | "check";
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface Changes {
  readonly tables: readonly TableChange[];
  /** Settings that only the next start takes up. */
  readonly atNextStart: readonly string[];
}

const TABLES = ["virtual_router", "check"] as const;
/** Settings that are bound to what was opened at the start. */
const FIXED = {
  "api.listen": ({ api }: Config): unknown => api.listen,
  "api.exporter_names": ({ api }: Config): unknown => api.exporter_names,
  "node.realtime": ({ node }: Config): unknown => node.realtime,
  "log": ({ log }: Config): unknown => log,
} as const;

export function changesOf(before: Config, after: Config): Changes {
  return {
    tables: TABLES.map((table) => tableChange(table, before[table], after[table])),
    atNextStart: Object.entries(FIXED).filter(([, read]) => !isEqual(read(before), read(after))).map((
      [name],
    ) => name),
  };
}

/** `virtual_router: 1 added (VI_2), 1 changed (VI_1); check: unchanged` */
export function summaryOf({ tables, atNextStart }: Changes): string {
  const lines = tables.map((change) => `${change.table}: ${describe(change)}`);
  if (atNextStart.length > 0) lines.push(`at the next start: ${atNextStart.join(", ")}`);
  return lines.join("; ");
}

function describe({ added, removed, changed }: TableChange): string {
  const parts = Object.entries({ added, removed, changed })
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${names.length} ${what} (${names.join(", ")})`);
  return parts.length === 0 ? "unchanged" : parts.join(", ");
}

type Table = Readonly<Record<string, unknown>>;

function tableChange(table: TableChange["table"], before: Table, after: Table): TableChange {
  const names = Object.keys(after);
  return {
    table,
    added: names.filter((name) => !(name in before)),
    removed: Object.keys(before).filter((name) => !(name in after)),
    changed: names.filter((name) => name in before && !isEqual(before[name], after[name])),
  };
}

/** Configurations are plain values but for the regular expressions of checks, which JSON would lose. */
function isEqual(a: unknown, b: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) => inner instanceof RegExp ? String(inner) : inner);
  return text(a) === text(b);
}
