/**
 * The valid part of a configuration that has problems, so that the cross-checks tell theirs in the same run.
 */
import type { z } from "zod";
import type { Partially } from "./cross_check.ts";
import { isTable, type Table } from "./document.ts";
import { apiFields } from "./schema.ts";
import { type RouterFields, routerFields } from "./virtual_router.ts";

/** Each key is parsed alone; one that does not parse is left out, one that is missing gets its default. */
export function salvage(data: unknown): Partially {
  const { api, virtual_router, check } = isTable(data) ? data : {};
  const routers = Object.entries(tableOf(virtual_router)).filter(([, router]) => isTable(router));
  return {
    api: fields(apiFields, tableOf(api)),
    virtual_router: Object.fromEntries(
      routers.map((
        [name, router],
      ): [string, Partial<RouterFields>] => [name, fields(routerFields, tableOf(router))]),
    ),
    checkNames: Object.keys(tableOf(check)),
  };
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
  for (const [i, element] of value.entries()) {
    const alone = field.safeParse([element]);
    if (alone.success && Array.isArray(alone.data)) elements[i] = alone.data[0];
  }
  return elements;
}
