/**
 * What operators do with one real server: `POST /virtual_servers/{virtual_server}/real_servers/{real_server}`
 * and then `/drain`, `/undrain` or `/weight`.
 */
import { type Context, Hono } from "hono";
import * as z from "zod";
import type { Snapshot } from "../snapshot.ts";
import { writeGuard } from "./auth.ts";
import { readBody } from "./body.ts";
import type { ApiContext, ApiEnv, RealServerOrder } from "./context.ts";
import { problem } from "./problem.ts";
import { JSON_HEADERS } from "./status.ts";

/** A week: who wants to wait longer gives no limit. */
const LONGEST_MS = 7 * 24 * 3_600_000;
const WEIGHT_MAX = 65_535;

const persist = z.boolean().default(false);
const Drain = z.strictObject({ timeout_ms: z.int().min(0).max(LONGEST_MS).optional(), persist });
const Undrain = z.strictObject({ persist });
const Weight = z.strictObject({ weight: z.int().min(0).max(WEIGHT_MAX).nullable(), persist });

interface Deed<Body> {
  readonly schema: z.ZodType<Body>;
  /** What the body may be, for people. */
  readonly expected: string;
  order(body: Body): RealServerOrder;
  /** What has happened to `VIRTUAL_SERVER/REAL_SERVER`, as the rest of a sentence. */
  told(body: Body): string;
}

const drain: Deed<z.output<typeof Drain>> = {
  schema: Drain,
  expected: 'no body, or {"timeout_ms": 300000, "persist": false}; 0 waits for the last connection',
  order: ({ timeout_ms, persist }) => ({
    type: "drain",
    persist,
    ...(timeout_ms === undefined ? {} : { timeoutMs: timeout_ms }),
  }),
  told: ({ timeout_ms }) =>
    "gets no new connections; it is out when its last one has ended" +
    (timeout_ms ? `, or in ${timeout_ms / 1000} s` : ""),
};

const undrain: Deed<z.output<typeof Undrain>> = {
  schema: Undrain,
  expected: 'no body, or {"persist": true}',
  order: ({ persist }) => ({ type: "undrain", persist }),
  told: () => "gets connections again while its checks pass",
};

const weight: Deed<z.output<typeof Weight>> = {
  schema: Weight,
  expected: `{"weight": 10, "persist": false}: 0..${WEIGHT_MAX}, or null for the configured one`,
  order: ({ weight, persist }) => ({ type: "weight", weight, persist }),
  told: ({ weight }) => weight === null ? "has its own weight again" : `has weight ${weight}`,
};

const BASE = "/virtual_servers/:virtual_server/real_servers/:real_server";

/** Mounted at `/`. */
export function realServerRoutes(context: ApiContext, snapshot: () => Promise<Snapshot>): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const guard = writeGuard(context.token);
  const handler = <Body>(deed: Deed<Body>) => (c: Context<ApiEnv>): Promise<Response> =>
    carryOut(c, deed, context, snapshot);
  app.post(`${BASE}/drain`, guard, handler(drain));
  app.post(`${BASE}/undrain`, guard, handler(undrain));
  app.post(`${BASE}/weight`, guard, handler(weight));
  return app;
}

/** 200 `{name, ok, detail}`; a 404 problem with the `known` names, a 409 one when it cannot be kept. */
async function carryOut<Body>(
  c: Context<ApiEnv>,
  deed: Deed<Body>,
  context: ApiContext,
  snapshot: () => Promise<Snapshot>,
): Promise<Response> {
  const [virtualServer, realServer] = [c.req.param("virtual_server"), c.req.param("real_server")];
  const read = await readBody(c, deed.schema, deed.expected);
  if ("refusal" in read) return read.refusal;
  const result = context.orderRealServer(virtualServer!, realServer!, deed.order(read.body));
  if (result.ok) {
    const name = `${virtualServer}/${realServer}`;
    const note = result.note === undefined ? "" : `; ${result.note}`;
    const answer = { name, ok: true, detail: `${name} ${deed.told(read.body)}${note}` };
    return c.body(JSON.stringify(answer) + "\n", 200, JSON_HEADERS);
  }
  if (result.kind === "failed") {
    return problem(c, { status: 409, kind: "not-kept", title: "Nothing was done", detail: result.message });
  }
  const { virtual_servers } = await snapshot();
  const within = virtual_servers.find(({ name }) => name === virtualServer)?.real_servers ?? virtual_servers;
  return problem(c, {
    status: 404,
    kind: "unknown-name",
    title: "Unknown name",
    detail: result.message,
    extensions: { known: within.map(({ name }) => name) },
  });
}
