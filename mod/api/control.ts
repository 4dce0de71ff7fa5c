/** What changes a running daemon: `POST /reload` as SIGHUP does, `POST /upgrade` as SIGUSR2. */
import { type Context, Hono } from "hono";
import * as z from "zod";
import { formatProblem } from "../errors.ts";
import { type ApiContext, type ApiEnv, connectionOf } from "./context.ts";
import { writeGuard } from "./auth.ts";
import { readBody } from "./body.ts";
import { problem } from "./problem.ts";
import { JSON_HEADERS } from "./status.ts";

const UpgradeRequest = z.strictObject({ binary: z.string().min(1).optional() });

/** Mounted at `/`. */
export function controlRoutes(context: ApiContext): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const guard = writeGuard(context.token);
  app.post("/reload", guard, (c) => reload(c, context));
  app.post("/upgrade", guard, (c) => upgrade(c, context));
  return app;
}

/**
 * 200 `{ok, summary}`, or a 422 problem with every `problems` entry of the file; nothing changed then.
 */
async function reload(c: Context<ApiEnv>, context: ApiContext): Promise<Response> {
  const result = await context.reload();
  if (result.ok) return c.body(JSON.stringify(result) + "\n", 200, JSON_HEADERS);
  return problem(c, {
    status: 422,
    kind: "invalid-configuration",
    title: "The configuration was not loaded",
    detail: result.problems.map(formatProblem).join("\n"),
    extensions: { problems: result.problems },
  });
}

/** 202 `{ok, from, to, program}`: the new program answers soon; or a 409 problem, and nothing changed. */
async function upgrade(c: Context<ApiEnv>, context: ApiContext): Promise<Response> {
  const read = await readBody(c, UpgradeRequest, 'no body, or {"binary": "/path/of/vipd"}');
  if ("refusal" in read) return read.refusal;
  const { binary } = read.body;
  // A token lets its holder steer this daemon, not choose what runs as its user.
  if (binary !== undefined && connectionOf(c).transport !== "unix") {
    return problem(c, {
      status: 403,
      kind: "program-over-tcp",
      title: "No program may be named over TCP",
      detail: "Over TCP only the program at its own place can take over; use the unix socket to name another",
    });
  }
  const result = await context.upgrade(binary);
  if (result.ok) return c.body(JSON.stringify(result) + "\n", 202, JSON_HEADERS);
  return problem(c, {
    status: 409,
    kind: "upgrade-refused",
    title: "Nothing was upgraded",
    detail: result.problem,
  });
}
