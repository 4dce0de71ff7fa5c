/** `/openapi.json`: the API described (OpenAPI 3.1), its schemas derived from the read model. */
import { Hono } from "hono";
import * as z from "zod";
import {
  CheckStatus,
  Snapshot,
  SyncGroupStatus,
  Transition,
  VirtualRouterStatus,
  VirtualServerStatus,
} from "../snapshot.ts";
import { VERSION } from "../version.ts";
import type { ApiEnv } from "./context.ts";
import { offers } from "./negotiate.ts";
import { PROBLEM_JSON } from "./problem.ts";
import { JSON_HEADERS } from "./status.ts";

const SCHEMAS = {
  Snapshot,
  VirtualRouterStatus,
  SyncGroupStatus,
  CheckStatus,
  VirtualServerStatus,
  Transition,
} as const;

interface Operation {
  readonly method: "get" | "post";
  readonly path: string;
  readonly summary: string;
  readonly type: string;
  /** A schema of the answer's body; none for text. */
  readonly schema?: keyof typeof SCHEMAS;
  /** Problem answers beyond those that every route can give (401, 404, 405, 406, 421, 500, 503). */
  readonly problems?: readonly number[];
}

const JSON_TYPE = "application/json";

const OPERATIONS: readonly Operation[] = [
  { method: "get", path: "/", summary: "Status page", type: "text/html" },
  {
    method: "get",
    path: "/status",
    summary: "Everything known of this node",
    type: JSON_TYPE,
    schema: "Snapshot",
  },
  {
    method: "get",
    path: "/status/virtual_routers/{name}",
    summary: "One virtual router",
    type: JSON_TYPE,
    schema: "VirtualRouterStatus",
    problems: [404],
  },
  {
    method: "get",
    path: "/status/sync_groups/{name}",
    summary: "One sync group",
    type: JSON_TYPE,
    schema: "SyncGroupStatus",
    problems: [404],
  },
  {
    method: "get",
    path: "/status/checks/{name}",
    summary: "One check",
    type: JSON_TYPE,
    schema: "CheckStatus",
    problems: [404],
  },
  {
    method: "get",
    path: "/status/virtual_servers/{name}",
    summary: "One virtual server with its real servers",
    type: JSON_TYPE,
    schema: "VirtualServerStatus",
    problems: [404],
  },
  {
    method: "get",
    path: "/healthz",
    summary: "Whether the process is alive",
    type: JSON_TYPE,
    problems: [503],
  },
  {
    method: "get",
    path: "/readyz",
    summary: "Whether the node can be relied on",
    type: JSON_TYPE,
    problems: [503],
  },
  { method: "get", path: "/metrics", summary: "Prometheus exposition", type: "text/plain" },
  {
    method: "get",
    path: "/events",
    summary: "Transitions as they happen; the data of each message is a Transition",
    type: "text/event-stream",
    schema: "Transition",
    problems: [503],
  },
  {
    method: "post",
    path: "/reload",
    summary: "Reload the configuration",
    type: JSON_TYPE,
    problems: [401, 403, 422],
  },
  {
    method: "post",
    path: "/upgrade",
    summary: "Replace the running program by another, without a failover; 202: it is about to happen",
    type: JSON_TYPE,
    problems: [400, 401, 403, 409],
  },
  {
    method: "post",
    path: "/virtual_routers/{name}/handover",
    summary: "Move a virtual router to another node; it does not come back by itself",
    type: JSON_TYPE,
    problems: [400, 401, 403, 404, 409],
  },
  ...[
    ["prefer", "Make a virtual router the ACTIVE one while it is healthy, for a time, or no longer"],
    ["priority", "Give a virtual router another base priority, for a time, or the configured one again"],
  ].map(([deed, summary]): Operation => ({
    method: "post",
    path: `/virtual_routers/{name}/${deed}`,
    summary: summary!,
    type: JSON_TYPE,
    problems: [400, 401, 403, 404, 409],
  })),
  {
    method: "post",
    path: "/maintenance",
    summary: "Take this node out of everything, or let it take part again",
    type: JSON_TYPE,
    problems: [400, 401, 403, 409],
  },
  ...[
    ["drain", "Give a real server no new connections, and take it out when it has none any more"],
    ["undrain", "Let a drained real server serve again"],
    ["weight", "Give a real server another weight than the configured one, or that one again"],
  ].map(([deed, summary]): Operation => ({
    method: "post",
    path: `/virtual_servers/{virtual_server}/real_servers/{real_server}/${deed}`,
    summary: summary!,
    type: JSON_TYPE,
    problems: [400, 401, 403, 404, 409],
  })),
  { method: "get", path: "/openapi.json", summary: "This document", type: JSON_TYPE },
];

/** Mounted at `/openapi.json`. */
export function openapiRoutes(): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  let body: string | undefined;
  app.get("/", offers(JSON_TYPE), (c) => {
    body ??= JSON.stringify(openapiDocument(), null, 2) + "\n";
    return c.body(body, 200, JSON_HEADERS);
  });
  return app;
}

/** The OpenAPI document as a value. */
function openapiDocument(): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "vipd", version: VERSION, description: "Status and control of one vipd node." },
    paths,
    components: {
      schemas: { ...schemas(), Problem: PROBLEM },
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

/** RFC 9457. */
const PROBLEM = {
  type: "object",
  required: ["type", "title", "status", "detail"],
  properties: {
    type: { type: "string", format: "uri" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    instance: { type: "string" },
  },
} as const;

function schemas(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(SCHEMAS).map(([name, schema]) => {
      const { $schema: _dialect, ...rest } = z.toJSONSchema(schema);
      return [name, rest];
    }),
  );
}

function describe(
  { method, path, summary, type, schema, problems = [] }: Operation,
): Record<string, unknown> {
  const ref = schema === undefined ? {} : { schema: { $ref: `#/components/schemas/${schema}` } };
  const problem = { [PROBLEM_JSON]: { schema: { $ref: "#/components/schemas/Problem" } } };
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  const parameters = names.length === 0 ? {} : {
    parameters: names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
  };
  return {
    summary,
    ...parameters,
    ...(method === "post" ? { security: [{ token: [] }] } : {}),
    responses: {
      "200": { description: "OK", content: { [type]: ref } },
      ...Object.fromEntries(problems.map((status) => [status, { description: "Problem", content: problem }])),
      default: { description: "Problem", content: problem },
    },
  };
}
