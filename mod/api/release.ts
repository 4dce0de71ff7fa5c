/**
 * What operators want of virtual routers: `POST /virtual_routers/{name}/handover` moves one to another node,
 * `/prefer` and `/priority` put something in the place of its priority, `POST /maintenance` takes this node
 * out of everything.
 */
import { type Context, Hono } from "hono";
import * as z from "zod";
import type { Snapshot } from "../snapshot.ts";
import { writeGuard } from "./auth.ts";
import { readBody } from "./body.ts";
import type { ApiContext, ApiEnv, OverrideOrder } from "./context.ts";
import { problem } from "./problem.ts";
import { JSON_HEADERS } from "./status.ts";

/** A week: longer than that is no maintenance but a configuration. */
const LONGEST_MS = 7 * 24 * 3_600_000;

const persist = z.boolean().default(false);
const term = { for_ms: z.int().positive().max(LONGEST_MS).nullable().default(null), persist };

const Handover = z.strictObject({ back: z.boolean().default(false), persist });
const Prefer = z.union([
  z.strictObject({ on: z.literal(true).default(true), ...term }),
  z.strictObject({ on: z.literal(false) }),
]);
const Priority = z.union([
  z.strictObject({ priority: z.int().min(1).max(254), ...term }),
  z.strictObject({ priority: z.null() }),
]);
const Maintenance = z.discriminatedUnion("on", [
  z.strictObject({
    on: z.literal(true),
    ...term,
    force: z.boolean().default(false),
  }),
  z.strictObject({ on: z.literal(false) }),
]);

/** Mounted at `/`. */
export function releaseRoutes(context: ApiContext, snapshot: () => Promise<Snapshot>): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const guard = writeGuard(context.token);
  const routes = [
    ["handover", (c, name) => handOver(c, name, context, snapshot)],
    ["prefer", (c, name) => prefer(c, name, context, snapshot)],
    ["priority", (c, name) => setPriority(c, name, context, snapshot)],
  ] satisfies [string, (c: Context<ApiEnv>, name: string) => Promise<Response>][];
  for (const [deed, answer] of routes) {
    app.post(`/virtual_routers/:name/${deed}`, guard, (c) => answer(c, c.req.param("name")!));
  }
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
  const read = await readBody(c, Handover, 'no body, {"back": true} or {"persist": true}');
  if ("refusal" in read) return read.refusal;
  const released = await context.handOver(name, read.body);
  if (released === null) return await unknown(c, name, snapshot);
  if (released.ok) return c.body(JSON.stringify(released) + "\n", 200, JSON_HEADERS);
  return problem(c, {
    status: 409,
    kind: "not-handed-over",
    title: "Not handed over",
    detail: released.detail,
  });
}

/** 200 `{virtual_routers}` with `ok` and `detail` for each; a 409 problem when nothing was done. */
async function prefer(
  c: Context<ApiEnv>,
  name: string,
  context: ApiContext,
  snapshot: () => Promise<Snapshot>,
): Promise<Response> {
  const expected = 'no body, {"for_ms": 600000, "persist": false} or {"on": false}';
  const read = await readBody(c, Prefer, expected);
  if ("refusal" in read) return read.refusal;
  const { body } = read;
  const order: OverrideOrder = body.on
    ? { by: "prefer", forMs: body.for_ms, persist: body.persist }
    : { by: "prefer", end: true };
  return await override(c, name, order, context, snapshot);
}

/** As `prefer`. */
async function setPriority(
  c: Context<ApiEnv>,
  name: string,
  context: ApiContext,
  snapshot: () => Promise<Snapshot>,
): Promise<Response> {
  const expected =
    '{"priority": 120, "for_ms": 600000, "persist": false}: 1..254, or null for the configured one';
  const read = await readBody(c, Priority, expected);
  if ("refusal" in read) return read.refusal;
  const { body } = read;
  const order: OverrideOrder = body.priority === null
    ? { by: "priority", end: true }
    : { by: "priority", priority: body.priority, forMs: body.for_ms, persist: body.persist };
  return await override(c, name, order, context, snapshot);
}

async function override(
  c: Context<ApiEnv>,
  name: string,
  order: OverrideOrder,
  context: ApiContext,
  snapshot: () => Promise<Snapshot>,
): Promise<Response> {
  const result = await context.overrideRouter(name, order);
  if (result === null) return await unknown(c, name, snapshot);
  if (!result.ok) return notDone(c, result.message);
  return c.body(JSON.stringify({ virtual_routers: result.virtual_routers }) + "\n", 200, JSON_HEADERS);
}

/** 200 `{maintenance, virtual_routers}`: until when, and how each ACTIVE virtual router left or why not. */
async function maintain(
  c: Context<ApiEnv>,
  context: ApiContext,
  snapshot: () => Promise<Snapshot>,
): Promise<Response> {
  const expected = '{"on": true, "for_ms": 600000, "force": false, "persist": false} or {"on": false}';
  const read = await readBody(c, Maintenance, expected);
  if ("refusal" in read) return read.refusal;
  const { body } = read;
  const result = body.on
    ? await context.beginMaintenance({ forMs: body.for_ms, force: body.force, persist: body.persist })
    : await context.endMaintenance();
  if (!result.ok) return notDone(c, result.message);
  const { ok: _, ...done } = result;
  const { maintenance } = (await snapshot()).node;
  return c.body(JSON.stringify({ maintenance, ...done }) + "\n", 200, JSON_HEADERS);
}

async function unknown(
  c: Context<ApiEnv>,
  name: string,
  snapshot: () => Promise<Snapshot>,
): Promise<Response> {
  const { virtual_routers, sync_groups } = await snapshot();
  const known = [...virtual_routers, ...sync_groups].map((one) => one.name);
  return problem(c, {
    status: 404,
    kind: "unknown-name",
    title: "Unknown name",
    detail: `There is no virtual router and no sync group "${name}"`,
    extensions: { known },
  });
}

function notDone(c: Context<ApiEnv>, detail: string): Response {
  return problem(c, { status: 409, kind: "not-done", title: "Nothing was done", detail });
}
