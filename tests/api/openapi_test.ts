/** `/openapi.json` describes exactly the routes that exist. */
import { assert, assertEquals } from "@std/assert";
import { createApi } from "../../mod/api/mod.ts";
import { fakeContext } from "./fixture.ts";

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

Deno.test("GET /openapi.json lists every route and no other", async () => {
  const app = createApi(fakeContext());
  const document: Document = await (await app.request("/openapi.json")).json();
  assertEquals(document.openapi, "3.1.0");
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`)
  );
  const mounted = app.routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  assertEquals(described.sort(), [...new Set(mounted)].sort());
});

Deno.test("GET /openapi.json refers only to schemas that it has", async () => {
  const text = await (await createApi(fakeContext()).request("/openapi.json")).text();
  const document: Document = JSON.parse(text);
  const references = [...text.matchAll(/"\$ref": "#\/components\/schemas\/(\w+)"/g)].map((match) =>
    match[1] ?? ""
  );
  assert(references.length > 4);
  for (const name of references) assert(name in document.components.schemas, name);
});
