/** `/status`: the whole snapshot, and one virtual router, sync group, check or virtual server by name. */
import { type Context, Hono } from "hono";
import type { Snapshot } from "../snapshot.ts";
import type { ApiEnv } from "./context.ts";
import { offers } from "./negotiate.ts";
import { problem } from "./problem.ts";
import { perSnapshot } from "./source.ts";

export const JSON_HEADERS = {
  "content-type": "application/json",
  // no-transform: compressing for a poller on the same machine would cost more than it saves.
  "cache-control": "no-store, no-transform",
} as const;

/** Mounted at `/status`. The body is encoded once per snapshot object, whatever the number of clients. */
export function statusRoutes(snapshot: () => Promise<Snapshot>): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  // Kept as text, not bytes: Deno copies a string out faster, and with less garbage, than it does a buffer.
  const whole = perSnapshot((current) => JSON.stringify(current) + "\n");
  const json = offers("application/json");

  app.get("/", json, async (c) => c.body(whole(await snapshot()), 200, JSON_HEADERS));
  app.get("/virtual_routers/:name", json, async (c) => {
    return byName(c, "virtual router", (await snapshot()).virtual_routers, c.req.param("name"));
  });
  app.get("/sync_groups/:name", json, async (c) => {
    return byName(c, "sync group", (await snapshot()).sync_groups, c.req.param("name"));
  });
  app.get("/checks/:name", json, async (c) => {
    return byName(c, "check", (await snapshot()).checks, c.req.param("name"));
  });
  app.get("/virtual_servers/:name", json, async (c) => {
    return byName(c, "virtual server", (await snapshot()).virtual_servers, c.req.param("name"));
  });
  return app;
}

function byName(
  c: Context,
  kind: string,
  items: readonly { readonly name: string }[],
  name: string,
): Response {
  const item = items.find((candidate) => candidate.name === name);
  if (item !== undefined) return c.body(JSON.stringify(item) + "\n", 200, JSON_HEADERS);
  const known = items.map((candidate) => candidate.name);
  return problem(c, {
    status: 404,
    kind: "unknown-name",
    title: `Unknown ${kind}`,
    detail: `There is no ${kind} "${name}"; ${
      known.length === 0 ? "none is configured" : `known: ${known.join(", ")}`
    }`,
    extensions: { known },
  });
}
