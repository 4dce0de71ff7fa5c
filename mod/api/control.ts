/** `POST /reload`: the same transactional reload as SIGHUP, with the answer in the response. */
import { Hono } from "hono";
import { formatProblem } from "../errors.ts";
import type { ApiContext, ApiEnv } from "./context.ts";
import { writeGuard } from "./auth.ts";
import { problem } from "./problem.ts";
import { JSON_HEADERS } from "./status.ts";

/**
 * Mounted at `/`. 200 `{ok, summary}`, or a 422 problem with every `problems` entry of the file; nothing
 * changed then.
 */
export function controlRoutes(context: ApiContext): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.post("/reload", writeGuard(context.token), async (c) => {
    const result = await context.reload();
    if (result.ok) return c.body(JSON.stringify(result) + "\n", 200, JSON_HEADERS);
    return problem(c, {
      status: 422,
      kind: "invalid-configuration",
      title: "The configuration was not loaded",
      detail: result.problems.map(formatProblem).join("\n"),
      extensions: { problems: result.problems },
    });
  });
  return app;
}
