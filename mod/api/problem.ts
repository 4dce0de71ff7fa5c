/** RFC 9457 problem responses: every error that the API answers with, in one shape. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

export const PROBLEM_JSON = "application/problem+json";

/**
 * What is wrong with a request, as the client reads it. `kind` becomes the last part of the problem's `type`
 * URI.
 */
export interface ProblemDetails {
  readonly status: ContentfulStatusCode;
  readonly kind: string;
  readonly title: string;
  readonly detail: string;
  /** Further members of the problem object, such as `reasons` (RFC 9457 §3.2). */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers with `application/problem+json`; never cached. */
export function problem(c: Context, details: ProblemDetails): Response {
  const { status, kind, title, detail, extensions = {}, headers = {} } = details;
  const body = {
    type: `urn:vipd:problem:${kind}`,
    title,
    status,
    detail,
    instance: c.req.path,
    ...extensions,
  };
  return c.body(JSON.stringify(body) + "\n", status, {
    "content-type": PROBLEM_JSON,
    "cache-control": "no-store",
    ...headers,
  });
}
