/** HTTP requests of chance: what clients, browsers, scanners and attackers send to a status API. */
import type { Connection } from "../../mod/api/mod.ts";
import type { Random } from "../sim/random.ts";

export interface RequestCase {
  /** Which API of `api.ts` is asked. */
  readonly node: string;
  /** Of `LISTENERS`. */
  readonly listener: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export const TOKEN = "tr0ub4dor:and/3+more";

const client = (): string => "192.0.2.77:4711";

export const LISTENERS: Readonly<Record<string, Omit<Connection, "stopping">>> = {
  loopback: { transport: "tcp", loopback: true, client },
  public: { transport: "tcp", loopback: false, client },
  unix: { transport: "unix", loopback: true, client },
};

const METHODS = [
  "GET",
  "GET",
  "GET",
  "GET",
  "POST",
  "POST",
  "HEAD",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "get",
  "BREW",
];

const PATHS = [
  "/",
  "/status",
  "/status/virtual_routers/VI_1",
  "/status/virtual_routers/nobody",
  "/status/checks/nginx",
  "/status/virtual_servers/web",
  "/virtual_servers/web/real_servers/rs2/drain",
  "/virtual_routers/VI_1/prefer",
  "/virtual_routers/__proto__/priority",
  "/virtual_servers/web/real_servers/192.168.121.21:80/weight",
  "/virtual_servers/%2e%2e/real_servers/__proto__/undrain",
  "/healthz",
  "/readyz",
  "/metrics",
  "/openapi.json",
  "/reload",
  "/reload",
  "/status/",
  "//status",
  "/favicon.ico",
  "/status/virtual_routers/__proto__",
  "/status/checks/constructor",
  "/../etc/passwd",
  "/healthz/../status",
  "/%2e%2e/status",
  "/status%2fchecks%2fnginx",
  "/heal%74hz",
  "/*",
  "/:name",
];

/** Rarely, because each fills every place there is. */
const EVENTS = "/events";

/** What is put into a path, a query or a header. */
const PIECES = [
  "%",
  "%0",
  "%00",
  "%0d%0aX:%20y",
  "%2f",
  "%c3%28",
  "%ff",
  "%u0041",
  "..",
  "/",
  "//",
  "?",
  "?a=b&a=c",
  "#",
  ";",
  "\\",
  "*",
  "{x}",
  "<script>",
  "\u{1f40c}",
  "\u0000",
  "'\"",
  " ",
  "a".repeat(3_000),
];

const AUTHORIZATIONS = [
  `Bearer ${TOKEN}`,
  `bearer  ${TOKEN}`,
  `Bearer ${TOKEN} `,
  `Bearer ${TOKEN}x`,
  `Bearer x${TOKEN}`,
  `Bearer ${TOKEN.slice(0, -1)}`,
  `Bearer ${TOKEN.toUpperCase()}`,
  "Bearer ",
  "Bearer null",
  `Token ${TOKEN}`,
  TOKEN,
  `Basic ${btoa(`:${TOKEN}`)}`,
  `Basic ${btoa(`admin:${TOKEN}`)}`,
  `Basic ${btoa(TOKEN)}`,
  `Basic ${btoa(`admin:x${TOKEN}`)}`,
  `Basic ${btoa("admin:")}`,
  "Basic ====",
  "Basic ab=c",
  "Basic \u00ff\u00fe",
  `Basic ${"A".repeat(100_000)}`,
];

const HEADERS: readonly (readonly [name: string, values: readonly string[]])[] = [
  ["authorization", AUTHORIZATIONS],
  ["authorization", AUTHORIZATIONS],
  ["host", [
    "localhost",
    "127.0.0.1:8112",
    "[::1]:8112",
    "evil.example",
    "",
    "a".repeat(1_000),
    "localhost:x",
    "[::1",
  ]],
  ["origin", [
    "http://localhost",
    "null",
    "http://evil.example",
    "",
    "http://",
    "http://localhost:99999",
    "http://[::1]",
  ]],
  ["accept", [
    "*/*",
    "application/json",
    "text/html",
    "text/*;q=0.1",
    "application/json;q=0",
    "*/*;q=0, text/plain",
    "text/event-stream",
    ",,,;;;===",
    'text/html;a="\\',
    "application/json;q=1e999",
    "text/html, ".repeat(2_000),
    ";".repeat(10_000),
  ]],
  ["last-event-id", ["", "x", "-", "abc-1", "abc-NaN", "-1-1-1", "9".repeat(400)]],
  ["content-type", ["application/json", "multipart/form-data; boundary=x", "\u00ff"]],
  ["x-http-method-override", ["POST"]],
  ["x-forwarded-for", ["127.0.0.1"]],
  ["x-forwarded-host", ["localhost"]],
  ["cookie", ["a=b; ".repeat(500)]],
  ["range", ["bytes=0-0", "bytes=-1"]],
  ["if-none-match", ["*"]],
  ["upgrade", ["websocket"]],
  ["expect", ["100-continue"]],
];

export function request(random: Random, nodes: readonly string[]): RequestCase {
  const method = random.pick(METHODS);
  const count = random.pick([0, 0, 1, 1, 2, 3]);
  const headers = Array.from({ length: count }, (): readonly [string, string] => {
    const [name, values] = random.pick(HEADERS);
    return [name, spoilt(random, random.pick(values), 0.1)];
  });
  const path = random.chance(0.005) ? EVENTS : random.pick(PATHS);
  return {
    node: random.pick(nodes),
    listener: random.pick(Object.keys(LISTENERS)),
    method,
    path: spoilt(random, path, 0.3),
    headers,
    body: method === "GET" || method === "HEAD" || random.chance(0.7)
      ? ""
      : random.pick(["{}", "null", '{"weight":3}', '{"timeout_ms":-1}', "x".repeat(9_999)]),
  };
}

function spoilt(random: Random, text: string, probability: number): string {
  if (!random.chance(probability)) return text;
  const at = random.integer(1, text.length);
  return text.slice(0, at) + random.pick(PIECES) + text.slice(at + random.integer(0, 2));
}
