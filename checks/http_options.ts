/** The options of the http check, and what nginx's borrows of them: what to ask and which answer passes. */
import * as z from "zod";
import { absolutePath, regex } from "./check.ts";
import { parseEndpoint } from "./connection.ts";
import { bodyLimit } from "./http_message.ts";
import { connectPort, connectTimeout, originFields } from "./origin.ts";

/** First and last status code of a range that passes. */
export type StatusRange = readonly [number, number];

function parseStatus(text: string): StatusRange | undefined {
  const [, single, from, to, hundreds] = /^(?:([1-5]\d\d)|([1-5]\d\d)-([1-5]\d\d)|([1-5])xx)$/.exec(text) ??
    [];
  if (single !== undefined) return [Number(single), Number(single)];
  if (hundreds !== undefined) return [Number(hundreds) * 100, Number(hundreds) * 100 + 99];
  if (from === undefined || to === undefined || Number(from) > Number(to)) return undefined;
  return [Number(from), Number(to)];
}

const statusError = 'expected a status code such as 200, "200-299" or "2xx"';
const oneStatus = z.union([z.int(), z.string()], statusError).transform((given, context) => {
  const range = parseStatus(String(given));
  if (range !== undefined) return range;
  context.addIssue({ code: "custom", message: statusError });
  return z.NEVER;
});
const status = z.union([oneStatus.transform((range) => [range]), z.array(oneStatus).min(1)], statusError);

const digest = z.string().regex(
  /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}|sha1:[0-9a-f]{40}|md5:[0-9a-f]{32})$/i,
  {
    error: 'expected an algorithm and hex such as "sha256:9f86…" or "md5:098f…"',
  },
);

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const expectation = z.strictObject({
  status: status.prefault("200-399").describe(
    'Status codes that pass: 200, "200-299", "2xx" or a list of these',
  ),
  headers: z.record(z.string().regex(token), z.union([z.string(), z.boolean()])).optional().describe(
    "Headers of the answer: text that the value must contain, true (it must be there) or false (it must not)",
  ),
  body: z.string().optional().describe("Text that the body must contain"),
  max_size: z.int().min(0).max(bodyLimit).optional().describe("A body of more octets fails"),
  regex: regex.optional().describe("Regular expression that the body must match"),
  digest: digest.optional().describe('Digest of the whole body, such as "sha256:<hex>" or "md5:<hex>"'),
  json: z.record(z.string().min(1), scalar).optional()
    .describe('Values in a JSON body by dotted path, such as { "status" = "ok", "nodes.0.up" = true }'),
});
export type Expectation = z.output<typeof expectation>;

export const expectOption = expectation.prefault({}).describe("What the answer must look like");

export const url = z.url({ protocol: /^https?$/, error: "expected an http:// or https:// URL" });

export const tlsOptions = z.strictObject({
  verify: z.boolean().default(true).describe("Verify the server's certificate and name"),
  server_name: z.string().min(1).optional().describe(
    "Name for SNI and verification; default: the host that is named",
  ),
  ca: absolutePath.optional().describe("PEM file of authorities to trust besides the system's"),
  cert: absolutePath.optional().describe("PEM file of the client's certificate"),
  key: absolutePath.optional().describe("PEM file of the client's key"),
});
export type TlsOptions = z.output<typeof tlsOptions> & { readonly min_version?: "1.2" | "1.3" };

const httpTls = tlsOptions.safeExtend({
  min_version: z.enum(["1.2", "1.3"]).default("1.2").describe(
    "A server that chooses an older version of TLS fails",
  ),
});

const headerValue = z.string().regex(/^[^\r\n\0]*$/, { error: "expected a value without line breaks" });
const headers = z.record(z.string().regex(token), headerValue, {
  error: (issue) => issue.code === "invalid_key" ? "expected a header name" : undefined,
});

export const httpOptions = z.strictObject({
  url: url.optional().describe("What to ask for; for a real server give `path` instead, or nothing"),
  path: z.string().startsWith("/").optional().describe("Path and query to ask a real server for; default /"),
  scheme: z.enum(["http", "https"]).optional().describe("How to ask a real server; default http"),
  virtual_host: z.string().regex(/^[^\s/@]+$/, { error: "expected a host name, or host:port" }).optional()
    .describe("Virtual host to ask a real server for: Host and, with https, SNI and the name to verify"),
  connect_to: z.string().refine((text) => parseEndpoint(text, 80), {
    error: "expected address or address:port",
  })
    .optional()
    .describe(
      "address or address:port to connect to in place of the URL's host, which stays in Host and SNI",
    ),
  connect_port: connectPort,
  connect_timeout: connectTimeout,
  ...originFields,
  method: z.string().regex(token, { error: "expected an HTTP method" }).default("GET").describe(
    "HTTP method",
  ),
  headers: headers.default({})
    .describe("Request headers; Host names the virtual host"),
  body: z.string().optional().describe("Request body"),
  http_version: z.enum(["1.0", "1.1"]).default("1.1").describe("Version that the request has"),
  basic_auth: z.strictObject({
    username: z.string().describe("User name"),
    password: z.string().optional().describe("Password; ${ENV_NAME} keeps it out of the file"),
    password_file: absolutePath.optional().describe("File with the password, read at each look"),
  }).refine(({ password, password_file }) => (password === undefined) !== (password_file === undefined), {
    error: "give password or password_file",
    path: ["password"],
  }).optional().describe("Credentials sent with each request to the URL's own origin"),
  bearer_token_file: absolutePath.optional().describe(
    "File with a bearer token for the Authorization header, read at each look",
  ),
  tls: httpTls.prefault({}).describe("TLS of https"),
  follow_redirects: z.boolean().default(false).describe(
    "Follow up to 10 redirects and judge the last answer",
  ),
  expect: expectOption,
}).refine((options) => options.url === undefined || options.path === undefined, {
  error: "give url or path, not both",
  path: ["path"],
}).refine((options) => options.url === undefined || options.scheme === undefined, {
  error: "the url has a scheme already",
  path: ["scheme"],
}).refine((options) => options.url === undefined || options.virtual_host === undefined, {
  error: "the url has a host already",
  path: ["virtual_host"],
}).refine(
  ({ basic_auth, bearer_token_file }) => basic_auth === undefined || bearer_token_file === undefined,
  {
    error: "there is one Authorization header: give basic_auth or bearer_token_file",
    path: ["bearer_token_file"],
  },
).refine(({ tls }) => (tls.cert === undefined) === (tls.key === undefined), {
  error: "cert and key go together",
  path: ["tls"],
});
export type HttpOptions = z.output<typeof httpOptions>;
