/**
 * The valid part of a configuration that has problems, so that the cross-checks tell theirs in the same run.
 */
import type { z } from "zod";
import { balanceFields, directRouting } from "./balance.ts";
import type { CheckType } from "./check.ts";
import type { Partially } from "./cross_check.ts";
import type { Following } from "./cross_check_checks.ts";
import type { PartialServer } from "./cross_check_balance.ts";
import { isTable, type Table } from "./document.ts";
import { apiFields } from "./schema.ts";
import { type SyncGroupFields, syncGroupFields } from "./sync_group.ts";
import { type RouterFields, routerFields } from "./virtual_router.ts";
import type { virtualServerFields } from "./virtual_server.ts";

/** Each key is parsed alone; one that does not parse is left out, one that is missing gets its default. */
export function salvage(
  data: unknown,
  checkTypes: readonly CheckType[],
  serverFields: ReturnType<typeof virtualServerFields>,
): Partially {
  const { api, virtual_router, sync_group, check, virtual_server, balance, direct_routing } = isTable(data)
    ? data
    : {};
  return {
    api: fields(apiFields, tableOf(api)),
    virtual_router: tables(virtual_router, (table): Partial<RouterFields> => fields(routerFields, table)),
    sync_group: tables(sync_group, (table): Partial<SyncGroupFields> => fields(syncGroupFields, table)),
    portChecks: checkTypes.filter(({ needsPort }) => needsPort === true).map(({ type }) => type),
    checkNames: Object.keys(tableOf(check)),
    following: following(check, checkTypes),
    routerNames: [...Object.keys(tableOf(virtual_router)), ...Object.keys(tableOf(sync_group))],
    virtual_server: tables(virtual_server, (table): PartialServer => ({
      fields: fields(serverFields, table),
      written: Object.keys(table),
    })),
    balance: fields(balanceFields, tableOf(balance)),
    direct_routing: tables(direct_routing, (table) => fields(directRouting, table)),
  };
}

function following(checks: unknown, types: readonly CheckType[]): Record<string, Following> {
  const found = Object.entries(tableOf(checks)).flatMap(([name, table]): [string, Following][] => {
    const { type, ...options } = tableOf(table);
    const key = types.find((candidate) => candidate.type === type)?.follows;
    const names = key === undefined ? undefined : options[key];
    if (key === undefined || !Array.isArray(names)) return [];
    return [[name, { key, names: names.map((name) => typeof name === "string" ? name : undefined) }]];
  });
  return Object.fromEntries(found);
}

/** The tables of a table of tables. */
function tables<T>(value: unknown, read: (table: Table) => T): Record<string, T> {
  const entries = Object.entries(tableOf(value));
  return Object.fromEntries(
    entries.flatMap(([name, table]): [string, T][] => isTable(table) ? [[name, read(table)]] : []),
  );
}

function tableOf(value: unknown): Table {
  return isTable(value) ? value : {};
}

function fields<Schema extends z.ZodObject>(schema: Schema, table: Table): Partial<z.output<Schema>> {
  const parsed = Object.entries(schema.shape).flatMap(([key, field]) => {
    const value = salvageField(field as z.ZodType, Object.hasOwn(table, key) ? table[key] : undefined);
    return value === undefined ? [] : [[key, value]];
  });
  return Object.fromEntries(parsed) as Partial<z.output<Schema>>;
}

/** Of an array with bad elements the good ones remain, at their index: the others are holes. */
function salvageField(field: z.ZodType, value: unknown): unknown {
  const result = field.safeParse(value);
  if (result.success) return result.data;
  if (!Array.isArray(value)) return undefined;
  const elements: unknown[] = [];
  elements.length = value.length;
  for (const [i, element] of value.entries()) {
    const alone = field.safeParse([element]);
    if (alone.success && Array.isArray(alone.data)) elements[i] = alone.data[0];
  }
  // Without a good one it may be that the key wants no array at all.
  return Object.keys(elements).length === 0 ? undefined : elements;
}
