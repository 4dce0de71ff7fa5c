/** The JSON Schema of vipd.toml, for editors (taplo, VS Code) and for the reference in docs/. */
import * as z from "zod";
import type { CheckType } from "./check.ts";
import { configSchema } from "./schema.ts";

/** A JSON Schema (2020-12) as far as it is read here; other keywords pass through. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly [keyword: string]: unknown;
}

/**
 * What a file may contain: the input side, with descriptions and defaults; checks are told apart by `type`.
 */
export function configJsonSchema(checkTypes: readonly CheckType[]): JsonSchema {
  const schema = z.toJSONSchema(configSchema(checkTypes, ""), {
    io: "input",
    // A union of transforms (a regular expression, an address) is described by what goes in; there is nothing
    // else to say.
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      // zod bounds every whole number by what a double holds exactly, which helps no reader.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      // A format of zod's own; the pattern beside it says the same.
      if (jsonSchema.format === "starts_with") delete jsonSchema.format;
    },
  });
  return { title: "vipd.toml", description: "Configuration of vipd", ...schema } as JsonSchema;
}
