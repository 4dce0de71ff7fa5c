/**
 * Content negotiation (RFC 9110 §12.5.1): a route names the one type that it offers, anything else is 406.
 */
import type { MiddlewareHandler } from "hono";
import { parseAccept } from "hono/utils/accept";
import type { ApiEnv } from "./context.ts";
import { problem } from "./problem.ts";

/** Lets a request pass when its `Accept` allows one of the offered media types. */
export function offers(...types: readonly string[]): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const accept = c.req.header("accept");
    if (accept === undefined || accept === "*/*" || types.some((type) => isAcceptable(accept, type))) {
      return await next();
    }
    return problem(c, {
      status: 406,
      kind: "not-acceptable",
      title: "Not acceptable",
      detail: `Accept is "${accept}"; this resource is available as ${types.join(" or ")}`,
      extensions: { available: types },
    });
  };
}

/** The most specific range that covers the type decides; quality 0 refuses it. */
export function isAcceptable(accept: string, type: string): boolean {
  const main = type.slice(0, type.indexOf("/"));
  const ranges = parseAccept(accept);
  for (const wanted of [type, `${main}/*`, "*/*"]) {
    const range = ranges.find((candidate) => candidate.type.toLowerCase() === wanted);
    if (range !== undefined) return range.q > 0;
  }
  return false;
}
