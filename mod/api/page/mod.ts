/** `/`: the status page. */
import { Hono } from "hono";
import type { Snapshot } from "../../snapshot.ts";
import type { ApiEnv } from "../context.ts";
import { offers } from "../negotiate.ts";
import { perSnapshot } from "../source.ts";
import { POLICY } from "./assets.ts";
import { renderPage } from "./page.ts";

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** Mounted at `/`. */
export function pageRoutes(snapshot: () => Promise<Snapshot>): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const page = perSnapshot(renderPage);
  app.get("/", offers("text/html"), async (c) => c.body(page(await snapshot()), 200, HEADERS));
  return app;
}
