/**
 * What is derived from the schema and what describes it: JSON Schema, reference, sample file, the check
 * registry.
 */
import { assertEquals } from "@std/assert";
import { checkTypes } from "../../checks/mod.ts";
import { COMMON_KEYS } from "../../mod/config/check.ts";
import { configJsonSchema, type JsonSchema } from "../../mod/config/json_schema.ts";
import { loadWithWarnings } from "../../mod/config/load.ts";
import { inMemory } from "./fixture.ts";
import { DOCUMENT, SERVERS, withEngines, withReference } from "./reference.ts";

const SAMPLE = new URL("../../docs/vipd.sample.toml", import.meta.url).pathname;

Deno.test("docs/configuration.md shows the schema as it is (deno run -A tests/config/reference.ts)", () => {
  const document = Deno.readTextFileSync(DOCUMENT);
  assertEquals(withReference(document), document);
});

Deno.test("docs/virtual_servers.md shows what engines can do (deno run -A tests/config/reference.ts)", () => {
  const document = Deno.readTextFileSync(SERVERS);
  assertEquals(withEngines(document), document);
});

Deno.test("docs/configuration.md: its complete examples are valid", async () => {
  const [, example = ""] = /```toml\n([\s\S]*?)```/.exec(Deno.readTextFileSync(DOCUMENT)) ?? [];
  const { checkTypes: _, ...options } = inMemory({ "vipd.toml": example });
  const { config, warnings } = await loadWithWarnings("vipd.toml", options);
  assertEquals([Object.keys(config.virtual_router), Object.keys(config.check), warnings], [
    ["web"],
    ["nginx"],
    [],
  ]);
});

Deno.test("docs/vipd.sample.toml is valid as it is", async () => {
  const { config, warnings } = await loadWithWarnings(SAMPLE);
  assertEquals(config.virtual_router, {});
  assertEquals(warnings.map(({ message }) => message), [
    "there is no virtual router: vipd would keep no address",
  ]);
});

Deno.test("docs/vipd.sample.toml is valid with its comment signs removed", async () => {
  const text = Deno.readTextFileSync(SAMPLE).split("\n")
    .map((line) => line.replace(/^# (?=\[|[a-z_]+ = )/, ""))
    .filter((line) => !/^(version|password|unicast_\w+) = /.test(line)).join("\n");
  const { checkTypes: _, ...options } = inMemory({ "vipd.toml": text });
  const { config } = await loadWithWarnings("vipd.toml", options);
  assertEquals([Object.keys(config.virtual_router), Object.keys(config.check)], [["web"], ["nginx", "home"]]);
  assertEquals(config.virtual_server["shop"]?.real_server.map(({ weight }) => weight), [1, 3]);
});

Deno.test("checks: no option is called like a key that every check has", () => {
  for (const { type, options } of checkTypes) {
    assertEquals(Object.keys(options.shape).filter((key) => COMMON_KEYS.includes(key)), [], type);
  }
});

Deno.test("configJsonSchema() describes every key and closes every table", () => {
  const undescribed: string[] = [];
  const open: string[] = [];
  visit(configJsonSchema(checkTypes), "", (schema, path) => {
    if (schema.properties === undefined) return;
    if (schema.additionalProperties !== false) open.push(path);
    for (const [key, field] of Object.entries(schema.properties)) {
      if (field.description === undefined) undescribed.push(`${path}.${key}`);
    }
  });
  assertEquals([undescribed, open], [[], []]);
});

Deno.test("configJsonSchema() gives a default as it is written in the file", () => {
  const { properties } = configJsonSchema(checkTypes);
  const router = properties?.["virtual_router"]?.additionalProperties;
  if (typeof router !== "object") throw new Error("virtual routers have no schema");
  assertEquals(router.properties?.["advertisement_interval"]?.default, "1s");
  assertEquals(router.properties?.["lease"]?.default, "auto");
  assertEquals(router.required, ["interface", "vrid"]);
});

function visit(schema: JsonSchema, path: string, see: (schema: JsonSchema, path: string) => void): void {
  see(schema, path);
  for (const [key, field] of Object.entries(schema.properties ?? {})) visit(field, `${path}.${key}`, see);
  for (const branch of [...schema.anyOf ?? [], ...schema.oneOf ?? []]) visit(branch, path, see);
  if (schema.items !== undefined) visit(schema.items, `${path}[]`, see);
  if (typeof schema.additionalProperties === "object") visit(schema.additionalProperties, `${path}.*`, see);
}
