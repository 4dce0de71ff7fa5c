/**
 * Who may ask for what. Over loopback reads are open and a POST needs the bearer token; beyond loopback reads
 * need it too, save the two probes; over the unix socket the file mode is the lock. Names in `Host` and
 * `Origin` are checked because a browser on this machine can be led here by a foreign page (DNS rebinding,
 * cross-site requests).
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { type ApiEnv, connectionOf } from "./context.ts";
import { problem } from "./problem.ts";

/** Open to everybody on every listener: probes carry no credentials and the answers no secrets. */
const PROBES: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/**
 * localhost, *.localhost or a literal address, with or without a port: what no foreign DNS can make point at
 * us.
 */
const LOCAL_HOST =
  /^(?:(?:[a-z0-9-]+\.)*localhost\.?|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

const BEARER = 'Bearer realm="vipd"';
/**
 * Browsers cannot send a bearer token by themselves; for reading the page, any user name with the token as
 * password will do.
 */
const BEARER_OR_BASIC = `${BEARER}, Basic realm="vipd", charset="UTF-8"`;

/** Refuses a foreign name in `Host` on loopback listeners. A request without one comes from no browser. */
export function hostGuard(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { transport, loopback } = connectionOf(c);
    const host = c.req.header("host");
    if (transport === "unix" || !loopback || host === undefined || LOCAL_HOST.test(host)) return await next();
    return problem(c, {
      status: 421,
      kind: "foreign-host",
      title: "Host not served here",
      detail:
        `Host is "${host}"; this listener is for this machine only and answers to localhost or a literal address`,
    });
  };
}

/** Asks for the token on listeners that are reachable from other machines. */
export function readGuard(token: () => string | null): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { transport, loopback } = connectionOf(c);
    if (transport === "unix" || loopback || PROBES.has(c.req.path)) return await next();
    const header = c.req.header("authorization");
    if (matches(bearerOf(header) ?? basicPasswordOf(header), token())) return await next();
    return unauthorized(
      c,
      BEARER_OR_BASIC,
      "Beyond loopback the API needs the bearer token of api.token_file",
    );
  };
}

/** Guards what changes something: same-origin only, and the bearer token over TCP. */
export function writeGuard(token: () => string | null): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (isCrossSite(c)) return crossSite(c);
    if (connectionOf(c).transport === "unix") return await next();
    const expected = token();
    if (expected === null) {
      return problem(c, {
        status: 403,
        kind: "writes-over-tcp-disabled",
        title: "Writing over TCP is disabled",
        detail: "No api.token_file is configured; use the unix socket, or set a token",
      });
    }
    // Basic credentials are sent by a browser on its own, so they may read but never change anything.
    if (matches(bearerOf(c.req.header("authorization")), expected)) return await next();
    return unauthorized(c, BEARER, "This request needs the bearer token of api.token_file");
  };
}

function isCrossSite(c: Context): boolean {
  const origin = c.req.header("origin");
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== c.req.header("host");
}

function crossSite(c: Context): Response {
  return problem(c, {
    status: 403,
    kind: "cross-site",
    title: "Cross-site request refused",
    detail: `Origin is "${
      c.req.header("origin")
    }"; requests that change something must come from this API's own page`,
  });
}

function unauthorized(c: Context, challenge: string, detail: string): Response {
  return problem(c, {
    status: 401,
    kind: "unauthorized",
    title: "Token missing or wrong",
    detail,
    headers: { "www-authenticate": challenge },
  });
}

function bearerOf(header: string | undefined): string | null {
  return header?.match(/^Bearer +([^ ]+) *$/i)?.[1] ?? null;
}

function basicPasswordOf(header: string | undefined): string | null {
  const encoded = header?.match(/^Basic +([A-Za-z0-9+/=]+) *$/i)?.[1];
  if (encoded === undefined || encoded.length % 4 !== 0) return null;
  const credentials = new TextDecoder().decode(
    Uint8Array.from(atobOrEmpty(encoded), (char) => char.charCodeAt(0)),
  );
  const colon = credentials.indexOf(":");
  return colon < 0 ? null : credentials.slice(colon + 1);
}

function atobOrEmpty(encoded: string): string {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(encoded) ? atob(encoded) : "";
}

/** Compares digests, so that neither the content nor the length of the token shows in the time taken. */
function matches(given: string | null, expected: string | null): boolean {
  if (given === null || expected === null || expected === "") return false;
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
