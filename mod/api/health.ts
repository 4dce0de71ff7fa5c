/**
 * `/healthz` and `/readyz`: is this process alive, and may others rely on this node?
 * A supervisor restarts on the first; a rolling update waits for the second before it touches the next node.
 */
import { type Context, Hono } from "hono";
import type { Snapshot } from "../snapshot.ts";
import type { ApiEnv } from "./context.ts";
import { offers } from "./negotiate.ts";
import { problem } from "./problem.ts";
import { SnapshotUnavailable } from "./source.ts";
import { JSON_HEADERS } from "./status.ts";

/** Mounted at `/`. Both answer 200 `{"status":"ok"}` or a 503 problem with the list of `reasons`. */
export function healthRoutes(snapshot: () => Promise<Snapshot>): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const json = offers("application/json");
  app.get("/healthz", json, async (c) => answer(c, "unhealthy", await reasonsOf(snapshot, unhealthyReasons)));
  app.get("/readyz", json, async (c) => answer(c, "not-ready", await reasonsOf(snapshot, unreadyReasons)));
  return app;
}

/** Why the process should be restarted; empty when it is fine. A starting engine is alive. */
function unhealthyReasons({ node }: Snapshot): string[] {
  return node.engine === "stalled" || node.engine === "stopped" ? [`the engine is ${node.engine}`] : [];
}

/**
 * Why this node cannot be relied on yet; empty when it is ready: the engine runs and every virtual router
 * serves (ACTIVE) or stands by (BACKUP). FAULT is not ready: taking the other node down now would leave the
 * address nowhere. Nor is a virtual server that its engine does not carry as it should. A lost quorum is
 * another matter: the other node sees the same real servers.
 */
function unreadyReasons(snapshot: Snapshot): string[] {
  const uncarried = snapshot.virtual_servers.filter(({ problem }) => problem !== null);
  const engine = snapshot.node.engine === "running" ? [] : [`the engine is ${snapshot.node.engine}`];
  const unsettled = snapshot.virtual_routers.filter(({ state }) => state !== "ACTIVE" && state !== "BACKUP");
  const silent = snapshot.direct_routing.flatMap(({ name, interface: device, addresses }) =>
    addresses.filter(({ present }) => !present).map(({ address }) =>
      `direct routing ${name}: ${address} is not on ${device}`
    )
  );
  const { maintenance } = snapshot.node;
  const out = maintenance === null ? [] : [
    `maintenance ${maintenance.until === null ? "until it is ended" : `until ${maintenance.until}`}`,
  ];
  return [
    ...out,
    ...engine,
    ...uncarried.map(({ name, problem }) => `virtual server ${name}: ${problem}`),
    ...silent,
    ...unsettled.map(({ name, state, reason }) => `${name} is in ${state}: ${reason}`),
  ];
}

async function reasonsOf(
  snapshot: () => Promise<Snapshot>,
  judge: (snapshot: Snapshot) => string[],
): Promise<string[]> {
  try {
    return judge(await snapshot());
  } catch (error) {
    if (error instanceof SnapshotUnavailable) return [error.message];
    throw error;
  }
}

function answer(c: Context, kind: string, reasons: readonly string[]): Response {
  if (reasons.length === 0) return c.body('{"status":"ok"}\n', 200, JSON_HEADERS);
  return problem(c, {
    status: 503,
    kind,
    title: kind === "not-ready" ? "Not ready" : "Unhealthy",
    detail: reasons.join("; "),
    extensions: { reasons },
  });
}
