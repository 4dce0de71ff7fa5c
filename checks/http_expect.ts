/** Judges an HTTP answer against what the configuration expects. */
import { createHash } from "node:crypto";
import type { Answer } from "./http_message.ts";
import type { Expectation, StatusRange } from "./http_options.ts";

/** What is wrong with the answer, as an operator reads it; undefined when it is as expected. */
export function judge(answer: Answer, expected: Expectation): string | undefined {
  return judgeStatus(answer.status, expected.status) ?? judgeHeaders(answer.headers, expected.headers) ??
    judgeSize(answer, expected.max_size) ?? judgeBody(answer, expected);
}

function judgeStatus(status: number, ranges: readonly StatusRange[]): string | undefined {
  if (ranges.some(([from, to]) => status >= from && status <= to)) return undefined;
  const wanted = ranges.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`).join(", ");
  return `status ${status}, expected ${wanted}`;
}

function judgeHeaders(headers: Headers, expected: Expectation["headers"]): string | undefined {
  for (const [name, wanted] of Object.entries(expected ?? {})) {
    const value = headers.get(name);
    if (wanted === false) {
      if (value !== null) return `there is a header ${name}`;
    } else if (value === null) return `there is no header ${name}`;
    else if (wanted !== true && !value.includes(wanted)) {
      return `the header ${name} is ${JSON.stringify(value.slice(0, 60))}, expected ${
        JSON.stringify(wanted)
      }`;
    }
  }
  return undefined;
}

function judgeSize({ body, cut }: Answer, limit: number | undefined): string | undefined {
  if (limit === undefined || (!cut && body.length <= limit)) return undefined;
  return `the body has more than ${limit} bytes`;
}

function judgeBody(answer: Answer, { body, regex, digest, json }: Expectation): string | undefined {
  if ([body, regex, digest, json].every((part) => part === undefined)) return undefined;
  const encoding = answer.headers.get("content-encoding")?.toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    return `the body is compressed (${encoding.slice(0, 20)}), which no Accept-Encoding of vipd asks for`;
  }
  const text = new TextDecoder().decode(answer.body);
  // A cut body can still prove what it contains, but not what it is as a whole.
  if (body !== undefined && !text.includes(body)) return `the body does not contain ${JSON.stringify(body)}`;
  if (regex !== undefined && !regex.test(text)) return `the body does not match ${regex}`;
  if (answer.cut && (digest ?? json) !== undefined) {
    return `the body is longer than ${answer.body.length} bytes`;
  }
  return judgeDigest(answer.body, digest) ?? judgeJson(text, json);
}

function judgeDigest(body: Uint8Array, expected: string | undefined): string | undefined {
  const [algorithm] = expected?.toLowerCase().split(":") ?? [];
  if (algorithm === undefined) return undefined;
  const actual = digestOf(algorithm, body);
  return actual === expected?.toLowerCase() ? undefined : `the body's digest is ${actual}`;
}

/** As `expect.digest` has it: "sha256:9f86…"; `algorithm` is sha256, sha512, sha1 or md5. */
export function digestOf(algorithm: string, body: Uint8Array): string {
  return `${algorithm}:${createHash(algorithm).update(body).digest("hex")}`;
}

function judgeJson(text: string, expected: Expectation["json"]): string | undefined {
  if (expected === undefined) return undefined;
  const document = parse(text);
  if (document === undefined) return "the body is not JSON";
  for (const [path, wanted] of Object.entries(expected)) {
    const actual = path.split(".").reduce(member, document.value);
    if (actual !== wanted) {
      return `${path} is ${JSON.stringify(actual) ?? "missing"}, expected ${JSON.stringify(wanted)}`;
    }
  }
  return undefined;
}

function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A member of an object, or an element of an array by its index; nothing that is inherited. */
function member(value: unknown, key: string): unknown {
  const isOwn = typeof value === "object" && value !== null && Object.hasOwn(value, key);
  return isOwn ? Reflect.get(value, key) : undefined;
}
