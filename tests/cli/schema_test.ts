/** `vipd schema`: JSON Schemas that other programs can use. */
import { assertEquals } from "@std/assert";
import { checkTypes } from "../../checks/mod.ts";
import { schema } from "../../mod/cli/schema.ts";
import { Snapshot } from "../../mod/snapshot.ts";
import { fakeIo } from "./fake_io.ts";

async function printed(...args: string[]): Promise<Record<string, Record<string, unknown>>> {
  const io = fakeIo();
  assertEquals(await schema(args, io), 0);
  return JSON.parse(io.stdout.join("\n"));
}

Deno.test("schema() prints the schema of vipd.toml, with the types of checks told apart by `type`", async () => {
  const { properties, $schema } = await printed();
  assertEquals<unknown>($schema, "https://json-schema.org/draft/2020-12/schema");
  assertEquals(Object.keys(properties ?? {}), [
    ...["include", "node", "api", "log", "notify", "mail", "virtual_router", "sync_group", "check"],
    ...["balance", "haproxy", "virtual_server", "direct_routing"],
  ]);
  const { additionalProperties } = properties?.["check"] as {
    additionalProperties: { oneOf: { properties: { type: { const: string } } }[] };
  };
  const types = additionalProperties.oneOf.map(({ properties }) => properties.type.const);
  assertEquals(types, checkTypes.map(({ type }) => type));
});

Deno.test("schema --status prints the schema of the snapshot", async () => {
  const { properties } = await printed("--status");
  assertEquals(Object.keys(properties ?? {}), Object.keys(Snapshot.shape));
});
