/**
 * Leaving on demand: `POST /virtual_routers/{name}/handover` moves one virtual router to another node,
 * `POST /maintenance` takes this node out of everything.
 */
import { type Context, Hono } from "hono";
import * as z from "zod";
import type { Snapshot } from "../snapshot.ts";
import { writeGuard } from "./auth.ts";
import { readBody } from "./body.ts";
import type { ApiContext, ApiEnv } from "./context.ts";
import { problem } from "./problem.ts";
import { JSON_HEADERS } from "./status.ts";

/** A week: longer than that is no maintenance but a configuration. */
const LONGEST_MS = 7 * 24 * 3_600_000;

const Handover = z.strictObject({ back: z.boolean().default(false) });
const Maintenance = z.discriminatedUnion("on", [
  z.strictObject({
    on: z.literal(true),
    for_ms: z.int().positive().max(LONGEST_MS).nullable().default(null),
    force: z.boolean().default(false),
  }),
  z.strictObject({ on: z.literal(false) }),
]);

/** Mounted at `/`. */
export function releaseRoutes(context: ApiContext, snapshot: () => Promise<Snapshot>): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const guard = writeGuard(context.token);
  app.post(
    "/virtual_routers/:name/handover",
    guard,
    (c) => handOver(c, c.req.param("name"), context, snapshot),
  );
  app.post("/maintenance", guard, (c) => maintain(c, context, snapshot));
  return app;
}

/** 200 `{name, ok, detail}` once another router serves; a 409 problem when it stays, with the reason. */
async function handOver(
  c: Context<ApiEnv>,
  name: string,
  context: ApiContext,
  snapshot: () => Promise<Snapshot>,
): Promise<Response> {
  const read = await readBody(c, Handover, 'no body, or {"back": true}');
  if ("refusal" in read) return read.refusal;
  const released = await context.handOver(name, read.body.back);
  if (released === null) {
    const known = (await snapshot()).virtual_routers.map((router) => router.name);
    return problem(c, {
      status: 404,
      kind: "unknown-name",
      title: "Unknown name",
      detail: `There is no virtual router "${name}"`,
      extensions: { known },
    });
  }
  if (released.ok) return c.body(JSON.stringify(released) + "\n", 200, JSON_HEADERS);
  return problem(c, {
    status: 409,
    kind: "not-handed-over",
    title: "Not handed over",
    detail: released.detail,
  });
}

/** 200 `{maintenance, virtual_routers}`: until when, and how each ACTIVE virtual router left or why not. */
async function maintain(
  c: Context<ApiEnv>,
  context: ApiContext,
  snapshot: () => Promise<Snapshot>,
): Promise<Response> {
  const read = await readBody(
    c,
    Maintenance,
    '{"on": true, "for_ms": 600000, "force": false} or {"on": false}',
  );
  if ("refusal" in read) return read.refusal;
  const { body } = read;
  const released = body.on
    ? await context.beginMaintenance({ forMs: body.for_ms, force: body.force })
    : (await context.endMaintenance(), []);
  const { maintenance } = (await snapshot()).node;
  return c.body(JSON.stringify({ maintenance, virtual_routers: released }) + "\n", 200, JSON_HEADERS);
}
