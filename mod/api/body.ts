/** Bodies of requests: JSON that fits a schema, or a 400 problem that says what would. */
import type { Context } from "hono";
import type * as z from "zod";
import type { ApiEnv } from "./context.ts";
import { problem } from "./problem.ts";

/** The body, or the response that refuses it. No body is `{}`; `expected` is for people. */
export async function readBody<T>(
  c: Context<ApiEnv>,
  schema: z.ZodType<T>,
  expected: string,
): Promise<{ readonly body: T } | { readonly refusal: Response }> {
  const parsed = schema.safeParse(parse(await c.req.text()));
  if (parsed.success) return { body: parsed.data };
  const refusal = problem(c, {
    status: 400,
    kind: "invalid-request",
    title: "The request is not understood",
    detail: `Expected ${expected}`,
  });
  return { refusal };
}

/** Null for what is no JSON: no schema accepts that. */
function parse(text: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
