/**
 * The HTTP API: mounts one Hono app a resource over the snapshot, behind the guards that all of them share.
 */
import { Hono, type MiddlewareHandler } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { createRateLimit, logger } from "../log.ts";
import { hostGuard, readGuard } from "./auth.ts";
import { type ApiContext, type ApiEnv, connectionOf } from "./context.ts";
import { controlRoutes } from "./control.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { metricsRoutes } from "./metrics.ts";
import { openapiRoutes } from "./openapi.ts";
import { pageRoutes } from "./page/mod.ts";
import { problem } from "./problem.ts";
import { realServerRoutes } from "./real_servers.ts";
import { releaseRoutes } from "./release.ts";
import { snapshotSource, SnapshotUnavailable } from "./source.ts";
import { statusRoutes } from "./status.ts";

export type { ApiContext, ApiEnv, Connection, ReloadResult, UpgradeResult } from "./context.ts";
export { type ApiServer, type Listen, serveApi } from "./server.ts";

/** The whole API over one context; `app.request("/status")` answers without any port. */
export function createApi(context: ApiContext): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const snapshot = snapshotSource(() => context.snapshot());

  app.use(refusalLog());
  app.use(methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) =>
      problem(c, {
        status: 405,
        kind: "method-not-allowed",
        title: "Method not allowed",
        detail: `${c.req.method} is not possible here; allowed: ${methods.join(", ")}`,
        headers: { allow: methods.join(", ") },
      }),
  }));
  app.use(hostGuard());
  app.use(readGuard(context.token));

  app.route("/", pageRoutes(snapshot));
  app.route("/", healthRoutes(snapshot));
  app.route("/", controlRoutes(context));
  app.route("/", releaseRoutes(context, snapshot));
  app.route("/", realServerRoutes(context, snapshot));
  app.route("/status", statusRoutes(snapshot));
  app.route("/metrics", metricsRoutes(snapshot, context.exporterNames));
  app.route("/events", eventRoutes(context.subscribe));
  app.route("/openapi.json", openapiRoutes());

  app.notFound((c) =>
    problem(c, {
      status: 404,
      kind: "not-found",
      title: "Not found",
      detail: `There is nothing at ${c.req.path}; see /openapi.json`,
    })
  );
  app.onError((error, c) => {
    if (error instanceof SnapshotUnavailable) {
      return problem(c, { status: 503, kind: "unavailable", title: "Unavailable", detail: error.message });
    }
    logger("api").error("request_failed {method} {path}", { method: c.req.method, path: c.req.path, error });
    return problem(c, {
      status: 500,
      kind: "internal-error",
      title: "Internal error",
      detail: "The request failed here; the log says why",
    });
  });
  return app;
}

/** What an attacker, or a forgotten token, is answered; each is worth a line every ten seconds. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 421]);
const REFUSAL_LOG_MS = 10_000;

function refusalLog(): MiddlewareHandler<ApiEnv> {
  const limit = createRateLimit(REFUSAL_LOG_MS, Date.now);
  return async (c, next) => {
    await next();
    const { status } = c.res;
    if (!REFUSALS.has(status)) return;
    const { allowed, suppressed } = limit.take(`${status} ${c.req.path}`);
    if (!allowed) return;
    const fields = {
      method: c.req.method,
      path: c.req.path,
      status,
      client: connectionOf(c).client(),
      suppressed,
    };
    logger("api").warn("request_refused {method} {path}", fields);
  };
}
